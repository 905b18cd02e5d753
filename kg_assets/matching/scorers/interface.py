"""What every scorer is given and gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path
    from typing import TypeAlias

    import duckdb
    import pyarrow as pa

    from kg_assets.matching.model import MatchSpec

    Rows: TypeAlias = duckdb.DuckDBPyRelation | pa.RecordBatchReader
    """Rows of match_scores: a relation in no order, or batches sorted by record_l and record_r that
    can be read once, while the connection does other things."""

    Shared: TypeAlias = Callable[[str, Callable[[Path], None]], Path]
    """Gives a folder of files by a name that says how they are made, and makes them where they are
    not there yet."""


@dataclass(frozen=True)
class Scoring:
    """What is to be scored.

    Attributes:
        spec: The type's match model.
        settings: The trained Splink settings, with what the classifier learnt, if it did.
        pairs_view: Name of a view with record_l, record_r and rule.
        records_view: Name of a view of the type's records.
        frequencies_view: Name of a view of the table term_frequencies.
        exact_from: Match weight, in bits, from which weights must be exact: of a pair that cannot
            reach it a scorer may give an upper bound, and the level -2 where a comparison was not
            needed. None: all are exact.
        every_pair: Whether pairs that cannot reach it get a row.
        shared: Gives folders of what follows from the records and the frequencies, for all who
            score pairs of the same records by the same frequencies on this machine. None: it is for
            this scoring alone.
    """

    spec: MatchSpec
    settings: Mapping[str, Any]
    pairs_view: str
    records_view: str
    frequencies_view: str
    exact_from: float | None = None
    every_pair: bool = True
    shared: Shared | None = None


class Scorer(Protocol):
    """Gives each candidate pair a match weight, a probability, levels and veto."""

    name: str

    def scored(
        self, con: duckdb.DuckDBPyConnection, asked: Scoring
    ) -> AbstractContextManager[Rows]:
        """Score pairs while their rows are read, and give back what it took at the end.

        Args:
            con: A connection with the macros of `normalise`.
            asked: What is to be scored.

        Returns:
            A row of match_scores for each pair, to be read inside the context.
        """
        ...


def kept(con: duckdb.DuckDBPyConnection, rows: Rows, name: str) -> duckdb.DuckDBPyRelation:
    """Keep rows as a temporary table of the connection."""
    con.register("rows_to_keep", rows)
    con.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS FROM rows_to_keep")
    con.unregister("rows_to_keep")
    return con.table(name)
