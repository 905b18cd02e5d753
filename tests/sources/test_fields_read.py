"""Every field that an adapter declares changes some record: what counts as read is not dropped."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from kg_assets.sources.blobs import read_blobs
from kg_assets.sources.registry import ADAPTERS, adapter_for
from kg_assets.sources.steps import make_records
from kg_assets.sources.tables import RAW_BLOBS
from tests.sources.shapes import SHAPES, Shape, World, as_blob, write, write_database

FIRST = 10_000_000
"""Numbers of blobs are eight digits long, and ids begin with them."""

Field = tuple[str, ...]
"""The way to a field: names of objects, and ``[]`` for each of a list."""

OTHERS: dict[pa.DataType, tuple[Any, ...]] = {
    pa.string(): ("Other", "1999-09-09", "deprecated", "tv"),
    pa.int32(): (5,),
    pa.int64(): (5,),
    pa.float64(): (77.5,),
    pa.bool_(): (False, True),
    pa.date32(): ("1999-09-09",),
}
"""What may stand in a field of a type instead."""


def names_of(shape: Shape) -> str:
    return " ".join(filter(None, (shape.source, shape.input, shape.kind)))


READ = [shape for shape in SHAPES if shape.input]


def test_every_input_and_every_kind_of_row_has_a_shape():
    declared = {
        (source, read.name, kind)
        for source in (*ADAPTERS, "mine")
        for read in adapter_for(source).all_inputs
        for kind in (read.kinds or ("",))
    }
    assert {(shape.source, shape.input, shape.kind) for shape in READ} == declared


@pytest.mark.parametrize("name", sorted({names_of(shape) for shape in READ}))
def test_every_field_that_is_declared_changes_some_record(tmp_path, name):
    dropped: set[Field] = set()
    proven: set[Field] = set()
    for shape in READ:
        if names_of(shape) == name:
            fields = dict(leaves(shape))
            dropped |= set(fields)
            proven |= changing(tmp_path, shape, fields)
    assert sorted(".".join(field) for field in dropped - proven) == []


def leaves(shape: Shape) -> Iterator[tuple[Field, pa.DataType]]:
    """The fields of a shape that hold values, with their types."""
    yield from _leaves(shape.fields, ())
    for pattern, kind in shape.read.apart.items():
        if shape.kind in ("", "series"):
            yield from _leaves(kind, (pattern.replace(r"\d+", "1"),))


def _leaves(kind: pa.DataType, way: Field) -> Iterator[tuple[Field, pa.DataType]]:
    if pa.types.is_struct(kind):
        for field in kind:
            yield from _leaves(field.type, (*way, field.name))
    elif pa.types.is_list(kind) and pa.types.is_struct(kind.value_type):
        yield from _leaves(kind.value_type, (*way, "[]"))
    else:
        yield way, kind


def changing(folder: Path, shape: Shape, fields: dict[Field, pa.DataType]) -> set[Field]:
    """The fields without which, or with another value in which, another record is made."""
    first = replace(shape, samples=shape.samples[:1])
    proven = _compared(folder, first, [(field, _GONE) for field in fields])
    rest = {field: kind for field, kind in fields.items() if field not in proven}
    changes = [(field, other) for field in rest for other in (_GONE, *OTHERS.get(rest[field], ()))]
    return proven | _compared(folder, shape, changes)


_GONE = object()


def _holders(row: Any, field: Field) -> list[dict[str, Any]]:
    found = [row]
    for step in field[:-1]:
        found = [
            inner
            for holder in found
            for inner in (
                holder
                if step == "[]" and isinstance(holder, list)
                else [holder.get(step)]
                if isinstance(holder, dict)
                else []
            )
        ]
    return [holder for holder in found if isinstance(holder, dict)]


def _changed(world: World, shape: Shape, field: Field, value: Any) -> World:
    rows = deepcopy(world[shape.file])
    for row in rows:
        for holder in _holders(row, field):
            if value is not _GONE:
                holder[field[-1]] = value
            elif shape.file.endswith((".tsv", ".csv", ".db")):
                # A cell that is gone is empty.
                holder[field[-1]] = None
            else:
                holder.pop(field[-1], None)
    return {**world, shape.file: rows}


def _compared(folder: Path, shape: Shape, changes: list[tuple[Field, Any]]) -> set[Field]:
    worlds: list[World] = []
    told: list[tuple[int, Field]] = []  # for each world that of its original, and the field
    for make in shape.samples:
        origin = len(worlds)
        worlds.append(make(FIRST + origin))
        told.append((origin, ()))
        for field, value in changes:
            original = make(FIRST + len(worlds))
            changed = _changed(original, shape, field, value)
            if changed != original:
                worlds.append(changed)
                told.append((origin, field))
    records = _records(folder, shape, worlds)
    return {
        field
        for place, (origin, field) in enumerate(told)
        if field and records[place] != records[origin]
    }


def _records(folder: Path, shape: Shape, worlds: list[World]) -> list[list[str]]:
    """What is made of each world, all read at once; numbers in ids are left out."""
    raw: list[pa.RecordBatch] = []
    sizes: dict[str, list[int]] = {}
    adapter = adapter_for(shape.source)
    for file in worlds[0]:
        rows = [row for world in worlds for row in world[file]]
        sizes[file] = [place for place, world in enumerate(worlds) for _ in world[file]]
        if file.endswith(".db"):
            path = write_database(folder / file, rows)
        else:
            blobs = [as_blob(file, row) for row in rows]
            path = write(folder, file, blobs, shape, rows[0])
        read = adapter.input_of(file)
        raw += read_blobs(path, name=file, cut="suffix" if read is None else read.cut)
    made: dict[int, list[str]] = defaultdict(list)
    with duckdb.connect(config={"threads": 1}) as con:
        con.register("raw", pa.Table.from_batches(raw, RAW_BLOBS.schema))
        make_records(con, adapter, shape.source, folder, is_deletion=shape.deletes)
        ranks = con.sql("FROM raw SELECT file, position ORDER BY ALL").fetchall()
        world_of = {
            (file, position): sizes[file][rank]
            for file, given in groupby(ranks, key=lambda row: row[0])
            for rank, (_, position) in enumerate(given)
        }
        rows = con.sql("FROM selected ORDER BY file, position, item, source_id")
        for row in rows.to_arrow_table().to_pylist():
            made[world_of[row.pop("file"), row.pop("position")]].append(_in_words(row))
    return [made[place] for place in range(len(worlds))]


def _in_words(row: dict[str, Any]) -> str:
    del row["sha256"]
    if not re.search(r"1\d{7}", str(row["source_id"])):
        row["source_id"] = None  # the number of the row
    return re.sub(r"1\d{7}", "#", json.dumps(row, default=str))
