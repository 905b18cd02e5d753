"""The steps of the sources stage: a delivery's files to raw blobs, its blobs to records."""

# ruff: noqa: S608 - names in statements are constants of this package, values are bound.

from __future__ import annotations

import hashlib
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from kg_assets.sources.adapter import Adapter
from kg_assets.sources.blobs import read_blobs
from kg_assets.sources.codes import normalise_codes, register_codes
from kg_assets.sources.contract import KNOWN_TYPES, check_contract
from kg_assets.sources.deliveries import Delivery, Refused, delivery_at, parse_key, read_manifest
from kg_assets.sources.landing import files_of, fingerprint
from kg_assets.sources.names import register_macros
from kg_assets.sources.opening import Limits
from kg_assets.sources.parsing import parse_blobs
from kg_assets.sources.people import add_people, register_person_macros
from kg_assets.sources.record import POSITION_FIELDS
from kg_assets.sources.registry import adapter_for
from kg_assets.sources.tables import DELIVERIES, QUARANTINED_BLOBS, RAW_BLOBS, SOURCE_RECORDS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    import duckdb

    from resources.lake import Step

_BATCHES = ((0, 2_048, 32_768), (2_048, 65_536, 1_024), (65_536, None, 2))
"""Blobs from and below how many bytes, and how many of them at once: 64 MB at most."""

_HEAD_CHARACTERS = 200


class LostRowsError(Exception):
    """A blob became neither a record nor a quarantined blob; the code is wrong, not the data."""


def run_raw_blobs(
    step: Step,
    landing: Path,
    *,
    max_blob_bytes: int = Limits.max_blob_bytes,
    max_file_bytes: int = Limits.max_file_bytes,
) -> None:
    """Read the files of a delivery into the tables raw_blobs and deliveries.

    Args:
        step: The step; its partition is the key of the delivery.
        landing: The landing zone.
        max_blob_bytes: The longest blob that is kept whole, in bytes.
        max_file_bytes: The most decompressed bytes that are read of one file.

    Raises:
        LandingError: The key is not allowed, the folder is not there or vanished, or
            ``delivery.json`` is not as it must be.
    """
    delivery = delivery_at(landing, step.partition or "")
    # Taken before the files are read: what changes meanwhile is found to differ afterwards.
    step.external(f"landing:{delivery.key}", fingerprint(delivery))
    manifest = read_manifest(delivery)
    tally = _Tally()
    step.write(
        RAW_BLOBS,
        tally.count(
            _blobs_of(
                delivery,
                step.scratch,
                max_blob_bytes=max_blob_bytes,
                max_file_bytes=max_file_bytes,
            )
        ),
    )
    row = {
        "source": delivery.source,
        "delivery": delivery.name,
        "sequence": manifest.sequence or 0,
        "mode": manifest.mode,
        "duplicate_free": manifest.duplicate_free,
        "files": len(tally.files),
        "blobs": tally.blobs,
        "bytes": tally.bytes,
        "fingerprint": tally.digest.hexdigest(),
    }
    step.write(DELIVERIES, pa.Table.from_pylist([row], schema=DELIVERIES.schema))
    step.report(
        files=len(tally.files), blobs=tally.blobs, bytes=tally.bytes, problems=tally.problems
    )


class _Tally:
    """Counts and hashes the blobs that pass.

    Attributes:
        blobs: Number of blobs.
        bytes: Their bytes together, decompressed.
        problems: How many have a problem.
        files: Names of the files.
        digest: Hash over place and content of each blob, in their order: what was delivered,
            whatever the dates of the files say.
    """

    def __init__(self) -> None:
        self.blobs = 0
        self.bytes = 0
        self.problems = 0
        self.files: set[str] = set()
        self.digest = hashlib.sha256()

    def count(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            self.blobs += batch.num_rows
            self.bytes += pc.sum(batch.column("bytes")).as_py() or 0
            self.problems += batch.num_rows - batch.column("problem").null_count
            self.files.update(batch.column("file").unique().to_pylist())
            for column in ("file", "table", "position", "sha256", "problem"):
                self.digest.update(repr(batch.column(column).to_pylist()).encode())
            yield batch


def _blobs_of(
    delivery: Delivery, scratch: Path, *, max_blob_bytes: int, max_file_bytes: int
) -> Iterator[pa.RecordBatch]:
    files, refused = files_of(delivery)
    entries: list[tuple[str, Path | Refused]] = [(path.name, path) for path in files]
    entries += [(entry.name, entry) for entry in refused]
    for name, entry in sorted(entries, key=lambda item: item[0]):
        if isinstance(entry, Refused):
            yield _refused_batch(entry)
        else:
            yield from read_blobs(
                entry,
                name=name,
                max_blob_bytes=max_blob_bytes,
                max_file_bytes=max_file_bytes,
                temp_directory=scratch,
            )


def _refused_batch(entry: Refused) -> pa.RecordBatch:
    row = {
        "file": entry.name,
        "table": None,
        "position": 0,
        "sha256": hashlib.sha256(b"").hexdigest(),
        "bytes": 0,
        "blob": b"",
        "problem": f"the entry {entry.reason}",
    }
    return pa.RecordBatch.from_pylist([row], schema=RAW_BLOBS.schema)


def run_source_records(
    step: Step,
    *,
    adapter: Adapter | None = None,
    entity_types: Collection[str] = KNOWN_TYPES,
) -> None:
    """Make the records of a delivery from its raw blobs; what becomes none is quarantined.

    Args:
        step: The step; its partition is the key of the delivery.
        adapter: How the blobs become records; by default that of the delivery's source.
        entity_types: Types that a record may have, as the ontology says.

    Writes source_records and quarantined_blobs and reports the numbers of blobs read, kept,
    quarantined and skipped (in tables that the adapter does not read), of people added for the
    credits, and of names of countries and languages that no code was found for. Always
    read = kept + quarantined + skipped.

    Raises:
        LostRowsError: The adapter's SELECT gives more than one row for a blob.
    """
    source, _ = parse_key(step.partition or "")
    adapter = adapter or adapter_for(source)
    con = step.con
    register_macros(con)
    register_person_macros(con)
    register_codes(con)
    step.view("raw", RAW_BLOBS, step.partition)
    deliveries = step.read(DELIVERIES, step.partition)
    is_deletion = ("delete",) in deliveries.project("mode").fetchall()
    _stage_parsed(step, adapter)
    make_rows(con, adapter, source, is_deletion=is_deletion)
    normalise_codes(con, "selected", "coded")
    check_contract(con, "coded", "contract", entity_types=entity_types)
    add_people(con, "contract_kept", "records")
    step.write(SOURCE_RECORDS, con.table("records"))
    step.write(QUARANTINED_BLOBS, _quarantined(con))
    _report(step)


def _stage_parsed(step: Step, adapter: Adapter) -> None:
    """Parse the blobs into files in the scratch folder; make the views that read them."""
    con = step.con
    con.execute(
        "CREATE OR REPLACE TEMP TABLE tables_read AS SELECT unnest($1::VARCHAR[]) AS name",
        [list(adapter.tables or ())],
    )
    con.execute(
        f"""
        CREATE OR REPLACE TEMP VIEW skipped AS
        SELECT *
        FROM raw
        WHERE {"true" if adapter.tables is not None else "false"}
          AND problem IS NULL
          AND "table" IS NOT NULL
          AND "table" NOT IN (FROM tables_read)
        """
    )
    con.execute(
        f"""
        CREATE OR REPLACE TEMP VIEW to_parse AS
        SELECT *
        FROM raw
        WHERE {"false" if adapter.tables is not None else "true"}
           OR problem IS NOT NULL
           OR "table" IS NULL
           OR "table" IN (FROM tables_read)
        """
    )
    schemas = {
        "parsed": pa.schema([*POSITION_FIELDS, *adapter.fields]),
        "unparsed": QUARANTINED_BLOBS.schema,
    }
    paths = {name: step.scratch / f"{name}.parquet" for name in schemas}
    with ExitStack() as stack:
        writers = {
            name: stack.enter_context(pq.ParquetWriter(paths[name], schema))
            for name, schema in schemas.items()
        }
        for parsed in parse_blobs(_batches(con), adapter.fields):
            for name, batch in (("parsed", parsed.records), ("unparsed", parsed.problems)):
                if batch.num_rows:
                    writers[name].write_batch(batch.select(schemas[name].names).cast(schemas[name]))
    for name, path in paths.items():
        con.read_parquet([str(path)]).create_view(name, replace=True)


def _batches(con: duckdb.DuckDBPyConnection) -> Iterator[pa.RecordBatch]:
    columns = ", ".join(f'"{name}"' for name in RAW_BLOBS.schema.names)
    for least, limit, rows in _BATCHES:
        below = "" if limit is None else f"AND bytes < {limit}"
        reader = con.sql(
            f"SELECT {columns} FROM to_parse WHERE bytes >= {least} {below}"
        ).to_arrow_reader(rows)
        for batch in reader:
            yield batch.cast(RAW_BLOBS.schema)


def make_rows(
    con: duckdb.DuckDBPyConnection, adapter: Adapter, source: str, *, is_deletion: bool = False
) -> None:
    """Run an adapter's SELECT; make the table ``selected``: source_records and ``problem``.

    Args:
        con: A connection with the macros and code tables, the view ``parsed`` (the columns of
            the place and the adapter's fields) and the view ``raw`` (the raw blobs).
        adapter: The adapter.
        source: Name of the source, written into each row.
        is_deletion: Whether the records only name what is to be deleted; then the source_id
            stands in for a missing name.
    """
    # Counted over the raw blobs, so that a row that cannot be read does not shift those after it.
    con.execute(
        """
        CREATE OR REPLACE TEMP VIEW blobs AS
        SELECT parsed.*, numbers.row_number
        FROM parsed
        JOIN (
            SELECT file, coalesce("table", '') AS table_name, position,
                   row_number() OVER (PARTITION BY file, "table" ORDER BY position) AS row_number
            FROM raw
        ) AS numbers
          ON numbers.file = parsed.file
         AND numbers.table_name = coalesce(parsed."table", '')
         AND numbers.position = parsed.position
        """
        if "row_number" in adapter.select
        else """
        CREATE OR REPLACE TEMP VIEW blobs AS
        SELECT *, NULL::BIGINT AS row_number
        FROM parsed
        """
    )
    con.register("source_records_schema", SOURCE_RECORDS.schema.empty_table())
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE selected AS
        SELECT *, NULL::VARCHAR AS problem
        FROM source_records_schema
        """
    )
    name = "coalesce(name, source_id)" if is_deletion else "name"
    con.execute(
        f"""
        INSERT INTO selected BY NAME
        SELECT * REPLACE ({name} AS name), $source AS source
        FROM ({adapter.select})
        """,
        {"source": source},
    )
    con.execute(
        """
        INSERT INTO selected BY NAME
        SELECT file, "table", position, sha256, $source AS source,
               'the adapter of the source made no record of it' AS problem
        FROM parsed
        WHERE NOT EXISTS (
            FROM selected
            WHERE selected.file = parsed.file
              AND selected."table" IS NOT DISTINCT FROM parsed."table"
              AND selected.position = parsed.position
        )
        """,
        {"source": source},
    )


def _quarantined(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyRelation:
    columns = ", ".join(f'"{name}"' for name in QUARANTINED_BLOBS.schema.names)
    return con.sql(
        f"""
        SELECT {columns}
        FROM unparsed
        UNION ALL BY NAME
        SELECT refused.file, refused."table", refused.position, refused.sha256,
               raw.bytes,
               'record' AS stage,
               refused.reason,
               left(TRY(decode(raw.blob)), {_HEAD_CHARACTERS}) AS head
        FROM contract_refused AS refused
        JOIN raw
          ON raw.file = refused.file
         AND raw."table" IS NOT DISTINCT FROM refused."table"
         AND raw.position = refused.position
        """
    )


def _report(step: Step) -> None:
    [(read, skipped, unparsed, refused, kept, people, unknown_codes, things)] = step.con.sql(
        """
        SELECT (SELECT count(*) FROM raw),
               (SELECT count(*) FROM skipped),
               (SELECT count(*) FROM unparsed),
               (SELECT count(*) FROM contract_refused),
               (SELECT count(*) FROM contract_kept),
               (SELECT count(*) FROM records_people),
               (SELECT count(*) FROM coded_unknown),
               (SELECT count(*) FROM contract_kept WHERE entity_type = 'thing')
        """
    ).fetchall()
    if read != skipped + unparsed + refused + kept:
        raise LostRowsError(
            f"of {read} blobs of {step.partition} {kept} were kept, {unparsed + refused} "
            f"quarantined and {skipped} skipped, which does not add up: the SELECT of the adapter "
            "must give one row for each row of `blobs`"
        )
    step.report(
        read=read,
        kept=kept,
        quarantined=unparsed + refused,
        skipped=skipped,
        people=people,
        unknown_codes=unknown_codes,
        records_without_type=things,
    )
