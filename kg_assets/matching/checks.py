"""Promises of the matching stage: pairs scored, one entity a record, vetoes held, firm clusters."""

# ruff: noqa: S608 - what is put into statements are constants of ours.

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

from kg_assets.checks import Check, Verdict, none_of
from kg_assets.matching import tables
from kg_assets.matching.agglomeration import TOO_LARGE
from kg_assets.matching.judgements import judged_pairs, not_joined_by_people
from kg_assets.matching.quality import IN_DOUBT
from kg_assets.matching.records import records
from kg_assets.matching.vetoes import veto_pairs
from kg_assets.matching.want_of_data import lacking
from kg_assets.matching.weight_order import rises
from kg_assets.sources.tables import SOURCE_RECORDS

if TYPE_CHECKING:
    from kg_assets.matching.model import MatchSpec
    from resources.lake import Step
    from resources.table import Table


FALSE_PAIRS = 10.0
"""Score of a cluster from which a warning names it: so many of its pairs are likely false.

That many are false where a cluster holds two things of some records each. Clusters that are less in
doubt are asked for in the review queue and need no warning.
"""

_WORST = 5
"""Clusters that the warning names."""


def declaration_checks(spec: MatchSpec) -> tuple[Check, ...]:
    """Promises that sources make about their records."""
    return (
        Check(
            name="free_of_duplicates",
            table=records(spec),
            description="In a source that is declared free of duplicates no two records have one "
            "name, year, parent and the same credits. Such records are never joined with each "
            "other; where they are one thing, the declaration has to be taken back.",
            look=partial(_free_of_duplicates, spec=spec),
            blocking=False,
        ),
    )


def model_checks(spec: MatchSpec) -> tuple[Check, ...]:
    """Promises about a trained model."""
    model = tables.match_model(spec.entity_type)
    return (
        Check(
            name="levels_trained",
            table=model,
            description="Each probability that training should find was found; else the check "
            "says which comparison, level, and m or u, also where no pair had anything to compare. "
            "What is declared on purpose is fine.",
            look=partial(_levels_trained, spec=spec),
            blocking=False,
        ),
        Check(
            name="weights_fall",
            table=model,
            description="From level to level a comparison's match weight falls where the "
            "declaration clearly says so.",
            look=partial(_weights_fall, spec=spec),
        ),
    )


def score_checks(spec: MatchSpec) -> tuple[Check, ...]:
    """Promises about the scores of a shard."""
    return (
        Check(
            name="every_pair_scored",
            table=tables.match_scores(spec.entity_type),
            description="Each candidate pair of the shard has a score, and nothing else has.",
            look=partial(_every_pair_scored, spec=spec),
        ),
    )


def entity_checks(spec: MatchSpec) -> tuple[Check, ...]:
    """Promises about the entities."""
    return (
        Check(
            name="every_record_in_one_entity",
            table=tables.entity_members(spec.entity_type),
            description="Each current record is in exactly one entity, and each entity holds one.",
            look=partial(_every_record_in_one_entity, spec=spec),
        ),
        Check(
            name="no_vetoed_pair",
            table=tables.entity_members(spec.entity_type),
            description="No entity holds two records that a person or a veto keeps apart, whether "
            "the pair was a candidate or not. A person's yes overrules a veto.",
            look=partial(_no_vetoed_pair, spec=spec),
        ),
        Check(
            name="clusters_hang_together",
            table=tables.cluster_quality(spec.entity_type),
            description=f"In no cluster {FALSE_PAIRS:g} pairs or more are to be expected to be "
            "joined falsely, by its bridges and the pairs inside that were denied, and none had "
            "to be cut because it was too large. The worst clusters are named, and the review "
            "queue asks for them.",
            look=partial(_clusters_hang_together, spec=spec),
            blocking=False,
        ),
    )


def _free_of_duplicates(step: Step, spec: MatchSpec) -> Verdict:
    """Name twins in sources that are declared to have none; `run_records` has counted them."""
    counted: dict[str, int] = step.figures.get("doubtful_duplicates", {})
    if not counted:
        return Verdict(True)
    step.staged(records(spec)).create_view("declared_record", replace=True)
    twins = step.con.sql(
        f"""
        SELECT list({{'record': record_id, 'delivery': delivery}} ORDER BY record_id)[:2]
        FROM declared_record
        WHERE duplicate_free
        GROUP BY source, lower(name), year, season, episode, parent_id,
                 list_transform(credits, lambda credit: credit.name)
        HAVING count(*) > 1
        ORDER BY min(record_id)
        LIMIT {_WORST}
        """
    ).fetchall()
    named = [" and ".join(_with_place(step, spec, **each) for each in pair) for (pair,) in twins]
    return Verdict(
        False,
        {
            "records_with_a_twin": dict(counted),
            "twins": named,
            "override": "if they are one thing, land a file of the source, which may be empty, "
            'with a delivery.json that says "duplicate_free": false; the newest word counts',
        },
    )


def _with_place(step: Step, spec: MatchSpec, record: str, delivery: str) -> str:
    """A record with the file and position of its blob."""
    source, _, source_id = record.partition(":")
    step.read(SOURCE_RECORDS, f"{source}|{delivery}", tracked=False).create_view(
        "declared_place", replace=True
    )
    found = step.con.sql(
        """
        SELECT file, "table", position
        FROM declared_place
        WHERE entity_type = $kind
            AND source_id = $id
        ORDER BY ALL
        LIMIT 1
        """,
        params={"kind": spec.entity_type, "id": source_id},
    ).fetchall()
    if not found:
        return f"{record} (delivery {delivery})"
    ((file, table, position),) = found
    row = f"table {table}, row {position}" if table else f"position {position}"
    return f"{record} (delivery {delivery}, {file}, {row})"


def _levels_trained(step: Step, spec: MatchSpec) -> Verdict:
    (row,) = step.staged(tables.match_model(spec.entity_type)).to_arrow_table().to_pylist()
    trained, untrained, notes = row["trained"], row["untrained"], row["notes"]
    missing = lacking(spec, row)
    later = {} if missing is None else {"lacking": missing}
    if not any(one.train for one in spec.comparisons):
        return Verdict(True, {"declared": "on purpose: no comparison is to be trained"} | later)
    if not trained:
        # A type that nobody delivers misses nothing.
        delivered = step.read(records(spec), tracked=False).limit(1).fetchall()
        return Verdict(
            not delivered,
            {
                "declared": "too few records to train with" if delivered else "no records",
                "notes": notes,
            }
            | later,
        )
    return Verdict(not untrained, {"never_seen": untrained, "notes": notes})


def _weights_fall(step: Step, spec: MatchSpec) -> Verdict:
    ((settings,),) = (
        step.staged(tables.match_model(spec.entity_type)).project("settings").fetchall()
    )
    found = rises(spec, json.loads(settings))
    return Verdict(not found, {"rising": found} if found else {})


def _every_pair_scored(step: Step, spec: MatchSpec) -> Verdict:
    scores = tables.match_scores(spec.entity_type)
    step.view("checked_pairs", tables.blocked_pairs(spec.entity_type), step.partition)
    step.staged(scores).create_view("checked_scores", replace=True)
    if step.staged_change(scores) is not None:
        return _changed_pairs_scored(step, spec)
    return none_of(
        step.con.sql(
            """
            SELECT coalesce(pair.record_l, score.record_l), coalesce(pair.record_r, score.record_r)
            FROM checked_pairs AS pair
            FULL JOIN checked_scores AS score
                   ON score.record_l = pair.record_l
                  AND score.record_r = pair.record_r
            WHERE pair.record_l IS NULL
               OR score.record_l IS NULL
            """
        )
    )


def _changed_pairs_scored(step: Step, spec: MatchSpec) -> Verdict:
    """The same of scores of which only some changed: those, and the number of all.

    `kg_assets.matching.scoring` leaves the pairs that it scored again, and what they replace.
    """
    scores = tables.match_scores(spec.entity_type)
    broken = none_of(
        step.con.sql(
            """
            SELECT coalesce(pair.record_l, score.record_l), coalesce(pair.record_r, score.record_r)
            FROM touched_pair AS pair
            FULL JOIN scored_pair AS score
                   ON score.record_l = pair.record_l
                  AND score.record_r = pair.record_r
            WHERE pair.record_l IS NULL
               OR score.record_l IS NULL
            """
        )
    )
    pairs = _rows(step, tables.blocked_pairs(spec.entity_type), step.partition)
    if broken.passed and pairs != step.rows(scores):
        return Verdict(False, {"pairs": pairs, "scores": step.rows(scores)})
    return broken


def _rows(step: Step, table: Table, partition: str | None = None) -> int:
    """Rows of an input, by the catalog."""
    return sum(head.file.rows for head in step.lake.heads(table, partition).values())


def _every_record_in_one_entity(step: Step, spec: MatchSpec) -> Verdict:
    kind = spec.entity_type
    if step.staged_change(tables.entity_members(kind)) is not None:
        return _resolved_record_in_one_entity(step, spec)
    step.view("checked_records", records(spec))
    step.staged(tables.entity_members(kind)).create_view("checked_members", replace=True)
    step.staged(tables.resolved_entities(kind)).create_view("checked_entities", replace=True)
    return _none_alone(step, "checked_records", "checked_members", "checked_entities")


def _resolved_record_in_one_entity(step: Step, spec: MatchSpec) -> Verdict:
    """The same of entities of which only some were resolved again: those, and the number of all.

    `kg_assets.matching.entities` leaves the records that it resolved, their members and entities.
    """
    members = step.rows(tables.entity_members(spec.entity_type))
    found = _rows(step, records(spec))
    if members != found:
        return Verdict(False, {"members": members, "records": found})
    return _none_alone(step, "resolution_records", "resolution_members", "resolution_entities")


def _none_alone(step: Step, records_view: str, members_view: str, entities_view: str) -> Verdict:
    """Whether each record is a member, each member a record, and no entity is without a member."""
    return none_of(
        step.con.sql(
            f"""
            SELECT 'record without an entity' AS what, source || ':' || source_id AS id
            FROM {records_view}
            ANTI JOIN {members_view} USING (source, source_id)
            UNION ALL
            SELECT 'member without a record', source || ':' || source_id
            FROM {members_view}
            ANTI JOIN {records_view} USING (source, source_id)
            UNION ALL
            SELECT 'entity without a member', entity_id
            FROM {entities_view}
            ANTI JOIN {members_view} USING (entity_id)
            """
        )
    )


def _no_vetoed_pair(step: Step, spec: MatchSpec) -> Verdict:
    con, members = step.con, tables.entity_members(spec.entity_type)
    if not step.rows(members):
        # There is no entity, and to plan the vetoes takes longer than all else.
        return Verdict(True)
    if step.staged_change(members) is None:
        step.view("checked_records", records(spec))
        step.staged(members).create_view("checked_members", replace=True)
    else:
        # The others were looked at when they were resolved.
        con.table("resolution_records").create_view("checked_records", replace=True)
        con.sql("FROM resolution_members").create_view("checked_members", replace=True)
    judged_pairs(
        con,
        step.read(tables.JUDGEMENTS, spec.entity_type),
        con.sql("SELECT record_id FROM checked_records"),
    )
    con.sql(
        """
        SELECT l.source || ':' || l.source_id AS record_l,
               r.source || ':' || r.source_id AS record_r
        FROM checked_members AS l
        JOIN checked_members AS r USING (entity_id)
        WHERE record_l < record_r
        """
    ).create_view("checked_pairs", replace=True)
    veto_pairs(con, spec, "checked_pairs", "checked_records").create_view(
        "checked_vetoes", replace=True
    )
    not_joined_by_people(con, "checked_vetoes").create_view("checked_standing_vetoes", replace=True)
    return none_of(
        con.sql(
            """
            SELECT record_l, record_r, veto
            FROM checked_standing_vetoes
            UNION ALL
            SELECT record_l, record_r, veto
            FROM judged_different
            SEMI JOIN checked_pairs USING (record_l, record_r)
            """
        )
    )


def _clusters_hang_together(step: Step, spec: MatchSpec) -> Verdict:
    quality = step.staged(tables.cluster_quality(spec.entity_type))
    worst = (
        quality.filter(f"score >= {IN_DOUBT!r}")
        .order("score DESC, entity_id")
        .limit(_WORST)
        .project("entity_id, records, density, bridges, denied_pairs, score, reason")
        .to_arrow_table()
        .to_pylist()
    )
    doubtful = quality.filter(f"score >= {IN_DOUBT!r}").aggregate("count(*)").fetchall()[0][0]
    cut = (
        step.staged(tables.doubtful_pairs(spec.entity_type))
        .filter(f"reason = '{TOO_LARGE}'")
        .aggregate("count(*), min(entity_l)")
        .fetchall()[0]
    )
    cuts = {"cut_for_size": f"{cut[0]:,} edges, such as one of {cut[1]}"} if cut[0] else {}
    if not doubtful:
        return Verdict(not cuts, {"in_doubt": 0, **cuts})
    named = [
        f"{row['entity_id']}: {row['reason']}; density {row['density']:.2f}, "
        f"{row['bridges']:,} bridges, {row['score']:,.1f} pairs expected to be false"
        for row in worst
    ]
    return Verdict(
        worst[0]["score"] < FALSE_PAIRS and not cuts,
        {
            "in_doubt": doubtful,
            "worst": named,
            "ask": f"kg review --type {spec.entity_type}",
            **cuts,
        },
    )
