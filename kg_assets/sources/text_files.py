"""Files of prose: read whole as one blob, decoded where their encoding can be told, and described.

What a text is about stands in its front matter (YAML between two lines ``---`` that open the
file), in its name (``film--1--review.md``), or in a line of the delivery's ``documents.jsonl``.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from urllib.parse import unquote

import pyarrow as pa

from kg_assets.sources.contract import KNOWN_TYPES
from kg_assets.sources.opening import COMPRESSIONS, Limits, SafeFile, UnreadableError
from kg_assets.sources.pieces import LongPiece, Piece, encoding_problem, pieces_batch, too_long

TEXT_FORMATS = {".txt": "plain", ".md": "markdown", ".html": "html", ".htm": "html"}
"""Suffixes of files of prose, and what their mark-up is."""

MOST_FRONT_MATTER = 16_384
"""Longest front matter, in characters; what is longer is none."""

DEEPEST_FRONT_MATTER = 20
"""Lists and mappings within each other in front matter. What is meant needs three; the time that
reading takes grows with the square of the depth, and thousands of brackets would take minutes."""

_MARKS = (
    # UTF-32's mark begins with that of UTF-16.
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_DECLARED = re.compile(rb"<meta\b[^<>]{0,200}?charset\s*=\s*[\"']?\s*([a-z0-9_-]{2,20})", re.I)
_DECLARED_WITHIN = 1_024
# Labels of https://encoding.spec.whatwg.org/ that Python knows under the same name. Others, such
# as Python's own transformations, are no encodings of a page.
_ENCODINGS = frozenset(
    [*(f"windows-125{digit}" for digit in range(9)), *(f"iso-8859-{n}" for n in range(2, 17))]
) | {"koi8-r", "koi8-u", "shift_jis", "euc-jp", "euc-kr", "gbk", "gb2312", "gb18030", "big5"}
_LATIN = {"iso-8859-1": "windows-1252", "latin1": "windows-1252", "us-ascii": "windows-1252"}
_FRONT = re.compile(r"---[ \t]*\r?\n(.*?)(?:^|\n)---[ \t]*(?:\r?\n|$)", re.DOTALL)


class TextError(Exception):
    """Why a file of prose cannot be read as it is, in words for who delivered it."""


def text_batches(name: str, file: SafeFile, limits: Limits) -> Iterator[pa.RecordBatch]:
    """Read a file of prose as one blob, in whatever encoding.

    Args:
        name: The file's name in its delivery.
        file: The file.
        limits: How long a blob may be.

    Yields:
        One batch of ``RAW_BLOBS`` with one row. A file that could not be read to its end, or that
        changed while it was read, is a row with a problem.
    """
    whole: list[bytes] | None = []
    held = 0
    long = LongPiece(0)
    problem = None
    try:
        for data in file:
            long.add(data)
            held += len(data)
            if whole is not None:
                whole.append(data)
            if held > limits.max_blob_bytes:
                whole = None
    except UnreadableError as error:
        problem = f"unfinished: the file {error}"
    change = file.change()
    if problem is None and change is not None:
        problem = f"the file {change}"
    if whole is None:
        piece = long.piece(problem or too_long("file", limits.max_blob_bytes))
    else:
        blob = b"".join(whole)
        if not problem and not blob.strip():
            what = "holds nothing but white space" if blob else "is empty"
            problem = f"the file {what}; deliver it again, or leave it out"
        piece = Piece(0, blob, problem)
    yield pieces_batch(name, [piece], checks_utf8=False)


def bare_name(file: str) -> tuple[str, str]:
    """Return the name of a file without what says how it is compressed, and its suffix."""
    stem, dot, suffix = file.rpartition(".")
    if dot and f".{suffix.lower()}" in COMPRESSIONS:
        file = stem
    return file, f".{file.rpartition('.')[2].lower()}"


def decoded(blob: bytes, text_format: str) -> tuple[str, str]:
    """Decode a file of prose. Nothing is guessed: letters that are wrong would look right.

    Args:
        blob: The file.
        text_format: A value of `TEXT_FORMATS`; a page of HTML may declare its encoding.

    Returns:
        The text without a byte order mark, and the encoding: that of the mark, UTF-8 where the
        bytes are, or the one that the page declares.

    Raises:
        TextError: The encoding cannot be told, or the bytes are not in it.
    """
    for mark, encoding in _MARKS:
        if blob.startswith(mark):
            return _decode(blob[len(mark) :], encoding), encoding
    problem = encoding_problem(blob)
    if problem is None:
        return blob.decode(), "utf-8"
    if text_format == "html":
        declared = _DECLARED.search(blob[:_DECLARED_WITHIN])
        label = declared[1].decode("ascii").lower() if declared else ""
        label = _LATIN.get(label, label)
        if label in _ENCODINGS:
            return _decode(blob, label), label
    raise TextError(
        f"its encoding cannot be told: {problem}, begin it with a byte order mark, or let a page "
        "of HTML declare its charset"
    )


def _decode(blob: bytes, encoding: str) -> str:
    try:
        return blob.decode(encoding)
    except UnicodeDecodeError as error:
        raise TextError(
            f"says that it is {encoding} and is not: {error.reason} at byte {error.start + 1}; "
            "save it as UTF-8"
        ) from None


def front_matter(text: str) -> tuple[dict[str, object], int]:
    """Read the front matter of a text.

    Args:
        text: The text, decoded.

    Returns:
        What it says, and the place where the text itself begins; nothing and 0 without one.

    Raises:
        TextError: It is no YAML mapping, or uses what could make it grow.
    """
    match = _FRONT.match(text, 0, MOST_FRONT_MATTER)
    if match is None:
        return {}, 0
    import yaml

    try:
        depth = 0
        for event in yaml.parse(match[1]):
            if isinstance(event, yaml.AliasEvent):
                # Aliases let a few lines stand for any number.
                raise TextError("the front matter has an alias (*name); write the value out")
            opens = isinstance(event, yaml.CollectionStartEvent)
            depth += opens - isinstance(event, yaml.CollectionEndEvent)
            if depth > DEEPEST_FRONT_MATTER:
                raise ValueError(f"lists and mappings are nested deeper than {depth - 1}")
        said = yaml.safe_load(match[1])
        json.dumps(said)
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        reason = " ".join(str(error).split())[:200]
        raise TextError(f"the front matter is not YAML of plain values: {reason}") from None
    if said is None:
        return {}, match.end()
    if not isinstance(said, dict) or not all(isinstance(key, str) for key in said):
        raise TextError("the front matter is no mapping of names to values; write `about: ...`")
    return said, match.end()


def about_by_name(file: str) -> list[dict[str, str]]:
    """Read what a file is about in its name, ``<entity_type>--<source_id>[--<rest>].<suffix>``.

    What a file's name cannot hold is written as in an address (``%2F``).
    """
    parts = bare_name(file)[0].rpartition(".")[0].split("--")
    if len(parts) < 2 or parts[0] not in KNOWN_TYPES:
        return []
    return [{"entity_type": parts[0], "source_id": unquote(parts[1])}]
