"""The built-in adapter: files of canonical records, for sources that bring no adapter."""

from __future__ import annotations

import pyarrow as pa

from kg_assets.sources.adapter import CANONICAL_COLUMNS, POSITION_COLUMNS, Adapter, Rhythm
from kg_assets.sources.record import RECORD_SCHEMA

FIELDS = pa.schema(
    # Required fields may be missing in a file; the contract says so for each blob.
    [RECORD_SCHEMA.field(name).with_nullable(True) for name in CANONICAL_COLUMNS]
)
"""The canonical record less ``source``: that is the folder's name, whatever a line says."""


def canonical_adapter(source: str) -> Adapter:
    """Returns the adapter of a source that has none of its own.

    Args:
        source: Name of the source.
    """
    columns = ", ".join(f'"{name}"' for name in (*POSITION_COLUMNS, *CANONICAL_COLUMNS))
    return Adapter(
        source=source,
        title="Canonical records",
        licence="as its owner says",
        homepage="docs/SOURCES.md",
        fields=FIELDS,
        select=f"SELECT {columns} FROM blobs",  # noqa: S608 - the columns are the contract's
        rhythm=Rhythm(None, "its deliveries say in delivery.json when the next is expected"),
    )
