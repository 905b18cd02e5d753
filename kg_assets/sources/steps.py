"""The steps of the sources stage: a delivery's files to raw blobs, its blobs to records."""

# ruff: noqa: S608 - names in statements are constants of this package, values are bound.

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from kg_assets.sources.adapter import Adapter
from kg_assets.sources.blobs import read_blobs
from kg_assets.sources.codes import normalise_codes, register_codes
from kg_assets.sources.contract import KNOWN_TYPES, check_contract
from kg_assets.sources.deliveries import Delivery, Refused, delivery_at, parse_key, read_manifest
from kg_assets.sources.facets import facets_of
from kg_assets.sources.freshness import words_of
from kg_assets.sources.landing import files_of, fingerprint
from kg_assets.sources.names import register_macros
from kg_assets.sources.opening import Limits
from kg_assets.sources.people import add_people, register_person_macros
from kg_assets.sources.places import places
from kg_assets.sources.registry import adapter_for
from kg_assets.sources.selecting import make_rows
from kg_assets.sources.staging import stage_inputs
from kg_assets.sources.tables import (
    DELIVERIES,
    LANDED_DELIVERIES,
    QUARANTINED_BLOBS,
    RAW_BLOBS,
    SOURCE_RECORDS,
    SOURCE_TEXTS,
)
from kg_assets.sources.texts import stage_texts
from resources.keyed import by_hash
from resources.progress import Reading

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    import duckdb

    from resources.lake import Step

_HEAD_CHARACTERS = 200
_BATCH_ROWS = 1 << 16


class LostRowsError(Exception):
    """A blob became neither a record nor a quarantined blob; the code is wrong, not the data."""


def run_raw_blobs(
    step: Step,
    landing: Path,
    *,
    max_blob_bytes: int = Limits.max_blob_bytes,
    max_file_bytes: int = Limits.max_file_bytes,
) -> None:
    """Read the files of a delivery into the tables raw_blobs and landed_deliveries.

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
            _together(
                _blobs_of(
                    delivery,
                    step.scratch,
                    max_blob_bytes=max_blob_bytes,
                    max_file_bytes=max_file_bytes,
                )
            )
        ),
    )
    row = {
        "source": delivery.source,
        "delivery": delivery.name,
        "sequence": manifest.sequence or 0,
        "mode": manifest.mode,
        "duplicate_free": manifest.duplicate_free,
        "expect": manifest.expect_text(),
        "files": len(tally.files),
        "blobs": tally.blobs,
        "bytes": tally.bytes,
        "fingerprint": tally.digest.hexdigest(),
    }
    step.write(LANDED_DELIVERIES, pa.Table.from_pylist([row], schema=LANDED_DELIVERIES.schema))
    step.note(LANDED_DELIVERIES, words_of(manifest))
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
    adapter = adapter_for(delivery.source)
    files, refused = files_of(delivery)
    reading = Reading("reads", sum(_size_of(path) for path in files), "blobs")
    entries: list[tuple[str, Path | Refused]] = [(path.name, path) for path in files]
    entries += [(entry.name, entry) for entry in refused]
    for name, entry in sorted(entries, key=lambda item: item[0]):
        if isinstance(entry, Refused):
            yield _refused_batch(entry)
        else:
            source = adapter.input_of(name)
            for batch in read_blobs(
                entry,
                name=name,
                cut="suffix" if source is None else source.cut,
                parents=2,  # the folders of the delivery and of its source
                max_blob_bytes=max_blob_bytes,
                max_file_bytes=max_file_bytes,
                temp_directory=scratch,
                taken=reading.add,
            ):
                reading.add(count=batch.num_rows)
                yield batch


def _size_of(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:
        return 0  # it vanished, which its reading tells


def _together(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Puts small batches together: thousands of files of a few bytes have one row each."""
    held: list[pa.RecordBatch] = []
    size = rows = 0
    for batch in batches:
        held.append(batch)
        size += batch.nbytes
        rows += batch.num_rows
        if size >= Limits.batch_bytes or rows >= _BATCH_ROWS:
            yield held[0] if len(held) == 1 else pa.concat_batches(held)
            held, size, rows = [], 0, 0
    if held:
        yield pa.concat_batches(held)


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

    Writes source_records, source_texts, quarantined_blobs and deliveries. Reports the numbers of
    blobs read, kept, quarantined, skipped (declared to hold no records), of texts (with the lines
    that describe files) and, where an adapter has several inputs, joined to the records of others;
    of people added for the credits, and of names of countries and languages that no code was found
    for. Always read = kept + texts + quarantined + skipped + joined. A blob of which one record is
    kept counts as kept.

    Raises:
        LostRowsError: The adapter's SELECT gives more than one row for a blob.
    """
    source, _ = parse_key(step.partition or "")
    adapter = adapter or adapter_for(source)
    step.view("raw", RAW_BLOBS, step.partition)
    deliveries = step.read(LANDED_DELIVERIES, step.partition)
    is_deletion = ("delete",) in deliveries.project("mode").fetchall()
    missing = make_records(
        step.con,
        adapter,
        source,
        step.scratch,
        is_deletion=is_deletion,
        entity_types=entity_types,
    )
    # Together with the records: a delivery that fails must not say which others count.
    step.write(DELIVERIES, deliveries)
    step.note(DELIVERIES, step.noted(LANDED_DELIVERIES, step.partition or ""))
    step.write(SOURCE_RECORDS, step.con.table("records"))
    step.note(SOURCE_RECORDS, facets_of(step.staged(SOURCE_RECORDS), deliveries))
    step.write(SOURCE_TEXTS, step.con.table("text_kept"))
    step.write(QUARANTINED_BLOBS, quarantined_rows(step.con))
    _report(step, adapter, missing)


def make_records(
    con: duckdb.DuckDBPyConnection,
    adapter: Adapter,
    source: str,
    scratch: Path,
    *,
    is_deletion: bool = False,
    entity_types: Collection[str] = KNOWN_TYPES,
) -> list[str]:
    """Make records of raw blobs: the view ``records``, and what `quarantined_rows` reads.

    Args:
        con: A connection with the view ``raw``, rows of the table raw_blobs.
        adapter: How the blobs become records.
        source: Name of the source.
        scratch: Folder for what is parsed.
        is_deletion: Whether the records name what is to be deleted.
        entity_types: Types that a record may have.

    Returns:
        Names of the inputs that other rows add to and that have no file.
    """
    register_macros(con)
    register_person_macros(con)
    register_codes(con)
    stage_texts(con, scratch, source, is_deletion=is_deletion)
    missing = stage_inputs(con, adapter, scratch, is_deletion=is_deletion)
    make_rows(con, adapter, source, scratch, is_deletion=is_deletion)
    normalise_codes(con, "selected", "coded")
    check_contract(con, "coded", "contract", scratch, entity_types=entity_types)
    add_people(con, "contract_kept", "records", scratch)
    return missing


def quarantined_rows(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyRelation:
    """Rows of quarantined_blobs, after `make_records`."""
    columns = ", ".join(f'"{name}"' for name in QUARANTINED_BLOBS.schema.names)
    return con.sql(
        f"""
        SELECT {columns}
        FROM unparsed
        UNION ALL BY NAME
        FROM text_refused
        UNION ALL BY NAME
        SELECT refused.file, refused."table", refused.position, refused.sha256,
               raw.bytes,
               'record' AS stage,
               refused.reason,
               left(TRY(decode(raw.blob)), {_HEAD_CHARACTERS}) AS head
        FROM (FROM contract_refused UNION ALL FROM orphans) AS refused
        JOIN raw
          ON raw.file = refused.file
         AND raw."table" IS NOT DISTINCT FROM refused."table"
         AND raw.position = refused.position
        """
    )


def _report(step: Step, adapter: Adapter, missing: list[str]) -> None:
    con = step.con
    has_items = bool(con.sql("SELECT 1 FROM selected WHERE item IS NOT NULL LIMIT 1").fetchall())
    if has_items:
        for part in by_hash(con, "selected", 'file, "table", position'):
            twice = con.sql(
                f"""
                SELECT file, position, item
                FROM selected
                WHERE {part}
                GROUP BY file, "table", position, item
                HAVING count(*) > 1
                ORDER BY ALL
                LIMIT 1
                """
            ).fetchall()
            if twice:
                raise LostRowsError(
                    f"the SELECT of the adapter gives two rows for one blob of {step.partition} "
                    f"and one item: {twice[0]}; number them in the column item"
                )
    adding = [f"parsed_{each.name}" for each in adapter.all_inputs if each.adds_to is not None]
    adds = " + ".join(f"(SELECT count(*) FROM {name})" for name in adding) or "0"
    [(read, skipped, unparsed, refused, orphans, added, texts, kept, *others)] = con.sql(
        f"""
            SELECT (SELECT count(*) FROM raw),
                   (SELECT count(*) FROM skipped) + (SELECT count(*) FROM recordless),
                   (SELECT count(*) FROM unparsed) + (SELECT count(*) FROM text_refused),
                   (SELECT count(*) FROM contract_refused),
                   (SELECT count(*) FROM orphans),
                   {adds},
                   (SELECT count(*) FROM text_kept) + (SELECT count(*) FROM text_line),
                   (SELECT count(*) FROM contract_kept),
                   (SELECT count(*) FROM records_people),
                   (SELECT count(*) FROM coded_unknown),
                   (SELECT count(*) FROM contract_kept WHERE entity_type = 'thing')
            """
    ).fetchall()
    people, unknown, things = others
    records = kept
    if has_items:
        # Of a blob with several records some may be refused: it counts as kept.
        kept, refused = places(con, "contract_kept", "contract_refused")
    joined = added - orphans
    if read != skipped + unparsed + refused + orphans + joined + kept + texts:
        raise LostRowsError(
            f"of {read} blobs of {step.partition} {kept + texts} were kept, "
            f"{unparsed + refused + orphans} quarantined, {joined} joined to others and "
            f"{skipped} skipped, which does not add up: "
            "the SELECT of the adapter must give one row for each row of `blobs`, or number them "
            "in a column item"
        )
    step.report(
        read=read,
        kept=kept,
        quarantined=unparsed + refused + orphans,
        skipped=skipped,
        texts=texts,
        people=people,
        unknown_codes=unknown,
        records_without_type=things,
    )
    if has_items:
        step.report(records=records)
    if adding:
        step.report(joined=joined)
    if missing:
        files = sorted({pattern for name in missing for pattern in adapter.input(name).files})
        step.report(
            missing=f"{', '.join(files)}: rows of other files that add to these were skipped"
        )
