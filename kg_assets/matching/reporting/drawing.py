"""Drawing of Vega-Lite charts, in a process of its own that ends soon after its last drawing.

The engine that draws keeps more than a hundred megabytes for as long as its process lives, and
takes about as long to start as to draw the charts of a report. So one process draws what is asked
for soon after one another, such as the reports of all types of a small build. This file is also
what that process runs, so it imports nothing of ours.
"""

from __future__ import annotations

import atexit
import base64
import json
import os
import select
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from itertools import takewhile
from typing import Any, Literal

_IDLE_SECONDS = 10
"""How long the process waits for something more to draw, and keeps its memory."""


@dataclass(frozen=True)
class Drawing:
    """What is to be drawn.

    Attributes:
        kind: ``png``, ``svg``, or ``library``: the JavaScript that a page needs to draw by itself.
        spec: The chart; of no meaning for the library.
        scale: Pixels of a PNG for each point of the chart.
    """

    kind: Literal["png", "svg", "library"]
    spec: dict[str, Any] = field(default_factory=dict)
    scale: float = 1.0


class DrawingError(RuntimeError):
    """A chart could not be drawn."""


def draw(wanted: Sequence[Drawing]) -> list[bytes]:
    """Draw charts.

    Args:
        wanted: The drawings.

    Returns:
        The content of a file for each of them, in order.

    Raises:
        DrawingError: A chart is none that Vega-Lite can draw.
    """
    question = json.dumps([asdict(one) for one in wanted]).encode()
    with _lock:
        answer = _answer(question)
    if "error" in answer:
        raise DrawingError(f"a chart could not be drawn: {answer['error']}")
    return [base64.b64decode(one) for one in answer["drawn"]]


def rest() -> None:
    """End the process that draws, whose memory others may need; the next drawing starts another."""
    global _kept
    with _lock:
        painter, _kept = _kept, None
        if painter is not None and painter.owner == os.getpid():
            painter.end()


class _Painter:
    """The process that draws. What it says on its standard error is kept in a file."""

    def __init__(self) -> None:
        self.owner = os.getpid()
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the process
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
        )

    def answer(self, question: bytes) -> dict[str, Any] | None:
        """What it answers to a line of drawings; None if it ended before, as nothing was to do."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        line = b""
        with suppress(BrokenPipeError):
            self._process.stdin.write(question + b"\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        if line.endswith(b"\n"):
            answer: dict[str, Any] = json.loads(line)
            return answer
        code = self.end()
        if code == 0:
            return None
        self._said.seek(0)
        said = self._said.read().decode(errors="replace").strip().splitlines()
        return {"error": said[-1] if said else f"what draws ended with {code}"}

    def stop(self) -> None:
        """End it, whatever it does."""
        self._process.kill()
        self.end()

    def end(self) -> int:
        """Let it end, and return its exit code."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.stdout.close()
        return self._process.wait()

    @property
    def ended(self) -> bool:
        """Whether it has ended."""
        return self._process.poll() is not None


_lock = threading.Lock()
_kept: _Painter | None = None


def _answer(question: bytes) -> dict[str, Any]:
    global _kept
    while True:
        painter, _kept = _kept, None
        # A forked child has pipes of its own: two that speak into one would be mixed up.
        if painter is None or painter.owner != os.getpid() or painter.ended:
            painter = _Painter()
        try:
            answer = painter.answer(question)
        except BaseException:
            # Ctrl-C, say. What it still answers would be taken for the answer to the next one.
            painter.stop()
            raise
        if answer is not None:
            _kept = painter
            return answer


@atexit.register
def _end() -> None:
    # Without the lock, which a thread may hold that is broken off.
    if _kept is not None and _kept.owner == os.getpid():
        _kept.end()


def _drawn(kind: str, spec: dict[str, Any], scale: float) -> bytes:
    import vl_convert

    if kind == "library":
        # Its stub asks for a snippet; without one the bundle is vega-embed itself.
        library: str = vl_convert.javascript_bundle(None)  # type: ignore[arg-type]
        return library.encode()
    if kind == "svg":
        picture: str = vl_convert.vegalite_to_svg(spec)
        return picture.encode()
    drawn: bytes = vl_convert.vegalite_to_png(spec, scale=scale)
    return drawn


def _answered(question: bytes) -> dict[str, Any]:
    try:
        drawn = [_drawn(**one) for one in json.loads(question)]
    except ValueError as error:
        lines = [line.strip() for line in str(error).splitlines()]
        # What was wrong; the places in the JavaScript come after it.
        return {"error": " ".join(takewhile(lambda line: not line.startswith("at "), lines))}
    return {"drawn": [base64.b64encode(one).decode() for one in drawn]}


def _paint() -> None:
    """Answer lines of drawings until none comes for a while, or the one who asks has ended."""
    while select.select([sys.stdin], [], [], _IDLE_SECONDS)[0]:
        question = sys.stdin.buffer.readline()
        if not question:
            return
        sys.stdout.write(json.dumps(_answered(question)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _paint()
