"""The contract of a table in the lake: its name, columns, key and meaning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

WHOLE = "all"
"""The partition of a table that has only one."""


@dataclass(frozen=True)
class Table:
    """What a table promises to everyone who reads it.

    Attributes:
        name: Asset key joined by ``/``, for example ``film/match_scores``.
        schema: Arrow schema; what is written is cast to it, and a mismatch is an error.
        key: Columns that identify a row; files are sorted by them and they are unique.
        description: One or two sentences for people, shown in the UI.
    """

    name: str
    schema: pa.Schema
    key: tuple[str, ...]
    description: str

    def __post_init__(self) -> None:
        missing = set(self.key) - set(self.schema.names)
        if missing:
            raise ValueError(
                f"table {self.name}: key columns {sorted(missing)} are not in its schema"
            )

    @property
    def asset_key(self) -> list[str]:
        """The parts of the Dagster asset key."""
        return self.name.split("/")
