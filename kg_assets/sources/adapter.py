"""What a source's adapter declares: the fields it reads and the SQL that makes its records."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kg_assets.sources.record import POSITION_FIELDS, RECORD_SCHEMA

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

POSITION_COLUMNS = tuple(position.name for position in POSITION_FIELDS)
"""Columns that tell where a blob lies; every row carries them."""

GIVEN_COLUMNS = (*POSITION_COLUMNS, "row_number")
"""Columns that the view ``blobs`` has beside the adapter's fields."""


@dataclass(frozen=True)
class Adapter:
    """How the blobs of one source become canonical records.

    Attributes:
        source: Name of the source, the folder in the landing zone.
        title: What the source is, for people.
        licence: Licence of its data, as an SPDX identifier where there is one.
        homepage: Where the data comes from.
        fields: What is read of a blob, with its type; other fields are ignored. A value that
            does not fit its type makes the blob a quarantined one.
        select: A SQL SELECT over the view ``blobs``, one row for each of its rows. The view has
            the columns file, table, position, sha256, row_number (1-based place among the rows
            of its file and table) and the fields. The SELECT gives these columns of the canonical
            record that it knows (others are null), the four columns of the place, and may give
            ``problem``: null, or why this blob can be no record. It may use the macros of
            `kg_assets.sources.names`. Countries and languages may be names or codes.
        tables: Tables of a database file that hold records, or null for every file and table.
            Blobs of other tables are counted as skipped.
        duplicate_free: For each entity type, whether no two records of the source are the same
            thing; a type that is absent is not known to be.
        rank: Whose value a golden record takes where sources differ: the lowest rank wins.
    """

    source: str
    title: str
    licence: str
    homepage: str
    fields: pa.Schema
    select: str
    tables: tuple[str, ...] | None = None
    duplicate_free: Mapping[str, bool] = field(default_factory=dict)
    rank: int = 100

    def __post_init__(self) -> None:
        taken = set(self.fields.names) & set(GIVEN_COLUMNS)
        if taken:
            raise ValueError(
                f"adapter {self.source}: the fields {sorted(taken)} have the name of a column "
                f"that every blob has; DuckDB would not know which one is meant"
            )


CANONICAL_COLUMNS = tuple(name for name in RECORD_SCHEMA.names if name != "source")
"""Columns that an adapter may give; the source is the folder's name, not the file's word."""
