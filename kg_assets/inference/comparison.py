"""A second extractor in the shadow of the first: the same contexts, the same gate, no say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from kg_assets.inference import extraction
from kg_assets.inference.confidence import WEIGHTS, Weights
from kg_assets.inference.extractors import Extractor
from kg_assets.inference.paired import dollars_for_each
from kg_assets.inference.review.binding import bind
from kg_assets.inference.review.labelled import Labelled, facts_in, figures, labelled
from kg_assets.inference.tables import extraction_states, extractor_comparison, inferred_relations
from ontology.schema import Ontology

if TYPE_CHECKING:
    import duckdb

    from resources.lake import Step

_JUDGED = pa.schema(
    [
        pa.field("context_id", pa.string()),
        pa.field("relation", pa.string()),
        pa.field("object", pa.string()),
        pa.field("holds", pa.bool_()),
    ]
)
# Of several facts of one context that say the same, the one that was kept, or else the surest, or
# else the first of the text. One row stands for them whole: of an aggregate for each column those
# without a value would come from another fact.
_SIDES = """
    SELECT
        context_id,
        relation,
        coalesce(object_id, lower(object_name)) AS object,
        status,
        reason,
        quote,
        confidence
    FROM {facts}
    QUALIFY row_number() OVER (
        PARTITION BY context_id, relation, coalesce(object_id, lower(object_name))
        ORDER BY status = 'accepted' DESC, confidence DESC, document_id, "start" NULLS LAST, fact_id
    ) = 1
"""


def compare(
    step: Step,
    entity_type: str,
    second: Extractor,
    ontology: Ontology,
    threshold: float,
    judgements: duckdb.DuckDBPyRelation,
    members: str,
    weights: Weights = WEIGHTS,
) -> None:
    """Read a shard's contexts with a second extractor and write where it differs from the first.

    Both are scored on the facts that people judged, with bootstrap intervals.

    Args:
        step: Reads contexts, documents, and the first extractor's facts and states.
        entity_type: Type of the subjects.
        second: The extractor in the shadow.
        ontology: What the gate goes by.
        threshold: Confidence below which a fact is not kept, as for the first.
        judgements: Rows of fact_judgements of the type.
        members: Name of a view of the members of all entities that facts can have as ends.
        weights: What the signals of a confidence count, as for the first.
    """
    con, table = step.con, extractor_comparison(entity_type)
    extraction.read(step, entity_type, second, ontology, threshold, weights=weights, keep=False)
    step.view("first_fact", inferred_relations(entity_type), step.partition)
    step.view("first_state", extraction_states(entity_type), step.partition)
    bind(con, judgements, "first_fact", "documents", members)
    labels = labelled(con)
    given = [facts_in(con, name, labels) for name in ("first_fact", "fact")]
    _judged(con, labels, [*given[0], *given[1]])
    con.execute(f"CREATE TABLE first AS {_SIDES.format(facts='first_fact')}")
    con.execute(f"CREATE TABLE second AS {_SIDES.format(facts='fact')}")
    rows = con.sql(
        """
        SELECT
            context_id,
            relation,
            object,
            CASE
                WHEN first.status = 'accepted' AND second.status = 'accepted' THEN 'both'
                WHEN first.status = 'accepted' THEN 'first'
                WHEN second.status = 'accepted' THEN 'second'
                ELSE 'neither'
            END AS kept_by,
            first.status AS first_status,
            first.reason AS first_reason,
            first.confidence AS first_confidence,
            first.quote AS first_quote,
            second.status AS second_status,
            second.reason AS second_reason,
            second.confidence AS second_confidence,
            second.quote AS second_quote,
            $second AS second_extractor,
            judged.holds
        FROM first
        FULL JOIN second USING (context_id, relation, object)
        LEFT JOIN judged USING (context_id, relation, object)
        """,
        params={"second": f"{second.name} {second.version}"},
    )
    step.write(table, rows)
    kept = dict(step.staged(table).aggregate("kept_by, count(*)").order("ALL").fetchall())
    both, one, other = (kept.get(name, 0) for name in ("both", "first", "second"))
    costs = [
        con.sql(f"SELECT coalesce(sum(cost), 0) FROM {name}").fetchall()[0][0]  # noqa: S608 - ours
        for name in ("first_state", "state")
    ]
    if labels.claims:
        step.report(reviewed=figures(labels, labels.compare(*given)))
    step.report(
        second=second.name,
        dollars={"first": round(costs[0], 6), "second": round(costs[1], 6)},
        kept_by=kept,
        agreement=round(both / (both + one + other), 4) if both + one + other else None,
        dollars_for_each_kept_fact={
            "first": dollars_for_each(costs[0], both + one),
            "second": dollars_for_each(costs[1], both + other),
        },
        second_contexts_by_state=dict(
            con.sql("SELECT state, count(*) FROM state GROUP BY ALL ORDER BY ALL").fetchall()
        ),
    )


def _judged(
    con: duckdb.DuckDBPyConnection, labels: Labelled, facts: Sequence[Mapping[str, Any]]
) -> None:
    """Make the table `judged`: what people say of a claim, as `_SIDES` tells claims apart."""
    found: dict[tuple[str, str, str], bool] = {}
    for fact in facts:
        claim = labels.claim_of(fact)
        if claim is not None:
            target = fact["object_id"] or fact["object_name"].lower()
            place = fact["context_id"], fact["relation"], target
            found[place] = labels.holds[fact["document_id"]][claim]
    rows = [
        {"context_id": context, "relation": relation, "object": target, "holds": holds}
        for (context, relation, target), holds in sorted(found.items())
    ]
    con.register("judged_now", pa.Table.from_pylist(rows, schema=_JUDGED))
    con.execute("CREATE OR REPLACE TABLE judged AS SELECT * FROM judged_now")
    con.unregister("judged_now")
