"""Facts that contradict surer ones: of all facts, those few that can are looked at in Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from ontology.schema import HOW_INVERSE, Ontology
from ontology.validation import OLDER, Claim, contradictions, one_object

if TYPE_CHECKING:
    import duckdb

_DECLARED = pa.schema(
    [
        pa.field("relation", pa.string()),
        pa.field("kept", pa.string()),
        pa.field("turned", pa.bool_()),
        pa.field("graph", pa.string()),
        pa.field("single", pa.bool_()),
        pa.field("single_inverse", pa.bool_()),
    ]
)

_CLAIMS = """
    CREATE OR REPLACE TEMP TABLE claim AS
    WITH turned AS (
        SELECT
            fact.*,
            declared.* EXCLUDE (relation),
            CASE WHEN declared.turned THEN object_id ELSE subject_id END AS later,
            CASE WHEN declared.turned THEN subject_id ELSE object_id END AS earlier
        FROM fact_to_compare AS fact
        JOIN relation_to_compare AS declared USING (relation)
    )
    SELECT
        *,
        single AND count(DISTINCT earlier) OVER (PARTITION BY kept, later) > 1
        OR single_inverse AND count(DISTINCT later) OVER (PARTITION BY kept, earlier) > 1
            AS crowded
    FROM turned
"""

# What nothing leads to, or what leads nowhere, is on no cycle; without it others are not either.
_TRIM = """
    DELETE FROM claim
    WHERE NOT crowded
      AND (
          graph IS NULL
          OR (graph, later) NOT IN (SELECT (graph, earlier) FROM claim WHERE graph IS NOT NULL)
          OR (graph, earlier) NOT IN (SELECT (graph, later) FROM claim WHERE graph IS NOT NULL)
      )
"""


def contradicted(con: duckdb.DuckDBPyConnection, facts: str, ontology: Ontology) -> dict[str, str]:
    """Find the facts that break a cardinality or close a cycle among surer ones.

    Only those are read that can do so: several objects where one is allowed, and what lies on a
    path that may lead back.

    Args:
        con: Connection on which the facts are; leaves nothing on it.
        facts: Query of our own that gives claim_id, relation, subject_id, object_id and confidence
            of facts that hold by themselves, relations in either direction.
        ontology: Cardinality, and which relations lead nobody back to itself.

    Returns:
        The reason of each fact to refuse, by its id.
    """
    con.execute(f"CREATE OR REPLACE TEMP VIEW fact_to_compare AS {facts}")
    con.register("relation_to_compare", _declared(ontology))
    con.execute(_CLAIMS)
    while con.execute(_TRIM).fetchall()[0][0]:
        pass
    rows = con.sql(
        """
        SELECT
            claim_id,
            relation,
            subject_id,
            object_id,
            confidence
        FROM claim
        ORDER BY claim_id
        """
    ).fetchall()
    con.execute("DROP TABLE claim")
    con.execute("DROP VIEW fact_to_compare")
    con.unregister("relation_to_compare")
    return contradictions([Claim(*row) for row in rows], ontology)


def _declared(ontology: Ontology) -> pa.Table:
    """The relations that can be contradicted, each with the graph that it may close a cycle in."""
    single = one_object(ontology)
    rows = []
    for name, relation in ontology.relations.items():
        turned = relation.how == HOW_INVERSE and relation.inverse is not None
        kept = ontology.relations[str(relation.inverse)] if turned else relation
        # Where no type can be both subject and object, no path leads further.
        closes = kept.acyclic and (kept.older_object or bool(kept.domain & kept.range))
        graph = (OLDER if kept.older_object else kept.name) if closes else None
        one, back = kept.name in single, kept.inverse in single
        if graph or one or back:
            rows.append(
                {
                    "relation": name,
                    "kept": kept.name,
                    "turned": turned,
                    "graph": graph,
                    "single": one,
                    "single_inverse": back,
                }
            )
    return pa.Table.from_pylist(rows, schema=_DECLARED)
