"""Comparing the records of a delivery with what its source is expected to deliver."""

# ruff: noqa: S608 - names in statements are columns of the canonical record, by our own check.

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pyarrow as pa

from kg_assets.sources.adapter import fits
from kg_assets.sources.deliveries import parse_key
from kg_assets.sources.expectations import (
    FEW,
    Bound,
    Expectation,
    ExpectationWords,
    Fill,
    overridden,
)
from kg_assets.sources.record import RECORD_SCHEMA
from kg_assets.sources.registry import adapter_for
from kg_assets.sources.tables import DELIVERIES, RAW_BLOBS, SOURCE_RECORDS
from resources.keyed import KEYED_ROWS, by_hash

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    import duckdb

    from kg_assets.sources.adapter import Adapter
    from resources.lake import Step


@dataclass(frozen=True)
class Figure:
    """One figure of a delivery beside its limits.

    Attributes:
        entity_type: Of which type.
        name: ``records``, or the field that is filled.
        value: The number of records, or the share of them, 0 to 1, in which the field has a value.
        bound: Its limits.
    """

    entity_type: str
    name: str
    value: float
    bound: Bound

    @property
    def is_broken(self) -> bool:
        """Whether it is below the minimum."""
        return self.bound.least is not None and self.value < self.bound.least

    @property
    def is_unusual(self) -> bool:
        """Whether it is below or above what is usual."""
        too_few = self.bound.usual is not None and self.value < self.bound.usual
        return too_few or (self.bound.most is not None and self.value > self.bound.most)

    def __str__(self) -> str:
        shown = (
            f"{self.entity_type}: {self.value:,.0f} records"
            if self.name == "records"
            else f"{self.entity_type}.{self.name}: filled in {self.value:.1%}"
        )
        wanted = [
            f"{word} {limit:,.0f}" if self.name == "records" else f"{word} {limit:.1%}"
            for word, limit in (
                ("at least", self.bound.least),
                ("usually at least", self.bound.usual),
                ("at most", self.bound.most),
            )
            if limit is not None
        ]
        return f"{shown} ({', '.join(wanted)})" if wanted else shown


def filled_expression(column: str) -> str:
    """SQL for whether a column of the canonical record has a value; an empty list is none."""
    kind = RECORD_SCHEMA.field(column).type
    if pa.types.is_list(kind):
        return f'coalesce(len("{column}") > 0, false)'
    if pa.types.is_map(kind):
        return f'coalesce(cardinality("{column}") > 0, false)'
    return f'"{column}" IS NOT NULL'


def figures_of(
    con: duckdb.DuckDBPyConnection,
    records: str,
    expected: dict[str, Expectation],
    *,
    files: Mapping[str, str | None],
    is_full: bool,
    part_rows: int = KEYED_ROWS,
) -> list[Figure]:
    """The figures that have limits.

    Args:
        con: The connection.
        records: Name of a view of source_records; a constant of the caller.
        expected: What is expected, by entity type.
        files: Names of the files, and of the input of the adapter that reads each.
        is_full: Whether these are all records of the source. Numbers of others say nothing, and
            of a type of which there are few the shares say nothing either.
        part_rows: Rows whose places are held at once, about; the result is the same.

    Returns:
        Figures in the order of the types and fields. People who were made from the credits of a
        work are not counted: nobody delivered them.
    """
    found = []
    inputs = set(files.values())
    for entity_type, expectation in expected.items():
        fills = [fill for fill in expectation.filled if set(fill.inputs) <= inputs]
        number, *filled = _counted(con, records, entity_type, fills, part_rows)
        is_whole = is_full and _is_whole(expectation, files)
        if is_whole and set(expectation.inputs) <= inputs:
            found.append(Figure(entity_type, "records", number, expectation.records))
        if number and (is_full or number >= FEW):
            found += [
                Figure(
                    entity_type,
                    fill.field,
                    count / number,
                    # An excerpt may be of what is known best.
                    fill.share if is_whole else replace(fill.share, most=None),
                )
                for fill, count in zip(fills, filled, strict=True)
            ]
    return found


def _is_whole(expectation: Expectation, files: Collection[str]) -> bool:
    return not expectation.whole or any(fits(name, expectation.whole) for name in files)


def _counted(
    con: duckdb.DuckDBPyConnection,
    records: str,
    entity_type: str,
    fills: Sequence[Fill],
    part_rows: int,
) -> list[int]:
    """The number of delivered records of a type, then of those in which each field is filled."""
    filled = "".join(f", count(*) FILTER ({filled_expression(fill.field)})" for fill in fills)
    parts = ["true"]
    if entity_type == "person":
        parts = by_hash(con, records, 'file, "table", position', part_rows=part_rows)
    counts = [0] * (1 + len(fills))
    for part in parts:
        made_of_credits = f"""
            AND NOT EXISTS (
                FROM (FROM {records} WHERE {part}) AS work
                WHERE work.entity_type <> 'person'
                  AND work.file = record.file
                  AND work."table" IS NOT DISTINCT FROM record."table"
                  AND work.position = record.position
            )
        """
        [row] = con.execute(
            f"""
            SELECT count(*){filled}
            FROM (FROM {records} WHERE {part}) AS record
            WHERE entity_type = $entity_type
              {made_of_credits if entity_type == "person" else ""}
            """,
            {"entity_type": entity_type},
        ).fetchall()
        counts = [sum(pair) for pair in zip(counts, row, strict=True)]
    return counts


def judged(step: Step, adapter: Adapter | None = None) -> list[Figure]:
    """The figures of the delivery whose records a step has staged, beside their limits.

    Args:
        step: The step of the records.
        adapter: The adapter; by default that of the delivery's source.
    """
    source, _ = parse_key(step.partition or "")
    adapter = adapter or adapter_for(source)
    con = step.con
    [(mode, words)] = step.staged(DELIVERIES).project("mode, expect").fetchall()
    expected = overridden(dict(adapter.expects), _words(words))
    if mode == "delete" or not expected:
        return []
    files = step.read(RAW_BLOBS, step.partition).project("file").distinct().fetchall()
    used = {name: adapter.input_of(name) for (name,) in files}
    step.staged(SOURCE_RECORDS).create_view("judged_record", replace=True)
    return figures_of(
        con,
        "judged_record",
        expected,
        files={name: source.name if source else None for name, source in used.items()},
        is_full=mode == "full",
    )


def _words(text: str | None) -> dict[str, ExpectationWords] | bool | None:
    if text is None:
        return None
    value = json.loads(text)
    if isinstance(value, bool):
        return value
    return {name: ExpectationWords.model_validate(word) for name, word in value.items()}
