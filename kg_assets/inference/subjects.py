"""Whom a sentence speaks of: mentions of the subject, and guards against other works.

A title may hold any word, so the subject's own name is masked before anything else is looked for.
A statement counts for the subject only where the sentence gives a reason to: it stands in the
place of the grammatical subject, and no other work stands between it and the statement.
"""

from __future__ import annotations

import functools
import re

from kg_assets.inference.extractors import Context
from kg_assets.inference.gazetteer import name_key, tokens
from kg_assets.inference.naming import NamesInText
from kg_assets.inference.wordings import (
    ADVERBIAL,
    AFTER_TITLE,
    ANEW,
    APPOSITION,
    BOUNDARY,
    CAPITALS_AT_END,
    COMES,
    FINITE,
    FURTHER_BACK,
    IN_TURN,
    INHERITS,
    MAKER,
    MASK,
    NAME_LIST,
    NO_MAKER,
    OF_SUBJECT,
    OTHER_THING,
    OTHER_WORK,
    PARENTHESES,
    PARTICIPLE,
    PARTS,
    PERSON_BEFORE,
    STORY,
    THIS,
    TITLED_BEFORE,
    patterns,
    start_of_modifiers,
)
from kg_assets.inference.wordlists import holds


def mask_subject(sentence: str, context: Context, names: NamesInText) -> str:
    """Put `MASK` in place of the subject's name.

    Args:
        sentence: A sentence of the context's text.
        context: Gives the subject's names.
        names: Names of candidates in the sentence. A name inside a longer one is not the
            subject's ("Alien" in "Alien Nation").

    Returns:
        A sentence of the same length.
    """
    own, openings, longest = _keys((context.name, *context.alternate_names))
    found = tokens(sentence)
    if openings.isdisjoint([word.key for word in found]):
        return sentence
    masked = list(sentence)
    for first, opening in enumerate(found):
        if opening.key not in openings:
            continue
        key = ""
        for last in range(first, len(found)):
            key = f"{key} {found[last].key}" if key else found[last].key
            if len(key) > longest:
                break
            start, end = found[first].start, found[last].end
            if key in own and _is_own(sentence, start, end, names):
                if sentence[end : end + 1] in ("!", "?") and context.name.endswith(sentence[end]):
                    end += 1
                masked[start:end] = MASK * (end - start)
    return "".join(masked)


@functools.lru_cache(maxsize=256)
def _keys(names: tuple[str, ...]) -> tuple[frozenset[str], frozenset[str], int]:
    """The keys of names, their first words, and how long the longest is."""
    own = frozenset(name_key(name) for name in names) - {""}
    openings = frozenset(name.split(" ", 1)[0] for name in own)
    return own, openings, max(map(len, own), default=0)


def _is_own(sentence: str, start: int, end: int, names: NamesInText) -> bool:
    if sentence[start].islower() or MASK in sentence[start:end]:
        return False
    for left, right in names.spans:
        if left <= start and end <= right and right - left > end - start:
            return False
    # "Jaws 2" and "Rocky II" are other works than "Jaws" and "Rocky".
    return not re.match(r"\s+(?:\d{1,2}|[IVX]{1,5})\b(?!\s*,?\s+(?:is|was)\s+the)", sentence[end:])


class Sentence:
    """One sentence of a text about a subject.

    Args:
        text: The sentence.
        masked: The same with the subject's name masked.
        entity_type: The subject's type.
        first: Whether it opens the text.
        names: Names of candidates in it.
    """

    def __init__(
        self, text: str, masked: str, entity_type: str, first: bool, names: NamesInText
    ) -> None:
        self.text = text
        # What stands in parentheses (other names, years) is no part of the sentence's build.
        self.masked = PARENTHESES.sub(lambda found: " " * len(found.group()), masked)
        self.first = first
        self.names = names
        self._reference, self._film_of, self._description = patterns(entity_type, first)

    def is_reference(self, start: int, end: int) -> bool:
        """Whether a stretch names or refers to the subject."""
        return bool(self._reference.fullmatch(self.masked[start:end].strip()))

    def reference_follows(self, position: int, before: str) -> bool:
        """Whether words that match a pattern, and then the subject, stand at a position."""
        match = re.compile(before).match(self.masked, position)
        if match is None:
            return False
        reference = self._reference.match(self.masked, match.end())
        return bool(reference and not self._is_possessive(reference.end()))

    def speaks_of_subject(self, start: int, end: int) -> bool:
        """Whether the statement between two positions is one about the subject.

        Args:
            start: Where the words of the statement begin ("based on").
            end: Where its object ends.
        """
        clause = self.clause(start)
        left = self.masked[clause:start]
        if "turn" in left and FURTHER_BACK.search(left):
            return False
        if OF_SUBJECT.search(_without_modifiers(self.masked[:start])) or (
            "his " in left and THIS.search(left)
        ):
            return True
        told = _without_modifiers(left)
        film_of = self._film_of.search(told) if holds(told, ("'", "’")) else None
        if (film_of and not told[film_of.end() :].strip(" ,")) or COMES.search(left):
            return True
        anew = ANEW.search(left)
        if OTHER_WORK.search(left, anew.start() if anew else 0) or self._follows_other_work(start):
            return False
        body = left
        while (match := ADVERBIAL.match(body)) and match.end() < len(body):
            body = body[match.end() :]
        opening = PARTICIPLE.match(body)
        fronted = opening is not None and not FINITE.search(body, opening.end())
        bare = not start_of_modifiers(body.lower().strip() + " ") and not self._reference.match(
            body.lstrip()
        )
        if fronted or bare or not body.strip():
            return self._fronted(end, bool(clause))
        offset = start - len(body)
        return self._heads(body, offset, clause == 0) or self._made(offset, start)

    def speaks_of_another(self, position: int) -> bool:
        """Whether words before a position turn to another work."""
        left = self.masked[self.clause(position) : position]
        return bool(OTHER_WORK.search(left)) or self._follows_other_work(position)

    def clause(self, position: int) -> int:
        """Return where the clause that holds a position starts."""
        starts = [0]
        for match in BOUNDARY.finditer(self.masked, 0, position):
            piece = self.masked[match.end() : position]
            mark = match.group().strip()
            if mark == "and" and NAME_LIST.search(self.masked[: match.start()]):
                continue
            if (mark in (";", "—", "–", "-") and FINITE.search(piece)) or (
                not INHERITS.match(piece) and FINITE.search(piece)
            ):
                starts.append(match.end())
        return starts[-1]

    def _heads(self, body: str, offset: int, opening: bool) -> bool:
        """Whether what stands in the place of the grammatical subject is ours."""
        reference = self._reference.match(body)
        if reference is None and body[:1] in '"“‘*_':
            reference = self._reference.match(body, 1)
        if reference:
            if self._is_possessive(offset + reference.end()):
                after = re.sub(r"^[\"”*_]?['’]s?\s+", "", body[reference.end() :])
                return bool(re.match(STORY, after))
            return True
        if re.match(rf"\s*(?:Its|[Tt]he|Their|His|Her|[A-Z][\w.’'\s-]*?['’]s)\s+{STORY}", body):
            return True
        if re.fullmatch(r"\s*[Tt]his\s+(?:[\w-]+\s+){0,3}", body):
            return True
        if re.match(r"\s*[Ii]ts\s+(?:source\s+|origins?\s+)?$", body):
            return True
        if re.match(r"\s*[Ii]ts\s", body):
            return False
        if PARTS.match(body) or self._film_of.match(body):
            return True
        if re.match(r"\s*(?:He|She|They|I|We)\b", body):
            return bool(self._plain_reference(body, offset))
        described = self._description.match(self.masked, offset)
        if opening and described and not FINITE.search(described.group()):
            rest = self.masked[offset + len(body) :]
            if self.first or self._comes_after(rest, offset + len(body)):
                return True
        return bool(self._plain_reference(body, offset))

    def _comes_after(self, rest: str, offset: int) -> bool:
        """Whether the subject follows a comma ("The fifth film in a series, Furiosa stars")."""
        for comma in re.finditer(r",\s+", rest):
            found = self._reference.match(rest, comma.end())
            if found and not self._is_possessive(offset + found.end()):
                return True
        return False

    def _made(self, offset: int, start: int) -> bool:
        """Whether makers do something to a source, and to no other work on the way to it."""
        maker = MAKER.match(self.masked, offset)
        if maker is None or NO_MAKER.match(maker.group("who")) or maker.end() > start + 20:
            return False
        if OTHER_THING.search(self.masked[maker.end() : start]):
            return False
        return all(
            self._is_person(first, last)
            for first, last in self.names.spans
            if offset <= first < start and MASK not in self.masked[first:last]
        )

    def _is_person(self, start: int, end: int) -> bool:
        return self.names.is_person(self.text[start:end])

    def _plain_reference(self, body: str, offset: int) -> bool:
        """Whether the subject stands somewhere in the clause, not as someone's possessor."""
        return any(
            not self._is_possessive(offset + match.end())
            and not re.search(
                r"\b(?:of|to|on|for|from|in|after|before|than)\s+$", body[: match.start()]
            )
            for match in self._reference.finditer(body)
        )

    def _is_possessive(self, end: int) -> bool:
        return bool(re.match(r"[\"”*_]?['’]s?\s", self.masked[end:]))

    def _fronted(self, end: int, nested: bool) -> bool:
        """Whether a sentence that begins with the statement goes on with the subject."""
        if nested:
            return True
        commas = [match.end() for match in re.finditer(r",\s+", self.masked[end:])]
        for comma in commas:
            rest = self.masked[end + comma :]
            if self._heads(rest, end + comma, False) and self._reference.match(rest):
                return True
            if re.match(r"(?:the|its|[A-Z][\w’' .]*?['’]s)\s+" + STORY, rest):
                return True
        if not self.first:
            return False
        rest = self.masked[end:]
        main = re.search(r",\s+(?:he|she|they|[A-Z]\w+(?:\s+[A-Z]\w+)*(?:['’]s)?)\s+", rest)
        return not (main and FINITE.search(rest[main.start() :]))

    def _follows_other_work(self, start: int) -> bool:
        """Whether the statement is an apposition or relative clause to another work."""
        left = self.masked[:start]
        if holds(left, ("which", "that", "itself")) and IN_TURN.search(left):
            return True
        comma = left.rfind(",")
        # The comma of an apposition is the last one; one or two characters of it stand before.
        if comma > 0 and APPOSITION.search(left, max(0, comma - 2)):
            return True
        place = start_of_modifiers(left)
        gap = left[place:]
        if re.search(r",\s+and\s+(?:the|an?|is|was|serves)\b", gap):
            return False
        if not re.search(r"[,(]|\b(?:which|that)\b", gap):
            return False
        before = left[:place].rstrip(" ,")
        if before.endswith((MASK, MASK + '"', MASK + "”", MASK + "*", MASK + ")")):
            return False
        for from_, to in self.names.spans:
            after = left[to : len(before)]
            if to <= len(before) and MASK not in left[from_:to] and AFTER_TITLE.fullmatch(after):
                return not PERSON_BEFORE.search(left[:from_])
        titled = CAPITALS_AT_END.search(before)
        if titled is None:
            return False
        if before[titled.start()] in '"“*_':
            return True
        if re.search(r"\b(?:by|starring|stars|team\s+of)\b[^;]{0,120}$", before[: titled.start()]):
            return False
        return bool(TITLED_BEFORE.search(before[: titled.start()]))


def _without_modifiers(left: str) -> str:
    """Take the words that only describe what follows off the end of a text, all but a character."""
    return left[: start_of_modifiers(left) + 1]
