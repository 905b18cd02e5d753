"""What stands around a statement: denials, whose making it speaks of, and the shape of names."""

from __future__ import annotations

import functools
import re
from bisect import bisect_left

from kg_assets.inference.doubts import hedges
from kg_assets.inference.kind_words import SOURCE_KINDS
from kg_assets.inference.reading.spans import is_company
from kg_assets.inference.reading.view import View
from kg_assets.inference.reading.words import HEROES, SENTENCE_OPENERS
from kg_assets.inference.wordlists import holds, listed, whole_words

OPENERS = frozenset(
    (
        *SENTENCE_OPENERS,
        *listed(
            """
Set Directed Written Produced Starring Both Although Since Also Then Film Director Actor Actress
Best Oscar Music
"""
        ),
    )
)
"""Words with a capital that are no part of the name after them."""

_MAKING = re.compile(
    whole_words(
        r"photography|locations?|posted|filmed|shot|filming|shooting|released|premiered|premiere|premiered|festival|born|won|awarded|"
        r"nominated|box office|produced|directed by|published|distributed|theat(?:er|re)s|screened|"
        r"known as|titled|located|company|based in|studio|opened|grossed|critics|broadcast|aired"
    )
)
_SOURCE = re.compile(whole_words(SOURCE_KINDS))

_OURS = re.compile(
    r"\x01|"
    + whole_words(
        r"film|movie|short|documentary|cartoon|episode|directed|screenplay|script|produced|feature|special"
    )
)

_START = 3
_DENIAL = re.compile(
    r"(?:\b(?:not|never|nor|neither|without|rather than|instead of|cannot|unlike|far from|no longer)|n['’]t)\b"
    r"(?! (?:only|just|merely|simply))[^,;.]{0,40}$"
)
_DENYING = (
    "not",
    "never",
    "nor",
    "neither",
    "without",
    "rather",
    "instead",
    "n't",
    "n’t",
    "unlike",
    "far from",
    "no longer",
)

_CLAUSE = re.compile(r"[,;.]")

# An adaptation that nobody allowed is one.
_UNOFFICIAL = re.compile(r"\bun(?:official(?:ly)?|authori[sz]ed)\b", re.IGNORECASE)
_HEDGED = frozenset({"based_on", "directed_by", "written_by"})

_AUTHORED = re.compile(
    whole_words(
        r"novels?|novellas?|books?|short stor(?:y|ies)|manga|comics?|comic books?|plays?|stage musical|poems?|memoirs?|"
        r"autobiography|webcomic|fairy tales?|graphic novels?|songs?|articles?"
    )
)

_FILMED = re.compile(
    r"\x01|"
    + whole_words(
        r"film|movie|short(?! stor)|documentary|cartoon|episode|directed|screenplay|script|produced|feature|"
        r"special|comedy|drama|thriller|starring|animated"
    )
)


@functools.lru_cache(maxsize=8)
def is_making(lower: str) -> bool:
    """Whether a sentence in lower case says how a work was made, shown or received."""
    return _MAKING.search(lower) is not None


def denied(text: str, position: int, relation: str) -> bool:
    """Whether words before a statement deny it, or only report it as a claim."""
    left = text[max(0, position - 60) : position]
    lower = left.lower()
    if holds(lower, _DENYING) and _DENIAL.search(lower):
        return True
    if relation not in _HEDGED:
        return False
    return hedges(_UNOFFICIAL.sub("", _CLAUSE.split(left)[-1]))


def left(view: View, position: int) -> tuple[str, ...]:
    """Traits of what stands before the words: whose making they speak of."""
    ours, sources = _marks(view.plain)
    ours_at, source_at = bisect_left(ours, position), bisect_left(sources, position)
    last_ours = ours[ours_at - 1] if ours_at else -1
    last_source = sources[source_at - 1] if source_at else -1
    return (
        "another's" if last_source > last_ours else "ours",
        "start" if position < _START else "later",
    )


@functools.lru_cache(maxsize=8)
def _marks(text: str) -> tuple[list[int], list[int]]:
    """Where a sentence names the film or its making, and where it names a source."""
    ours = [match.start() for match in _OURS.finditer(text)]
    return ours, [match.start() for match in _SOURCE.finditer(text)]


def of_source(text: str, position: int) -> bool:
    """Whether "written by" speaks of the source ("the novel It, written by Stephen King")."""
    left = text[max(0, position - 120) : position]
    ours = max((m.start() for m in _FILMED.finditer(left)), default=-1)
    return max((m.start() for m in _AUTHORED.finditer(left)), default=-1) > ours


def shape(name: str) -> tuple[str, ...]:
    """Traits of a name: its length, and whether it is that of a company or of a known character."""
    words = name.count(" ") + 1
    return (
        f"words={min(words, 5)}",
        "company" if is_company(name) else "no company",
        "hero" if name in HEROES else "no hero",
    )
