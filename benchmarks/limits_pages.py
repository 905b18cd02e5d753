"""What the UI's pages take in a browser, with the webserver as `kg ui` starts it.

For each page: seconds until what it is opened for is drawn, processor time of the server and of the
browser, and the slowest of the GraphQL requests as the browser sees them. The first opening finds
empty caches in server and browser, the second does not.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import URLError
from urllib.request import urlopen

from benchmarks.browser import CHROMIUM, Browser, BrowserError

if TYPE_CHECKING:
    from resources.settings import Settings

_START_SECONDS = 300
_QUIET_SECONDS = 1.0
"""A page has asked for all that it wants when it has waited for no answer for so long."""

_MOST_SECONDS = 30.0
"""Some pages ask again and again; what they are still waiting for then is not waited for."""


@dataclass(frozen=True)
class Page:
    """A page of the UI.

    Attributes:
        name: What it shows.
        path: Its address.
        drawn: An expression of JavaScript that is true once this is seen.
    """

    name: str
    path: str
    drawn: str


def _seen(*words: str) -> str:
    """Whether all words stand on the page."""
    return f"{json.dumps(words)}.every(each => document.body.innerText.includes(each))"


PAGES = (
    Page("all assets as a graph", "/asset-groups", _seen("matching", "inference", "sources")),
    Page("film/match_scores", "/assets/film/match_scores", _seen("match_scores", "preview")),
    Page(
        "film/match_scores, tab Partitions",
        "/assets/film/match_scores?view=partitions",
        _seen("Partitions Selected", "Materialized ("),
    ),
    Page(
        "raw_blobs, tab Partitions",
        "/assets/raw_blobs?view=partitions",
        _seen("Partitions Selected", "source0|d00"),
    ),
    Page("runs", "/runs", _seen("kg/lane")),
    Page(
        "overview, timeline", "/overview/activity/timeline", _seen("Jobless asset materializations")
    ),
)


def needs_browser() -> None:
    """End with a message where no browser is installed."""
    if CHROMIUM is None:
        raise SystemExit(
            "no Chromium is installed, so the pages of the UI cannot be measured; install it with: "
            "apt-get install chromium"
        )


def measure_pages(settings: Settings, scratch: Path, pictures: Path | None = None) -> None:
    """Open each page twice and print what it took.

    Args:
        settings: The home that the UI shows.
        scratch: A folder for the browser.
        pictures: A folder for pictures of the pages, None for none.
    """
    if pictures is not None:
        pictures.mkdir(parents=True, exist_ok=True)
    with _server(settings, scratch) as (server, address):
        # A browser of its own for each page, so that each is opened with an empty cache once.
        for number, page in enumerate(PAGES):
            folder = scratch / f"browser-{number}"
            folder.mkdir()
            with Browser(folder) as browser:
                asked = _Requests()
                browser.hear(asked.hear)
                for again in ("", ", again"):
                    _open(browser, asked, server, address, page, again)
                if pictures is not None:
                    browser.picture(pictures / f"{page.name.replace('/', '-')}.png")


@contextmanager
def _server(settings: Settings, scratch: Path) -> Iterator[tuple[int, str]]:
    """The webserver on loopback; gives its process id and address."""
    from kg_assets.cli.ui import WORKSPACE
    from kg_assets.instance import prepare_home

    prepare_home(settings)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    where = ["-w", str(WORKSPACE), "-h", "127.0.0.1", "-p", str(port)]
    with (scratch / "server.log").open("w") as log:
        started = time.perf_counter()
        server = subprocess.Popen(
            [sys.executable, "-m", "dagster_webserver", *where], stdout=log, stderr=log
        )
        try:
            address = f"http://127.0.0.1:{port}"
            _wait_for(server, address, scratch / "server.log")
            print(
                f"{'start of the webserver':<36} {time.perf_counter() - started:6.2f} s of wall, "
                f"{_spent(server.pid):6.2f} s of processor",
                flush=True,
            )
            yield server.pid, address
        finally:
            server.terminate()
            server.wait()


def _wait_for(server: subprocess.Popen[bytes], address: str, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urlopen(f"{address}/server_info", timeout=10):
                return
        except (URLError, OSError):
            time.sleep(0.1)
    raise RuntimeError(f"the webserver did not start:\n{log.read_text()[-2_000:]}")


@dataclass
class _Request:
    name: str
    began: float
    ended: float | None = None
    bytes: int = 0


class _Requests:
    """The GraphQL requests of a page, as the browser tells of them."""

    def __init__(self) -> None:
        self.found: dict[str, _Request] = {}

    def hear(self, event: str, said: dict[str, Any]) -> None:
        """Take note of an event."""
        if event == "Network.requestWillBeSent" and "/graphql" in said["request"]["url"]:
            body = json.loads(said["request"].get("postData", "{}"))
            name = str(body.get("operationName"))
            self.found[said["requestId"]] = _Request(name, said["timestamp"])
        known = self.found.get(str(said.get("requestId")))
        if known is None:
            return
        if event == "Network.dataReceived":
            known.bytes += said["dataLength"]
        elif event in ("Network.loadingFinished", "Network.loadingFailed"):
            known.ended = said["timestamp"]

    def waits(self) -> bool:
        """Whether an answer is still to come."""
        return any(one.ended is None for one in self.found.values())


def _open(
    browser: Browser, asked: _Requests, server: int, address: str, page: Page, again: str
) -> None:
    asked.found.clear()
    before, own = _spent(server), _spent(browser.process.pid)
    browser.go("about:blank")
    browser.go(address + page.path)
    try:
        # The browser's own clock, which begins with the address.
        browser.wait("document.body !== null && location.protocol !== 'about:'")
        seconds = browser.wait(f"({page.drawn}) && performance.now()") / 1_000
    except BrowserError as error:
        print(f"{page.name + again:<36} {error}", flush=True)
        return
    spent, own = _spent(server) - before, _spent(browser.process.pid) - own
    _let_finish(browser, asked)
    _print(page.name + again, seconds, spent, own)
    all_in_all = _spent(server) - before
    done = [(one.ended - one.began, one) for one in asked.found.values() if one.ended is not None]
    if done:
        took, slowest = max(done, key=lambda each: each[0])
        size = sum(one.bytes for _, one in done)
        print(
            f"{'':<36} {took:6.2f} s the slowest of {len(done)} requests, {slowest.name}, "
            f"{slowest.bytes:,} of {size:,} bytes; server {all_in_all:.2f} s until at rest",
            flush=True,
        )


def _let_finish(browser: Browser, asked: _Requests) -> None:
    """Wait until the page has all that it asks for."""
    end, quiet = time.monotonic() + _MOST_SECONDS, time.monotonic()
    while time.monotonic() < min(end, quiet + _QUIET_SECONDS):
        browser.value("1")
        if asked.waits():
            quiet = time.monotonic()
        time.sleep(0.05)


def _spent(process: int) -> float:
    """Processor time of a process and of all below it, seconds."""
    import psutil

    top = psutil.Process(process)
    total = 0.0
    for one in (top, *top.children(recursive=True)):
        try:
            times = one.cpu_times()
        except psutil.Error:
            continue
        total += times.user + times.system
    return total


def _print(what: str, seconds: float, server: float, browser: float) -> None:
    print(
        f"{what:<36} {seconds:6.2f} s until drawn, processor: server {server:6.2f} s, "
        f"browser {browser:6.2f} s",
        flush=True,
    )
