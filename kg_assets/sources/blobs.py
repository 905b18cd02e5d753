"""Reading a delivered file as record batches of raw blobs, whatever is wrong with it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import pyarrow as pa

from kg_assets.sources.databases import database_pieces
from kg_assets.sources.documents import document_pieces
from kg_assets.sources.framing import (
    Reader,
    array_form,
    is_array_of_lines,
    line_batches,
    table_pieces,
)
from kg_assets.sources.opening import COMPRESSIONS, Limits, SafeFile, UnreadableError
from kg_assets.sources.pieces import Piece, piece_batches, pieces_batch
from kg_assets.sources.text_files import TEXT_FORMATS, text_batches
from kg_assets.sources.unquoted import unquoted_batches

if TYPE_CHECKING:
    from kg_assets.sources.adapter import Cut

LINES = (".jsonl", ".ndjson")
DELIMITERS = {".csv": ",", ".tsv": "\t"}
DATABASES = (".sqlite", ".db")
DOCUMENT = ".json"
SUFFIXES = (DOCUMENT, *LINES, *DELIMITERS, *DATABASES, *TEXT_FORMATS)
"""Suffixes of the formats that are read, each also with those of ``COMPRESSIONS``."""


def read_blobs(
    path: Path,
    *,
    name: str,
    cut: Cut = "suffix",
    parents: int = 0,
    max_blob_bytes: int = Limits.max_blob_bytes,
    max_file_bytes: int = Limits.max_file_bytes,
    max_ratio: int = Limits.max_ratio,
    ratio_free_bytes: int = Limits.ratio_free_bytes,
    batch_bytes: int = Limits.batch_bytes,
    temp_directory: Path | None = None,
    taken: Callable[[int], None] | None = None,
) -> Iterator[pa.RecordBatch]:
    """Reads a file as it was delivered, cut into blobs.

    The suffix tells the format: ``.json`` (a document; a top-level array is cut into its
    elements), ``.jsonl`` and ``.ndjson`` (a line is a blob, a blank line none), ``.csv`` and
    ``.tsv`` (a header, then rows), ``.sqlite`` and ``.db`` (each row of each table), ``.txt``,
    ``.md``, ``.html`` and ``.htm`` (the whole file, in any encoding), each also with ``.gz``,
    ``.bz2`` or ``.zst`` behind it.

    Nothing is dropped and nothing is raised for what is in the file: whatever cannot be cut into
    blobs is a row whose ``problem`` says what is wrong and what to do.

    Args:
        path: The file. A link, a device or a folder is refused with a problem.
        name: The file's path relative to its delivery, with forward slashes.
        cut: How text is cut where the suffix does not tell: see `Cut`.
        parents: How many of the folders above the file may not be links either, as somebody else
            may write there. Then a file with a second name is refused too.
        max_blob_bytes: The longest blob that is kept whole. Of a longer one the row has the
            true length and digest, a problem, and the first 4 KiB.
        max_file_bytes: The most decompressed bytes that are read of the file.
        max_ratio: The most decompressed bytes for each compressed one.
        ratio_free_bytes: Decompressed bytes up to which any ratio is fine.
        batch_bytes: About how many bytes of blobs a batch holds.
        temp_directory: Where compressed databases are decompressed to; the system's by default.
        taken: Is told after each read how many bytes of the file, as it lies on disk, it took.

    Yields:
        Batches with the schema of ``RAW_BLOBS``; (file, table, position) is unique in the file.
        ``position`` is the byte offset in the decompressed file, in a database the rowid.
    """
    limits = Limits(
        max_blob_bytes=max_blob_bytes,
        max_file_bytes=max_file_bytes,
        max_ratio=max_ratio,
        ratio_free_bytes=ratio_free_bytes,
        batch_bytes=batch_bytes,
    )
    suffixes = [suffix.lower() for suffix in PurePosixPath(name).suffixes]
    compression = COMPRESSIONS.get(suffixes[-1]) if suffixes else None
    if compression is not None:
        suffixes.pop()
    suffix = suffixes[-1] if suffixes else ""
    if suffix not in SUFFIXES:
        known = ", ".join(SUFFIXES)
        packed = ", ".join(COMPRESSIONS)
        yield _problem(
            name,
            0,
            f"the file's format is not known; name it {known}, or one of these with {packed}",
        )
        return
    try:
        with SafeFile(path, compression, limits, parents=parents, taken=taken) as file:
            if suffix in DATABASES:
                yield from _database(file, path, name, limits, temp_directory)
            elif suffix in TEXT_FORMATS:
                yield from text_batches(name, file, limits)
            else:
                yield from _text(file, name, suffix, cut, limits)
    except UnreadableError as error:
        yield _problem(name, 0, f"the file {error}")


def _problem(name: str, position: int, problem: str) -> pa.RecordBatch:
    return pieces_batch(name, [Piece(position, b"", problem)])


def _text(
    file: SafeFile, name: str, suffix: str, cut: Cut, limits: Limits
) -> Iterator[pa.RecordBatch]:
    reader = Reader(file)
    if cut == "unquoted":
        batches = unquoted_batches(name, reader, limits)
    elif suffix in LINES or cut == "lines":
        batches = line_batches(name, reader, limits, array=array_form(reader.peek()))
    elif suffix == DOCUMENT and is_array_of_lines(reader.peek()):
        batches = line_batches(name, reader, limits, array="whole")
    else:
        pieces = (
            document_pieces(reader, limits)
            if suffix == DOCUMENT
            else table_pieces(reader, DELIMITERS[suffix], limits)
        )
        batches = piece_batches(name, pieces, limits.batch_bytes)
    rows = 0
    last: pa.RecordBatch | None = None
    for last in batches:
        rows += last.num_rows
        yield last
    problems = []
    if reader.failure is not None and not _tells(last, reader.failure):
        problems.append(reader.failure)
    elif reader.failure is None and reader.is_blank:
        what = "holds nothing but white space" if reader.end else "is empty"
        problems.append(f"{what}; deliver it again, or leave it out")
    change = file.change()
    if change is not None:
        problems.append(change)
    if problems:
        # Nothing starts where the file ends, so the position is free.
        position = reader.end if rows else 0
        yield _problem(name, position, "the file " + "; it ".join(problems))


def _tells(batch: pa.RecordBatch | None, failure: str) -> bool:
    """Whether the last row already says why the reading stopped."""
    if batch is None or not batch.num_rows:
        return False
    problem = batch.column("problem")[batch.num_rows - 1].as_py()
    return problem is not None and failure in problem


def _database(
    file: SafeFile, path: Path, name: str, limits: Limits, temp_directory: Path | None
) -> Iterator[pa.RecordBatch]:
    # SQLite opens a file by its name, and under that there may be another one by then.
    with tempfile.TemporaryDirectory(dir=temp_directory) as folder:
        plain = Path(folder) / "database.sqlite"
        with plain.open("wb") as out:
            for piece in file:
                if piece.count(0) == len(piece):
                    out.seek(len(piece), os.SEEK_CUR)
                else:
                    out.write(piece)
            out.truncate()
        if not plain.stat().st_size:
            yield _problem(name, 0, "the file is empty; deliver it again, or leave it out")
            return
        log = path.with_name(path.name + "-wal")
        pieces = database_pieces(plain, limits, log_name=log.name if _holds(log) else None)
        yield from piece_batches(name, pieces, limits.batch_bytes)
    change = file.change()
    if change is not None:
        yield _problem(name, file.size, f"the file {change}")


def _holds(log: Path) -> bool:
    try:
        return log.lstat().st_size > 0
    except OSError:
        return False
