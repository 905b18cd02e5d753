"""Trying an adapter on files, without a lake: what it understands of them and what it does not."""

# ruff: noqa: S608 - names in statements are constants of this package and columns of its tables.

from __future__ import annotations

import json
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from kg_assets.sources.adapter import CANONICAL_COLUMNS
from kg_assets.sources.blobs import read_blobs
from kg_assets.sources.fields import unread_paths
from kg_assets.sources.judging import figures_of, filled_expression
from kg_assets.sources.registry import adapter_for
from kg_assets.sources.steps import make_records, quarantined_rows
from kg_assets.sources.tables import RAW_BLOBS
from ontology.schema import load_ontology
from resources.duck import session

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import duckdb

    from kg_assets.sources.adapter import Adapter
    from resources.settings import Settings

_MOST_PATHS = 2_000  # of one input: where names are data, each is a field of its own


@dataclass(frozen=True)
class TriedFile:
    """A file, and how much of it was looked at.

    Attributes:
        file: Its name.
        input: Name of the adapter's input that reads it, None where none does.
        blobs: How many blobs were looked at.
        is_whole: Whether these are all.
    """

    file: str
    input: str | None
    blobs: int
    is_whole: bool


@dataclass(frozen=True)
class TriedRelation:
    """A relation that records state of others.

    Attributes:
        relation: Its name, as the records have it.
        stated: How often it is stated.
        found: In how many cases the other record is in the sample, by its id.
        is_known: Whether the ontology has it.
    """

    relation: str
    stated: int
    found: int
    is_known: bool


@dataclass
class Trial:
    """What an adapter made of a sample.

    Attributes:
        adapter: The adapter.
        files: The files.
        records: How many records of each entity type were made, without people of credits.
        people: How many people were made from credits.
        filled: For each type, the share of records that have a value in each column; columns that
            no record fills are left out.
        examples: For each type, the record that has most columns filled, without what is null.
        unread: For each input, and each kind of its rows where it has kinds (``responses: film``),
            the fields in the data that are not read, with the number of blobs that have them.
            ``a.b[]`` is b of an object a, a list.
        relations: What records state of others, the most frequent first.
        quarantined: Reasons, with how many blobs there are and the place of the first.
        skipped: Blobs that are declared to hold no records.
        outside: Rows that add to a record outside of the sample; of whole files none, those are
            quarantined.
        missing: Inputs that other rows add to and that have no file.
        warnings: Figures beyond what the source is expected to deliver.
    """

    adapter: Adapter
    files: list[TriedFile] = field(default_factory=list)
    records: dict[str, int] = field(default_factory=dict)
    people: int = 0
    filled: dict[str, dict[str, float]] = field(default_factory=dict)
    examples: dict[str, dict[str, Any]] = field(default_factory=dict)
    unread: dict[str, dict[str, int]] = field(default_factory=dict)
    relations: list[TriedRelation] = field(default_factory=list)
    quarantined: list[tuple[str, str, int, str, int]] = field(default_factory=list)
    skipped: int = 0
    outside: int = 0
    missing: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def try_adapter(
    settings: Settings, source: str, files: Sequence[Path], *, sample: int = 1_000
) -> Trial:
    """Run the adapter of a source over the first blobs of files.

    Args:
        settings: Limits of blobs, files and memory. Nothing is written but temporary files.
        source: Name of the source.
        files: Files as the source gives them.
        sample: How many blobs of each file are looked at.
    """
    adapter = adapter_for(source)
    trial = Trial(adapter)
    with tempfile.TemporaryDirectory(prefix="kg-trial-") as folder:
        scratch = Path(folder)
        con = session(threads=settings.threads, memory_limit=settings.memory_limit, scratch=scratch)
        try:
            batches = [batch for path in files for batch in _sampled(trial, settings, path, sample)]
            con.register("raw", pa.Table.from_batches(batches, schema=RAW_BLOBS.schema))
            trial.missing = make_records(con, adapter, source, scratch)
            _look(con, trial)
            _look_for_unread(con, trial)
        finally:
            con.close()
    return trial


def _sampled(trial: Trial, settings: Settings, path: Path, sample: int) -> Iterator[pa.RecordBatch]:
    name = path.name
    source = trial.adapter.input_of(name)
    number = 0
    is_whole = True
    for batch in read_blobs(
        path,
        name=name,
        cut="suffix" if source is None else source.cut,
        max_blob_bytes=settings.max_blob_bytes,
        max_file_bytes=settings.max_decompressed_bytes,
    ):
        if number == sample:
            is_whole = False
            break
        part = batch.slice(0, sample - number)
        is_whole = part.num_rows == batch.num_rows
        number += part.num_rows
        yield part
        if not is_whole:
            break
    trial.files.append(
        TriedFile(name, source.name if source is not None else None, number, is_whole)
    )


def _look(con: duckdb.DuckDBPyConnection, trial: Trial) -> None:
    trial.people = con.sql("SELECT count(*) FROM records_people").fetchall()[0][0]
    trial.skipped = con.sql(
        "SELECT (SELECT count(*) FROM skipped) + (SELECT count(*) FROM recordless)"
    ).fetchall()[0][0]
    columns = [name for name in CANONICAL_COLUMNS if name != "entity_type"]
    filled = {name: filled_expression(name) for name in columns}
    shares = ", ".join(f"avg(({sql})::DOUBLE)" for sql in filled.values())
    for entity_type, number, *values in con.sql(
        f"""
        SELECT entity_type, count(*), {shares}
        FROM contract_kept
        GROUP BY entity_type
        ORDER BY entity_type
        """
    ).fetchall():
        trial.records[entity_type] = number
        trial.filled[entity_type] = {
            name: share for name, share in zip(columns, values, strict=True) if share
        }
    most = " + ".join(f"({sql})::INTEGER" for sql in filled.values())
    for row in (
        con.sql(
            f"""
            SELECT *
            FROM contract_kept
            QUALIFY row_number() OVER (
                PARTITION BY entity_type
                ORDER BY {most} DESC, file, "table" NULLS FIRST, position, source_id
            ) = 1
            ORDER BY entity_type
            """
        )
        .to_arrow_table()
        .to_pylist()
    ):
        trial.examples[row["entity_type"]] = {
            name: dict(value) if name == "external_ids" else value
            for name, value in row.items()
            if value not in (None, [])
        }
    trial.relations = _relations(con)
    # What refers to a row that was not looked at says nothing about the file.
    sampled = not all(file.is_whole for file in trial.files)
    if sampled:
        trial.outside = con.sql("SELECT count(*) FROM orphans").fetchall()[0][0]
        con.execute("DELETE FROM orphans")
    quarantined_rows(con).create_view("trial_quarantined", replace=True)
    trial.quarantined = con.sql(
        """
        SELECT stage, reason, count(*), any_value(file ORDER BY file, position),
               any_value(position ORDER BY file, position)
        FROM trial_quarantined
        GROUP BY stage, reason
        ORDER BY count(*) DESC, stage, reason
        """
    ).fetchall()
    figures = figures_of(
        con,
        "contract_kept",
        dict(trial.adapter.expects),
        files={file.file: file.input for file in trial.files},
        is_full=False,
    )
    trial.warnings = [str(one) for one in figures if one.is_broken or one.is_unusual]


def _relations(con: duckdb.DuckDBPyConnection) -> list[TriedRelation]:
    known = load_ontology().relations
    return [
        TriedRelation(relation, stated, found, relation in known)
        for relation, stated, found in con.sql(
            """
            WITH told AS (
                SELECT unnest(relations, recursive := true)
                FROM (SELECT relations FROM contract_kept)
            )
            SELECT
                trim(relation),
                count(*),
                count(*) FILTER (trim(source_id) IN (SELECT source_id FROM contract_kept))
            FROM told
            GROUP BY ALL
            ORDER BY count(*) DESC, trim(relation)
            """
        ).fetchall()
    ]


def _look_for_unread(con: duckdb.DuckDBPyConnection, trial: Trial) -> None:
    for source in trial.adapter.all_inputs:
        counts: dict[str, Counter[str]] = {}
        # Rows of no kind make no record, so nothing of them is read.
        reader = con.sql(
            f"""
            SELECT used.blob, parsed.kind
            FROM used
            JOIN (
                SELECT file, "table", position, {source.kind or "''"} AS kind
                FROM parsed_{source.name}
            ) AS parsed
              ON parsed.file = used.file
             AND parsed."table" IS NOT DISTINCT FROM used."table"
             AND parsed.position = used.position
            WHERE used.input = $1
              AND NOT used.is_skipped
              AND parsed.kind IS NOT NULL
            """,
            params=[source.name],
        ).to_arrow_reader(1_000)
        for batch in reader:
            for blob, kind in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                fields = source.kinds[kind] if kind else source.fields
                try:
                    value = json.loads(blob)
                except (ValueError, RecursionError):
                    continue
                paths = unread_paths(value, pa.struct(list(fields)), source.apart)
                name = f"{source.name}: {kind}" if kind else source.name
                counts.setdefault(name, Counter()).update(set(islice(paths, _MOST_PATHS)))
        for name, found in sorted(counts.items()):
            if found:
                ordered = sorted(found.items(), key=lambda item: (-item[1], item[0]))
                trial.unread[name] = dict(ordered)
