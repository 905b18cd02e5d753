r"""Cutting tab separated values without quoting: a quote is text, ``\N`` and nothing are null."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator

import pyarrow as pa

from kg_assets.sources.framing import Reader, header_problem, line_batches
from kg_assets.sources.opening import Limits
from kg_assets.sources.pieces import hex_column
from kg_assets.sources.tables import RAW_BLOBS

_CONTROLS = re.compile(rb"[\x00-\x08\x0b-\x1f]")
# Where a colon and a quote stand together the quote opens a value: inside of one it is escaped.
_NULLS = ((b':"\\\\N"', b":null"), (b':""', b":null"))


def unquoted_batches(name: str, reader: Reader, limits: Limits) -> Iterator[pa.RecordBatch]:
    r"""Cuts unquoted tab separated values into one JSON object a row.

    A line is a row, and the first line names the columns. A cell that is ``\N`` or empty is null;
    every other character stands for itself.

    Args:
        name: The file's name in its delivery.
        reader: The file.
        limits: How long a line and how large a batch may be.

    Yields:
        Batches of ``RAW_BLOBS``. A row whose number of cells is not that of the header is kept as
        it is, with the problem; so are all rows where the header is wrong.
    """
    header: _Header | None = None
    for batch in line_batches(name, reader, limits):
        if header is None:
            header = _Header(batch.slice(0, 1))
            if header.problem is not None:
                yield _told(batch.slice(0, 1), [f"the header is wrong: {header.problem}"])
            batch = batch.slice(1)
        if not batch.num_rows:
            continue
        if header.problem is not None:
            fault = "the header of the file is wrong, see its first row"
            problems = batch.column("problem").to_pylist()
            yield _told(batch, [problem or fault for problem in problems])
        else:
            yield header.rows(batch)


class _Header:
    """The names of the columns, and how a row of them is written as JSON."""

    def __init__(self, first: pa.RecordBatch) -> None:
        self.problem: str | None = first.column("problem")[0].as_py()
        names: list[str] = []
        if self.problem is None:
            names = first.column("blob")[0].as_py().decode().split("\t")
            self.problem = header_problem(names)
        self._count = len(names)
        keys = [
            json.dumps(name, ensure_ascii=False).encode().replace(b"%", b"%%") for name in names
        ]
        self._row = b"{" + b",".join(key + b':"%b"' for key in keys) + b"}"

    def rows(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Writes the rows of a batch as JSON objects."""
        problems = batch.column("problem").to_pylist()
        lines = batch.column("blob").to_pylist()
        good = [place for place, problem in enumerate(problems) if problem is None]
        text = b"\n".join(lines[place] for place in good)
        if b"\\" in text:
            text = text.replace(b"\\", b"\\\\")
        if b'"' in text:
            text = text.replace(b'"', b'\\"')
        if _CONTROLS.search(text):
            text = _CONTROLS.sub(lambda found: b"\\u%04x" % found[0][0], text)
        written = []
        kept = []
        for place, line in zip(good, text.split(b"\n") if good else (), strict=True):
            cells = line.split(b"\t")
            if len(cells) == self._count:
                written.append(self._row % tuple(cells))
                kept.append(place)
            else:
                problems[place] = (
                    f"the row has {len(cells)} cells and the header {self._count}; a cell of this "
                    "format holds neither a tab nor a line end"
                )
        joined = b"\n".join(written)
        for cell, null in _NULLS:
            joined = joined.replace(cell, null)
        for place, blob in zip(kept, joined.split(b"\n") if kept else (), strict=True):
            lines[place] = blob
        columns = {field: batch.column(field) for field in batch.schema.names}
        columns["blob"] = pa.array(lines, pa.binary())
        columns["problem"] = pa.array(problems, pa.string())
        if len(kept) == batch.num_rows:
            columns["sha256"] = hex_column([hashlib.sha256(line).digest() for line in lines])
            columns["bytes"] = pa.array([len(line) for line in lines], pa.int64())
        else:
            # Of a line that was too long only the head is here; its digest and length are known.
            digests = columns["sha256"].to_pylist()
            sizes = columns["bytes"].to_pylist()
            for place in kept:
                digests[place] = hashlib.sha256(lines[place]).hexdigest()
                sizes[place] = len(lines[place])
            columns["sha256"] = pa.array(digests, pa.string())
            columns["bytes"] = pa.array(sizes, pa.int64())
        return pa.RecordBatch.from_arrays(list(columns.values()), schema=RAW_BLOBS.schema)


def _told(batch: pa.RecordBatch, problems: list[str]) -> pa.RecordBatch:
    return batch.set_column(
        batch.schema.get_field_index("problem"), "problem", pa.array(problems, pa.string())
    ).cast(RAW_BLOBS.schema)
