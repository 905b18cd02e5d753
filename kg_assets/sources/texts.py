"""Texts of a delivery: lines of ``documents.jsonl`` and files of prose become source_texts."""

# ruff: noqa: S608 - names in statements are constants of this package, values are bound.

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from kg_assets.sources.contract import KNOWN_TYPES, MAX_ID_LENGTH
from kg_assets.sources.parsing import parse_blobs
from kg_assets.sources.record import described
from kg_assets.sources.tables import ABOUT, QUARANTINED_BLOBS, RAW_BLOBS, SOURCE_TEXTS
from kg_assets.sources.text_files import (
    TEXT_FORMATS,
    TextError,
    about_by_name,
    bare_name,
    decoded,
    front_matter,
)

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

MOST_CHARACTERS = 4_000_000
"""Longest text, in code points. "War and Peace" has 3.2 million."""

MOST_ABOUT = 1_000
"""Records that one text may be about."""

TEXT_FIELDS = pa.schema(
    [
        described("document_id", pa.string(), "The source's own identifier of the text."),
        described("title", pa.string(), "What the text is called."),
        described("text", pa.string(), "The text; or else `text_file`."),
        described("text_file", pa.string(), "Name of the file beside it that holds the text."),
        described("format", pa.string(), "plain, markdown or html; by default what it looks like."),
        described("language", pa.string(), "Language of the text, ISO 639."),
        described("url", pa.string(), "Where it can be read."),
        described("licence", pa.string(), "Licence of the text."),
        described("about", pa.list_(ABOUT), "Records that the text is about."),
    ]
)
"""What a line of ``documents.jsonl``, or front matter, may say."""

FORMATS = ("plain", "markdown", "html")

IS_LINE = r"^documents([.-].*)?\.(jsonl|ndjson|json)(\.(gz|bz2|zst))?$"
"""Names of files whose blobs describe texts and not records."""

IS_PROSE = r"\.(txt|md|html|htm)(\.(gz|bz2|zst))?$"
"""Names of files of prose."""

_HEAD_CHARACTERS = 200
_FILES_AT_ONCE = 256

Row = dict[str, Any]


def stage_texts(
    con: duckdb.DuckDBPyConnection,
    scratch: Path,
    source: str,
    *,
    is_deletion: bool,
) -> None:
    """Part the blobs of a delivery into those of texts and those of records.

    Makes the view ``record_blobs`` (the raw blobs of records) and the tables ``text_kept`` (rows of
    source_texts), ``text_refused`` (rows of quarantined_blobs) and ``text_line`` (place of each
    line that describes a file).

    Args:
        con: Connection with the view ``raw``.
        scratch: Folder for what is between.
        source: Name of the source.
        is_deletion: Whether the texts are only named, to be deleted.
    """
    wanted = {"line": IS_LINE, "prose": IS_PROSE}
    for name, pattern in wanted.items():
        con.execute(
            f"CREATE OR REPLACE TEMP VIEW {name}_blobs AS "
            f"SELECT * FROM raw WHERE regexp_matches(lower(file), '{pattern}')"
        )
    con.execute(
        f"""
        CREATE OR REPLACE TEMP VIEW record_blobs AS
        SELECT *
        FROM raw
        WHERE NOT regexp_matches(lower(file), '{IS_LINE}')
          AND NOT regexp_matches(lower(file), '{IS_PROSE}')
        """
    )
    reader = _Reader(source, is_deletion=is_deletion)
    schemas = {
        "text_read": SOURCE_TEXTS.schema,
        "text_unread": QUARANTINED_BLOBS.schema,
        "text_line": _LINE_SCHEMA,
    }
    paths = {name: scratch / f"{name}.parquet" for name in schemas}
    with ExitStack() as stack:
        writers = [
            stack.enter_context(pq.ParquetWriter(paths[name], schema))
            for name, schema in schemas.items()
        ]
        for _ in reader.read(_batches(con, "line_blobs"), _batches(con, "prose_blobs")):
            found = (reader.kept, reader.refused, reader.lines)
            for writer, rows in zip(writers, found, strict=True):
                if rows:
                    writer.write_table(pa.Table.from_pylist(rows, schema=writer.schema))
                    rows.clear()
    for name, path in paths.items():
        con.read_parquet([str(path)]).create_view(name, replace=True)
    _keep_first(con)


_LINE_SCHEMA = pa.schema([SOURCE_TEXTS.schema.field(name) for name in ("file", "position")])


_BATCHES = ((0, 65_536, 1_024), (65_536, None, 2))
"""Blobs from and below how many bytes, and how many of them at once: 64 MB at most."""


def _batches(con: duckdb.DuckDBPyConnection, view: str) -> Iterator[pa.RecordBatch]:
    columns = ", ".join(f'"{name}"' for name in RAW_BLOBS.schema.names)
    for least, limit, rows in _BATCHES:
        below = "" if limit is None else f"AND bytes < {limit}"
        reader = con.sql(
            f"SELECT {columns} FROM {view} WHERE bytes >= {least} {below}"
        ).to_arrow_reader(rows)
        for batch in reader:
            yield batch.cast(RAW_BLOBS.schema)


def _keep_first(con: duckdb.DuckDBPyConnection) -> None:
    """Of several texts with one id the first by file and position is kept."""
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE text_turn AS
        SELECT file, position, document_id,
               row_number() OVER (PARTITION BY document_id ORDER BY file, position) AS turn
        FROM text_read;

        CREATE OR REPLACE TEMP TABLE text_refused AS
        FROM text_unread
        UNION ALL BY NAME
        SELECT file, "table", position, sha256, bytes, 'record' AS stage,
               'the document_id ' || document_id || ' was given before in this delivery; that text '
               || 'is kept' AS reason,
               left(text, {_HEAD_CHARACTERS}) AS head
        FROM text_read
        JOIN text_turn USING (file, position, document_id)
        JOIN (SELECT file, position, bytes FROM raw) USING (file, position)
        WHERE turn > 1;

        CREATE OR REPLACE TEMP VIEW text_kept AS
        SELECT text_read.*
        FROM text_read
        JOIN text_turn USING (file, position, document_id)
        WHERE turn = 1
        """
    )


class _Reader:
    """Reads lines, then files; a line may describe a file.

    Attributes:
        kept: Rows of source_texts that were not taken yet.
        refused: Rows of quarantined_blobs that were not taken yet.
        lines: Places of lines that describe a file.
    """

    def __init__(self, source: str, *, is_deletion: bool) -> None:
        self.kept: list[Row] = []
        self.refused: list[Row] = []
        self.lines: list[Row] = []
        self._source = source
        self._is_deletion = is_deletion
        self._described: dict[str, Row] = {}

    def read(
        self, lines: Iterable[pa.RecordBatch], files: Iterable[pa.RecordBatch]
    ) -> Iterator[None]:
        """Read everything; after each step what was found can be taken."""
        for batch in lines:
            [parsed] = parse_blobs([batch], TEXT_FIELDS)
            self.refused += parsed.problems.to_pylist()
            sizes = _sizes(batch)
            for row in parsed.records.to_pylist():
                self._line(row, sizes[row["file"], row["position"]])
            yield
        for batch in files:
            for start in range(0, batch.num_rows, _FILES_AT_ONCE):
                self._files(batch.slice(start, _FILES_AT_ONCE))
                yield
        for row in self._described.values():
            if self._is_deletion:
                # To delete a text its file need not be delivered again.
                key = row["document_id"] or bare_name(row["text_file"])[0]
                self._keep(row | {"document_id": key}, row["_bytes"])
            else:
                reason = (
                    f"text_file {row['text_file'][:100]!r} is no file of prose of this delivery; "
                    "name one that lies beside it, .txt, .md or .html"
                )
                self._refuse(row, row["_bytes"], reason)
        yield

    def _line(self, row: Row, size: int) -> None:
        if row["text_file"] is None:
            row["encoding"], row["body_start"] = "utf-8", 0
            self._keep(row, size)
        elif row["text"] is not None:
            self._refuse(row, size, "both text and text_file are given; give one of them")
        elif row["text_file"] in self._described:
            self._refuse(row, size, f"the file {row['text_file']!r} was described before")
        else:
            row |= {"_bytes": size, "encoding": "utf-8", "body_start": 0}
            self._described[row["text_file"]] = row

    def _files(self, batch: pa.RecordBatch) -> None:
        texts: dict[str, Row] = {}
        headers: list[Row] = []
        for raw in batch.to_pylist():
            file = raw["file"]
            line = self._described.pop(file, None)
            if line is not None:
                self.lines.append({"file": line["file"], "position": line["position"]})
            text_format = TEXT_FORMATS[bare_name(file)[1]]
            stage = "blob"
            try:
                if raw["problem"] is not None:
                    raise TextError(raw["problem"])
                stage = "parse"
                text, encoding = decoded(raw["blob"], text_format)
                said, start = front_matter(text)
            except TextError as error:
                self._refuse(raw, raw["bytes"], str(error), stage, raw["blob"])
                continue
            texts[file] = {
                "text": text,
                "encoding": encoding,
                "body_start": start,
                "format": text_format,
                "_line": line,
                "_bytes": raw["bytes"],
            }
            headers.append(raw | {"blob": json.dumps(said).encode()})
        if not headers:
            return
        [parsed] = parse_blobs(
            [pa.RecordBatch.from_pylist(headers, schema=RAW_BLOBS.schema)], TEXT_FIELDS, threads=1
        )
        for problem in parsed.problems.to_pylist():
            size = texts[problem["file"]]["_bytes"]
            reason = f"the front matter is wrong: {problem['reason']}"
            self._refuse(problem, size, reason, "parse")
        for row in parsed.records.to_pylist():
            found = texts[row["file"]]
            line = found.pop("_line") or {}
            size = found.pop("_bytes")
            told = {name: line.get(name) or row[name] for name in TEXT_FIELDS.names}
            told["about"] = told["about"] or about_by_name(row["file"])
            told["document_id"] = told["document_id"] or bare_name(row["file"])[0]
            given = told.pop("format")
            self._keep(row | told | found | ({"format": given} if given else {}), size)

    def _keep(self, row: Row, size: int) -> None:
        about = {
            (each["entity_type"], each.get("source") or self._source, each["source_id"])
            for each in row["about"] or []
            if each is not None
        }
        problem = self._problem(row, about)
        if problem is not None:
            self._refuse(row, size, problem, "record")
            return
        row["about"] = [
            {"entity_type": kind, "source": source, "source_id": key}
            for kind, source, key in sorted(about)
        ]
        self.kept.append({name: row.get(name) for name in SOURCE_TEXTS.schema.names})

    def _problem(self, row: Row, about: set[tuple[str, str, str]]) -> str | None:
        """Say why a text is refused, None where it is not."""
        key = row["document_id"]
        if not key or not key.isprintable():
            return "document_id is missing, or holds what cannot be printed"
        if len(key) > MAX_ID_LENGTH:
            return f"document_id has more than {MAX_ID_LENGTH} characters"
        if self._is_deletion:
            return None
        if row["format"] not in (None, *FORMATS):
            return f"format {row['format'][:40]!r} is not known; it is one of {', '.join(FORMATS)}"
        text = row["text"]
        if text is None or not re.search(r"\w", text[row["body_start"] :]):
            return "there is no text: give text, or the name of a file as text_file"
        if "\0" in text:
            return "the text holds NUL characters: it is no text"
        if len(text) > MOST_CHARACTERS:
            return f"the text has more than {MOST_CHARACTERS:,} characters; split it"
        if not about:
            return (
                "about is missing: say which record the text is about, as about: [{entity_type: "
                "film, source_id: '1'}], or in the file's name, film--1.txt"
            )
        if len(about) > MOST_ABOUT:
            return f"about names more than {MOST_ABOUT:,} records"
        for kind, source, source_id in about:
            if kind not in KNOWN_TYPES:
                return f"about: entity_type {str(kind)[:40]!r} is not known; it is one of " + (
                    ", ".join(KNOWN_TYPES)
                )
            if not source_id or "\0" in source_id or "\0" in source:
                return "about: a record has no source_id"
        return None

    def _refuse(
        self, row: Row, size: int, reason: str, stage: str = "record", blob: bytes | None = None
    ) -> None:
        head = blob[: 4 * _HEAD_CHARACTERS].decode(errors="replace") if blob else row.get("text")
        self.refused.append(
            {
                **{name: row.get(name) for name in ("file", "table", "position", "sha256")},
                "bytes": size,
                "stage": stage,
                "reason": reason,
                "head": (head or "")[:_HEAD_CHARACTERS].replace("\0", "\ufffd"),
            }
        )


def _sizes(batch: pa.RecordBatch) -> dict[tuple[str, int], int]:
    columns = (batch.column(name).to_pylist() for name in ("file", "position", "bytes"))
    return {(file, position): size for file, position, size in zip(*columns, strict=True)}
