"""What is read of a value: types put together, as text for DuckDB, and what a type leaves out."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_DEPTH = 8

_NAMES = {
    pa.string(): "VARCHAR",
    pa.int32(): "INTEGER",
    pa.int64(): "BIGINT",
    pa.float64(): "DOUBLE",
    pa.bool_(): "BOOLEAN",
}


def together(schemas: Iterable[pa.Schema]) -> pa.Schema:
    """The fields of all schemas in one; objects have the fields that they have in any of them.

    Raises:
        TypeError: A field is of one type here and of another there.
    """
    whole: pa.DataType = pa.struct([])
    for schema in schemas:
        whole = _joined(whole, pa.struct(list(schema)), "")
    return pa.schema([whole.field(place) for place in range(whole.num_fields)])


def _joined(one: pa.DataType, other: pa.DataType, path: str) -> pa.DataType:
    if pa.types.is_struct(one) and pa.types.is_struct(other):
        fields = {field.name: field.type for field in one}
        for field in other:
            here = f"{path}.{field.name}"
            known = fields.get(field.name)
            fields[field.name] = field.type if known is None else _joined(known, field.type, here)
        return pa.struct(list(fields.items()))
    if pa.types.is_list(one) and pa.types.is_list(other):
        return pa.list_(_joined(one.value_type, other.value_type, f"{path}[]"))
    if one != other:
        raise TypeError(f"{path.lstrip('.')} is {one} here and {other} there")
    return one


def json_structure(kind: pa.DataType) -> str:
    """A type as `json_transform` takes it."""
    return json.dumps(_structure(kind))


def _structure(kind: pa.DataType) -> Any:
    if pa.types.is_struct(kind):
        return {field.name: _structure(field.type) for field in kind}
    if pa.types.is_list(kind):
        return [_structure(kind.value_type)]
    return _NAMES[kind]


def unread_paths(
    value: object, kind: pa.DataType, apart: Mapping[str, pa.DataType]
) -> Iterator[str]:
    """Yields the paths in a value that are not read; an unread object is one path.

    Args:
        value: A JSON value.
        kind: What is read of it.
        apart: What is read of fields of the value whose names are data, by a pattern of the name.
    """
    if isinstance(value, dict):
        names = {
            name: read
            for name in value
            for pattern, read in apart.items()
            if re.fullmatch(pattern, name)
        }
        for name, read in names.items():
            yield from _unread(value[name], read, name, 1)
        value = {name: inner for name, inner in value.items() if name not in names}
    yield from _unread(value, kind, "", 0)


def _unread(value: object, kind: pa.DataType, path: str, depth: int) -> Iterator[str]:
    if depth > _DEPTH or value is None:
        return
    if pa.types.is_struct(kind) and isinstance(value, dict):
        known = {field.name: field.type for field in kind}
        for name, inner in value.items():
            here = f"{path}.{name}" if path else name
            if name in known:
                yield from _unread(inner, known[name], here, depth + 1)
            elif inner not in (None, "", [], {}):
                yield here + ("[]" if isinstance(inner, list) else "")
    elif pa.types.is_list(kind) and isinstance(value, list):
        for inner in value:
            yield from _unread(inner, kind.value_type, f"{path}[]", depth + 1)
