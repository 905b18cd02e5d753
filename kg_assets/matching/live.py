"""Which deliveries count, and which of them came after those that were read before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from kg_assets.sources.tables import DELIVERIES, SOURCE_RECORDS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    import duckdb

    from kg_assets.matching.model import MatchSpec
    from resources.lake import Step
    from resources.table import Table


def read_deliveries(step: Step, facets: Collection[str] | None = None) -> duckdb.DuckDBPyRelation:
    """The deliveries of which records were made, as rows of the table deliveries.

    A delivery and its records are committed together. In a catalog of an earlier version there may
    be one whose records failed; it is passed over, since a full one would retire all that its
    source delivered before.

    Args:
        step: Reads deliveries; records that are missing are an input of it.
        facets: Types of records, to read only deliveries that bear on them: what else comes makes
            the step not stale. All deliveries by default.
    """
    if facets is not None:
        bearing = sorted(step.holding(SOURCE_RECORDS, facets))
        numbers = {key: number for number, key in enumerate(bearing)}
        step.view_partitions("delivery_bearing", DELIVERIES, numbers)
        return step.con.table("delivery_bearing").project("* EXCLUDE (number)")
    every = step.read(DELIVERIES)
    keys = [f"{source}|{name}" for source, name in every.project("source, delivery").fetchall()]
    return with_records(step.con, every, step.present(SOURCE_RECORDS, keys))


def with_records(
    con: duckdb.DuckDBPyConnection, deliveries: duckdb.DuckDBPyRelation, there: Iterable[str]
) -> duckdb.DuckDBPyRelation:
    """The deliveries whose keys are among those that have records.

    Args:
        con: The connection that the relation belongs to.
        deliveries: Rows of the table deliveries.
        there: Keys of the deliveries of which records were made.
    """
    con.register("delivery_with_records", pa.table({"key": pa.array(sorted(there), pa.string())}))
    deliveries.create_view("delivery_read", replace=True)
    return con.sql(
        """
        SELECT *
        FROM delivery_read
        WHERE source || '|' || delivery IN (SELECT key FROM delivery_with_records)
        """
    )


def live_deliveries(
    con: duckdb.DuckDBPyConnection, deliveries: duckdb.DuckDBPyRelation
) -> pa.Table:
    """Deliveries that still count: those since the last full one of each source, in order.

    Args:
        con: The connection that the relation belongs to.
        deliveries: Rows of the table deliveries, as of `read_deliveries`.

    Returns:
        number (order over all sources), source, delivery, mode, and duplicate_free as the last
        delivery that says it has it.
    """
    deliveries.create_view("every_delivery", replace=True)
    return con.sql(
        """
        WITH ordered AS (
            SELECT *,
                   row_number() OVER (PARTITION BY source ORDER BY sequence, delivery) AS place
            FROM every_delivery
        ),
        live AS (
            SELECT *,
                   last_value(duplicate_free IGNORE NULLS) OVER (
                       PARTITION BY source ORDER BY place
                       ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
                   ) AS declared
            FROM ordered
            QUALIFY place >= coalesce(
                max(CASE WHEN mode = 'full' THEN place END) OVER (PARTITION BY source), 0)
        )
        SELECT row_number() OVER (ORDER BY source, place) AS number,
               source,
               delivery,
               mode,
               declared AS duplicate_free
        FROM live
        ORDER BY number
        """
    ).to_arrow_table()


def partition_numbers(numbered: pa.Table) -> dict[str, int]:
    """The partitions of deliveries, each with its number.

    Args:
        numbered: Some of what `live_deliveries` gives.
    """
    columns = (numbered.column(name).to_pylist() for name in ("source", "delivery", "number"))
    return {f"{source}|{name}": number for source, name, number in zip(*columns, strict=True)}


def duplicate_free_sources(deliveries: pa.Table, spec: MatchSpec) -> frozenset[str]:
    """Sources of which no two records of the type are declared to be the same thing.

    Args:
        deliveries: What `live_deliveries` gives.
        spec: The type's match model; a type whose records are one a credit has no such source.
    """
    from kg_assets.sources.registry import adapter_for

    if not spec.duplicate_free:
        return frozenset()
    declared = dict(
        zip(
            deliveries.column("source").to_pylist(),
            deliveries.column("duplicate_free").to_pylist(),
            strict=True,
        )
    )
    return frozenset(
        source
        for source, word in declared.items()
        if (
            adapter_for(source).duplicate_free.get(spec.entity_type, False)
            if word is None
            else word
        )
    )


def later_deliveries(
    step: Step, spec: MatchSpec, output: Table, numbered: pa.Table
) -> pa.Array | None:
    """Which live deliveries came after all those that the current records are made from.

    Args:
        step: The step of the records.
        spec: The type's match model.
        output: The table of its records.
        numbered: What `live_deliveries` gives.

    Returns:
        Their numbers; None if the records do not follow from the version before and these alone:
        a delivery is gone, has changed, came in before others or replaces them, or a source
        changed its word about duplicates.
    """
    con = step.con
    places = zip(
        *(numbered.column(name).to_pylist() for name in ("source", "delivery")), strict=True
    )
    keys = [f"{source}|{name}" for source, name in places]
    told = step.parts(output, DELIVERIES, keys)
    read = step.parts(output, SOURCE_RECORDS, keys)
    if told is None or read is None:
        return None
    for before, now in (told, read):
        if any(now.get(key) != before[key] for key in before if key in read[0]):
            return None
    if not set(read[0]) <= set(keys):
        return None
    news: list[int] = []
    with_news: set[str] = set()
    for number, key in zip(numbered.column("number").to_pylist(), keys, strict=True):
        source = key.split("|")[0]
        if key not in read[0]:
            news.append(number)
            with_news.add(source)
        elif source in with_news:
            return None
    step.previous(output).create_view("record_before", replace=True)
    words = con.sql("SELECT DISTINCT source, duplicate_free FROM record_before").fetchall()
    free = duplicate_free_sources(numbered, spec)
    if any((source in free) != word for source, word in words):
        return None
    return pa.array(news, pa.int64())
