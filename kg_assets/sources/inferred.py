"""The source `inferred`: what this program itself delivers, one full delivery after another.

Deliveries of it lie in the landing zone like all others, `landing/inferred/<namespace>.<number>`.
A namespace reads its own only: what one person's experiments infer is no news for others.
"""

from __future__ import annotations

import json
import re
import secrets
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

from kg_assets.sources.adapter import Rhythm
from kg_assets.sources.canonical import canonical_adapter
from kg_assets.sources.deliveries import MANIFEST, SUCCESS, Delivery

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from kg_assets.sources.adapter import Adapter

INFERRED = "inferred"
"""Name of the source."""

RECORDS = "records.json"
"""The one file of its deliveries: an array with a record a line, empty where nothing is inferred
any more; an empty file of lines would be quarantined."""

RANK = 1_000
"""What a source says itself goes before what was inferred."""

_NAME = re.compile(r"([a-z0-9][a-z0-9_-]{0,39})\.(\d{6,18})")


def inferred_adapter() -> Adapter:
    """Returns the adapter of the source: canonical records, ranked last."""
    return replace(
        canonical_adapter(INFERRED),
        title="Types and entities that this program inferred",
        licence="as that of the sources that it was inferred from",
        rank=RANK,
        rhythm=Rhythm(None, "it delivers where something was inferred, which no clock decides"),
    )


def is_foreign(source: str, delivery: str, namespace: str) -> bool:
    """Whether a delivery is another namespace's inference, or nobody's."""
    if source != INFERRED:
        return False
    match = _NAME.fullmatch(delivery)
    return match is None or match[1] != namespace


def deliver(landing: Path, namespace: str, lines: Iterable[str]) -> Delivery | None:
    """Land what is inferred now as the next full delivery, if it differs from the last one.

    Args:
        landing: The landing zone.
        namespace: Whose inference it is.
        lines: Canonical records as JSON objects, in order of their key.

    Returns:
        The delivery, or None where the last one says the same, or where nothing was ever
        inferred and nothing is now. Its name is the namespace and the next number, so the same
        history gives the same names.
    """
    folder = landing / INFERRED
    number, last = _last(folder, namespace)
    folder.mkdir(parents=True, exist_ok=True)
    staging = folder / f".{namespace}.{secrets.token_hex(6)}"
    staging.mkdir()
    try:
        empty = True
        with (staging / RECORDS).open("w", encoding="utf-8", newline="\n") as stream:
            stream.write("[")
            for line in lines:
                stream.write(("\n" if empty else ",\n") + line)
                empty = False
            stream.write("\n]\n")
        if last is None and empty:
            return None
        if last is not None and _same(last / RECORDS, staging / RECORDS):
            return None
        manifest = {"sequence": number + 1, "mode": "full", "duplicate_free": False}
        (staging / MANIFEST).write_text(json.dumps(manifest) + "\n", encoding="utf-8")
        (staging / SUCCESS).touch()
        target = Delivery(
            INFERRED, f"{namespace}.{number + 1:06d}", folder / f"{namespace}.{number + 1:06d}"
        )
        staging.rename(target.path)
        return target
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _last(folder: Path, namespace: str) -> tuple[int, Path | None]:
    found = [
        (int(match[2]), path)
        for path in (folder.iterdir() if folder.is_dir() else ())
        if (match := _NAME.fullmatch(path.name)) and match[1] == namespace
    ]
    return max(found, default=(0, None))


def _same(left: Path, right: Path) -> bool:
    try:
        if left.stat().st_size != right.stat().st_size:
            return False
        with left.open("rb") as one, right.open("rb") as other:
            while piece := one.read(1 << 20):
                if piece != other.read(1 << 20):
                    return False
    except FileNotFoundError:
        return False
    return True
