"""What clusters are made of, read as numbers of records: edges, denied and cannot-link pairs."""

# ruff: noqa: S608 - names in statements are those of the columns, and a salt of ours.

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kg_assets.matching.components import MUST_LINK, Ends, Floats, Forbidden, Pairs

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection, DuckDBPyRelation

_BATCH = 1 << 17
"""Scored pairs that are sorted into edges and others at once."""


@dataclass(frozen=True)
class Scored:
    """Scored pairs by what they say; no pair is in two of these.

    Attributes:
        edges: Accepted edges; their weight is what it is above the threshold.
        bar: The threshold of each edge, in bits.
        denied: Pairs below their threshold.
        vetoed: Pairs with a veto, whatever their weight.
    """

    edges: Pairs
    bar: Floats
    denied: Ends
    vetoed: Forbidden


def read_records(con: DuckDBPyConnection, records: DuckDBPyRelation) -> tuple[pa.Array, pa.Array]:
    """Ids (sorted) and sources of the records; leaves the view ``clustering_ids``.

    Raises:
        ValueError: A record occurs twice.
    """
    records.create_view("clustering_records", replace=True)
    table = con.sql(
        """
        SELECT record_id, source
        FROM clustering_records
        ORDER BY record_id
        """,
    ).to_arrow_table()
    ids = table["record_id"].cast(pa.string()).combine_chunks()
    doubled = pc.sum(pc.equal(ids[1:], ids[:-1])).as_py()
    if doubled:
        raise ValueError(
            f"clustering: {doubled} record ids occur more than once among the records; "
            "records must hold one current version of each (source, source_id)"
        )
    numbers = np.arange(len(ids), dtype=np.int32)
    con.register("clustering_ids", pa.table({"record_id": ids, "number": numbers}))
    return ids, table["source"].cast(pa.string()).combine_chunks().dictionary_encode()


def read_scores(con: DuckDBPyConnection, scores: DuckDBPyRelation, ids: pa.StringArray) -> Scored:
    """Sort scored pairs into edges, denied and vetoed ones, a batch at a time.

    Args:
        con: The connection.
        scores: As `kg_assets.matching.clustering.cluster` takes them.
        ids: The ids of the records.

    Raises:
        ValueError: A pair occurs twice or names an unknown record, or a threshold is no
            probability.
    """
    from kg_assets.matching.hashes import Places
    from resources.threads import mapped

    scores.create_view("clustering_scores", replace=True)
    places = Places(con, ids)
    rows = con.sql(
        f"""
        SELECT
            {places.hashed("record_l")} AS l,
            {places.hashed("record_r")} AS r,
            match_weight::DOUBLE AS match_weight,
            match_probability::DOUBLE AS match_probability,
            threshold::DOUBLE AS threshold,
            veto::VARCHAR AS veto
        FROM clustering_scores
        """,
    )
    threads = int(con.sql("SELECT current_setting('threads')").fetchall()[0][0])
    parts, ends, unknown = [_sorted_out(rows.limit(0).to_arrow_table(), Ends.none())], [], 0

    def numbered(batch: pa.RecordBatch) -> tuple[Ends, Scored | None, int]:
        left, right = (places.of(np.asarray(batch[side])) for side in ("l", "r"))
        missing = int(max((left < 0).sum(), (right < 0).sum()))
        both = Ends(np.minimum(left, right), np.maximum(left, right))
        table = pa.Table.from_batches([batch])
        return both, None if missing else _sorted_out(table, both), missing

    for both, part, missing in mapped(numbered, rows.to_arrow_reader(_BATCH), threads):
        unknown += missing
        if part is not None:
            parts.append(part)
            ends.append(both)
    if unknown:
        raise ValueError(
            f"clustering: at least {unknown} scored pairs name a record that is not among the "
            "records; materialise the match scores again"
        )
    doubled, itself = _repeated(ends, len(ids))
    del ends
    if doubled or itself:
        raise ValueError(
            f"clustering: {doubled} pairs were scored more than once and {itself} pair a record "
            "with itself; each pair must be made in one shard"
        )

    def together(name: str, field: str) -> Any:
        return np.concatenate([getattr(getattr(part, name), field) for part in parts])

    return Scored(
        edges=Pairs(
            *(together("edges", field) for field in ("left", "right", "weight", "probability"))
        ),
        bar=np.concatenate([part.bar for part in parts]),
        denied=Ends(together("denied", "left"), together("denied", "right")),
        vetoed=Forbidden(
            together("vetoed", "left"),
            together("vetoed", "right"),
            pa.concat_arrays([part.vetoed.veto for part in parts]),
        ),
    )


def _repeated(parts: list[Ends], records: int) -> tuple[int, int]:
    """How many pairs there are again, and how many pair a record with itself."""
    from kg_assets.matching.unions import again, counted, scattered

    start = np.zeros(records + 1, dtype=np.int64)
    for part in parts:
        counted(part.left, start)
    np.cumsum(start, out=start)
    filled, others = start[:-1].copy(), np.empty(int(start[-1]), dtype=np.int32)
    for part in parts:
        scattered(part.left, part.right, filled, others)
    return int(again(start, others)), sum(int((one.left == one.right).sum()) for one in parts)


def _sorted_out(table: pa.Table, ends: Ends) -> Scored:
    """One batch of `read_scores`, and the numbers of its records."""
    threshold = table["threshold"].to_numpy()
    if not ((threshold > 0) & (threshold < 1)).all():
        raise ValueError(
            "clustering: each scored pair needs a threshold, a match probability between 0 and 1 "
            "(both excluded); materialise the match thresholds again"
        )
    veto = table["veto"].combine_chunks()
    vetoed = np.asarray(veto.is_valid(), dtype=np.bool_)
    # The probability decides: rounding must not part it from its weight.
    accepted = ~vetoed & (table["match_probability"].to_numpy() >= threshold)
    bar = np.log2(threshold[accepted] / (1 - threshold[accepted]))
    edges, against = ends.take(accepted), ends.take(vetoed)
    return Scored(
        edges=Pairs(
            edges.left.astype(np.int64),
            edges.right.astype(np.int64),
            np.maximum(table["match_weight"].to_numpy()[accepted] - bar, 0.0),
            table["match_probability"].to_numpy()[accepted],
        ),
        bar=bar,
        denied=ends.take(~vetoed & ~accepted),
        vetoed=Forbidden(
            against.left.astype(np.int64),
            against.right.astype(np.int64),
            veto.filter(pa.array(vetoed)),
        ),
    )


def read_forbidden(con: DuckDBPyConnection, pairs: DuckDBPyRelation) -> Forbidden:
    """Cannot-link pairs as record numbers; pairs of other records do not matter here."""
    pairs.create_view("clustering_forbidden", replace=True)
    table = con.sql(
        """
        SELECT
            least(l.number, r.number) AS l,
            greatest(l.number, r.number) AS r,
            min(f.veto)::VARCHAR AS veto
        FROM clustering_forbidden AS f
        JOIN clustering_ids AS l ON l.record_id = f.record_l
        JOIN clustering_ids AS r ON r.record_id = f.record_r
        WHERE f.veto IS NOT NULL
        GROUP BY 1, 2
        ORDER BY 1, 2
        """,
    ).to_arrow_table()
    return Forbidden(
        table["l"].to_numpy().astype(np.int64),
        table["r"].to_numpy().astype(np.int64),
        table["veto"].cast(pa.string()).combine_chunks(),
    )


def read_links(con: DuckDBPyConnection, same: DuckDBPyRelation | None) -> Pairs:
    """Must-link pairs as edges above every score; pairs of other records do not matter here."""
    if same is None:
        return Pairs.none()
    same.create_view("clustering_same", replace=True)
    table = con.sql(
        """
        SELECT DISTINCT
            least(l.number, r.number) AS l,
            greatest(l.number, r.number) AS r
        FROM clustering_same AS s
        JOIN clustering_ids AS l ON l.record_id = s.record_l
        JOIN clustering_ids AS r ON r.record_id = s.record_r
        ORDER BY 1, 2
        """,
    ).to_arrow_table()
    left, right = (table[side].to_numpy().astype(np.int64) for side in ("l", "r"))
    return Pairs(left, right, np.full(len(left), MUST_LINK), np.ones(len(left)))
