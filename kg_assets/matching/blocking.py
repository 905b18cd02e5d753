"""Candidate pairs: records that share a blocking key, each pair made in exactly one shard."""

# ruff: noqa: S608 - what is put into statements is declared in our own model files.

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kg_assets.matching.normalise import create_macros
from kg_assets.matching.records import records
from kg_assets.matching.tables import blocked_pairs

if TYPE_CHECKING:
    import duckdb

    from kg_assets.matching.model import MatchSpec
    from resources.lake import Step


@dataclass(frozen=True)
class CutBlock:
    """A block that was over the cap.

    Attributes:
        rule: Name of the blocking rule.
        key: The block's key.
        records: How many records share it.
        largest: Records in the largest block after refinement.
        neighbourhoods: How many refined blocks were still over the cap, and are joined within
            sorted neighbourhoods of half the cap.
    """

    rule: str
    key: str
    records: int
    largest: int
    neighbourhoods: int


def run_blocked_pairs(step: Step, spec: MatchSpec, shard_count: int | None = None) -> None:
    """Write the candidate pairs of one shard.

    Args:
        step: Its partition is the shard's number, "00" for the first.
        spec: The type's match model.
        shard_count: Number of shards; that of the model where it is not given.
    """
    create_macros(step.con)
    step.view("matching_record", records(spec))
    count = shard_count or spec.shards
    shard = int(step.partition or 0)
    cut = make_keys(step.con, spec, "matching_record")
    step.write(blocked_pairs(spec.entity_type), pairs_of_shard(step.con, spec, shard, count))
    largest = step.con.sql("SELECT coalesce(max(records), 0) FROM block").fetchall()[0][0]
    step.report(
        largest_block=largest,
        blocks_over_cap=len(cut),
        refined=[
            f"{one.rule} {one.key!r}: {one.records} records, cut to blocks of at most "
            f"{one.largest}"
            + (f", {one.neighbourhoods} of them sorted" if one.neighbourhoods else "")
            for one in cut[:20]
        ],
    )


def make_keys(con: duckdb.DuckDBPyConnection, spec: MatchSpec, view: str) -> list[CutBlock]:
    """Make the tables ``block_key`` (record, rule, key) and ``block`` (rule, key, records).

    Keys are those of the rules, except that a key which more than the cap share is replaced, for
    each record, by the pairs of it and the record's refining keys; and where that is still more
    than the cap, by overlapping windows over the block in the order of name and id. All records
    within half the cap of one another share a window.

    Args:
        con: A connection with the macros of `normalise`.
        spec: The type's match model.
        view: Name of a view of the type's records.

    Returns:
        The blocks that were cut, largest first.
    """
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE blocked_record AS
        SELECT row_number() OVER (ORDER BY record_id) AS number,
               record_id,
               source,
               duplicate_free
        FROM {view}
        """
    )
    rules = "\nUNION ALL\n".join(
        f"""
        SELECT record_id,
               {number}::UTINYINT AS rule,
               lower(name) AS place,
               unnest(list_distinct(list_filter(
                   {rule.keys}, lambda one_key: one_key IS NOT NULL AND one_key <> ''))) AS key,
               list_distinct(list_transform(
                   coalesce(nullif({rule.refine}, []), [NULL]),
                   lambda one_key: coalesce(one_key, ''))) AS refine
        FROM {view}
        """
        for number, rule in enumerate(spec.blocking)
    )
    con.execute(f"CREATE OR REPLACE TEMP TABLE rule_key AS {rules}")
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE heavy AS
        SELECT rule, key, count(*) AS records
        FROM rule_key
        GROUP BY rule, key
        HAVING count(*) > $cap
        """,
        {"cap": spec.block_cap},
    )
    # Records with nothing to refine by make a block of their own. chr(31) is no letter of a key.
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE refined_key AS
        SELECT record_id, rule, place, key AS origin, key || chr(31) || one AS key
        FROM (
            SELECT rule_key.*, unnest(refine) AS one
            FROM rule_key
            JOIN heavy USING (rule, key)
        )
        """
    )
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE sorted_key AS
        WITH crowded AS (
            SELECT *,
                   count(*) OVER (PARTITION BY rule, key) AS records,
                   row_number() OVER (PARTITION BY rule, key ORDER BY place, record_id) - 1
                       AS position
            FROM refined_key
        )
        SELECT record_id, rule, origin, key, key AS whole
        FROM crowded
        WHERE records <= $cap
        UNION ALL
        SELECT record_id,
               rule,
               origin,
               key || chr(31) || unnest([position // $half, position // $half + 1]) AS key,
               key AS whole
        FROM crowded
        WHERE records > $cap
        """,
        {"cap": spec.block_cap, "half": max(1, spec.block_cap // 2)},
    )
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE block_key AS
        SELECT record.number,
               record.record_id,
               record.source,
               record.duplicate_free,
               found.rule,
               hash(found.rule, found.key) AS key
        FROM (
            SELECT record_id, rule, key
            FROM rule_key
            ANTI JOIN heavy USING (rule, key)
            UNION ALL
            SELECT record_id, rule, key
            FROM sorted_key
        ) AS found
        JOIN blocked_record AS record USING (record_id)
        """
    )
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE block AS
        SELECT rule, key, count(*) AS records
        FROM block_key
        GROUP BY rule, key
        """
    )
    found = con.sql(
        """
        WITH pieces AS (
            SELECT rule, origin AS key, max(records) AS largest,
                   count(DISTINCT whole) FILTER (key <> whole) AS neighbourhoods
            FROM (
                SELECT *, count(*) OVER (PARTITION BY rule, key) AS records
                FROM sorted_key
            )
            GROUP BY rule, origin
        )
        SELECT rule, key, heavy.records, largest, neighbourhoods
        FROM heavy
        JOIN pieces USING (rule, key)
        ORDER BY heavy.records DESC, heavy.rule, heavy.key
        """
    ).fetchall()
    for table in ("rule_key", "refined_key", "sorted_key"):
        con.execute(f"DROP TABLE {table}")
    return [CutBlock(spec.blocking[row[0]].name, *row[1:]) for row in found]


def pairs_of_shard(
    con: duckdb.DuckDBPyConnection, spec: MatchSpec, shard: int, shard_count: int
) -> duckdb.DuckDBPyRelation:
    """The candidate pairs of one shard.

    A shard holds the blocks whose key hashes to it. A pair is made by the first rule under which
    it shares a key, in the block of the smallest such key, so once over all shards.

    Args:
        con: The connection on which `make_keys` was called.
        spec: The type's match model.
        shard: Number of the shard, from 0.
        shard_count: Number of shards.

    Returns:
        record_l, record_r, rule.

    Raises:
        ValueError: There is no such shard.
    """
    if not 0 <= shard < shard_count:
        raise ValueError(f"shard {shard} of {shard_count} does not exist: count from 0")
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE shard_key AS
        SELECT block_key.*
        FROM block_key
        SEMI JOIN (SELECT rule, key FROM block WHERE records > 1) AS shared USING (rule, key)
        WHERE key % $count = $shard
        """,
        {"count": shard_count, "shard": shard},
    )
    # Other keys of the records of this shard, against which "first" and "smallest" are judged.
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE shard_keys AS
        SELECT number, {
            ", ".join(
                f"coalesce(list(key ORDER BY key) FILTER (rule = {place}), []) AS keys_{place}"
                for place in range(len(spec.blocking))
            )
        }
        FROM block_key
        SEMI JOIN shard_key USING (number)
        GROUP BY number
        """
    )
    con.execute("CREATE OR REPLACE TEMP TABLE rule_name (rule UTINYINT, name VARCHAR)")
    con.executemany(
        "INSERT INTO rule_name VALUES (?, ?)",
        [(place, rule.name) for place, rule in enumerate(spec.blocking)],
    )
    made = "\nUNION ALL\n".join(_pairs_of_rule(spec, place) for place in range(len(spec.blocking)))
    return con.sql(
        f"""
        SELECT least(a.record_id, b.record_id) AS record_l,
               greatest(a.record_id, b.record_id) AS record_r,
               rule_name.name AS rule
        FROM ({made}) AS made
        JOIN blocked_record AS a ON a.number = made.number_l
        JOIN blocked_record AS b ON b.number = made.number_r
        JOIN rule_name USING (rule)
        """
    )


def _pairs_of_rule(spec: MatchSpec, place: int) -> str:
    earlier = "".join(
        f"""
          AND NOT (list_has_any(keys_l.keys_{before}, keys_r.keys_{before})
                   AND {_allowed(spec, before)})"""
        for before in range(place)
    )
    return f"""
        SELECT l.number AS number_l, r.number AS number_r, l.rule
        FROM shard_key AS l
        JOIN shard_key AS r ON r.rule = l.rule AND r.key = l.key AND r.number > l.number
        JOIN shard_keys AS keys_l ON keys_l.number = l.number
        JOIN shard_keys AS keys_r ON keys_r.number = r.number
        WHERE l.rule = {place}
          AND r.rule = {place}
          AND {_allowed(spec, place)}
          AND (len(keys_l.keys_{place}) = 1
               OR len(keys_r.keys_{place}) = 1
               OR l.key = list_min(list_intersect(keys_l.keys_{place}, keys_r.keys_{place})))
          {earlier}
    """


def _allowed(spec: MatchSpec, place: int) -> str:
    if spec.blocking[place].across_sources:
        return "l.source <> r.source"
    return "(l.source <> r.source OR NOT (l.duplicate_free AND r.duplicate_free))"
