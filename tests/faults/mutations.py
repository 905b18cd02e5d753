"""Blobs that something happened to on their way: in their bytes, in their JSON, in their values."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from copy import deepcopy
from typing import Any

ODD_VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 10**30, -(10**18), 1.5, 1e308,
    "", " ", "\0", "\x1b[31m", "\u202e", "é" * 300,
    "19x4", "2024-02-30", "-0001-01-01", "+99999-00-00T00:00:00Z", [], {}, [[]], [None], [{}],
    {"a": []}, "x" * 5_000, ["y"] * 300, "\ud800", "𝄞",
)  # fmt: skip
"""What stands where something else should, among it values that only look right."""

ODD_TEXTS = (
    b"NaN", b"-Infinity", b"1e999", b"-0", b"01", b"+1", b"0x1", b"9" * 5_000, b"1" + b"0" * 400,
    b'"\\ud800"', b'"\\u0000"', b'"\\x"', b'"unclosed', b"'single'", b"nul", b"TRUE",
    b"[" * 3_000, b"{" * 50, b'{"a":' * 2_000, b"[" * 3_000 + b"]" * 3_000, b"", b",", b":",
)  # fmt: skip
"""What stands where a JSON value should, most of it no JSON."""

ODD_BYTES = (
    b"\0", b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xef\xbb\xbf", b"\r",
             b"\n", b"\t", b'"', b"\\", b"{", b"}", b"[", b"]", b",", b"\xff\xfe", b"\x1a",
)  # fmt: skip


def _flip(blob: bytearray, chance: random.Random) -> bytearray:
    for _ in range(chance.randint(1, 4)):
        if blob:
            blob[chance.randrange(len(blob))] ^= 1 << chance.randrange(8)
    return blob


def _cut(blob: bytearray, chance: random.Random) -> bytearray:
    start = chance.randrange(len(blob) + 1)
    return blob[:start] if chance.random() < 0.5 else blob[start:]


def _drop(blob: bytearray, chance: random.Random) -> bytearray:
    start = chance.randrange(len(blob) + 1)
    del blob[start : start + chance.randint(1, 20)]
    return blob


def _insert(blob: bytearray, chance: random.Random) -> bytearray:
    start = chance.randrange(len(blob) + 1)
    blob[start:start] = chance.choice(ODD_BYTES) * chance.choice((1, 1, 1, 50))
    return blob


def _double(blob: bytearray, chance: random.Random) -> bytearray:
    return blob + chance.choice((b"", b" ", b",", b"\n")) + blob


def _swap(blob: bytearray, chance: random.Random) -> bytearray:
    start, end = sorted(chance.randrange(len(blob) + 1) for _ in range(2))
    return blob[end:] + blob[start:end] + blob[:start]


BYTES: tuple[Callable[[bytearray, random.Random], bytearray], ...] = (
    _flip, _cut, _drop, _insert, _double, _swap,
)  # fmt: skip


def of_bytes(blob: bytes, chance: random.Random) -> bytes:
    """Returns the blob with some of its bytes changed, gone, doubled or in another place."""
    changed = bytearray(blob)
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        changed = chance.choice(BYTES)(changed, chance)
    return bytes(changed)


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Each place in a value: what holds it, and under which key."""
    found = []
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in list(items):
        found.append((value, key))
        if isinstance(inner, dict | list):
            found += _places(inner)
    return found


_MARK = "@odd@"


def of_values(record: dict[str, Any], chance: random.Random) -> bytes:
    """Returns the record as JSON with other values, keys or texts at some of its places."""
    changed = json.loads(json.dumps(record))
    texts = []
    for _ in range(chance.choice((1, 1, 2, 5))):
        places = _places(changed)
        if not places:
            break
        holder, key = chance.choice(places)
        what = chance.randrange(4)
        if what == 0 and isinstance(holder, dict):
            del holder[key]
        elif what == 1:
            holder[key] = _MARK
            texts.append(chance.choice(ODD_TEXTS))
        elif what == 2 and isinstance(holder, dict):
            holder[chance.choice(("", "\0", "a" * 300, f"{key} ", str(key).upper()))] = holder[key]
        else:
            holder[key] = deepcopy(chance.choice(ODD_VALUES))
    text = json.dumps(changed, ensure_ascii=chance.random() < 0.5, separators=(",", ":"))
    blob = text.encode("utf-8", "surrogatepass")
    for odd in texts:
        blob = blob.replace(f'"{_MARK}"'.encode(), odd, 1)
    if chance.random() < 0.05:
        key = chance.choice(list(record))
        blob = blob[:-1] + b"," + json.dumps({key: record[key]}).encode()[1:]  # stands twice
    return blob
