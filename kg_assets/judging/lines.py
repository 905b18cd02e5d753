"""Judgements as a file: JSON lines that are checked one by one, and taken all or not at all."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from kg_assets.judging.values import JudgementError, Kind, Said

if TYPE_CHECKING:
    from pathlib import Path

VERSION = 1
"""Version of the lines; a line without one has this one."""

LONGEST_LINE = 512 * 1024
"""Bytes of a line at most; one with a long passage that is no ASCII has some hundred thousand."""

LARGEST_FILE = 256 * 1024 * 1024
"""Bytes of a file at most: a hundred thousand judgements, more than people make."""

_SHOWN = 10


class JudgementFileError(ValueError):
    """A file is not taken; the message says in which lines and why."""


def written(kind: Kind[Any], judgements: Iterable[Said]) -> Iterator[str]:
    """Judgements of a kind as lines of a file, ASCII, each with its line break."""
    for one in judgements:
        yield json.dumps({"kind": kind.name, "version": VERSION, **kind.line(one)}) + "\n"


def read_judgements(
    path: Path, kinds: Mapping[str, Kind[Any]], *, who: str
) -> dict[str, list[Said]]:
    """Read a file of judgements.

    A line is an object with the fields of its kind. Lines without a kind are of the first one.
    Empty lines are skipped. A thing that is judged twice, and not alike, needs times that say
    which judgement is newer.

    Args:
        path: The file, UTF-8, one JSON object a line.
        kinds: The kinds of judgements by name.
        who: Who judged where a line does not say.

    Returns:
        The judgements of each kind, in the order of the file.

    Raises:
        JudgementFileError: Lines cannot be judgements, or contradict each other; the first few
            are named by number with the reason, the rest are counted.
    """
    if (size := path.stat().st_size) > LARGEST_FILE:
        raise JudgementFileError(
            f"{path} has {size:,} bytes, {LARGEST_FILE:,} are allowed: cut it into several files"
        )
    found: dict[str, list[Said]] = {name: [] for name in kinds}
    places: dict[tuple[str, tuple[str | None, ...]], list[tuple[int, Said]]] = {}
    problems: list[str] = []
    with path.open("rb") as stream:
        for number, raw in enumerate(stream, start=1):
            if not raw.strip():
                continue
            try:
                name, one = _judgement(raw, kinds, first=number == 1, who=who)
                before = places.setdefault((name, one.thing), [])
                _look_at_others(one, before)
            except JudgementError as error:
                problems.append(f"{path}:{number}: {error}")
                continue
            before.append((number, one))
            found[name].append(one)
    if problems:
        more = len(problems) - _SHOWN
        raise JudgementFileError(
            "\n".join(
                [
                    f"{path}: nothing was taken, since {len(problems):,} lines cannot be:",
                    *problems[:_SHOWN],
                    *([f"and {more:,} more"] if more > 0 else []),
                ]
            )
        )
    return found


def _judgement(
    raw: bytes, kinds: Mapping[str, Kind[Any]], *, first: bool, who: str
) -> tuple[str, Said]:
    values = _object(raw, first=first)
    name = values.pop("kind", next(iter(kinds)))
    kind = kinds.get(name) if isinstance(name, str) else None
    if kind is None:
        raise JudgementError(f"kind {name!r} is none of {', '.join(kinds)}")
    version = values.pop("version", VERSION)
    if isinstance(version, bool) or version != VERSION:
        raise JudgementError(
            f"version {version!r} of the line is not known; {VERSION} is: the file was made by "
            "another version of the program"
        )
    unknown = sorted(set(values) - kind.fields)
    if unknown:
        raise JudgementError(
            f"unknown fields {', '.join(map(repr, unknown))}; there are "
            f"{', '.join(sorted(kind.fields))}"
        )
    given = {field: value for field, value in values.items() if value is not None}
    missing = [field for field in kind.required if field not in given]
    if missing:
        raise JudgementError(f"{', '.join(missing)} missing")
    wrong = sorted(field for field, value in given.items() if not isinstance(value, str))
    if wrong:
        raise JudgementError(f"{', '.join(wrong)}: not a text")
    one: Said = kind.make(**{"who": who, **given})
    return str(name), one


def _object(raw: bytes, *, first: bool) -> dict[str, Any]:
    if len(raw) > LONGEST_LINE:
        raise JudgementError(f"the line has {len(raw):,} bytes, {LONGEST_LINE:,} are allowed")
    try:
        values = json.loads(
            raw.decode("utf-8-sig" if first else "utf-8"), object_pairs_hook=_each_name_once
        )
    except UnicodeDecodeError as error:
        raise JudgementError(f"not UTF-8 ({error.reason})") from None
    except json.JSONDecodeError as error:
        raise JudgementError(f"not JSON: {error.msg} at character {error.pos + 1}") from None
    except RecursionError:
        raise JudgementError("not a judgement: nested too deeply") from None
    if not isinstance(values, dict):
        raise JudgementError("not a JSON object")
    return values


def _each_name_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        raise JudgementError("a field is given twice")
    return values


def _look_at_others(one: Said, before: list[tuple[int, Said]]) -> None:
    """Refuse a judgement of a thing of which a line before says something else at no other time."""
    if one.undoes is not None:
        return
    for number, other in before:
        if other.undoes is not None or other.answer == one.answer:
            continue
        if not (one.time and other.time) or one.time == other.time:
            raise JudgementError(
                f"says: {one.sentence}; but line {number} says: {other.sentence}; and no times "
                "say which is newer"
            )
