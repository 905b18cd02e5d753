"""Whom a sentence speaks of: mentions of the subject, and guards against other works.

A title may hold any word, so the subject's own name is masked before anything else is looked for.
A statement counts for the subject only where the sentence gives a reason to: it stands in the
place of the grammatical subject, and no other work stands between it and the statement.
"""

from __future__ import annotations

import re

from kg_assets.inference.extractors import Context
from kg_assets.inference.gazetteer import name_key, tokens
from kg_assets.inference.naming import NamesInText

MASK = "\x01"
"""Stands for each character of the subject's name."""

_NOUNS = {
    "film": "film|movie|picture|feature|motion picture",
    "series": "series|show|programme|program|sitcom|miniseries|serial|drama series",
    "book": "novel|book|novella|story|memoir|biography|short story|volume",
}
_KINDS_OF_WORK = (
    "film|movie|picture|feature|motion picture|thriller|comedy|drama|musical|western|horror|"
    "adaptation|remake|sequel|prequel|spin-off|spinoff|documentary|biopic|production|cartoon|"
    "instalment|installment|entry|chapter|series|show|miniseries|sitcom|novel|novella|book|"
    "short|adventure|romance|epic|version|story|follow-up|serial|programme|anime|satire|"
    "tragedy|fantasy|mystery|noir|biography|memoir|tale|collection|reimagining|retelling"
)
_STORY = (
    r"(?:[\w-]+\s+){0,3}?(?:screenplay|script|teleplay|story|storyline|plot|narrative|premise|"
    r"scenario|libretto)\b"
)
_ADVERBIAL = re.compile(
    r"\s*(?:(?:however|also|later|today|still|thus|indeed|moreover|nevertheless|[a-z]+ly),?\s+|"
    r"(?:in|on|at|after|before|during|since|by|for|with|like|unlike|as|although|though|while|"
    r"despite|contrary|following|released|set|directed|written|produced|shot|filmed|starring|"
    r"made|co-written|created|published|when|instead|rather|premiered|where)\b[^,;]*,\s+)",
    re.IGNORECASE,
)
_PARENTHESES = re.compile(r"\([^()]*(?:\([^()]*\)[^()]*)*\)")
_NAME_LIST = re.compile(
    r"\b(?:by|starring|with|of|featuring|stars)\s+(?:[A-ZÀ-Þ][\w.’'-]*(?:,\s+|\s+|$))+$"
)
_PARTICIPLE = re.compile(
    r"\s*(?:Written|Directed|Adapted|Made|Filmed|Shot|Co-written|Produced|Scripted|Published)\b"
)
_OTHER_WORK = re.compile(
    r"\b(?:followed\s+by|spawned|gave\s+rise\s+to|led\s+to|"
    r"(?:later|also|then|next|previously|earlier)\s+(?:made|directed|wrote|produced|adapted|"
    r"filmed|published|starred|appeared)|went\s+on\s+to|best\s+known\s+for|known\s+for|famous\s+for|"
    r"who(?:se)?|such\s+as|including|confused\s+with|compared?\s+(?:to|with)|reminiscent\s+of|"
    r"shares?\s+(?:its|a|the|their)\s+(?:title|name)|same\s+(?:title|name)\s+as|"
    r"double\s+(?:bill|feature)|was\s+working\s+on|parod(?:y|ies|ied|ying)|spoofs?)\b"
)
_FINITE = re.compile(
    r"\b(?:is|was|are|were|has|have|had|serves?|served|follows|became|becomes|would|will|can|"
    r"could|may|might|does|did|made|makes|wrote|writes|directed|published|appeared|stars|starred|"
    r"plays|played|began|received|inspired|[a-z]{3,}ed)\b"
)
_BOUNDARY = re.compile(
    r"[;—–]\s*|\s-\s|,?\s+(?:and|but|while|whereas|although|though|because|since|when|as)\s+|:\s+"
)
_INHERITS = re.compile(
    r"\s*(?:$|(?:is|was|are|were|has|had|serves?|served|acts?|not|also|later|itself|in|a|an|"
    r"\w+ly|being|marks|forms|became|becomes|the|both|its?\s+own|stars|features|takes|tells|"
    r"follows|continues|written|shot|made|[a-z-]+(?:ed|ing))\b)",
)
_MODIFIERS = re.compile(
    r"(?:[\s(,]|\b(?:which|that|is|was|were|itself|being|had|has|been|a|an|the|also|both|direct|"
    r"loose|very|free|faithful|partly|indirect|belated|another|second|third|standalone|modern|"
    r"live-action|animated|stage|screen|film|television|TV|musical|not|no|and|\w+ly|\d{4})\b)*$"
)
_PERSON_BEFORE = re.compile(
    r"\b(?:by|starring|stars|with|featuring|from|and|cast|lead|leads|opposite|produced|playing|"
    r"plays?)\s+$|,\s*$"
)
_TITLED_BEFORE = re.compile(
    r"\b(?:film|movie|novel|book|sequel|remake|prequel|series|made|makes|directed|wrote|"
    r"titled|called|entitled|named|like|of|include|includes|included)\s+[\"“‘*_]?$"
)
_AFTER_TITLE = re.compile(r"[\"”*_’]?(?:\s*\(\d{4}\))?[\"”*_’]?")
_CAPITALS_AT_END = re.compile(
    r"[\"“*_‘]?((?:[A-Z0-9][\w’'.:-]*)(?:\s+(?:of|the|and|in|a|to)?\s*[A-Z0-9][\w’'.:-]*)*)"
    r"(?:\s*\(\d{4}\))?[\"”*_’]?$"
)


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
    own = {name_key(name) for name in (context.name, *context.alternate_names)} - {""}
    found = tokens(sentence)
    masked = list(sentence)
    for first in range(len(found)):
        key = ""
        for last in range(first, len(found)):
            key = f"{key} {found[last].key}" if key else found[last].key
            if len(key) > max(map(len, own), default=0):
                break
            start, end = found[first].start, found[last].end
            if key in own and _is_own(sentence, start, end, names):
                if sentence[end : end + 1] in ("!", "?") and context.name.endswith(sentence[end]):
                    end += 1
                masked[start:end] = MASK * (end - start)
    return "".join(masked)


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
        self.masked = _PARENTHESES.sub(lambda found: " " * len(found.group()), masked)
        self.first = first
        self.names = names
        nouns = _NOUNS.get(entity_type, "work")
        article = "[Tt]he" if not first else "[Tt]he(?! (?:film|movie|book|novel) that)"
        self._reference = re.compile(
            rf"[\"“‘*_«]?{MASK}+(?:[\s:,]{MASK}+)*[\"”*_’»]?(?:\s*\([^)]{{0,60}}\))?|\b[Ii]t(?=\s)|"
            rf"\b(?:{article})\s+(?:finished\s+|resulting\s+|completed\s+)?(?:{nouns})\b|"
            rf"\b[Tt]his\s+(?:[\w-]+\s+){{0,5}}?(?:{_KINDS_OF_WORK})\b"
        )
        self._description = re.compile(
            rf"\s*(?!His\b|Her\b|Its\b|Their\b)(?:(?:A|An|The|One|Another)\s+)?"
            rf"(?:(?!(?:other|previous|earlier|next|later|his|her|their)\b|\S+['’]s?\s)"
            rf"[\w.,&-]+\s+){{0,8}}?(?:{_KINDS_OF_WORK})\b",
        )

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
        if _OTHER_WORK.search(left) or self._follows_other_work(start):
            return False
        body = left
        while (match := _ADVERBIAL.match(body)) and match.end() < len(body):
            body = body[match.end() :]
        opening = _PARTICIPLE.match(body)
        fronted = opening is not None and not _FINITE.search(body, opening.end())
        if fronted or _MODIFIERS.fullmatch(body.lower().strip() + " ") or not body.strip():
            return self._fronted(end, bool(clause))
        return self._heads(body, len(self.masked[:start]) - len(body), clause == 0)

    def clause(self, position: int) -> int:
        """Return where the clause that holds a position starts."""
        starts = [0]
        for match in _BOUNDARY.finditer(self.masked, 0, position):
            piece = self.masked[match.end() : position]
            mark = match.group().strip()
            if mark == "and" and _NAME_LIST.search(self.masked[: match.start()]):
                continue
            if (mark in (";", "—", "–", "-") and _FINITE.search(piece)) or (
                not _INHERITS.match(piece) and _FINITE.search(piece)
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
                return bool(re.match(_STORY, after))
            return True
        if re.match(rf"\s*(?:Its|[Tt]he|Their|His|Her|[A-Z][\w.’'\s-]*?['’]s)\s+{_STORY}", body):
            return True
        if re.fullmatch(r"\s*[Tt]his\s+(?:[\w-]+\s+){0,3}", body):
            return True
        if re.match(r"\s*[Ii]ts\s+(?:source\s+|origins?\s+)?$", body):
            return True
        if re.match(r"\s*[Ii]ts\s", body):
            return False
        if re.match(r"\s*(?:He|She|They|I|We)\b", body):
            return bool(self._plain_reference(body, offset))
        described = self._description.match(self.masked, offset)
        if self.first and opening and described and not _FINITE.search(described.group()):
            return True
        return bool(self._plain_reference(body, offset))

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
            if re.match(r"(?:the|its|[A-Z][\w’' .]*?['’]s)\s+" + _STORY, rest):
                return True
        if not self.first:
            return False
        rest = self.masked[end:]
        main = re.search(r",\s+(?:he|she|they|[A-Z]\w+(?:\s+[A-Z]\w+)*(?:['’]s)?)\s+", rest)
        return not (main and _FINITE.search(rest[main.start() :]))

    def _follows_other_work(self, start: int) -> bool:
        """Whether the statement is an apposition or relative clause to another work."""
        left = self.masked[:start]
        modifiers = _MODIFIERS.search(left)
        place = modifiers.start() if modifiers else start
        gap = left[place:]
        if not re.search(r"[,(]|\b(?:which|that)\b", gap) and gap.strip():
            return False
        if not re.search(r"[,(]|\b(?:which|that)\b", gap):
            return False
        before = left[:place].rstrip(" ,")
        if before.endswith((MASK, MASK + '"', MASK + "”", MASK + "*", MASK + ")")):
            return False
        for from_, to in self.names.spans:
            after = left[to : len(before)]
            if to <= len(before) and MASK not in left[from_:to] and _AFTER_TITLE.fullmatch(after):
                return not _PERSON_BEFORE.search(left[:from_])
        titled = _CAPITALS_AT_END.search(before)
        if titled is None:
            return False
        if before[titled.start()] in '"“*_':
            return True
        return bool(_TITLED_BEFORE.search(before[: titled.start()]))
