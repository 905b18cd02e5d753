"""The JavaScript that every page of charts holds: made once for an installation, not for a home."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from importlib.metadata import version
from importlib.util import cache_from_source
from pathlib import Path

from kg_assets.matching.reporting.drawing import Drawing, draw


def library(reports: Path) -> str:
    """The JavaScript that draws a page's charts.

    Making it takes more than a second. So it is kept beside the bytecode of this module, as Python
    keeps that, and where nothing can be written there, in the folder of the reports.

    Args:
        reports: That folder.
    """
    name = f"vega-{version('vl-convert-python')}.js"
    places = [reports / f".{name}"]
    if not sys.dont_write_bytecode:
        places.insert(0, Path(cache_from_source(__file__)).with_name(name))
    for place in places:
        if place.is_file():
            return place.read_text(encoding="utf-8")
    made = draw([Drawing("library")])[0]
    for place in places:
        if _is_kept(place, made):
            break
    return made.decode()


def _is_kept(place: Path, content: bytes) -> bool:
    """Write a file, of which others see all or nothing; False where it cannot be written."""
    partial = place.with_name(f".{place.name}.{os.getpid()}")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(content)
        partial.replace(place)
    except OSError:
        # A folder of the installation may be another user's. A full disk says so elsewhere.
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        return False
    return True
