"""A person's judgement of a pair of records, made of values that may be wrong."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from kg_assets.matching.models import MODELS

Verdict = Literal["same", "different", "unsure"]

VERDICTS: tuple[Verdict, ...] = ("same", "different", "unsure")

_LONGEST = {"record_l": 1_000, "record_r": 1_000, "who": 200, "why": 4_000, "id": 64, "undoes": 64}
"""Characters of a value at most; a longer one is no id, name or reason but an accident."""

_AHEAD = timedelta(days=1)
"""How far a clock may be ahead; a judgement from the future would outrank all others until then."""


class JudgementError(ValueError):
    """A judgement cannot be added; the message says which and why."""


class ContradictionError(JudgementError):
    """Judgements contradict each other; the message shows the chain that leads to it."""


@dataclass(frozen=True)
class Judgement:
    """What a person said of a pair of records.

    Attributes:
        entity_type: Type of both records.
        record_l: The smaller record id, source:source_id.
        record_r: The greater one.
        verdict: same, different or unsure; of a row that takes another back, that one's verdict.
        who: Who said so.
        why: The reason, may be empty.
        time: When, UTC, ISO 8601 with microseconds; empty: when it is added.
        undoes: Id of the judgement that this takes back.
        id: Hash of the rest; empty: made when it is added.
    """

    entity_type: str
    record_l: str
    record_r: str
    verdict: Verdict
    who: str
    why: str = ""
    time: str = ""
    undoes: str | None = None
    id: str = ""


def judgement(
    entity_type: str,
    record_a: str,
    record_b: str,
    verdict: str,
    *,
    who: str,
    why: str = "",
    time: str = "",
    undoes: str | None = None,
    id: str = "",
) -> Judgement:
    """Make a judgement of values that may be wrong.

    Args:
        entity_type: A type with a match model.
        record_a: A record id, source:source_id.
        record_b: Another; in any order.
        verdict: same, different or unsure.
        who: Who said so.
        why: The reason.
        time: ISO 8601 with a time zone; empty: when it is added.
        undoes: Id of the judgement that this takes back.
        id: Its id, where it has one.

    Raises:
        JudgementError: A value cannot be; the message names it.
    """
    if entity_type not in MODELS:
        raise JudgementError(
            f"{entity_type!r} is no entity type that is matched; there are {', '.join(MODELS)}"
        )
    if verdict not in VERDICTS:
        raise JudgementError(f"verdict {verdict!r} is none of {', '.join(VERDICTS)}")
    for record in (record_a, record_b):
        source, colon, source_id = record.partition(":")
        if not (source and colon and source_id):
            raise JudgementError(f"{record!r} is no record: write source:source_id")
    if record_a == record_b:
        raise JudgementError(f"{record_a!r} is judged against itself")
    if not who.strip():
        raise JudgementError("nobody is named who judged: who is empty")
    record_l, record_r = sorted((record_a, record_b))
    made = Judgement(
        entity_type,
        record_l,
        record_r,
        verdict,
        who.strip(),
        why.strip(),
        _utc(time) if time else "",
        undoes,
        id,
    )
    for name, most in _LONGEST.items():
        value = getattr(made, name) or ""
        if len(value) > most:
            raise JudgementError(f"{name} has {len(value):,} characters, {most:,} are allowed")
        if any("\ud800" <= character <= "\udfff" for character in value):
            raise JudgementError(f"{name} is not Unicode text")
    return made


def _utc(text: str) -> str:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise JudgementError(f"time {text!r} is not ISO 8601") from None
    if time.tzinfo is None:
        raise JudgementError(f"time {text!r} has no time zone; write Z for UTC")
    try:
        time = time.astimezone(UTC)
    except OverflowError:
        raise JudgementError(f"time {text!r} is out of range") from None
    if time > datetime.now(UTC) + _AHEAD:
        raise JudgementError(f"time {text!r} is in the future")
    return time_text(time)


def time_text(time: datetime) -> str:
    """A time as judgements have it: UTC, ISO 8601 with microseconds."""
    return time.isoformat(timespec="microseconds").replace("+00:00", "Z")
