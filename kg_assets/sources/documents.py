"""Cutting a JSON document into blobs: the elements of a top-level array, or the whole.

What Wikibase answers (``Special:EntityData``, ``wbgetentities``) is an object with all entities in
its first member, ``{"entities": {"Q1": {...}}}``. It is cut into these.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from kg_assets.sources.framing import Reader
from kg_assets.sources.opening import Limits
from kg_assets.sources.pieces import BLANKS, LongPiece, Piece, too_long

_QUOTE, _BACKSLASH, _COMMA = ord('"'), ord("\\"), ord(",")
_ENVELOPE = re.compile(rb'(\{\s*"entities"\s*:\s*)\{\s*"')
_KEY = re.compile(rb'"[^"\\]{1,64}"\s*:\s*')
_REST_OF_ENVELOPE = re.compile(rb'(,\s*"success"\s*:\s*1\s*)?\}\s*')
_IS_STRUCTURAL = np.zeros(256, np.bool_)
_IS_STRUCTURAL[list(b"[]{},")] = True


class _Structure:
    """Follows strings and brackets through a document that comes in parts."""

    def __init__(self) -> None:
        self._in_string = False
        self._escaped = False
        self._depth = 0

    def cuts(self, data: bytes) -> tuple[list[int], int | None]:
        """Finds where the elements of the outermost array end.

        Args:
            data: The next bytes of the document.

        Returns:
            Offsets of the commas between elements, and of the bracket that closes the array
            if it is here.
        """
        codes = np.frombuffer(data, np.uint8)
        quotes = np.flatnonzero(codes == _QUOTE)
        quotes = quotes[~self._escapes(codes)[quotes]]
        brackets = np.flatnonzero(_IS_STRUCTURAL[codes])
        inside = (np.searchsorted(quotes, brackets) + self._in_string) & 1
        brackets = brackets[inside == 0]
        kinds = codes[brackets]
        steps = np.where((kinds == ord("[")) | (kinds == ord("{")), 1, -1)
        steps[kinds == _COMMA] = 0
        depths = np.cumsum(steps) + self._depth
        closing = np.flatnonzero(depths == 0)
        end = int(brackets[closing[0]]) if len(closing) else None
        commas = brackets[(kinds == _COMMA) & (depths == 1)]
        if end is not None:
            commas = commas[commas < end]
        self._in_string = bool((len(quotes) + self._in_string) & 1)
        self._depth = int(depths[-1]) if len(depths) else self._depth
        return commas.tolist(), end

    def _escapes(self, codes: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
        """Marks the bytes that a backslash escapes; every second one of a run escapes."""
        escaped = np.zeros(len(codes), np.bool_)
        slashes = np.flatnonzero(codes == _BACKSLASH)
        if self._escaped:
            escaped[0] = True
            slashes = slashes[slashes > 0]
        self._escaped = False
        if len(slashes):
            starts = np.flatnonzero(np.diff(slashes, prepend=-2) != 1)
            in_run = np.arange(len(slashes)) - np.repeat(
                starts, np.diff(starts, append=len(slashes))
            )
            targets = slashes[in_run % 2 == 0] + 1
            self._escaped = bool(targets[-1] == len(codes))
            escaped[targets[targets < len(codes)]] = True
        return escaped


class _Element:
    """Takes in one element, whole while it is short enough."""

    def __init__(self, position: int, limit: int) -> None:
        self._position = position
        self._limit = limit
        self._parts: list[bytes] = []
        self._held = 0
        self._long: LongPiece | None = None

    @property
    def end(self) -> int:
        return self._position + (self._held if self._long is None else self._long.length)

    def add(self, data: bytes) -> None:
        if not self._held and self._long is None:
            bare = data.lstrip(BLANKS)
            self._position += len(data) - len(bare)
            data = bare
        if self._long is not None:
            self._long.add(data)
            return
        self._parts.append(data)
        self._held += len(data)
        if self._held > self._limit:
            self._long = LongPiece(self._position)
            for part in self._parts:
                self._long.add(part)
            self._parts = []

    @property
    def is_blank(self) -> bool:
        return self._long is None and not self._held

    def piece(self, what: str, problem: str | None = None) -> Piece:
        if self._long is not None:
            return self._long.piece(problem or too_long(what, self._limit))
        blob = b"".join(self._parts)
        return Piece(self._position, blob if problem else blob.rstrip(BLANKS), problem)


def document_pieces(reader: Reader, limits: Limits) -> Iterator[Piece]:
    """Cuts a JSON document into the elements of its top-level array, or keeps it as one blob.

    Args:
        reader: The file.
        limits: How long a blob may be.

    Yields:
        A piece for each element, or one for a document that is no array. What follows the
        array, and an element that is missing or unfinished, is a piece with a problem.
    """
    structure = _Structure()
    element: _Element | None = None
    is_array = is_envelope = has_ended = False
    cuts_made = 0
    limit = limits.max_blob_bytes
    for data in reader:
        offset = reader.end - len(data)
        start = 0
        if element is None:
            bare = data.lstrip(BLANKS)
            if not bare:
                continue
            offset += len(data) - len(bare)
            data = bare
            envelope = _ENVELOPE.match(bare)
            if envelope is not None:
                offset += envelope.end(1)
                data = bare[envelope.end(1) :]
            is_envelope = envelope is not None
            is_array = is_envelope or bare.startswith(b"[")
            start = int(is_array)
            element = _Element(offset + start, limit)
        if not is_array or has_ended:
            element.add(data)
            continue
        commas, end = structure.cuts(data)
        closing = b"}" if is_envelope else b"]"
        for cut in [*commas, *([] if end is None else [end])]:
            element.add(data[start:cut])
            cuts_made += 1
            if not element.is_blank:
                piece = element.piece("element")
                yield _without_key(piece) if is_envelope else piece
            if cut == end and data[cut : cut + 1] != closing:
                problem = f"a bracket closes here what another one opened; write {closing.decode()}"
                yield Piece(offset + cut, data[cut : cut + 1], problem)
            elif element.is_blank and (cut != end or cuts_made > 1):
                yield Piece(offset + cut, b"", "an element of the array is missing here; write it")
            start = cut + 1
            element = _Element(offset + start, limit)
        element.add(data[start:])
        has_ended = end is not None
    if element is None:
        return
    if has_ended:
        rest = element.piece("rest")
        is_due = is_envelope and _REST_OF_ENVELOPE.fullmatch(rest.blob)
        if is_envelope and element.is_blank:
            yield replace(rest, problem="unfinished: the object that starts the file is not closed")
        elif not element.is_blank and not is_due:
            problem = "this follows the end of the array; write one JSON document into a file"
            yield element.piece("rest", problem)
    elif reader.failure is not None:
        yield element.piece("document", f"unfinished: the file {reader.failure}")
    elif is_array:
        yield element.piece("element", "unfinished: the array that starts the file is not closed")
    else:
        yield element.piece("document")


def _without_key(piece: Piece) -> Piece:
    """Takes the name of a member off; what has no plain name is left for parsing to refuse."""
    key = _KEY.match(piece.blob)
    if key is None or piece.problem is not None:
        return piece
    return replace(piece, position=piece.position + key.end(), blob=piece.blob[key.end() :])
