"""Which relations sources already state, so that no text is read for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kg_assets.inference.tables import GAZETTEER_TYPES, current_records
from kg_assets.matching.tables import entity_members
from kg_assets.sources.record import ENTITY_TYPES
from kg_assets.stated_relations import stated_relations
from ontology.schema import load_ontology

if TYPE_CHECKING:
    from kg_assets.inference.policy import Policy
    from resources.lake import Step
    from resources.table import Table


def find_stated(step: Step, entity_type: str, policy: Policy) -> None:
    """Find which relations records already state: by `stated_by` of the ontology, and by name.

    What a record says of another counts where that is an entity. Else the edge is missing still,
    and a text may say more. Makes the table `stated`.

    Args:
        step: On its connection are the views `members` and `own_records` of the type.
        entity_type: Type of the subjects.
        policy: What is looked for.
    """
    ontology, con = load_ontology(), step.con
    fields = {
        (relation, field)
        for relation in policy.relations
        for field in ontology.relations[relation].stated_by
        if field in current_records(entity_type).schema.names
    }
    queries = [
        f"""
        SELECT
            entity_id,
            '{relation}' AS relation
        FROM members
        JOIN own_records USING (source, source_id)
        WHERE "{field}" IS NOT NULL
        """  # noqa: S608 - names are those of the ontology and the record
        for relation, field in sorted(fields)
    ]
    unite(
        step,
        "speaking",
        [current_records(kind) for kind in sorted({*GAZETTEER_TYPES, entity_type})],
        "entity_type, source, source_id, name, relations",
        lazily=True,
    )
    unite(
        step,
        "spoken_of",
        [entity_members(kind) for kind in ENTITY_TYPES],
        "entity_id, entity_type, source, source_id",
        lazily=True,
    )
    stated_relations(con, ontology, "speaking", "spoken_of").create_view("said_of_others")
    queries.append(
        "SELECT subject_id AS entity_id, relation FROM said_of_others WHERE problem IS NULL"
    )
    con.execute(f"CREATE TABLE stated AS {' UNION '.join(queries)}")


def unite(
    step: Step,
    name: str,
    tables: list[Table],
    columns: str,
    condition: str = "true",
    *,
    lazily: bool = False,
) -> None:
    """Make a table of the connection from the same columns of several tables of the lake.

    Args:
        step: Reads the tables.
        name: Name of the table made; our own.
        tables: The tables.
        columns: Which columns of them.
        condition: Which rows of them.
        lazily: Whether to make a view: for what few rows are needed of, however many there are.
    """
    parts = []
    for number, table in enumerate(tables):
        step.view(f"{name}_{number}", table)
        parts.append(f"SELECT {columns} FROM {name}_{number} WHERE {condition}")  # noqa: S608 - our own
    kind = "VIEW" if lazily else "TABLE"
    step.con.execute(f"CREATE {kind} {name} AS {' UNION ALL '.join(parts)}")
