"""Memory while a large file is read: through the door alone, and through the steps to records.

Run ``python -m benchmarks.large_file``. Files of several sizes are made in a temporary folder, each
is read in a process of its own, and the most memory that the process held is printed. It is flat if
a file of four times the size needs about as much.
"""

from __future__ import annotations

import re
import resource
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from benchmarks.door import door
from benchmarks.door_data import write_lines
from benchmarks.wikidata_data import write_dump

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kg_assets.checks import Check
    from resources.lake import Step

FULL = 5.0
"""Size of the largest file, in thousand million bytes."""

_BASE_MEGABYTES = 20

_FIRST_COPY = 1000  # so that all numbers of copies have as many digits

SOURCES = {"canonical": "films", "nested": "tmdb", "wikidata": "wikidata"}
"""Kinds of files, and the source whose adapter reads such a file."""

_IDS = {
    "canonical": re.compile(rb'("source_id": "Q)'),
    "nested": re.compile(rb'(/film/\d+", "id": )'),
    "wikidata": re.compile(rb'^(\{"type":"item","id":"Q)', re.MULTILINE),
}
"""What stands before a record's own id."""


@dataclass(frozen=True)
class Taken:
    """What the reading of a file took.

    Attributes:
        before: Bytes that the process held at most before.
        peak: Bytes that it held at most in the end.
        seconds: Of the processor.
        records: What came out, without people of credits.
        quarantined: What did not.
    """

    before: int
    peak: int
    seconds: float
    records: int
    quarantined: int


def write_large(path: Path, kind: str, gigabytes: float) -> None:
    """Writes a file of made-up records, each with an id of its own, 0.1 % of them bad.

    Args:
        path: The file.
        kind: One of `SOURCES`.
        gigabytes: Its size, about.
    """
    base = path.with_name(f"base-{path.name}")
    if kind == "wikidata":
        write_dump(base, _BASE_MEGABYTES)
    else:
        write_lines(base, kind, _BASE_MEGABYTES)
    text = base.read_bytes()
    base.unlink()
    written, copy = 0, _FIRST_COPY
    with path.open("wb") as out:
        if kind == "wikidata":
            written += out.write(b"[\n")
            text = text.removeprefix(b"[\n").removesuffix(b"\n]\n") + b",\n"
        while written < gigabytes * 1e9:
            written += out.write(_IDS[kind].sub(rb"\g<1>%d" % copy, text))
            copy += 1
        if kind == "wikidata":
            out.write(b'{"type":"item","id":"Q1"}\n]\n')


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def read_by_door(path: Path, kind: str) -> Taken:
    """Reads a file through the door, and drops what it gives."""
    before, started = _peak(), time.process_time()
    records = quarantined = 0
    for read, refused in door(path, kind):
        records += read.num_rows if read is not None else 0
        quarantined += len(refused)
    return Taken(before, _peak(), time.process_time() - started, records, quarantined)


def read_by_steps(path: Path, kind: str) -> Taken:
    """Reads a file by the steps raw_blobs and source_records with their checks, into a lake."""
    from kg_assets.checks import contract
    from kg_assets.sources.checks import record_checks
    from kg_assets.sources.steps import run_raw_blobs, run_source_records
    from kg_assets.sources.tables import QUARANTINED_BLOBS, RAW_BLOBS, SOURCE_RECORDS
    from resources.lake import Lake
    from resources.settings import Settings

    key = f"{SOURCES[kind]}|d"
    settings = Settings(home=path.parent / "home")
    folder = settings.landing_path / SOURCES[kind] / "d"
    folder.mkdir(parents=True)
    path.rename(folder / path.name)
    lake = Lake(settings)
    before, started = _peak(), time.process_time()
    with lake.step("raw_blobs", partition=key) as step:
        run_raw_blobs(step, settings.landing_path)
        _look(step, contract(RAW_BLOBS))
    (folder / path.name).unlink()
    with lake.step("source_records", partition=key) as step:
        run_source_records(step)
        figures = step.figures
        _look(step, (*contract(SOURCE_RECORDS), *contract(QUARANTINED_BLOBS), *record_checks()))
    return Taken(
        before,
        _peak(),
        time.process_time() - started,
        figures["kept"],
        figures["quarantined"],
    )


def _look(step: Step, checks: Iterable[Check]) -> None:
    broken = [check.name for check in checks if check.blocking and not check.look(step).passed]
    if broken:
        raise AssertionError(f"{step.name}: {', '.join(broken)} failed")


READERS = {"door": read_by_door, "steps": read_by_steps}


def measure(kind: str, reader: str, gigabytes: float) -> Taken:
    """Makes a file and reads it in another process.

    Args:
        kind: One of `SOURCES`.
        reader: One of `READERS`.
        gigabytes: Size of the file.
    """
    with (
        tempfile.TemporaryDirectory(prefix="kg-large-") as folder,
        ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool,
    ):
        path = Path(folder) / ("dump.json" if kind == "wikidata" else f"{kind}.jsonl")
        write_large(path, kind, gigabytes)
        return pool.submit(READERS[reader], path, kind).result()


def main(
    kinds: Annotated[str, typer.Option(help=f"Of {', '.join(SOURCES)}.")] = "canonical,wikidata",
    readers: Annotated[str, typer.Option(help=f"Of {', '.join(READERS)}.")] = "door,steps",
    sizes: Annotated[str, typer.Option(help="In GB.")] = "0.25,0.5,1",
    full: Annotated[bool, typer.Option("--full", help=f"A file of {FULL:g} GB as well.")] = False,
) -> None:
    """Measures the memory that the reading of large files takes; a line a file."""
    gigabytes = [float(each) for each in sizes.split(",")] + ([FULL] if full else [])
    for kind in kinds.split(","):
        for reader in readers.split(","):
            for size in gigabytes:
                taken = measure(kind, reader, size)
                print(
                    f"{kind} by {reader}, {size:g} GB: {taken.peak / 1e6:,.0f} MB at most "
                    f"({taken.before / 1e6:,.0f} before), {taken.seconds:.1f} s of the processor "
                    f"({size * 1e3 / taken.seconds:,.0f} MB/s), {taken.records:,} records, "
                    f"{taken.quarantined:,} quarantined",
                    flush=True,
                )


if __name__ == "__main__":
    typer.run(main)
