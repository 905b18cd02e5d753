"""What stands of people's judgements, and what follows from it.

Of each pair the newest judgement that was not taken back stands. What stands is free of
contradictions: records that a chain of ``same`` joins are never ``different``. That is looked at
before a judgement is added, and once more before it is used.
"""

# ruff: noqa: S608 - what is put into statements are names of views of ours.

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from kg_assets.judging import log
from kg_assets.judging.values import ContradictionError
from kg_assets.matching.judgement_values import Judgement

if TYPE_CHECKING:
    import duckdb

JUDGED_DIFFERENT = "judged_different"
"""What stands as veto of a pair that a person keeps apart."""


def stand(
    con: duckdb.DuckDBPyConnection, judgements: duckdb.DuckDBPyRelation
) -> duckdb.DuckDBPyRelation:
    """What stands: of each pair the newest judgement that was not taken back.

    Args:
        con: The connection of the judgements; a view is made on it.
        judgements: Rows of the table judgements, of one entity type or several.

    Returns:
        Rows of it, at most one for each type and pair, ordered by pair.
    """
    return log.stand(con, judgements, Judgement.about)


def joined(pairs: pa.Table) -> pa.Table:
    """Which records a chain of ``same`` joins.

    Args:
        pairs: Standing judgements of one type: record_l, record_r, verdict.

    Returns:
        record_id, thing: every record that is judged, with the smallest record of its chain.
    """
    import numpy as np

    from kg_assets.matching.components import connected

    ends = pa.chunked_array(
        [*pairs["record_l"].chunks, *pairs["record_r"].chunks], type=pa.string()
    )
    ids = ends.unique().sort() if len(ends) else pa.array([], pa.string())
    same = pairs.filter(pa.compute.equal(pairs["verdict"], "same"))
    left, right = (
        pa.compute.index_in(same[side], ids).to_numpy().astype(np.int64)
        for side in ("record_l", "record_r")
    )
    first = connected(len(ids), left, right)
    return pa.table({"record_id": ids, "thing": ids.take(pa.array(first))})


def refuse_contradiction(standing: pa.Table) -> None:
    """Make sure that no two records are judged different and joined by a chain of ``same``.

    Args:
        standing: Standing judgements of one type.

    Raises:
        ContradictionError: There is such a pair.
    """
    things = joined(standing)
    thing = dict(zip(*(column.to_pylist() for column in things.columns), strict=True))
    for one in standing.to_pylist():
        if one["verdict"] != "different" or thing[one["record_l"]] != thing[one["record_r"]]:
            continue
        raise ContradictionError(
            f"judgements contradict each other: {_in_words(one)}; but also "
            + "; ".join(_in_words(link) for link in _chain(standing, one))
            + ". Nothing was written. Take one of them back, or judge that pair again"
        )


def deciding(standing: pa.Table, left: str, right: str) -> tuple[str | None, list[str]]:
    """The verdict on a pair that follows from what stands, and the judgements it follows from.

    Args:
        standing: Standing judgements of one type, without contradictions.
        left: A record id.
        right: Another.

    Returns:
        same or different, None where nothing follows; and each judgement in words.
    """
    columns = joined(standing).columns
    thing = dict(zip(*(column.to_pylist() for column in columns), strict=True))
    ends = {thing.get(left), thing.get(right)}
    if None in ends:
        return None, []

    def words(first: str, second: str) -> list[str]:
        links = _chain(standing, {"record_l": first, "record_r": second}) if first != second else []
        return [_in_words(link) + (f": {link['why']}" if link["why"] else "") for link in links]

    if len(ends) == 1:
        return "same", words(left, right)
    for one in standing.to_pylist():
        sides = one["record_l"], one["record_r"]
        if one["verdict"] == "different" and {thing[each] for each in sides} == ends:
            first, second = sides if thing[sides[0]] == thing[left] else sides[::-1]
            apart = _in_words(one) + (f": {one['why']}" if one["why"] else "")
            return "different", [apart, *words(left, first), *words(second, right)]
    return None, []


def _in_words(one: dict[str, str]) -> str:
    verb = "is the same as" if one["verdict"] == "same" else "is different from"
    return f"{one['record_l']} {verb} {one['record_r']} ({one['who']}, {one['time']}, {one['id']})"


def _chain(standing: pa.Table, apart: dict[str, str]) -> list[dict[str, str]]:
    """The shortest chain of ``same`` between the records of a pair."""
    beside: dict[str, list[tuple[str, dict[str, str]]]] = {}
    for one in standing.to_pylist():
        if one["verdict"] == "same":
            beside.setdefault(one["record_l"], []).append((one["record_r"], one))
            beside.setdefault(one["record_r"], []).append((one["record_l"], one))
    came: dict[str, tuple[str, dict[str, str]] | None] = {apart["record_l"]: None}
    waiting = deque([apart["record_l"]])
    while waiting:
        here = waiting.popleft()
        for other, link in beside.get(here, []):
            if other not in came:
                came[other] = (here, link)
                waiting.append(other)
    chain = []
    step = came[apart["record_r"]]
    while step is not None:
        chain.append(step[1])
        step = came[step[0]]
    return chain[::-1]


@dataclass(frozen=True)
class JudgedCounts:
    """Numbers of standing judgements.

    Attributes:
        same: Pairs that are one thing, of records that are there.
        different: Pairs that are two, of records that are there.
        unsure: Pairs that a person could not decide.
        gone: Judgements of records that are not there; kept, and without effect until they are.
    """

    same: int
    different: int
    unsure: int
    gone: int


def judged_pairs(
    con: duckdb.DuckDBPyConnection,
    judgements: duckdb.DuckDBPyRelation,
    records: duckdb.DuckDBPyRelation,
) -> JudgedCounts:
    """Make what stands available to the resolution of entities.

    Leaves on the connection the tables ``judged`` (record_l, record_r, verdict: standing
    judgements of records that are there), ``judged_same`` (record_l, record_r),
    ``judged_different`` (record_l, record_r, veto) and ``judged_thing`` (record_id, thing: the
    judged records, and which of them are one).

    Args:
        con: The connection of both.
        judgements: Rows of the table judgements of one entity type.
        records: record_id of the current records.

    Raises:
        ContradictionError: What stands contradicts itself.
    """
    stand(con, judgements).create_view("judged_standing", replace=True)
    records.create_view("judged_record", replace=True)
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE judged AS
        SELECT s.*
        FROM judged_standing AS s
        SEMI JOIN judged_record AS l ON l.record_id = s.record_l
        SEMI JOIN judged_record AS r ON r.record_id = s.record_r
        """
    )
    found = con.sql("FROM judged ORDER BY record_l, record_r").to_arrow_table()
    refuse_contradiction(found)
    con.register("judged_things_found", joined(found))
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE judged_thing AS FROM judged_things_found;
        CREATE OR REPLACE TEMP TABLE judged_same AS
        SELECT record_l, record_r
        FROM judged
        WHERE verdict = 'same';
        CREATE OR REPLACE TEMP TABLE judged_different AS
        SELECT record_l, record_r, '{JUDGED_DIFFERENT}' AS veto
        FROM judged
        WHERE verdict = 'different';
        """
    )
    con.unregister("judged_things_found")
    counts = dict(con.sql("SELECT verdict, count(*) FROM judged GROUP BY 1").fetchall())
    standing = con.sql("SELECT count(*) FROM judged_standing").fetchall()[0][0]
    return JudgedCounts(
        same=counts.get("same", 0),
        different=counts.get("different", 0),
        unsure=counts.get("unsure", 0),
        gone=standing - sum(counts.values()),
    )


def unsettled(con: duckdb.DuckDBPyConnection, pairs_view: str) -> duckdb.DuckDBPyRelation:
    """The pairs that people's judgements leave open.

    A pair is settled if it was judged, also as unsure, and if it follows from what was judged:
    records that are one thing, or of two things that are different.

    Args:
        con: A connection on which `judged_pairs` was called.
        pairs_view: Name of a view of any columns, record_l and record_r among them.
    """
    return con.sql(
        f"""
        WITH different AS (
            SELECT
                least(l.thing, r.thing) AS first,
                greatest(l.thing, r.thing) AS second
            FROM judged_different AS d
            JOIN judged_thing AS l ON l.record_id = d.record_l
            JOIN judged_thing AS r ON r.record_id = d.record_r
        ),
        followed AS (
            SELECT p.record_l, p.record_r
            FROM {pairs_view} AS p
            JOIN judged_thing AS l ON l.record_id = p.record_l
            JOIN judged_thing AS r ON r.record_id = p.record_r
            LEFT JOIN different AS d
                ON d.first = least(l.thing, r.thing)
                AND d.second = greatest(l.thing, r.thing)
            WHERE l.thing = r.thing
                OR d.first IS NOT NULL
        )
        FROM {pairs_view}
        ANTI JOIN judged USING (record_l, record_r)
        ANTI JOIN followed USING (record_l, record_r)
        """
    )


def not_joined_by_people(
    con: duckdb.DuckDBPyConnection, pairs_view: str
) -> duckdb.DuckDBPyRelation:
    """The pairs whose records are not judged to be one thing, which vetoes still keep apart.

    Args:
        con: A connection on which `judged_pairs` was called.
        pairs_view: Name of a view of any columns, record_l and record_r among them.
    """
    return con.sql(
        f"""
        SELECT p.*
        FROM {pairs_view} AS p
        LEFT JOIN judged_thing AS l ON l.record_id = p.record_l
        LEFT JOIN judged_thing AS r ON r.record_id = p.record_r
        WHERE (l.thing = r.thing) IS NOT TRUE
        """
    )
