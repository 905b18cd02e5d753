"""Speed of the door: JSON lines on disk to typed columns and quarantine, against plain Python.

Run ``python -m benchmarks.door``. Both sides read the same file, decode UTF-8 strictly, note each
line's position and SHA-256, and put what is no record into quarantine, an object in which a field
stands twice among it; their tables and their quarantined positions are compared, and the run
fails where they differ.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
import typer
from rich.console import Console
from rich.table import Table

from benchmarks.door_data import CANONICAL_FIELDS, FILM_FIELDS, write_lines
from benchmarks.wikidata_data import write_dump
from kg_assets.sources.blobs import read_blobs
from kg_assets.sources.parsing import parse_blobs
from kg_assets.sources.record import POSITION_FIELDS
from kg_assets.sources.tmdb import ADAPTER as TMDB
from kg_assets.sources.wikidata import ADAPTER as WIKIDATA

# Larger batches are not faster, and each bad value costs a search in its batch.
_BASELINE_ROWS = 1000

FIELDS = {
    "canonical": CANONICAL_FIELDS,
    "nested": FILM_FIELDS,
    "tmdb": TMDB.input("responses").fields,
    "wikidata": WIKIDATA.inputs[0].fields,
}
"""What is read of each kind of file; of nested films nearly all, or what TMDB's adapter reads."""

EMPTIES = {"wikidata": WIKIDATA.inputs[0].empties}
"""Objects that a kind of file has as ``[]`` where they are empty."""

Results = Iterator[tuple[pa.RecordBatch | None, list[int]]]


def door(path: Path, kind: str) -> Results:
    """Reads a file through the door; yields records and quarantined positions."""
    batches = read_blobs(path, name=path.name)
    for parsed in parse_blobs(batches, FIELDS[kind], empties=EMPTIES.get(kind, ())):
        yield parsed.records, parsed.problems.column("position").to_pylist()


def _object(items: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(items)
    if len(found) < len(items):
        raise ValueError("a field stands twice")
    return found


def plain_python(path: Path, kind: str) -> Results:
    """Does the same with ``json.loads`` and ``from_pylist``.

    It is spared what it would have to add to refuse all that the door refuses: whole numbers
    written with a point, NaN, and days in other forms than YYYY-MM-DD.
    """
    fields, empties = FIELDS[kind], EMPTIES.get(kind, ())
    schema = pa.schema([*POSITION_FIELDS, *(field.with_nullable(True) for field in fields)])
    dates = [field.name for field in fields if pa.types.is_date(field.type)]
    maps = [field.name for field in fields if pa.types.is_map(field.type)]
    positions: list[int] = []
    rows: list[dict[str, Any]] = []

    def flush(rows: list[dict[str, Any]]) -> Results:
        if not rows:
            return
        try:
            yield pa.RecordBatch.from_pylist(rows, schema=schema), []
        except (pa.ArrowException, UnicodeEncodeError, TypeError, OverflowError):
            if len(rows) == 1:
                positions.append(rows[0]["position"])
                return
            yield from flush(rows[: len(rows) // 2])
            yield from flush(rows[len(rows) // 2 :])

    position = 0
    with path.open("rb") as file:
        for line in file:
            blob = line.rstrip(b"\r\n")
            if kind == "wikidata":
                blob = blob.removesuffix(b",")
            if blob not in (b"", b"[", b"]"):
                digest = hashlib.sha256(blob).hexdigest()
                try:
                    record = json.loads(blob.decode(), object_pairs_hook=_object)
                    if not isinstance(record, dict):
                        raise ValueError("no object")
                    for name in empties:
                        if record.get(name) == []:
                            record[name] = {}
                    for name in dates:
                        if (day := record.get(name)) is not None:
                            record[name] = datetime.date.fromisoformat(day)
                    for name in maps:
                        if (ids := record.get(name)) is not None:
                            record[name] = sorted(ids.items())
                except (ValueError, TypeError):
                    positions.append(position)
                else:
                    record["file"] = path.name
                    record["table"] = None
                    record["position"] = position
                    record["sha256"] = digest
                    rows.append(record)
                    if len(rows) == _BASELINE_ROWS:
                        yield from flush(rows)
                        rows = []
            position += len(line)
    yield from flush(rows)
    yield None, sorted(positions)


def _seconds(work: Callable[[], Iterator[object]], times: int) -> tuple[float, float]:
    """Medians of the time that passes and of the processor time that it takes."""
    passed, used = [], []
    for _ in range(times):
        start, start_used = time.perf_counter(), time.process_time()
        for _result in work():
            pass
        passed.append(time.perf_counter() - start)
        used.append(time.process_time() - start_used)
    return statistics.median(passed), statistics.median(used)


def _machine() -> str:
    model = platform.processor() or platform.machine()
    described = Path("/proc/cpuinfo")
    if described.exists():
        for line in described.read_text().splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    cores = len(os.sched_getaffinity(0))
    load = os.getloadavg()[0]
    return f"{model}, {cores} cores (load {load:.1f}), Python {platform.python_version()}"


def _gathered(results: Results) -> tuple[pa.Table, list[int]]:
    batches, positions = [], []
    for records, quarantined in results:
        positions += quarantined
        if records is not None:
            batches.append(records)
    return pa.Table.from_batches(batches), positions


def _compared(path: Path, kind: str, bad: int) -> int:
    """Fails where the two sides differ; returns the number of lines."""
    ours, ours_bad = _gathered(door(path, kind))
    theirs, theirs_bad = _gathered(plain_python(path, kind))
    # The schemas differ in descriptions and in what is said of nulls, not in types.
    if not ours.equals(theirs.cast(ours.schema)):
        raise SystemExit("the door and plain Python give different tables")
    if ours_bad != theirs_bad or len(ours_bad) != bad:
        raise SystemExit("the door and plain Python quarantine different lines")
    return int(ours.num_rows) + bad


def measure(kind: str, megabytes: int, times: int) -> dict[str, float]:
    """Measures one kind of file.

    Args:
        kind: One of `FIELDS`.
        megabytes: Size of the file in million bytes.
        times: How often each is done; the median counts.

    Returns:
        Million bytes a second of each step, and lines, bad lines and ratios. On a machine that
        others use the ratio of the times says less than that of the processor times.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / ("dump.json" if kind == "wikidata" else f"{kind}.jsonl")
        if kind == "wikidata":
            bad = write_dump(path, megabytes)
        else:
            bad = write_lines(path, kind, megabytes)
        size = path.stat().st_size / 1e6
        lines = _compared(path, kind, bad)
        batches = list(read_blobs(path, name=path.name))
        reading, _ = _seconds(lambda: read_blobs(path, name=path.name), times)
        empties = EMPTIES.get(kind, ())
        parsing, _ = _seconds(lambda: parse_blobs(batches, FIELDS[kind], empties=empties), times)
        batches = []
        both, both_used = _seconds(lambda: door(path, kind), times)
        plain, plain_used = _seconds(lambda: plain_python(path, kind), times)
    return {
        "lines": lines,
        "bad": bad,
        "read": size / reading,
        "parse": size / parsing,
        "in turn": size / (reading + parsing),
        "door": size / both,
        "plain": size / plain,
        "ratio": plain / both,
        "ratio of processor time": plain_used / both_used,
    }


def main(
    megabytes: Annotated[int, typer.Option(min=1, help="Size of each file, in MB.")] = 300,
    times: Annotated[int, typer.Option(min=1, help="Runs of which the median counts.")] = 3,
) -> None:
    """Measures the door against plain Python, on records, nested films and entities of Wikidata."""
    console = Console()
    table = Table(title=f"The door: {megabytes} MB, 0.1 % bad lines, median of {times}, MB/s")
    for column in ("file", "lines", "bad"):
        table.add_column(column, no_wrap=True)
    for column in ("cut and hash", "parse", "one after the other", "both", "plain Python"):
        table.add_column(column, justify="right")
    table.add_column("times as fast", justify="right")
    table.add_column("times less processor time", justify="right")
    for kind in FIELDS:
        with console.status(f"measuring {kind}"):
            figures = measure(kind, megabytes, times)
        table.add_row(
            kind,
            f"{figures['lines']:,.0f}",
            f"{figures['bad']:,.0f}",
            *(f"{figures[name]:,.0f}" for name in ("read", "parse", "in turn", "door", "plain")),
            f"{figures['ratio']:.1f}",
            f"{figures['ratio of processor time']:.1f}",
        )
    console.print(table)
    console.print(_machine())


if __name__ == "__main__":
    typer.run(main)
