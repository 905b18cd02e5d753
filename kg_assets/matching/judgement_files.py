"""Judgements as a file: JSON lines that are checked one by one, and taken all or not at all."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

from kg_assets.matching.judgement_values import Judgement, JudgementError, judgement

if TYPE_CHECKING:
    from pathlib import Path

LONGEST_LINE = 64 * 1024
"""Bytes of a line at most; a judgement has a few hundred."""

LARGEST_FILE = 64 * 1024 * 1024
"""Bytes of a file at most: a hundred thousand judgements, more than people make."""

_SHOWN = 10
_FIELDS = {field.name for field in fields(Judgement)}
_REQUIRED = ("entity_type", "record_l", "record_r", "verdict")


class JudgementFileError(ValueError):
    """A file is not taken; the message says in which lines and why."""


def written(judgements: Iterable[Judgement]) -> Iterator[str]:
    """Judgements as lines of a file, ASCII, each with its line break."""
    for one in judgements:
        yield json.dumps(asdict(one)) + "\n"


def read_judgements(path: Path, *, who: str) -> list[Judgement]:
    """Read a file of judgements.

    A line is an object with entity_type, record_l, record_r and verdict, and, if it has them,
    who, why, time, undoes and id. Empty lines are skipped. A pair that is judged twice, and not
    alike, needs times that say which judgement is newer.

    Args:
        path: The file, UTF-8, one JSON object a line.
        who: Who judged where a line does not say.

    Raises:
        JudgementFileError: Lines cannot be judgements, or contradict each other; the first few
            are named by number with the reason, the rest are counted.
    """
    if (size := path.stat().st_size) > LARGEST_FILE:
        raise JudgementFileError(
            f"{path} has {size:,} bytes, {LARGEST_FILE:,} are allowed: cut it into several files"
        )
    found: list[Judgement] = []
    places: dict[tuple[str, str, str], list[tuple[int, Judgement]]] = {}
    problems: list[str] = []
    with path.open("rb") as stream:
        for number, raw in enumerate(stream, start=1):
            if not raw.strip():
                continue
            try:
                one = _judgement(raw, first=number == 1, who=who)
                pair = (one.entity_type, one.record_l, one.record_r)
                before = places.setdefault(pair, [])
                _look_at_others(one, before)
            except JudgementError as error:
                problems.append(f"{path}:{number}: {error}")
                continue
            before.append((number, one))
            found.append(one)
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


def _judgement(raw: bytes, *, first: bool, who: str) -> Judgement:
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
    unknown = sorted(set(values) - _FIELDS)
    if unknown:
        raise JudgementError(
            f"unknown fields {', '.join(map(repr, unknown))}; there are "
            f"{', '.join(sorted(_FIELDS))}"
        )
    given = {name: value for name, value in values.items() if value is not None}
    missing = [name for name in _REQUIRED if name not in given]
    if missing:
        raise JudgementError(f"{', '.join(missing)} missing")
    wrong = sorted(name for name, value in given.items() if not isinstance(value, str))
    if wrong:
        raise JudgementError(f"{', '.join(wrong)}: not a text")
    left, right = given.pop("record_l"), given.pop("record_r")
    return judgement(record_a=left, record_b=right, **{"who": who, **given})


def _each_name_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        raise JudgementError("a field is given twice")
    return values


def _look_at_others(one: Judgement, before: list[tuple[int, Judgement]]) -> None:
    """Refuse a judgement of a pair of which a line before says something else at no other time."""
    if one.undoes is not None:
        return
    for number, other in before:
        if other.undoes is not None or other.verdict == one.verdict:
            continue
        if not (one.time and other.time) or one.time == other.time:
            raise JudgementError(
                f"says that {one.record_l} and {one.record_r} are {one.verdict}, line {number} "
                f"that they are {other.verdict}, and no times say which is newer"
            )
