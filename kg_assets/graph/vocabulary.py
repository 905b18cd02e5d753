"""What the graph takes from outside its records: the ontology's relations, names of countries."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from ontology.schema import Ontology

RELATIONS_SCHEMA = pa.schema(
    [
        pa.field("relation", pa.string(), nullable=False),
        pa.field("inverse", pa.string()),
        pa.field("how", pa.string(), nullable=False),
        pa.field("stated_by", pa.list_(pa.string()), nullable=False),
        pa.field("symmetric", pa.bool_(), nullable=False),
        pa.field("older_object", pa.bool_(), nullable=False),
        pa.field("domain", pa.list_(pa.string()), nullable=False),
        pa.field("range", pa.list_(pa.string()), nullable=False),
        pa.field("definition", pa.string()),
        pa.field("wikidata", pa.string()),
    ]
)
"""One row a relation of the ontology. Domain and range are lists of entity types; how is source,
inferred or inverse; stated_by holds fields of the canonical record (credits.director); a record
states any of them in its field relations. older_object tells whether the object was there first."""

PLAIN_NAMES = {
    "CS": "Czechoslovakia",
    "DD": "East Germany",
    "FX": "Metropolitan France",
    "KP": "North Korea",
    "PS": "Palestine",
    "RU": "Russia",
    "SU": "Soviet Union",
    "XK": "Kosovo",
    "YU": "Yugoslavia",
}
"""Countries that people call otherwise than ISO 3166-1 and ISO 3166-3 do, or that they lack. CS
was given twice; in film sources it means Czechoslovakia."""


@cache
def country_names() -> dict[str, str]:
    """English names of countries by ISO 3166 alpha-2 code, withdrawn codes included."""
    import pycountry

    # Withdrawn codes first: one that was given again (SK, BY, GE) means today's country.
    names = {each.alpha_2: each.name.split(",")[0] for each in pycountry.historic_countries}
    for each in pycountry.countries:
        names[each.alpha_2] = getattr(each, "common_name", each.name)
    return names | PLAIN_NAMES


def relation_types(ontology: Ontology) -> pa.Table:
    """The ontology's relations as a table, in its own order.

    Args:
        ontology: What `ontology.schema.load_ontology` returns.

    Returns:
        Table with `RELATIONS_SCHEMA`.
    """
    rows = [
        {
            "relation": each.name,
            "inverse": each.inverse,
            "how": each.how,
            "stated_by": list(each.stated_by),
            "symmetric": each.symmetric,
            "older_object": each.older_object,
            "domain": sorted(each.domain),
            "range": sorted(each.range),
            "definition": each.definition,
            "wikidata": each.wikidata,
        }
        for each in ontology.relations.values()
    ]
    return pa.Table.from_pylist(rows, schema=RELATIONS_SCHEMA)
