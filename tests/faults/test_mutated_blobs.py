"""Mutated blobs through every adapter: each is read or quarantined, whatever happened to it."""

# ruff: noqa: S608 - names in statements are those of our own adapters.

from __future__ import annotations

import json
import random
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from kg_assets.sources.blobs import read_blobs
from kg_assets.sources.registry import ADAPTERS, adapter_for
from kg_assets.sources.steps import make_records, quarantined_rows
from kg_assets.sources.tables import RAW_BLOBS
from tests.faults.mutations import ODD_VALUES, of_bytes, of_values
from tests.lengths import FULL, SEED
from tests.sources.shapes import SHAPES, Row, Shape, World, as_blob, write, write_database

BLOBS, TOGETHER = (10_000, 200) if FULL else (40, 40)
"""Mutated blobs of each adapter, in the short form of each shape; and how many are read at once."""

SECONDS = 1.0
"""Processor time within which a blob is read, whatever it holds. Unlike the time on a clock it does
not grow where a machine does much else."""

FIRST = 10_000_000
BETWEEN_BLOBS = b" \t\r\n[],\xef\xbb\xbf"


def names_of(shape: Shape) -> str:
    return "-".join(filter(None, (shape.source, shape.input, shape.kind, shape.file)))


def test_no_adapter_is_left_out():
    assert {shape.source for shape in SHAPES} == {*ADAPTERS, "mine"}


@pytest.fixture(scope="module")
def con() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(config={"threads": 1})


class Reader:
    """Reads blobs of a shape, whatever happened to them, and measures the processor time."""

    def __init__(self, con: duckdb.DuckDBPyConnection, folder: Path, shape: Shape) -> None:
        self._con = con
        self._folder = folder
        self._shape = shape

    def read(self, worlds: Sequence[World], blobs: Sequence[Any]) -> float:
        """Read the blobs, and rows of other files that they belong to; give the seconds."""
        shape = self._shape
        paths = []
        for file in worlds[0]:
            rows = [row for world in worlds for row in world[file]]
            if file.endswith(".db"):
                paths.append(write_database(self._folder / file, list(blobs)))
                continue
            given = blobs if file == shape.file else [as_blob(file, row) for row in rows]
            paths.append(write(self._folder, file, list(given), shape, rows[0]))
        return self.read_files(paths)

    def read_files(self, paths: Sequence[Path]) -> float:
        """Read files; every blob and every byte is accounted for."""
        shape = self._shape
        started = time.process_time()
        batches = [
            batch
            for path in paths
            for batch in read_blobs(path, name=path.name, cut=_cut_of(shape, path.name))
        ]
        raw = pa.Table.from_batches(batches, RAW_BLOBS.schema)
        self._con.register("raw", raw)
        adapter = adapter_for(shape.source)
        make_records(self._con, adapter, shape.source, self._folder, is_deletion=shape.deletes)
        took = time.process_time() - started
        _assert_each_is_accounted_for(self._con, shape.source)
        for path in paths:
            own = raw.filter(pa.compute.equal(raw["file"], path.name))
            if path.name.endswith((".json", ".jsonl")):
                _assert_each_byte_is_in_a_blob(path, own)
            elif path.name.endswith(".tsv"):
                _assert_each_line_is_a_blob(path, own)
        return took

    def assert_none_hangs(
        self, worlds: Sequence[World], blobs: Sequence[Any], usual: float
    ) -> None:
        """Fail where a blob takes longer than `SECONDS`, more than blobs that are whole.

        Many that each take a little longer are no hang, so those that take long together are
        divided until one alone does.
        """
        if self.read(worlds, blobs) <= usual + SECONDS:
            return
        if len(blobs) == 1:
            pytest.fail(f"a blob takes more than {SECONDS} s: {blobs[0]!r:.2000}")
        middle = len(blobs) // 2
        for part in (slice(middle), slice(middle, None)):
            self.assert_none_hangs(worlds, blobs[part], usual)


@pytest.mark.parametrize("shape", SHAPES, ids=names_of)
def test_every_mutated_blob_is_read_or_quarantined(con, tmp_path, shape, request):
    print(f"{request.node.name}: KG_TEST_SEED={SEED}")
    chance = random.Random(f"{SEED} {names_of(shape)}")
    reader = Reader(con, tmp_path, shape)
    shapes = sum(other.source == shape.source for other in SHAPES) if FULL else 1
    numbers = range(FIRST, FIRST + TOGETHER)
    worlds = [shape.samples[number % len(shape.samples)](number) for number in numbers]
    whole = [row for world in worlds for row in world[shape.file]]
    written = whole if _is_database(shape) else [as_blob(shape.file, row) for row in whole]
    # What is compiled and planned for the first time is so here.
    usual = max(reader.read(worlds, written) for _ in range(2))
    for _ in range(0, BLOBS // shapes, len(whole)):
        mutated = [_mutated(row, shape, chance) for row in whole]
        reader.assert_none_hangs(worlds, mutated, usual)
        if _is_database(shape):
            path = write_database(tmp_path / shape.file, mutated)
            (damaged := tmp_path / "damaged.db").write_bytes(of_bytes(path.read_bytes(), chance))
            reader.read_files([damaged])


def _is_database(shape: Shape) -> bool:
    return shape.file.endswith(".db")


def _mutated(row: Row, shape: Shape, chance: random.Random) -> Any:
    if not _is_database(shape):
        blob = as_blob(shape.file, row)
        is_json = shape.file.endswith((".json", ".jsonl"))
        return (
            of_values(row, chance) if is_json and chance.random() < 0.6 else of_bytes(blob, chance)
        )
    changed = dict(row)
    for _ in range(chance.randint(1, 3)):
        odd = chance.choice(ODD_VALUES)
        if isinstance(odd, int) and abs(odd) >= 1 << 63:
            odd = 9e999
        if isinstance(odd, list | dict) or odd == "\ud800":
            odd = of_bytes(b"Il Gattopardo", chance)
        changed[chance.choice(list(changed))] = odd
    return changed


def _cut_of(shape: Shape, name: str) -> Any:
    found = adapter_for(shape.source).input_of(name)
    return "suffix" if found is None else found.cut


def _assert_each_is_accounted_for(con: duckdb.DuckDBPyConnection, source: str) -> None:
    """Each blob is in one of: a record, quarantine, skipped, added to another's record."""
    quarantined_rows(con).create_view("quarantined", replace=True)
    added = "".join(
        f"""
        UNION ALL
        SELECT DISTINCT file, "table", position
        FROM parsed_{each.name}
        ANTI JOIN orphans USING (file, position)
        """
        for each in adapter_for(source).all_inputs
        if each.adds_to is not None
    )
    wrong = con.sql(
        f"""
        SELECT raw.file, raw.position, count(found.file)
        FROM raw
        LEFT JOIN (
            SELECT DISTINCT file, "table", position FROM contract_kept
            UNION ALL
            SELECT file, "table", position
            FROM (SELECT DISTINCT file, "table", position FROM quarantined)
            ANTI JOIN contract_kept USING (file, position)
            UNION ALL
            SELECT file, "table", position FROM skipped
            UNION ALL
            SELECT file, "table", position FROM recordless
            UNION ALL
            SELECT file, NULL, position FROM text_kept
            UNION ALL
            SELECT file, NULL, position FROM text_line
            {added}
        ) AS found
          ON found.file = raw.file
         AND found."table" IS NOT DISTINCT FROM raw."table"
         AND found.position = raw.position
        GROUP BY ALL
        HAVING count(found.file) <> 1
        """
    ).fetchall()
    assert wrong == []
    reasons = con.sql("SELECT count(*) FROM quarantined WHERE coalesce(reason, '') = ''").fetchall()
    assert reasons == [(0,)]


def _assert_each_byte_is_in_a_blob(path: Path, raw: pa.Table) -> None:
    content = np.frombuffer(path.read_bytes(), np.uint8)
    covered = np.zeros(len(content), np.bool_)
    for position, size in zip(raw["position"].to_pylist(), raw["bytes"].to_pylist(), strict=True):
        assert not covered[position : position + size].any(), "a byte is in two blobs"
        covered[position : position + size] = True
    left = bytes(content[~covered])
    assert set(left) <= set(BETWEEN_BLOBS)


def _assert_each_line_is_a_blob(path: Path, raw: pa.Table) -> None:
    """Each line after the header is a row, which holds its cells; or is kept as it is."""
    lines: dict[int, bytes] = {}
    position = 0
    for line in path.read_bytes().split(b"\n"):
        lines[position] = line.removesuffix(b"\r")
        position += len(line) + 1
    del lines[0]
    for position, blob, problem in zip(
        *(raw[name].to_pylist() for name in ("position", "blob", "problem")), strict=True
    ):
        line = lines.pop(position)
        if problem is None:
            cells = [cell.decode() for cell in line.split(b"\t")]
            assert [cell if cell not in ("", r"\N") else None for cell in cells] == list(
                json.loads(blob).values()
            )
        else:
            assert blob == line
    assert not b"".join(lines.values()).strip(), "a line is in no blob"
