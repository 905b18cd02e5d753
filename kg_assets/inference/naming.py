"""Names of candidates in a text, and the choice of the one that a phrase speaks of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from kg_assets.inference.extractors import UNLINKED, Candidate
from kg_assets.inference.gazetteer import (
    COMMON_WORDS,
    is_name,
    name_key,
    name_keys,
    word_runs,
    words,
)

AMBIGUOUS = "object ambiguous"
"""Reason of a fact whose object could be several candidates."""

YEARS_APART = 1
"""How far the year in a text may be from a candidate's: sources differ by festival and release."""


class CandidateNames:
    """Candidates by the keys of their names.

    Args:
        candidates: The candidates of a context.
    """

    def __init__(self, candidates: Iterable[Candidate]) -> None:
        self._by_key: dict[str, dict[str, Candidate]] = defaultdict(dict)
        for candidate in candidates:
            names = [candidate.name, *candidate.names]
            for key in name_keys(candidate.entity_type, names):
                self._by_key[key][candidate.entity_id] = candidate

    def called(self, name: str) -> list[Candidate]:
        """Return the candidates of that name, in the order of their ids."""
        found = self._by_key.get(name_key(name), {})
        return [found[key] for key in sorted(found)]

    def __len__(self) -> int:
        """How many names there are."""
        return len(self._by_key)

    def __contains__(self, key: str) -> bool:
        """Whether a key is one of a candidate's names."""
        return key in self._by_key


class NamesInText:
    """Where candidates' names stand in a sentence: of overlapping ones the longest.

    Args:
        text: The sentence.
        candidates: The candidates by name.
    """

    def __init__(self, text: str, candidates: CandidateNames) -> None:
        self.text = text
        spans = [
            (start, end)
            for start, end, key in (word_runs(text) if candidates else ())
            if key in candidates and is_name(text, start, end)
        ]
        spans.sort(key=lambda span: (span[0] - span[1], span[0]))
        self._ends: dict[int, int] = {}
        kept: list[tuple[int, int]] = []
        for start, end in spans:
            if all(end <= left or start >= right for left, right in kept):
                kept.append((start, end))
                self._ends[start] = end
        self.spans = sorted(kept)
        self._candidates = candidates

    def is_person(self, name: str) -> bool:
        """Whether a name is a person's and no other candidate's."""
        return all(each.entity_type == "person" for each in self._candidates.called(name))

    def starting_at(self, position: int) -> int | None:
        """Return where the name that starts at a position ends, None where none does."""
        return self._ends.get(position)


@dataclass(frozen=True)
class Hints:
    """What a text says of an object besides its name.

    Attributes:
        kinds: Entity types that fit; empty where the text does not say.
        year: Its year.
        makers: Whom it is by.
        latest: The last year that it can have, as an older work than the subject.
        preferred: Types to choose among several.
    """

    kinds: frozenset[str] = frozenset()
    year: int | None = None
    makers: tuple[str, ...] = ()
    latest: int | None = None
    preferred: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Link:
    """The outcome of linking a name.

    Attributes:
        candidate: The one that is meant, None where none or several could be.
        problem: Why none was chosen.
        certainty: Between 0 and 1, a factor of the fact's confidence.
    """

    candidate: Candidate | None
    problem: str | None
    certainty: float


def link(
    name: str,
    candidates: CandidateNames,
    hints: Hints,
    allowed: Callable[[Candidate], bool],
) -> Link:
    """Choose the candidate that a name speaks of.

    A candidate that the text contradicts (kind, year, maker) is never chosen. Where several are
    left and nothing in the text tells them apart, none is.

    Args:
        name: The object as the text names it.
        candidates: The candidates by name.
        hints: What else the text says.
        allowed: Whether a candidate can be an object of the relation at all.
    """
    found = [candidate for candidate in candidates.called(name) if allowed(candidate)]
    if hints.kinds:
        found = [candidate for candidate in found if candidate.entity_type in hints.kinds]
    found = [candidate for candidate in found if _years_agree(candidate, hints)]
    if hints.makers:
        found = [candidate for candidate in found if _makers_agree(candidate, hints) is not False]
    if not found:
        return Link(None, UNLINKED, 0.0)
    confirmed = len(found)
    for narrower in (
        [c for c in found if hints.makers and _makers_agree(c, hints)],
        [c for c in found if hints.year is not None and c.year == hints.year],
        [c for c in found if c.entity_type in hints.preferred],
        [c for c in found if c.name == name],
        [c for c in found if name_key(c.name) == name_key(name)],
    ):
        if len(found) > 1 and narrower:
            found = [candidate for candidate in found if candidate in narrower]
    if len(found) > 1:
        return Link(None, f"{AMBIGUOUS}: {len(found)} candidates", 0.0)
    said = bool(hints.kinds) or hints.year is not None or bool(hints.makers)
    everyday = name_key(name) in COMMON_WORDS
    certainty = 1.0 if said else 0.75 if everyday else 0.95
    return Link(found[0], None, certainty * (0.95 if confirmed > 1 else 1.0))


def _years_agree(candidate: Candidate, hints: Hints) -> bool:
    if candidate.year is None:
        return True
    if hints.latest is not None and candidate.year > hints.latest:
        return False
    return hints.year is None or abs(candidate.year - hints.year) <= YEARS_APART


def _makers_agree(candidate: Candidate, hints: Hints) -> bool | None:
    """Whether a maker has the last name of one in the text; None where none is known."""
    if not candidate.creators:
        return None
    known = {words(name)[-1] for name in candidate.creators if words(name)}
    return any(words(name)[-1] in known for name in hints.makers if words(name))
