"""Which records have to be resolved again after a change, and what is known of them.

Clusters come from components of accepted edges. A component in which no record, no accepted edge
and no pair inside changed is what it was, and so are its clusters and their ids. The components
of the version before are its entities, joined by the accepted edges that were kept apart.
"""

# ruff: noqa: S608 - what is put into statements is declared in our own model files.

from __future__ import annotations

from typing import TYPE_CHECKING

from kg_assets.matching import tables
from kg_assets.matching.golden import RULES
from kg_assets.matching.records import records
from kg_assets.matching.thresholds import with_thresholds
from kg_assets.matching.vetoes import columns_for_vetoes

if TYPE_CHECKING:
    from kg_assets.matching.model import MatchSpec
    from resources.lake import Step

KEPT_APART = "kept apart"
"""Kind of a doubtful pair: an accepted edge between two entities."""


def gather_affected(step: Step, spec: MatchSpec, threshold: float) -> bool:
    """Make tables of what the entities step works on: what changes affect, or everything.

    Args:
        step: The step of the entities; it reads records, scores, model and judgements, and has
            what `kg_assets.matching.judgements.judged_pairs` leaves.
        spec: The match model.
        threshold: Match probability from which a pair is an edge, where the view
            ``resolution_threshold`` has none for its pair of sources.

    Returns:
        Whether it is only a part. On the step's connection are then or else
        ``resolution_records`` (columns that vetoes and golden records need),
        ``resolution_scores`` (pairs with both records among them),
        ``resolution_touching`` (pairs with at least one of them) and
        ``resolution_before`` (members of the version before: all of the entities that they
        come from, and so also records that are gone).
    """
    con, kind = step.con, spec.entity_type
    output = tables.resolved_entities(kind)
    step.view("every_record", records(spec))
    step.view("score_now", tables.match_scores(kind))
    with_thresholds(con, "score_now", "resolution_threshold", threshold).create_view(
        "every_score", replace=True
    )
    step.previous(tables.entity_members(kind)).create_view("every_member", replace=True)
    model = step.changes(output, tables.match_model(kind))
    changed_records = step.changes(output, records(spec))
    changed_scores = step.changes(output, tables.match_scores(kind))
    # Judgements are few and change what follows from others: with a new one, all are applied anew.
    judged = step.changes(output, tables.JUDGEMENTS, kind)
    chosen = step.changes(output, tables.match_thresholds(kind))
    if (
        model is None
        or model.count
        or chosen is None
        or chosen.count
        or judged is None
        or judged.count
        or changed_records is None
        or changed_scores is None
        or not step.intact(tables.doubtful_pairs(kind))
    ):
        for name, source in (
            ("resolution_records", "every_record"),
            ("resolution_scores", "every_score"),
            ("resolution_touching", "every_score"),
            ("resolution_before", "every_member"),
        ):
            con.sql(f"FROM {source}").create_view(name, replace=True)
        return False
    changed_records.rows.create_view("changed_record", replace=True)
    changed_records.removed.create_view("removed_record", replace=True)
    changed_scores.rows.create_view("changed_score_now", replace=True)
    with_thresholds(con, "changed_score_now", "resolution_threshold", threshold).create_view(
        "changed_score", replace=True
    )
    changed_scores.removed.create_view("removed_score", replace=True)
    step.previous(tables.doubtful_pairs(kind)).create_view("doubtful_before", replace=True)
    # A changed record's own component is affected whatever became of its pairs. Of a pair that is
    # no edge now, the other record's component is not: if it was an edge, that is the same one.
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE touched_record AS
        SELECT record_id FROM changed_record
        UNION
        SELECT record_id FROM removed_record
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
        )
        FROM touched_record
        UNION
        SELECT record_l FROM telling
        UNION
        SELECT record_r FROM telling
        """
    )
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE affected_entity AS
        WITH RECURSIVE link AS MATERIALIZED (
            SELECT entity_l AS entity_id, entity_r AS other_id
            FROM doubtful_before
            WHERE kind = '{KEPT_APART}'
            UNION
            SELECT entity_r, entity_l
            FROM doubtful_before
            WHERE kind = '{KEPT_APART}'
        ),
        reached AS (
            SELECT entity_id
            FROM every_member
            WHERE source || ':' || source_id IN (FROM affected_seed)
            UNION
            SELECT link.other_id
            FROM reached
            JOIN link USING (entity_id)
        )
        FROM reached;

        CREATE OR REPLACE TEMP TABLE resolution_before AS
        SELECT *
        FROM every_member
        WHERE entity_id IN (FROM affected_entity);

        CREATE OR REPLACE TEMP TABLE affected_record AS
        SELECT source || ':' || source_id AS record_id
        FROM resolution_before
        UNION
        SELECT record_id
        FROM changed_record
        """
    )
    needed = ["entity_type", "record_id", "source", "source_id", "duplicate_free"]
    needed += [rule.attribute for rule in RULES]
    needed += columns_for_vetoes(spec)
    columns = ", ".join(f'"{name}"' for name in dict.fromkeys(needed))
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE resolution_records AS
        SELECT {columns}
        FROM every_record
        WHERE record_id IN (FROM affected_record);

        CREATE OR REPLACE TEMP TABLE resolution_touching AS
        SELECT record_l, record_r, match_weight, match_probability, veto, threshold
        FROM every_score
        WHERE record_l IN (FROM affected_record) OR record_r IN (FROM affected_record)
        """
    )
    con.sql(
        """
        SELECT *
        FROM resolution_touching
        WHERE record_l IN (FROM affected_record) AND record_r IN (FROM affected_record)
        """
    ).create_view("resolution_scores", replace=True)
    return True
