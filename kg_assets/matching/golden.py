"""Golden records: what an entity is called and what is said of it, each by a declared rule.

Everything goes through claims, one row for each value that a record states. A rule chooses among
the claims of an entity; the golden record is the chosen claims, so that each attribute of it can
be traced to the records that state it.
"""

# ruff: noqa: S608 - names in statements are constants of this package, values are bound.

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import pyarrow as pa

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection, DuckDBPyRelation


@dataclass(frozen=True)
class Rule:
    """How one attribute of a golden record is chosen.

    Attributes:
        attribute: Column of the record and of the entity.
        choice: ``best``: the value that comes first in ``order``; ``all``: every value.
        order: What decides, in this order. ``rank``: the best rank of a source that states it.
            ``agreement``: how many sources, then how many records state it. ``recency``: what the
            newest delivery of a source states comes before what only older ones state; deliveries
            of different sources have no order. ``completeness``: of a text the longest, of
            anything else what the record states that fills most attributes. The last word is
            always the order of the values themselves.
    """

    attribute: str
    choice: Literal["best", "all"]
    order: tuple[Literal["rank", "agreement", "recency", "completeness"], ...] = ()


RULES = (
    Rule("name", "best", ("rank", "agreement", "recency", "completeness")),
    Rule("alternate_names", "all"),
    Rule("year", "best", ("agreement", "rank", "recency", "completeness")),
    Rule("end_year", "best", ("recency", "agreement", "rank", "completeness")),
    Rule("date", "best", ("agreement", "rank", "recency", "completeness")),
    Rule("runtime_minutes", "best", ("rank", "agreement", "recency", "completeness")),
    Rule("season", "best", ("agreement", "rank", "recency", "completeness")),
    Rule("episode", "best", ("agreement", "rank", "recency", "completeness")),
    Rule("genres", "all"),
    Rule("countries", "all"),
    Rule("languages", "all"),
    Rule("professions", "all"),
    Rule("birth_year", "best", ("agreement", "rank", "recency", "completeness")),
    Rule("death_year", "best", ("recency", "agreement", "rank", "completeness")),
    Rule("rating", "best", ("rank", "recency", "agreement", "completeness")),
    Rule("votes", "best", ("rank", "recency", "agreement", "completeness")),
    Rule("description", "best", ("completeness", "rank", "recency")),
    Rule("url", "best", ("rank", "recency", "agreement", "completeness")),
)
"""The rules. An entity's alternate names are all names of its records but the chosen one.

What is fixed once a thing is there (its year, a birth, a number in a season) is settled by
agreement: a source that errs seldom errs with others. What a maker decides for a version of its own
(name, running time) is taken from the best source. What goes on changing (the end of a series, a
death, an address) is believed as it was said last, since what a source has replaced counts for
nothing. Where all else is equal the newer claim is a correction, and the record that says most is
more likely to be the tended one than a stub. Rating and votes go by one rule, so that they are of
one source: those of several have no sum, since people vote in more than one place.
"""

_TEXTS = ("name", "description")
"""Attributes of which a longer value says more."""


def _order(rule: Rule) -> str:
    """The rule as what SQL orders the values by."""
    keys = {
        "rank": "min(rank)",
        "agreement": "count(DISTINCT source) DESC, count(*) DESC",
        "recency": "min(replaced)",
        "completeness": ("length(value) DESC, " if rule.attribute in _TEXTS else "")
        + "max(filled) DESC",
    }
    return ", ".join(keys[name] for name in rule.order)


def _sources(records_view: str, members_view: str) -> str:
    """Common table expression of the records of each entity.

    Beside the attributes: the rank of the source, the place of the delivery among those of its
    source, and how many attributes the record fills.
    """
    columns = ",\n        ".join(f"r.{rule.attribute}" for rule in RULES)
    filled = " + ".join(
        f"coalesce(len(r.{rule.attribute}) > 0, FALSE)::INTEGER"
        if rule.choice == "all"
        else f"(r.{rule.attribute} IS NOT NULL)::INTEGER"
        for rule in RULES
    )
    return f"""
sources AS MATERIALIZED (
    SELECT
        m.entity_id,
        m.entity_type,
        m.source,
        m.source_id,
        coalesce(k.rank, 9223372036854775807) AS rank,
        coalesce(d.place, 0) AS place,
        {filled} AS filled,
        {columns}
    FROM {members_view} AS m
    JOIN {records_view} AS r
        ON r.source = m.source
        AND r.source_id = m.source_id
    LEFT JOIN golden_source_ranks AS k
        ON k.source = m.source
    LEFT JOIN golden_delivery_places AS d
        ON d.source = m.source
        AND d.delivery = r.delivery
)"""


def _chosen(rule: Rule) -> str:
    """Common table expression: the chosen value of an attribute, or the list of all."""
    if rule.attribute == "alternate_names":
        return """
chosen_alternate_names AS (
    SELECT entity_id, list_sort(list(DISTINCT value)) AS value
    FROM other_names
    GROUP BY entity_id
)"""
    if rule.choice == "all":
        return f"""
chosen_{rule.attribute} AS (
    SELECT entity_id, list_sort(list(DISTINCT value)) AS value
    FROM (SELECT entity_id, unnest({rule.attribute}) AS value FROM sources)
    WHERE value <> ''
    GROUP BY entity_id
)"""
    return f"""
chosen_{rule.attribute} AS (
    SELECT entity_id, value
    FROM (
        SELECT
            entity_id,
            source,
            rank,
            filled,
            {rule.attribute} AS value,
            place < max(place) OVER (PARTITION BY entity_id, source) AS replaced
        FROM sources
        WHERE {rule.attribute} IS NOT NULL
    )
    GROUP BY entity_id, value
    QUALIFY row_number() OVER (PARTITION BY entity_id ORDER BY {_order(rule)}, value) = 1
)"""


_OTHER_NAMES = """
other_names AS (
    SELECT s.entity_id, s.source, s.source_id, s.value
    FROM (
        SELECT
            entity_id,
            source,
            source_id,
            unnest(list_distinct(list_append(alternate_names, name))) AS value
        FROM sources
    ) AS s
    JOIN chosen_name AS c USING (entity_id)
    WHERE s.value <> c.value
        AND s.value <> ''
)"""


def _query(records_view: str, members_view: str) -> str:
    """All common table expressions: sources, chosen_<attribute> for each rule, other_names."""
    name, *rest = (_chosen(rule) for rule in RULES)
    parts = [_sources(records_view, members_view), name, _OTHER_NAMES, *rest]
    return "WITH" + ",".join(parts)


def _claims_of(rule: Rule) -> str:
    """Query of the claims of one attribute."""
    if rule.attribute == "alternate_names":
        return """
SELECT entity_id, 'alternate_names' AS attribute, value, source, source_id, true AS chosen
FROM other_names
"""
    if rule.choice == "all":
        return f"""
SELECT entity_id, '{rule.attribute}' AS attribute, value, source, source_id, true AS chosen
FROM (
    SELECT entity_id, source, source_id, unnest(list_distinct({rule.attribute})) AS value
    FROM sources
)
WHERE value <> ''
"""
    return f"""
SELECT
    s.entity_id,
    '{rule.attribute}' AS attribute,
    s.{rule.attribute}::VARCHAR AS value,
    s.source,
    s.source_id,
    s.{rule.attribute} = c.value AS chosen
FROM sources AS s
JOIN chosen_{rule.attribute} AS c USING (entity_id)
WHERE s.{rule.attribute} IS NOT NULL
"""


def _prepare(
    con: DuckDBPyConnection, ranks: Mapping[str, int], deliveries: DuckDBPyRelation | None
) -> None:
    """Make the source ranks and the order of deliveries available to the queries."""
    names = sorted(ranks)
    table = pa.table(
        {
            "source": pa.array(names, pa.string()),
            "rank": pa.array([ranks[name] for name in names], pa.int64()),
        }
    )
    con.register("golden_given_ranks", table)
    con.execute(
        "CREATE OR REPLACE TEMP TABLE golden_source_ranks AS SELECT * FROM golden_given_ranks"
    )
    con.unregister("golden_given_ranks")
    if deliveries is None:
        con.execute(
            """
            CREATE OR REPLACE TEMP TABLE golden_delivery_places
                (source VARCHAR, delivery VARCHAR, place BIGINT)
            """
        )
        return
    deliveries.create_view("golden_delivery", replace=True)
    # The order of two deliveries of a source is theirs alone: no later one changes it.
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE golden_delivery_places AS
        SELECT
            source,
            delivery,
            row_number() OVER (PARTITION BY source ORDER BY sequence, delivery) AS place
        FROM golden_delivery
        """
    )


def claims(
    con: DuckDBPyConnection,
    records_view: str,
    members_view: str,
    ranks: Mapping[str, int],
    deliveries: DuckDBPyRelation | None = None,
) -> DuckDBPyRelation:
    """Every claim about every entity, with the record that states it.

    Args:
        con: The connection that knows the views; it keeps temporary tables.
        records_view: Name of the records, with the columns of the canonical record and the name
            of their delivery.
        members_view: Name of the members (entity_id, entity_type, source, source_id).
        ranks: Rank by source, lower is better; a source that is not named comes last.
        deliveries: Rows of the table deliveries; without them none is newer than another.

    Returns:
        entity_id, attribute, value (as text), source, source_id, chosen; in no order, no row
        twice. A name that was not chosen is listed under ``name`` (not chosen) and under
        ``alternate_names``.
    """
    _prepare(con, ranks, deliveries)
    return con.sql(
        _query(records_view, members_view) + "UNION ALL".join(_claims_of(rule) for rule in RULES)
    )


def golden_records(
    con: DuckDBPyConnection,
    records_view: str,
    members_view: str,
    ranks: Mapping[str, int],
    deliveries: DuckDBPyRelation | None = None,
) -> DuckDBPyRelation:
    """The golden record of every entity, by ``RULES``.

    Args:
        con: The connection that knows the views; it keeps temporary tables.
        records_view: Name of the records, with the columns of the canonical record and the name
            of their delivery.
        members_view: Name of the members (entity_id, entity_type, source, source_id).
        ranks: Rank by source, lower is better; a source that is not named comes last.
        deliveries: Rows of the table deliveries; without them none is newer than another.

    Returns:
        The columns of ``resolved_entities``, in no order of rows. Lists are sorted and distinct,
        empty where no record states anything; other values are then NULL.
    """
    _prepare(con, ranks, deliveries)
    columns = ",\n    ".join(f"{_value(rule)} AS {rule.attribute}" for rule in RULES)
    joins = "\n".join(f"LEFT JOIN chosen_{rule.attribute} USING (entity_id)" for rule in RULES)
    return con.sql(
        _query(records_view, members_view)
        + f""",
held AS (
    SELECT
        entity_id,
        any_value(entity_type) AS entity_type,
        count(*) AS records,
        list_sort(list(DISTINCT source)) AS sources
    FROM sources
    GROUP BY entity_id
)
SELECT
    held.entity_id,
    held.entity_type,
    {columns},
    held.records,
    held.sources
FROM held
{joins}
"""
    )


def _value(rule: Rule) -> str:
    column = f"chosen_{rule.attribute}.value"
    return f"coalesce({column}, [])" if rule.choice == "all" else column
