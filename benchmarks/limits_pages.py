"""What the UI's pages take in a browser, with the webserver as `kg ui` starts it.

For each page: seconds until something is painted, until what it is opened for is drawn and until it
asks for nothing more, and processor time of the server and of the browser. Of the GraphQL requests
the one for whose answer the server took longest: from the last byte of the question to the head of
the answer, as the browser's network stack sees it. And the name whose answers took longest in all,
since some are asked ten assets at a time. The first opening finds empty caches in server and
browser, the second does not.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
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

_PAINTED = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
"""When the browser first painted anything of the page that is more than a background."""

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
                for again in ("", ", again"):
                    browser.new_tab()
                    asked = _Requests()
                    browser.hear(asked.hear)
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
    answered: float = 0.0
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
        if event == "Network.responseReceived" and "timing" in said["response"]:
            timing = said["response"]["timing"]
            known.answered = (timing["receiveHeadersEnd"] - timing["sendEnd"]) / 1_000
        elif event == "Network.dataReceived":
            known.bytes += said["dataLength"]
        elif event in ("Network.loadingFinished", "Network.loadingFailed"):
            known.ended = said["timestamp"]

    def waits(self) -> bool:
        """Whether an answer is still to come."""
        return any(one.ended is None for one in self.found.values())


def _open(
    browser: Browser, asked: _Requests, server: int, address: str, page: Page, again: str
) -> None:
    before, own = _times(server), _times(browser.process.pid)
    browser.go(address + page.path)
    try:
        # The browser's own clock, which begins with the address.
        browser.wait("document.body !== null && location.protocol !== 'about:'")
        seconds = browser.wait(f"({page.drawn}) && performance.now()") / 1_000
        painted = browser.wait(_PAINTED) / 1_000
    except BrowserError as error:
        print(f"{page.name + again:<36} {error}", flush=True)
        return
    spent, shown = _spent(server, before), _spent(browser.process.pid, own)
    rest = _let_finish(browser, asked)
    print(
        f"{page.name + again:<41} {painted:6.2f} s until painted {seconds:6.2f} s until drawn "
        f"{rest:6.2f} s until at rest\n{'':<41} processor: server {spent:.2f} s, browser "
        f"{shown:.2f} s until drawn; server {_spent(server, before):.2f} s until at rest",
        flush=True,
    )
    done = [one for one in asked.found.values() if one.ended is not None]
    if done:
        slowest = max(done, key=lambda one: one.answered)
        print(
            f"{'':<41} slowest answer of {len(done)}: {slowest.answered:.2f} s, {slowest.name}, "
            f"{slowest.bytes:,} of {sum(one.bytes for one in done):,} bytes",
            flush=True,
        )
        asked_most: dict[str, list[float]] = defaultdict(list)
        for one in done:
            asked_most[one.name].append(one.answered)
        name, answers = max(asked_most.items(), key=lambda item: sum(item[1]))
        print(
            f"{'':<41} longest together: {sum(answers):.2f} s, {len(answers)} answers to {name}",
            flush=True,
        )


def _let_finish(browser: Browser, asked: _Requests) -> float:
    """Wait until the page has all that it asks for; seconds of the page's clock until then."""
    end, quiet = time.monotonic() + _MOST_SECONDS, time.monotonic()
    last = 0.0
    while time.monotonic() < min(end, quiet + _QUIET_SECONDS):
        now = float(browser.value("performance.now()")) / 1_000
        if asked.waits() or not last:
            quiet, last = time.monotonic(), now
        time.sleep(0.05)
    return last


def _times(process: int) -> dict[int, float]:
    """Processor time of a process and of all below it, seconds."""
    import psutil

    top = psutil.Process(process)
    found = {}
    for one in (top, *top.children(recursive=True)):
        try:
            times = one.cpu_times()
        except psutil.Error:
            continue
        found[one.pid] = times.user + times.system
    return found


def _spent(process: int, before: Mapping[int, float] | None = None) -> float:
    """Processor time since `_times`, seconds; what has ended since is not in it."""
    known = before or {}
    return sum(time - known.get(pid, 0.0) for pid, time in _times(process).items())
