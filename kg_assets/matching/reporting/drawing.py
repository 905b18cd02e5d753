"""Drawing of Vega-Lite charts, in a process of its own that ends with it.

The engine that draws keeps more than a hundred megabytes for as long as its process lives. This
file is also what that process runs, so it imports nothing of ours.
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal


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
    done = subprocess.run(
        [sys.executable, __file__],
        input=json.dumps([asdict(one) for one in wanted]).encode(),
        capture_output=True,
        check=False,
    )
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise DrawingError(f"a chart could not be drawn: {said[-1] if said else done.returncode}")
    return [base64.b64decode(one) for one in json.loads(done.stdout)]


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


if __name__ == "__main__":
    answers = [_drawn(**one) for one in json.load(sys.stdin)]
    json.dump([base64.b64encode(one).decode() for one in answers], sys.stdout)
