"""A person's judgement of a pair of records, made of values that may be wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from kg_assets.judging.values import (
    JudgementError,
    Said,
    checked,
    is_record,
    somebody,
    utc,
)
from kg_assets.matching.models import MODELS

Verdict = Literal["same", "different", "unsure"]

VERDICTS: tuple[Verdict, ...] = ("same", "different", "unsure")

_LONGEST = {"record_l": 1_000, "record_r": 1_000}
"""Characters of a value at most; a longer one is no id but an accident."""


@dataclass(frozen=True, kw_only=True)
class Judgement(Said):
    """What a person said of a pair of records.

    Attributes:
        record_l: The smaller record id, source:source_id.
        record_r: The greater one.
        verdict: same, different or unsure; of a row that takes another back, that one's verdict.
    """

    record_l: str
    record_r: str
    verdict: Verdict

    about: ClassVar[tuple[str, ...]] = ("entity_type", "record_l", "record_r")
    hashed: ClassVar[tuple[str, ...]] = (*about, "verdict", "who", "time", "why", "undoes")

    @property
    def words(self) -> str:
        """The pair."""
        return f"{self.record_l} and {self.record_r}"

    @property
    def sentence(self) -> str:
        """What is said of it."""
        return f"{self.words} are {self.verdict}"


def judgement(
    entity_type: str,
    record_l: str,
    record_r: str,
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
        record_l: A record id, source:source_id.
        record_r: Another; in any order.
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
    said = next((each for each in VERDICTS if each == verdict), None)
    if said is None:
        raise JudgementError(f"verdict {verdict!r} is none of {', '.join(VERDICTS)}")
    for record in (record_l, record_r):
        if not is_record(record):
            raise JudgementError(f"{record!r} is no record: write source:source_id")
    if record_l == record_r:
        raise JudgementError(f"{record_l!r} is judged against itself")
    record_l, record_r = sorted((record_l, record_r))
    made = Judgement(
        entity_type=entity_type,
        record_l=record_l,
        record_r=record_r,
        verdict=said,
        who=somebody(who),
        why=why.strip(),
        time=utc(time),
        undoes=undoes,
        id=id,
    )
    checked(made, _LONGEST)
    return made
