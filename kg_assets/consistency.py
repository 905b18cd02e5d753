"""Facts that contradict surer ones: of all facts, those few that can are looked at in Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ontology.schema import HOW_INVERSE, Ontology
from ontology.validation import Claim, contradictions, one_object

if TYPE_CHECKING:
    import duckdb

_CLAIMS = """
    CREATE OR REPLACE TEMP TABLE claim AS
    SELECT
        claim_id,
        relation,
        subject_id,
        object_id,
        confidence,
        CASE WHEN list_contains($inverse, relation) THEN object_id ELSE subject_id END AS later,
        CASE WHEN list_contains($inverse, relation) THEN subject_id ELSE object_id END AS earlier,
        list_contains($single, relation) AS single
    FROM fact_to_compare
    WHERE list_contains($acyclic, relation)
       OR list_contains($single, relation)
"""

# What nothing leads to, or what leads nowhere, is on no cycle; without it others are not either.
_TRIM = """
    DELETE FROM claim
    WHERE NOT single
      AND (
          later NOT IN (SELECT earlier FROM claim)
          OR earlier NOT IN (SELECT later FROM claim)
      )
"""


def contradicted(con: duckdb.DuckDBPyConnection, facts: str, ontology: Ontology) -> dict[str, str]:
    """Find the facts that break a cardinality or close a cycle among surer ones.

    Of acyclic relations only that is read which can lie on a cycle at all.

    Args:
        con: Connection on which the facts are; leaves nothing on it.
        facts: Query of our own that gives claim_id, relation, subject_id, object_id and confidence
            of facts that hold by themselves, relations in either direction.
        ontology: Cardinality, and which relations lead nobody back to itself.

    Returns:
        The reason of each fact to refuse, by its id.
    """
    single = one_object(ontology)
    # A subject of which only one object may be has the relation's inverse with one subject.
    inverses = {ontology.relations[name].inverse for name in single}
    con.execute(f"CREATE OR REPLACE TEMP VIEW fact_to_compare AS {facts}")
    con.execute(
        _CLAIMS,
        {
            "inverse": [n for n, each in ontology.relations.items() if each.how == HOW_INVERSE],
            "acyclic": [name for name, each in ontology.relations.items() if each.acyclic],
            "single": sorted({*single, *(each for each in inverses if each)}),
        },
    )
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
    return contradictions([Claim(*row) for row in rows], ontology)
