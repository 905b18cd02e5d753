"""Bringing what the JSON engine can read to the declared types: maps, days, finite numbers."""

from __future__ import annotations

import json
import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kg_assets.sources.pieces import refused_rows

_ESCAPED_ASCII = re.compile(rb"\\u00[0-7]")


def engine_type(kind: pa.DataType) -> pa.DataType:
    """Returns the type in which the engine reads a field that is declared as ``kind``.

    Args:
        kind: A declared type.

    Returns:
        The same with text in place of days, at any depth. (The engine takes a day only as a
        number of days.)

    Raises:
        TypeError: A map stands below the top level; only a field itself may be one.
    """
    if pa.types.is_date(kind):
        return pa.string()
    if pa.types.is_list(kind):
        return pa.list_(kind.value_field.with_type(engine_type(kind.value_type)))
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(engine_type(field.type)) for field in kind])
    if pa.types.is_map(kind):
        raise TypeError("a map can be read only as a field of its own, not inside another field")
    return kind


def holds_floats(kind: pa.DataType) -> bool:
    """Whether there are floating point numbers in a type, at any depth."""
    if pa.types.is_floating(kind):
        return True
    if pa.types.is_struct(kind):
        return any(holds_floats(field.type) for field in kind)
    return pa.types.is_list(kind) and holds_floats(kind.value_type)


def _all_finite(column: pa.Array) -> bool:
    if pa.types.is_floating(column.type):
        return pc.all(pc.is_finite(column), min_count=0).as_py() is not False
    if pa.types.is_struct(column.type):
        return all(_all_finite(child) for child in column.flatten() if holds_floats(child.type))
    if pa.types.is_list(column.type):
        return _all_finite(column.flatten())
    return True


def converted(column: pa.Array, kind: pa.DataType) -> tuple[pa.Array, list[int]]:
    """Brings a column that the engine has read to its declared type.

    Args:
        column: A column of type ``engine_type(kind)``.
        kind: The declared type.

    Returns:
        The column, with null in rows that cannot be brought there, and these rows: a day that
        is none, a number that is not finite.
    """

    def accepts(start: int, end: int) -> bool:
        # A slice of lists still has all their values; only a copy has its own.
        part = column.take(pa.array(np.arange(start, end)))
        try:
            if part.type != kind:
                part.cast(kind)
        except pa.ArrowInvalid:
            return False
        return not checks_floats or _all_finite(part)

    checks_floats = holds_floats(kind)
    if column.type == kind:
        if not checks_floats or _all_finite(column):
            return column, []
    else:
        try:
            cast = column.cast(kind)
        except pa.ArrowInvalid:
            pass
        else:
            if not checks_floats or _all_finite(cast):
                return cast, []
    refused = refused_rows(len(column), accepts)
    keeps = np.ones(len(column), np.bool_)
    keeps[refused] = False
    column = pc.if_else(pa.array(keeps), column, pa.scalar(None, column.type))
    return column.cast(kind), refused


class MapReader:
    """Reads a field that is an object of texts, whatever the names in it.

    The engine reads no maps. So the field is read as a struct of all names that occur, and the
    struct is turned into a map. This class finds the names, and turns.
    """

    def __init__(self, field: pa.Field) -> None:
        """Takes the declaration of the field.

        Raises:
            TypeError: It is no map of string to string.
        """
        if field.type.key_type != pa.string() or field.type.item_type != pa.string():
            raise TypeError(
                f"{field.name}: only maps of string to string are read, not {field.type}"
            )
        self.field = field
        name = re.escape(field.name.encode())
        self._token = re.compile(name)
        # Balanced quotes, and in them neither a bracket nor an escape: the bracket at the end is
        # the object's own.
        body = rb'(?:[^{}"\\]*"[^{}"\\]*")*[^{}"\\]*'
        self._plain = re.compile(rb'"' + name + rb'"\s*:\s*(?:\{(' + body + rb")\}|null)")
        # Each text is matched, name or not: else the gap between two could be taken for one.
        self._texts = re.compile(rb'"([^"]*)"(\s*:)?')

    def names(self, text: bytes | pa.Buffer) -> frozenset[str] | None:
        """Finds the names that occur in the field.

        Args:
            text: JSON objects, of which not all need be well-formed.

        Returns:
            At least all names that occur, or None where they cannot be told by looking: an
            escape in them or in the field's own name, or another object inside.
        """
        block = memoryview(text)
        bodies = self._plain.findall(block)
        occurrences = len(self._token.findall(block))
        if len(bodies) != occurrences or _ESCAPED_ASCII.search(block):
            return None
        found = {name for name, colon in self._texts.findall(b" ".join(bodies)) if colon}
        try:
            return frozenset(name.decode() for name in found)
        except UnicodeDecodeError:
            return None

    def names_of_row(self, blob: bytes) -> frozenset[str] | None:
        """Finds the names that occur in the field of one object.

        Args:
            blob: One JSON object.

        Returns:
            At least all names that occur, or None if they cannot be told.
        """
        names = self.names(blob)
        if names is not None:
            return names
        try:
            record = json.loads(blob)
        except (ValueError, RecursionError):
            return None
        value = record.get(self.field.name) if isinstance(record, dict) else None
        # What is no object, and a name with half a character, the engine refuses by itself.
        return frozenset(filter(_is_whole, value)) if isinstance(value, dict) else frozenset()

    def mapped(self, column: pa.StructArray) -> pa.MapArray:
        """Turns a struct of texts into a map, in the order of names; null texts are left out."""
        rows = len(column)
        names = [field.name for field in column.type]
        if not names or not rows:
            offsets = pa.array(np.zeros(rows + 1, np.int32))
            empty = pa.array([], pa.string())
            return _map(offsets, empty, empty, column)
        values = column.flatten()
        valid = np.stack(
            [np.asarray(value.is_valid().to_numpy(zero_copy_only=False)) for value in values],
            axis=1,
        )
        offsets = np.zeros(rows + 1, np.int32)
        np.cumsum(valid.sum(axis=1), out=offsets[1:])
        places = np.flatnonzero(valid)  # row by row, in each the names in order
        row, name = np.divmod(places, len(names))
        items = pa.concat_arrays(values).take(pa.array(name * rows + row))
        keys = pa.DictionaryArray.from_arrays(
            pa.array(name.astype(np.int32)), pa.array(names, pa.string())
        ).dictionary_decode()
        return _map(pa.array(offsets), keys, items, column)


def _is_whole(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _map(offsets: pa.Array, keys: pa.Array, items: pa.Array, column: pa.StructArray) -> pa.MapArray:
    mask = column.is_null() if column.null_count else None
    return pa.MapArray.from_arrays(offsets, keys, items, mask=mask)
