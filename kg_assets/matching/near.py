"""The pairs and records near an update, as they were and as they are, for shards that score them.

The scores before are those of the same model for the pairs and records before, so they are computed
again: to look for them among all scores would take longer than the update.
"""

# ruff: noqa: S608 - what is put into statements is declared in our own model files.

from __future__ import annotations

from typing import TYPE_CHECKING

from kg_assets.matching.records import compared_fields, records, replaced_records
from kg_assets.matching.tables import match_scores
from kg_assets.matching.touched import leads_on_from, touched_pairs, touched_records
from resources.mapped_rows import mapped_rows, write_rows
from resources.table import WHOLE
from resources.taking import take

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

    from kg_assets.matching.model import MatchSpec
    from resources.lake import Step
    from resources.layers import Changes

_THEN = ":"
"""Begins the ids of touched records as they were, beside which they are scored as they are. No id
of a record begins so, since a source has a name."""

_NEAR = "records near an update, 1"
"""Names the files of a folder; another where they hold something else."""


def view_near(step: Step, spec: MatchSpec, changed_pairs: Changes) -> bool:
    """Make the views ``touched_pair`` and ``matching_record`` of what lies near the last update.

    Pairs as they were name touched records as they were; `tell_apart` finds their scores.

    Args:
        step: The step of the scores; its partition is the shard.
        spec: The type's match model.
        changed_pairs: How the shard's pairs differ from those that its scores were made from.

    Returns:
        Whether the scores before were made from the pairs and records that the update led on from;
        else nothing of it can be relied upon.
    """
    con, kind, scores = step.con, spec.entity_type, match_scores(spec.entity_type)
    _, since = leads_on_from(step, kind)
    if (
        not since
        or (step.made_from(scores, records(spec)) or {}).get(WHOLE) != since
        or not step.stands(touched_records(kind), records(spec))
    ):
        return False
    where = f"shard = {int(step.partition or 0)}"
    step.read(touched_pairs(kind), tracked=False, where=where).create_view("near_found")
    step.read(touched_records(kind), tracked=False).create_view("touched_found")
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE near_pair AS FROM near_found;

        CREATE OR REPLACE TEMP TABLE record_touched AS
        SELECT record_id FROM touched_found;

        CREATE OR REPLACE TEMP TABLE near_then AS
        SELECT record_l,
               record_r,
               rule,
               CASE WHEN record_l IN (FROM record_touched) THEN '{_THEN}' ELSE '' END || record_l
                   AS then_l,
               CASE WHEN record_r IN (FROM record_touched) THEN '{_THEN}' ELSE '' END || record_r
                   AS then_r
        FROM near_pair
        WHERE before;

        CREATE OR REPLACE TEMP VIEW touched_pair AS
        SELECT record_l, record_r, rule
        FROM near_pair
        WHERE now
        UNION ALL
        SELECT then_l, then_r, rule
        FROM near_then
        """
    )
    if not _tells(con, changed_pairs):
        return False

    step.read(touched_pairs(kind), tracked=False).create_view("near_of_all")
    near = _near(step, spec, step.digest_of(touched_records(kind)), since)
    con.register("matching_record", mapped_rows(near))
    # Of a record that was touched, the one before is known by what its update left of it.
    unknown = con.sql(
        f"""
        SELECT unnest([then_l, then_r]) AS record_id
        FROM near_then
        WHERE starts_with(then_l, '{_THEN}') OR starts_with(then_r, '{_THEN}')
        EXCEPT
        SELECT record_id FROM matching_record
        LIMIT 1
        """
    )
    return not unknown.fetchall()


def tell_apart(con: duckdb.DuckDBPyConnection) -> None:
    """Take the scores before out of ``scored_pair``, and make ``replaced_score`` of them.

    The view ``touched_pair`` then has the pairs that are left, those of now. A pair of records that
    nothing touched is near where it came or went. It is not there both before and now by one rule,
    so pair and rule tell when it was.
    """
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE replaced_score AS
        SELECT scored.* REPLACE (near.record_l AS record_l, near.record_r AS record_r)
        FROM scored_pair AS scored
        JOIN near_then AS near
          ON near.then_l = scored.record_l
         AND near.then_r = scored.record_r
         AND near.rule = scored.rule;

        DELETE FROM scored_pair
        WHERE (record_l, record_r, rule) IN (SELECT (then_l, then_r, rule) FROM near_then);

        CREATE OR REPLACE TEMP VIEW touched_pair AS
        SELECT record_l, record_r, rule
        FROM near_pair
        WHERE now
        """
    )


def _tells(con: duckdb.DuckDBPyConnection, changed_pairs: Changes) -> bool:
    """Whether ``near_pair`` tells how the pairs of the shard differ from those before."""
    changed_pairs.rows.create_view("changed_pair", replace=True)
    changed_pairs.removed.create_view("removed_pair", replace=True)
    other = con.sql(
        """
        WITH came AS (
            SELECT record_l, record_r, rule FROM near_pair WHERE now
            EXCEPT
            SELECT record_l, record_r, rule FROM near_pair WHERE before
        ),
        went AS (
            SELECT record_l, record_r FROM near_pair WHERE before
            EXCEPT
            SELECT record_l, record_r FROM near_pair WHERE now
        ),
        pair_changed AS (
            SELECT record_l, record_r, rule FROM changed_pair
        )
        FROM (FROM came EXCEPT FROM pair_changed)
        UNION ALL
        FROM (FROM pair_changed EXCEPT FROM came)
        UNION ALL
        SELECT *, NULL FROM (FROM went EXCEPT FROM removed_pair)
        UNION ALL
        SELECT *, NULL FROM (FROM removed_pair EXCEPT FROM went)
        LIMIT 1
        """
    )
    return not other.fetchall()


def prepare_near(step: Step, spec: MatchSpec) -> None:
    """Find what scoring compares of the records near an update before the shards ask for it.

    They would wait for the first of them, which has all of the machine's copy of the records to
    verify that the step of the keys has read from.

    Args:
        step: The step of the keys, which has written what the update touched.
        spec: The type's match model.
    """
    table = touched_records(spec.entity_type)
    found = step.staged(table).project("record_id, records_since")
    found.create_view("touched_staged", replace=True)
    step.con.execute(
        "CREATE OR REPLACE TEMP TABLE record_touched AS SELECT record_id FROM touched_staged"
    )
    told = step.con.sql("SELECT DISTINCT records_since FROM touched_staged").fetchall()
    if len(told) == 1 and told[0][0]:
        step.staged(touched_pairs(spec.entity_type)).create_view("near_of_all", replace=True)
        _near(step, spec, step.staged_digest(table), told[0][0])


def _near(step: Step, spec: MatchSpec, touched: str, since: str) -> Path:
    """What scoring compares of the records near the update, of all shards, in a folder.

    Args:
        step: On its connection are ``record_touched`` and ``near_of_all``, the touched pairs.
        spec: The type's match model.
        touched: Digest of the touched records.
        since: Digest of the records before.
    """

    def make(folder: Path) -> None:
        _write_near(step, spec, since, folder)

    return step.derived(records(spec), f"{_NEAR}\n{touched}", make)


def _write_near(step: Step, spec: MatchSpec, since: str, folder: Path) -> None:
    """Write the rows of `_near` into an empty folder."""
    con, columns = step.con, [field.name for field in compared_fields(spec)]
    step.read(replaced_records(spec), tracked=False).create_view("record_replaced", replace=True)
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE near_id AS
        SELECT record_l AS record_id FROM near_of_all
        UNION
        SELECT record_r FROM near_of_all
        """
    )
    take(step, "near_now", records(spec), "record_id", "near_id", columns)
    listed = ", ".join(f'"{name}"' for name in columns)
    rows = con.sql(
        f"""
        SELECT {listed}
        FROM near_now
        UNION ALL
        SELECT {listed}
        FROM (
            SELECT * REPLACE ('{_THEN}' || record_id AS record_id)
            FROM record_replaced
            SEMI JOIN record_touched USING (record_id)
            WHERE since = $since
        )
        """,
        params={"since": since},
    )
    write_rows(folder, rows.to_arrow_reader())
