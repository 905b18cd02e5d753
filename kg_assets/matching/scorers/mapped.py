"""What is read of records in files that are made once on a machine, and that every shard maps."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from kg_assets.matching.scorers.machine import Columns
from kg_assets.matching.scorers.numbered import Numbered

if TYPE_CHECKING:
    from pathlib import Path

FORMAT = "words of records, 1"
"""Names the files of a folder; another where they hold something else."""

_FACTS = "facts.json"


def keep(folder: Path, columns: Columns, records: Numbered) -> None:
    """Write what was read of records into an empty folder.

    Args:
        folder: The folder.
        columns: Their columns.
        records: Their ids and numbers.
    """
    ids = records.ids
    arrays = {
        **{name: getattr(columns, name) for name in ("rows", "elements", "bounds", "pool")},
        "rank": records.rank,
        "by_hash": records.by_hash,
        "buckets": records.buckets,
        "id_bounds": np.frombuffer(ids.buffers()[1] or bytes(4), np.int32)[: len(ids) + 1],
        "id_bytes": np.frombuffer(ids.buffers()[2] or b"", np.uint8),
    }
    if records.number is not None:
        arrays["number"] = records.number
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)
    facts = {
        "longest": columns.longest,
        "in_order": records.number is None,
        "salt": records.salt,
        "hashing": records.hashing,
    }
    (folder / _FACTS).write_text(json.dumps(facts), encoding="utf-8")


def mapped(folder: Path) -> tuple[Columns, Numbered]:
    """What `keep` wrote into a folder, mapped into memory."""
    facts = json.loads((folder / _FACTS).read_text(encoding="utf-8"))

    def array(name: str) -> Any:
        return np.load(folder / f"{name}.npy", mmap_mode="r")

    rank = array("rank")
    bounds, text = (pa.py_buffer(array(name)) for name in ("id_bounds", "id_bytes"))
    columns = Columns(
        rows=array("rows"),
        elements=array("elements"),
        bounds=array("bounds"),
        pool=array("pool"),
        longest=facts["longest"],
    )
    return columns, Numbered(
        ids=pa.StringArray.from_buffers(len(rank), bounds, text),
        number=None if facts["in_order"] else array("number"),
        rank=rank,
        by_hash=array("by_hash"),
        buckets=array("buckets"),
        salt=facts["salt"],
        hashing=facts["hashing"],
    )
