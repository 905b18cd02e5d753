"""`kg land`: files into the landing zone. It loads nothing of what builds, which takes a second."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kg_assets.cli.render import clean, console, fail
from kg_assets.sources.deliveries import MANIFEST, MAX_MANIFEST_BYTES, parse_manifest
from kg_assets.sources.landing import LandingError, land

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from resources.settings import Settings


def land_files(settings: Settings, source: str, files: Sequence[Path], delivery: str | None) -> int:
    """Land files as one delivery and say where they are."""
    try:
        for file in files:
            # A build would refuse it too, but only when it comes to it.
            if file.name == MANIFEST and file.is_file():
                with file.open("rb") as stream:
                    parse_manifest(stream.read(MAX_MANIFEST_BYTES + 1), file)
        landed = land(settings.landing_path, source, files, delivery)
    except LandingError as error:
        fail(str(error))
    word = "landed as" if landed.changed else "is there already, with the same content:"
    console.print(f"{clean(source)}: {len(files)} files {word} {clean(landed.delivery.key)}")
    return 0
