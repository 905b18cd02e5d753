"""`kg export`: tables for other tools, as Parquet."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from kg_assets.cli.reading import all_members, reading_session
from kg_assets.cli.render import Exit, clean, complain, console
from kg_assets.matching.tables import entity_members

if TYPE_CHECKING:
    from resources.settings import Settings

MEMBERS_FILE = "entity_members.parquet"
"""Name of the exported file."""

_SCHEMA = entity_members("film").schema
_MARK = {b"dramatis": b"entity_members"}
_BATCH_ROWS = 65_536


def export_members(settings: Settings, output: Path, *, force: bool = False) -> int:
    """Write which record belongs to which entity, of all types, to one Parquet file.

    The columns are entity_id, entity_type, source and source_id; the rows are in the order of
    type, source and source_id. The file appears when it is whole.

    Args:
        settings: Where the lake is.
        output: Folder to write to; made if it does not exist.
        force: Overwrite a file of that name that this command did not write.

    Returns:
        Exit code: 1 where there are no members or the folder cannot be written, 2 where another
        file is in the way.
    """
    target = output / MEMBERS_FILE
    if target.exists() and not force and not _is_ours(target):
        complain(f"{target} was not written by this command; --force overwrites it")
        return Exit.BAD_INPUT
    try:
        output.mkdir(parents=True, exist_ok=True)
        building = output / f".{MEMBERS_FILE}.{secrets.token_hex(6)}"
        try:
            rows = _write(settings, building)
            if rows:
                building.replace(target)
        finally:
            building.unlink(missing_ok=True)
    except OSError as error:
        complain(f"{target} cannot be written: {error.strerror or error}")
        return Exit.NOT_FOUND
    if not rows:
        complain("there are no entities to export yet; make them with: kg build")
        return Exit.NOT_FOUND
    console.print(f"{rows:,} rows: {clean(target)}", soft_wrap=True)
    return Exit.OK


def _write(settings: Settings, path: Path) -> int:
    rows = 0
    with reading_session(settings) as con:
        ordered = all_members(settings, con).order("entity_type, source, source_id")
        with pq.ParquetWriter(path, _SCHEMA.with_metadata(_MARK), compression="zstd") as writer:
            for batch in ordered.to_arrow_reader(_BATCH_ROWS):
                table = pa.Table.from_batches([batch]).cast(_SCHEMA)
                writer.write_table(table.replace_schema_metadata(_MARK))
                rows += batch.num_rows
    return rows


def _is_ours(path: Path) -> bool:
    """Whether a file carries the mark that this command leaves in what it writes."""
    try:
        metadata = pq.read_schema(path).metadata or {}
    except (pa.ArrowInvalid, OSError):
        return False
    return all(metadata.get(key) == value for key, value in _MARK.items())
