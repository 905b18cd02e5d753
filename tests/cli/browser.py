"""A browser for the tests of pages: Chromium, driven over its debugging pipe."""

from __future__ import annotations

import itertools
import json
import os
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("chrome")

_SWITCHES = (
    "headless no-sandbox disable-gpu disable-quic no-first-run disable-background-networking "
    "disable-component-update disable-sync disable-dev-shm-usage remote-debugging-pipe"
)
_START = """
import fcntl, os, sys
ends = [fcntl.fcntl(int(end), fcntl.F_DUPFD, 10) for end in sys.argv[1:3]]
for place, end in enumerate(ends, 3):
    os.dup2(end, place)
os.execv(sys.argv[3], sys.argv[3:])
"""
_PATIENCE = 60.0
"""Seconds until a page that never becomes what is waited for fails the test."""


class Browser:
    """One page in a browser of its own; what it downloads goes into ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._numbers = itertools.count(1)
        self._rest = b""
        # The browser reads commands from its descriptor 3 and writes answers to 4.
        here, out = os.pipe()
        back, there = os.pipe()
        switches = [f"--{each}" for each in _SWITCHES.split()]
        command = [str(CHROMIUM), *switches, f"--user-data-dir={folder / 'profile'}"]
        self._process = subprocess.Popen(
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

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._out)
        os.close(self._in)

    def _call(self, method: str, **params: Any) -> Any:
        number = self._send(method, params)
        while True:
            while b"\0" not in self._rest:
                ready, _, _ = select.select([self._in], [], [], _PATIENCE)
                assert ready, f"the browser says nothing to {method}"
                part = os.read(self._in, 65_536)
                assert part, f"the browser ended at {method}"
                self._rest += part
            raw, self._rest = self._rest.split(b"\0", 1)
            answer = json.loads(raw)
            if answer.get("method") == "Page.javascriptDialogOpening":
                # A page with choices that are not saved asks whether it may be left.
                self._send("Page.handleJavaScriptDialog", {"accept": True})
            if answer.get("id") == number:
                assert "error" not in answer, answer
                return answer["result"]

    def _send(self, method: str, params: dict[str, Any]) -> int:
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        return number

    def open(self, page: Path) -> None:
        """Open a file, and wait until it is there."""
        self._call("Page.navigate", url=page.as_uri())
        self.wait(f"location.href === {json.dumps(page.as_uri())}")
        self.wait("document.readyState === 'complete'")

    def value(self, expression: str) -> Any:
        """What an expression of JavaScript gives."""
        found = self._call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def wait(self, expression: str) -> None:
        """Wait until an expression is true."""
        end = time.monotonic() + _PATIENCE
        while not self.value(expression):
            assert time.monotonic() < end, f"never became true: {expression}"
            time.sleep(0.05)

    def press(self, *keys: str) -> None:
        """Press keys one after another, as a person would."""
        for key in keys:
            text = {"text": key} if len(key) == 1 else {}
            self._call("Input.dispatchKeyEvent", type="keyDown", key=key, **text)
            self._call("Input.dispatchKeyEvent", type="keyUp", key=key)
