"""Which records have to be resolved again after a change, and what is known of them.

Clusters come from components of accepted edges. A component in which no record, no accepted edge
and no pair inside changed is what it was, and so are its clusters and their ids. The components
of the version before are its entities, joined by the accepted edges that were kept apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from kg_assets.matching import tables
from kg_assets.matching.component_scores import component_scores, scores_known
from kg_assets.matching.golden import RULES
from kg_assets.matching.judgements import judged_pairs
from kg_assets.matching.records import records
from kg_assets.matching.review import KEPT_APART
from kg_assets.matching.thresholds import with_thresholds
from kg_assets.matching.vetoes import columns_for_vetoes
from resources.table import Table
from resources.taking import take

if TYPE_CHECKING:
    from kg_assets.matching.judgements import JudgedCounts
    from kg_assets.matching.model import MatchSpec
    from resources.lake import Step
    from resources.layers import Changes


def applied_judgements(entity_type: str) -> Table:
    """Judgements with which a type's entities were resolved."""
    names = ("record_l", "record_r", "verdict")
    return Table(
        name=f"{entity_type}/applied_judgements",
        schema=pa.schema([tables.JUDGEMENTS.schema.field(name) for name in names]),
        key=("record_l", "record_r"),
        description="The judgements same and different with which the entities were resolved: "
        "what differs from them later says which components to resolve again.",
    )


def applied_thresholds(entity_type: str) -> Table:
    """Thresholds with which a type's entities were resolved."""
    names = ("source_l", "source_r", "threshold")
    return Table(
        name=f"{entity_type}/applied_thresholds",
        schema=pa.schema([tables.match_thresholds(entity_type).schema.field(one) for one in names]),
        key=("source_l", "source_r"),
        description="The thresholds with which the entities were resolved: where one of them is "
        "another, all are resolved again, and where a source came only what it touches.",
    )


def view_judged(step: Step, spec: MatchSpec) -> JudgedCounts:
    """Make people's judgements available, and write those that are applied.

    Args:
        step: The step of the entities. It then has what
            `kg_assets.matching.judgements.judged_pairs` leaves, and ``judgement_applied``.
        spec: The match model.

    Raises:
        ContradictionError: What stands contradicts itself.
    """
    con, kind = step.con, spec.entity_type
    judgements = step.read(tables.JUDGEMENTS, kind)
    judgements.create_view("judgement_found", replace=True)
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE record_named AS
        SELECT record_l AS record_id FROM judgement_found
        UNION
        SELECT record_r FROM judgement_found
        """
    )
    there = step.read(records(spec), where="record_id IN (FROM record_named)")
    counts = judged_pairs(con, judgements, there.project("record_id"))
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE judgement_applied AS
        SELECT record_l, record_r, verdict
        FROM judged
        WHERE verdict IN ('same', 'different')
        """
    )
    step.write(applied_judgements(kind), con.table("judgement_applied"))
    return counts


def gather_affected(step: Step, spec: MatchSpec, threshold: float) -> bool:
    """Make tables of what the entities step works on: what changes affect, or everything.

    Args:
        step: The step of the entities; it reads records, scores, model and judgements, and has
            what `view_judged` leaves.
        spec: The match model.
        threshold: Match probability from which a pair is an edge, where the view
            ``resolution_threshold`` has none for its pair of sources.

    Returns:
        Whether it is only a part. On the step's connection are then or else
        ``resolution_records`` (columns that vetoes and golden records need),
        ``resolution_scores`` (pairs with both records among them, at least those inside
        components), ``resolution_touching`` (pairs with at least one of them, at least those
        inside components and those that may be doubtful) and ``resolution_before`` (members of
        the version before: all of the entities that they come from, and so also records that are
        gone).
    """
    con, kind = step.con, spec.entity_type
    output = tables.resolved_entities(kind)
    scores, members = tables.match_scores(kind), tables.entity_members(kind)
    step.view("every_record", records(spec))
    step.previous(members).create_view("every_member", replace=True)
    model = step.changes(output, tables.match_model(kind))
    changed_records = step.changes(output, records(spec))
    changed_scores = step.changes(output, scores)
    moved = _thresholds_moved(step, kind)
    if (
        model is None
        or model.count
        or moved
        or changed_records is None
        or changed_scores is None
        or not step.intact(
            tables.doubtful_pairs(kind),
            component_scores(kind),
            applied_judgements(kind),
            applied_thresholds(kind),
        )
    ):
        step.view("score_now", scores)
        with_thresholds(con, "score_now", "resolution_threshold", threshold).create_view(
            "every_score", replace=True
        )
        for name, source in (
            ("resolution_records", "every_record"),
            ("resolution_scores", "every_score"),
            ("resolution_touching", "every_score"),
            ("resolution_before", "every_member"),
        ):
            con.sql(f"FROM {source}").create_view(name, replace=True)
        return False
    _seeds(step, spec, threshold, changed_records, changed_scores)
    step.previous(members, "source_id IN (SELECT source_id FROM affected_seed)").create_view(
        "seed_member", replace=True
    )
    step.previous(tables.doubtful_pairs(kind), f"kind = '{KEPT_APART}'").create_view(
        "kept_apart_before", replace=True
    )
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE affected_entity AS
        WITH RECURSIVE link AS MATERIALIZED (
            SELECT entity_l AS entity_id, entity_r AS other_id
            FROM kept_apart_before
            UNION
            SELECT entity_r, entity_l
            FROM kept_apart_before
        ),
        reached AS (
            SELECT entity_id
            FROM seed_member
            SEMI JOIN affected_seed USING (source, source_id)
            UNION
            SELECT link.other_id
            FROM reached
            JOIN link USING (entity_id)
        )
        FROM reached
        """
    )
    step.previous(members, "entity_id IN (FROM affected_entity)").create_view(
        "affected_member", replace=True
    )
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE resolution_before AS
        FROM affected_member;

        CREATE OR REPLACE TEMP TABLE affected_record AS
        SELECT source || ':' || source_id AS record_id
        FROM resolution_before
        UNION
        SELECT record_id
        FROM changed_record
        """
    )
    needed = ["entity_type", "record_id", "source", "source_id", "delivery", "duplicate_free"]
    needed += [rule.attribute for rule in RULES]
    needed += columns_for_vetoes(spec)
    columns = list(dict.fromkeys(needed))
    take(step, "resolution_records", records(spec), "record_id", "affected_record", columns)
    scores_known(step, spec, threshold)
    return True


def _thresholds_moved(step: Step, entity_type: str) -> bool:
    """Whether a threshold of sources that were there is another; writes those that are applied.

    On the step's connection are ``resolution_threshold`` and ``every_member``.
    """
    con, table = step.con, applied_thresholds(entity_type)
    step.previous(table).create_view("threshold_before", replace=True)
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE threshold_now AS
        SELECT source_l, source_r, threshold FROM resolution_threshold
        """
    )
    step.write(table, con.table("threshold_now"))
    moved = con.sql(
        """
        FROM threshold_before
        EXCEPT
        FROM threshold_now
        LIMIT 1
        """
    ).fetchall()
    new = con.sql(
        "FROM threshold_now ANTI JOIN threshold_before USING (source_l, source_r)"
    ).fetchall()
    if moved or not new:
        return bool(moved)
    there = {source for (source,) in con.sql("SELECT DISTINCT source FROM every_member").fetchall()}
    return any(left in there and right in there for left, right, _ in new)


def _seeds(
    step: Step, spec: MatchSpec, threshold: float, changed: Changes, scores: Changes
) -> None:
    """Make ``affected_seed`` (source, source_id): records whose components are resolved again.

    Leaves ``changed_record``, ``changed_score`` and ``removed_score`` too. A changed record's own
    component is affected whatever became of its pairs. Of a pair that is no edge now, the other
    record's component is not: if it was an edge, that is the same one. A judgement that is new,
    or counts no longer, affects the components of both of its records.
    """
    con = step.con
    changed.rows.create_view("record_found", replace=True)
    changed.removed.create_view("removed_record", replace=True)
    scores.rows.create_view("changed_score_now", replace=True)
    with_thresholds(con, "changed_score_now", "resolution_threshold", threshold).create_view(
        "changed_score_found", replace=True
    )
    scores.removed.create_view("removed_score_found", replace=True)
    step.previous(applied_judgements(spec.entity_type)).create_view("applied_before", replace=True)
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE changed_record AS
        SELECT record_id FROM record_found;

        CREATE OR REPLACE TEMP TABLE changed_score AS
        FROM changed_score_found;

        CREATE OR REPLACE TEMP TABLE removed_score AS
        SELECT record_l, record_r FROM removed_score_found;

        CREATE OR REPLACE TEMP TABLE touched_record AS
        SELECT record_id FROM changed_record
        UNION
        SELECT record_id FROM removed_record;

        CREATE OR REPLACE TEMP TABLE newly_judged AS
        SELECT record_l, record_r
        FROM (FROM judgement_applied EXCEPT FROM applied_before)
        UNION
        SELECT record_l, record_r
        FROM (FROM applied_before EXCEPT FROM judgement_applied)
        """
    )
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE affected_seed AS
        WITH telling AS (
            SELECT record_l, record_r
            FROM changed_score
            WHERE veto IS NULL AND match_probability >= threshold
            UNION
            SELECT record_l, record_r
            FROM (
                SELECT record_l, record_r FROM changed_score
                UNION
                SELECT record_l, record_r FROM removed_score
            )
            WHERE record_l NOT IN (FROM touched_record)
              AND record_r NOT IN (FROM touched_record)
            UNION
            -- A record that was gone comes back to those that a person joined it with.
            SELECT record_l, record_r
            FROM judged_same
            WHERE record_l IN (FROM touched_record)
               OR record_r IN (FROM touched_record)
            UNION
            FROM newly_judged
        ),
        seed AS (
            FROM touched_record
            UNION
            SELECT record_l FROM telling
            UNION
            SELECT record_r FROM telling
        )
        SELECT split_part(record_id, ':', 1) AS source,
               substr(record_id, strpos(record_id, ':') + 1) AS source_id
        FROM seed
        """
    )
