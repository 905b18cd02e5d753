"""A second extractor in the shadow of the first: the same contexts, the same gate, no say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kg_assets.inference import extraction
from kg_assets.inference.confidence import WEIGHTS, Weights
from kg_assets.inference.extractors import Extractor
from kg_assets.inference.tables import extraction_states, extractor_comparison, inferred_relations
from ontology.schema import Ontology

if TYPE_CHECKING:
    from resources.lake import Step

# Of several facts of one context that say the same, the one that was kept, or else the surest.
_SIDES = """
    SELECT
        context_id,
        relation,
        coalesce(object_id, lower(object_name)) AS object,
        arg_max(status, (status = 'accepted', confidence)) AS status,
        arg_max(reason, (status = 'accepted', confidence)) AS reason,
        arg_max(quote, (status = 'accepted', confidence)) AS quote,
        arg_max(confidence, (status = 'accepted', confidence)) AS confidence
    FROM {facts}
    GROUP BY ALL
"""


def compare(
    step: Step,
    entity_type: str,
    second: Extractor,
    ontology: Ontology,
    threshold: float,
    weights: Weights = WEIGHTS,
) -> None:
    """Read a shard's contexts with a second extractor and write where it differs from the first.

    Args:
        step: Reads contexts, documents, and the first extractor's facts and states.
        entity_type: Type of the subjects.
        second: The extractor in the shadow.
        ontology: What the gate goes by.
        threshold: Confidence below which a fact is not kept, as for the first.
        weights: What the signals of a confidence count, as for the first.
    """
    con, table = step.con, extractor_comparison(entity_type)
    extraction.read(step, entity_type, second, ontology, threshold, weights=weights, keep=False)
    step.view("first_fact", inferred_relations(entity_type), step.partition)
    step.view("first_state", extraction_states(entity_type), step.partition)
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
            $second AS second_extractor
        FROM first
        FULL JOIN second USING (context_id, relation, object)
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
    step.report(
        second=second.name,
        kept_by=kept,
        agreement=round(both / (both + one + other), 4) if both + one + other else None,
        dollars_for_each_kept_fact={
            "first": _each(costs[0], both + one),
            "second": _each(costs[1], both + other),
        },
        second_contexts_by_state=dict(
            con.sql("SELECT state, count(*) FROM state GROUP BY ALL ORDER BY ALL").fetchall()
        ),
    )


def _each(dollars: float, facts: int) -> float | None:
    return round(dollars / facts, 6) if facts else None
