"""A browser for pages that are tested or measured: Chromium, driven over its debugging pipe."""

from __future__ import annotations

import base64
import itertools
import json
import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("chrome")

_SWITCHES = (
    "headless no-sandbox disable-gpu disable-quic no-first-run disable-background-networking "
    "disable-component-update disable-sync disable-dev-shm-usage remote-debugging-pipe "
    "window-size=1600,1000"
)
_START = """
import fcntl, os, sys
ends = [fcntl.fcntl(int(end), fcntl.F_DUPFD, 10) for end in sys.argv[1:3]]
for place, end in enumerate(ends, 3):
    os.dup2(end, place)
os.execv(sys.argv[3], sys.argv[3:])
"""
_PATIENCE = 60.0
"""Seconds until a page that never becomes what is waited for is an error."""
_LOOK_SECONDS = 0.05
_POST_BYTES = 65_536
"""Bytes of a request's body that the browser tells, so that its query has a name."""


class BrowserError(RuntimeError):
    """The browser is not there, ended, or a page did not become what was waited for."""


class Browser:
    """One page in a browser of its own; what it downloads goes into ``folder``."""

    def __init__(self, folder: Path) -> None:
        if CHROMIUM is None:
            raise BrowserError("there is no Chromium; install it with: apt-get install chromium")
        self.folder = folder
        self._numbers = itertools.count(1)
        self._rest = b""
        self._heard: Callable[[str, dict[str, Any]], None] = lambda _name, _what: None
        # The browser reads commands from its descriptor 3 and writes answers to 4.
        here, out = os.pipe()
        back, there = os.pipe()
        switches = [f"--{each}" for each in _SWITCHES.split()]
        command = [CHROMIUM, *switches, f"--user-data-dir={folder / 'profile'}"]
        self.process = subprocess.Popen(
            [sys.executable, "-c", _START, str(here), str(there), *command],
            pass_fds=(here, there),
            stderr=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        os.close(here)
        os.close(there)
        self._out, self._in = out, back
        self._session: str | None = None

    def __enter__(self) -> Browser:
        allowed = {"behavior": "allow", "downloadPath": str(self.folder)}
        self._call("Browser.setDownloadBehavior", **allowed)
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        attached = self._call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        self._call("Page.enable")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._out)
        os.close(self._in)

    def _call(self, method: str, **params: Any) -> Any:
        number = self._send(method, params)
        while True:
            while b"\0" not in self._rest:
                ready, _, _ = select.select([self._in], [], [], _PATIENCE)
                if not ready:
                    raise BrowserError(f"the browser says nothing to {method}")
                part = os.read(self._in, 65_536)
                if not part:
                    raise BrowserError(f"the browser ended at {method}")
                self._rest += part
            raw, self._rest = self._rest.split(b"\0", 1)
            answer = json.loads(raw)
            if answer.get("method") == "Page.javascriptDialogOpening":
                # A page with choices that are not saved asks whether it may be left.
                self._send("Page.handleJavaScriptDialog", {"accept": True})
            elif "method" in answer:
                self._heard(answer["method"], answer["params"])
            if answer.get("id") == number:
                if "error" in answer:
                    raise BrowserError(f"{method}: {answer['error']}")
                return answer["result"]

    def _send(self, method: str, params: dict[str, Any]) -> int:
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        return number

    def hear(self, heard: Callable[[str, dict[str, Any]], None]) -> None:
        """Let a function hear what goes over the network: events of the domain Network.

        Args:
            heard: Is given the name of each event and what it says.
        """
        self._heard = heard
        self._call("Network.enable", maxPostDataSize=_POST_BYTES)

    def go(self, address: str) -> None:
        """Leave for an address, and do not wait."""
        self._call("Page.navigate", url=address)

    def open(self, page: Path) -> None:
        """Open a file, and wait until it is there."""
        self.go(page.as_uri())
        self.wait(f"location.href === {json.dumps(page.as_uri())}")
        self.wait("document.readyState === 'complete'")

    def value(self, expression: str) -> Any:
        """What an expression of JavaScript gives."""
        found = self._call("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in found:
            raise BrowserError(f"{expression}: {found['exceptionDetails']}")
        return found["result"].get("value")

    def wait(self, expression: str) -> Any:
        """Wait until an expression is true; give its value."""
        end = time.monotonic() + _PATIENCE
        while not (found := self.value(expression)):
            if time.monotonic() > end:
                raise BrowserError(f"never became true: {expression}")
            time.sleep(_LOOK_SECONDS)
        return found

    def picture(self, file: Path) -> None:
        """Write what is seen into a PNG file."""
        taken = self._call("Page.captureScreenshot", format="png")
        file.write_bytes(base64.b64decode(taken["data"]))

    def press(self, *keys: str) -> None:
        """Press keys one after another, as a person would."""
        for key in keys:
            text = {"text": key} if len(key) == 1 else {}
            self._call("Input.dispatchKeyEvent", type="keyDown", key=key, **text)
            self._call("Input.dispatchKeyEvent", type="keyUp", key=key)
