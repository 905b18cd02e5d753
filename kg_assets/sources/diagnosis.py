"""Saying in plain words why a blob is no record."""

from __future__ import annotations

import json
import math
import re
from typing import Any

import pyarrow as pa

from kg_assets.sources.pieces import BLANKS, encoding_problem

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]")
_SHOWN_CHARACTERS = 60
_HEAD_CHARACTERS = 200


class _NotJsonNumberError(ValueError):
    """A number that Python's reader takes and JSON does not know."""


def head(blob: bytes | None) -> str | None:
    """Returns the first 200 characters of a blob, safe to show.

    Args:
        blob: Any bytes, or None.

    Returns:
        Text in which what is not UTF-8 is replaced and control characters are escaped.
    """
    if blob is None:
        return None
    text = blob[: 4 * _HEAD_CHARACTERS].decode("utf-8", "replace")[:_HEAD_CHARACTERS]
    return _CONTROLS.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def diagnose(blob: bytes, fields: pa.Schema, engine: str) -> str:
    """Says why a blob cannot be read as a record.

    Args:
        blob: The blob, which the engine has refused.
        fields: What was to be read from it.
        engine: The engine's own message, used where nothing plainer can be said.

    Returns:
        What is wrong and where, in one line.
    """
    if not blob.strip(BLANKS):
        return "the blob is empty"
    problem = encoding_problem(blob)
    if problem is not None:
        return problem
    text = blob.decode()
    duplicates: list[str] = []

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(items)
        if len(found) < len(items):
            seen: set[str] = set()
            for key, _ in items:
                if key in seen:
                    duplicates.append(key)
                seen.add(key)
        return found

    try:
        value = json.loads(text, object_pairs_hook=pairs, parse_constant=_refuse)
    except _NotJsonNumberError as error:
        return f"not JSON: {error} is no number; write null where there is none"
    except json.JSONDecodeError as error:
        return _syntax(text, error)
    except RecursionError:
        return f"nested too deep to be looked into, and refused: {_plain(engine)}"
    except ValueError as error:  # more digits than Python turns into a number
        return f"a number is too long ({error})"
    if not isinstance(value, dict):
        return f"expected a JSON object, found {_kind(value)}"
    problem = _mismatch(value, pa.struct(list(fields)), "")
    if problem is not None:
        return problem
    if duplicates:
        return f"the field {_shown(duplicates[0])} stands twice in one object"
    return f"refused by the JSON reader: {_plain(engine)}"


def is_surely_wrong(blob: bytes, fields: pa.Schema) -> bool:
    """Whether a blob is so wrong that the engine, too, must refuse it.

    Args:
        blob: A blob.
        fields: What was to be read from it.

    Returns:
        True for what is no single JSON value, and where a value is of another kind than its
        field. False says nothing.
    """
    try:
        value = json.loads(blob)
    except (json.JSONDecodeError, UnicodeDecodeError):
        return True
    except (ValueError, RecursionError):
        return False
    return (
        isinstance(value, dict)
        and _mismatch(value, pa.struct(list(fields)), "", kinds_only=True) is not None
    )


def _refuse(name: str) -> object:
    raise _NotJsonNumberError(name)


def _plain(message: str) -> str:
    """Takes numbers of rows out of the engine's message: they are of its block, not of the file."""
    message = re.sub(r"\s*in row \d+", "", message.split("\n")[0])
    message = re.sub(
        r"\d+ JSON values in place of \d+", "several JSON values in place of one", message
    )
    return message[:200].rstrip(". ")


def _syntax(text: str, error: json.JSONDecodeError) -> str:
    if error.msg == "Extra data":
        return (
            f"more than one JSON value: the first ends before column {error.pos + 1}; write one "
            "value a line, into a file that ends in .jsonl"
        )
    where = f"column {error.pos + 1}"
    if "\n" in text[: error.pos]:
        where = f"line {error.lineno} column {error.colno} of the blob"
    if error.pos >= len(text.rstrip()):
        return f"not JSON: it ends too early, at {where} ({error.msg})"
    return f"not JSON: {error.msg} at {where}, before {_shown(text[error.pos : error.pos + 20])}"


def _shown(value: object) -> str:
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        return "something that cannot be shown"
    if len(text) > _SHOWN_CHARACTERS:
        text = text[:_SHOWN_CHARACTERS] + "..."
    text = text.encode("utf-8", "backslashreplace").decode()
    return _CONTROLS.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _kind(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return f"the truth value {_shown(value)}"
    if isinstance(value, (int, float)):
        return f"the number {_shown(value)}"
    if isinstance(value, str):
        return f"the text {_shown(value)}"
    return "an array" if isinstance(value, list) else "an object"


def _expected(kind: pa.DataType) -> str:
    if pa.types.is_integer(kind):
        return f"a whole number ({kind}, without point or exponent)"
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return "a number"
    if pa.types.is_boolean(kind):
        return "true or false"
    if pa.types.is_date(kind):
        return "a day as text, YYYY-MM-DD"
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return "an array"
    if pa.types.is_struct(kind):
        return "an object"
    if pa.types.is_map(kind):
        return "an object of texts"
    return "text" if pa.types.is_string(kind) or pa.types.is_large_string(kind) else str(kind)


def _mismatch(
    value: object, kind: pa.DataType, where: str, *, kinds_only: bool = False
) -> str | None:
    """Finds the first place at which a value is not of its type, at any depth."""
    if value is None:
        return None
    problem = f"{where}: expected {_expected(kind)}, found {_kind(value)}"
    if pa.types.is_struct(kind):
        if not isinstance(value, dict):
            return problem
        for field in kind:
            place = f"{where}.{field.name}" if where else field.name
            found = _mismatch(value.get(field.name), field.type, place, kinds_only=kinds_only)
            if found is not None:
                return found
        return None
    if pa.types.is_map(kind):
        if not isinstance(value, dict):
            return problem
        for key, item in value.items():
            found = _mismatch(key, kind.key_type, f"a name in {where}", kinds_only=kinds_only)
            place = f"{where}.{_CONTROLS.sub('?', key)}"
            found = found or _mismatch(item, kind.item_type, place, kinds_only=kinds_only)
            if found is not None:
                return found.encode("utf-8", "backslashreplace").decode()
        return None
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        if not isinstance(value, list):
            return problem
        for number, item in enumerate(value):
            place = f"{where}[{number}]"
            found = _mismatch(item, kind.value_type, place, kinds_only=kinds_only)
            if found is not None:
                return found
        return None
    if not _fits(value, kind):
        return problem
    return None if kinds_only else _content(value, kind, where)


def _fits(value: object, kind: pa.DataType) -> bool:
    if pa.types.is_boolean(kind):
        return isinstance(value, bool)
    if pa.types.is_integer(kind):
        if not isinstance(value, int) or isinstance(value, bool):
            return False
        bits = int(kind.bit_width)
        if pa.types.is_unsigned_integer(kind):
            return 0 <= value < 1 << bits
        return -(1 << bits - 1) <= value < 1 << bits - 1
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return isinstance(value, str)


def _content(value: object, kind: pa.DataType, where: str) -> str | None:
    """Finds what is wrong with a value that has the right kind."""
    if isinstance(value, float) and not math.isfinite(value):
        return f"{where}: the number is too large"
    if not isinstance(value, str):
        return None
    surrogate = re.search("[\ud800-\udfff]", value)
    if surrogate is not None:
        escape = f"\\u{ord(surrogate[0]):04x}"
        return (
            f"{where}: the escape {escape} is half a character; write both halves, or the character"
        )
    if pa.types.is_date(kind):
        try:
            pa.scalar(value).cast(kind)
        except pa.ArrowInvalid:
            return f"{where}: expected a day as YYYY-MM-DD, found {_kind(value)}"
    return None
