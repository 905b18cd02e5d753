"""The words by which a sentence shows whom it speaks of, as patterns over masked sentences."""

from __future__ import annotations

import functools
import re

from kg_assets.inference.wordlists import any_of, listed

MASK = "\x01"
"""Stands for each character of the subject's name."""

NOUNS = {
    "film": "film|movie|picture|feature|motion picture|western|thriller|comedy|drama|biopic|"
    "documentary|adaptation|remake|reboot|production|cartoon|blockbuster|epic|title|action film|"
    "screenplay|script|story|plot|narrative|storyline|premise",
    "series": "series|show|programme|program|sitcom|miniseries|serial|drama series|drama|"
    "adaptation|"
    "title|story|plot|script",
    "book": "novel|book|novella|story|memoir|biography|short story|volume",
}
KINDS_OF_WORK = (
    "film|movie|picture|feature|motion picture|thriller|comedy|drama|musical|western|horror|"
    "adaptation|remake|sequel|prequel|spin-off|spinoff|documentary|biopic|production|cartoon|"
    "instalment|installment|entry|chapter|series|show|miniseries|sitcom|novel|novella|book|"
    "short|adventure|romance|epic|version|story|follow-up|serial|programme|anime|satire|"
    "tragedy|fantasy|mystery|noir|biography|memoir|tale|collection|reimagining|retelling"
)
STORY = (
    r"(?:[\w-]+\s+){0,3}?(?:screenplay|script|teleplay|story|storyline|plot|narrative|premise|"
    r"scenario|libretto)\b"
)
ADVERBIAL = re.compile(
    r"\s*(?:(?:however|also|later|today|still|thus|indeed|moreover|nevertheless|[a-z]+ly),?\s+|"
    r"(?:in|on|at|after|before|during|since|by|for|with|like|unlike|as|although|though|while|"
    r"despite|contrary|following|released|set|directed|written|produced|shot|filmed|starring|"
    r"made|co-written|created|published|inspired|based|adapted|when|instead|rather|premiered|"
    r"where)\b[^,;]*,\s+)",
    re.IGNORECASE,
)
PARENTHESES = re.compile(r"\([^()]*(?:\([^()]*\)[^()]*)*\)")
NAME_LIST = re.compile(
    r"\b(?:by|starring|with|of|featuring|stars)\s+(?:[A-ZÀ-Þ][\w.’'-]*(?:,\s+|\s+|$))+$"
)
PARTICIPLE = re.compile(
    r"\s*(?:\w+ly\s+)?(?:[Ww]ritten|[Dd]irected|[Aa]dapted|[Mm]ade|[Ff]ilmed|[Ss]hot|"
    r"[Cc]o-written|[Pp]roduced|"
    r"[Ss]cripted|[Pp]ublished|[Bb]ased|[Ii]nspired|[Ss]et|[Ss]erving|[Ii]ntended)\b"
)
OTHER_WORK = re.compile(
    r"\b(?:followed\s+by|spawned|gave\s+rise\s+to|led\s+to|"
    r"(?:later|also|then|next|previously|earlier)\s+(?:made|directed|wrote|produced|adapted|"
    r"filmed|published|starred|appeared)|went\s+on\s+to|best\s+known\s+for|known\s+for|"
    r"famous\s+for|who(?:se)?|such\s+as|including|confused\s+with|compared?\s+(?:to|with)|"
    r"reminiscent\s+of|shares?\s+(?:its|a|the|their)\s+(?:title|name)|same\s+(?:title|name)\s+as|"
    r"double\s+(?:bill|feature)|was\s+working\s+on|parod(?:y|ies|ied|ying)|spoofs?)\b"
)
FINITE = re.compile(
    r"\b(?:is|was|are|were|has|have|had|serves?|served|follows|became|becomes|would|will|can|"
    r"could|may|might|does|did|made|makes|wrote|writes|directed|published|appeared|stars|starred|"
    r"plays|played|began|received|inspired|[a-z]{3,}ed)\b"
)
BOUNDARY = re.compile(
    r"[;—–]\s*|\s-\s|,?\s+(?:and|but|while|whereas|although|though|because|since|when|as)\s+|:\s+"
)
INHERITS = re.compile(
    r"\s*(?:$|(?:is|was|are|were|has|had|serves?|served|acts?|not|also|later|at\s+the\s+same\s+time|itself|in|a|an|"
    r"\w+ly|being|marks|forms|became|becomes|the|both|its?\s+own|stars|features|takes|tells|"
    r"follows|continues|written|shot|made|[a-z-]+(?:ed|ing))\b)",
)
_MODIFIERS = listed(
    """
which that is was were itself being had has been a an the also both direct loose very free faithful
partly indirect belated another second third standalone modern live-action animated stage screen
film television TV musical not no and
"""
)
# Read from the right: a pattern that must end with the text is tried at every place of it.
_MODIFIERS_BACKWARDS = re.compile(
    rf"(?:[\s(,]|\b(?:{any_of(word[::-1] for word in _MODIFIERS)}|yl\w+|\d{{4}})\b)*"
)
PERSON_BEFORE = re.compile(
    r"\b(?:by|starring|stars|with|featuring|from|and|cast|lead|leads|opposite|produced|playing|"
    r"plays?)\s+$|,\s*$"
)
FURTHER_BACK = re.compile(r",?\s+(?:which|that)\s+in\s+(?:its\s+)?turn\b[^,;]*$")
"""What the subject's own source was made from, whatever that was called."""

IN_TURN = re.compile(
    rf"(?:\bsame\s+(?:name|title)|(?<!{MASK})[\"”)]|\b[A-Z]\w*|\b(?:novel|book|play|film|"
    rf"original|story)),?\s+"
    r"(?:(?:which|and\s+which|that)\s+(?:in\s+(?:its\s+)?turn|itself|"
    r"had\s+(?:itself\s+)?been)\b|itself\s+)[^,;]*$|"
    r"\b(?:remake|sequel|prequel|spin-?off|reboot|adaptation|version|retelling|based\s+on|"
    r"adapted\s+from)\b[^;]*"
    rf"(?<!{MASK}),\s+(?:which|itself|that)\b[^,;]*$|"
    r"\bsame\s+(?:name|title),?\s+(?:which|that)\s+(?:was|is|had)\b[^,;]*$"
)
ANEW = re.compile(
    r"\band\s+(?:is|was|serves|forms|marks|(?:the|a)\s+(?:[\w-]+\s+){0,3}(?:film|instal?lment|"
    r"entry|part|chapter)\b)"
    r"(?!.*\band\s+(?:is|was|serves|forms|marks)\b)"
)
"""Where a further statement about the same subject begins, after one on another work."""

APPOSITION = re.compile(
    rf"(?<!{MASK})(?<![A-Z])[\w\"”)](?<=[^\W\d_\x01].)[\"”)]?,\s+(?:also\s+)?(?:a|an|the|"
    rf"another)\s+(?:[\w-]+\s+){{0,3}}?"
    r"(?:film|movie|novel|book|series|play|musical|comic|game)\s+(?:(?:also|that\s+(?:is|was)|"
    r"\w+ly)\s+)*$"
)
"""An apposition that says of another work what it is ("The Tin Drum, a film based on")."""

TITLED_BEFORE = re.compile(
    r"\b(?:one|was|film|movie|novel|book|sequel|remake|prequel|series|made|makes|directed|wrote|"
    r"titled|called|entitled|named|like|of|include|includes|included)\s+[\"“‘*_]?$"
)
OF_SUBJECT = re.compile(rf"{MASK}[\"”*_’»]?(?:\s*\([^)]*\))?\s*,?\s*(?:itself\s+)?$")
PARTS = re.compile(
    rf"\s*(?:[Pp]arts?|[Mm]uch|[Mm]ost|[Ss]ome|[Hh]alf|[Aa]ll)\s+of\s+(?:it\b|the\s+(?:film|"
    rf"series|movie)\b|{MASK})"
)
COMES = re.compile(r"\bcomes?\s+(?:(?:the|a|an|this|his|her|another)\s+)?(?:[\w-]+\s+){0,3}$")
THIS = re.compile(r"\b[Tt]his\s+(?:(?!film|novel)[\w-]+\s+){0,4}$")
MAKING = (
    r"(?:wrote|writes|adapts?|adapted|based|bases|took|takes|moves|moved|turned|turns|brought|"
    r"brings|tells|told|returned|returns|went\s+back|goes\s+back|found|filmed|films|remade|remakes|"
    r"retells|retold|drew|draws|developed|scripted|transposes|transposed|relocates|updates|updated|"
    r"has|have|set\s+out|penned|directs|directed|bring|take|turn|return|tell|reteams?|reunites?|"
    r"reworks?|expands?|expanded|shot|made|makes|created|co-wrote|reimagines?|revives?|borrows|"
    r"borrowed)"
)
PEOPLE = r"(?:[A-ZÀ-Þ][\w.’'-]*(?:\s+(?:[A-ZÀ-Þ][\w.’'-]*|de|von|van|del|der|di|la))*)"
MAKER = re.compile(
    rf"[\s\"“]*(?:[Ww]riters?\s+|[Dd]irectors?\s+|[Ss]creenwriters?\s+|"
    rf"(?:[Ww]riter-)?[Dd]irector\s+|"
    rf"[Ff]ilm-?makers?\s+|[Pp]roducers?\s+)?(?P<who>{PEOPLE}(?:(?:,\s+|,?\s+and\s+|"
    rf"\s+&\s+){PEOPLE})*)"
    rf"(?:,\s+who\s+(?:also\s+)?(?:wrote|co-wrote|adapted|scripted)\s+it\b|"
    rf"(?:,[^,]*,)?(?:\s+(?:has|had|have|also|then|"
    rf"later|once|first|\w+ly))*\s+{MAKING}\b)"
)
NO_MAKER = re.compile(r"(?:The|A|An|In|It|Its|This|That|These|Those|One|Another|There|What|Both)\b")
OTHER_THING = re.compile(
    r"\b(?:an?|the|his|her|their|another|one\s+of)\s+(?:[\w-]+\s+){0,2}?(?:novels?|books?|"
    r"plays?|memoirs?|stories|songs?|albums?|series|film|movie|films|sequel)\b(?!\s+version)|"
    r"[\"“*_][A-Z]"
)
AFTER_TITLE = re.compile(r"[\"”*_’]?(?:\s*\(\d{4}\))?[\"”*_’]?")
CAPITALS_AT_END = re.compile(
    r"[\"“*_‘]?((?:[A-Z0-9][\w’'.:-]*)(?:\s+(?:of|the|and|in|a|to)?\s*[A-Z0-9][\w’'.:-]*)*)"
    r"(?:\s*\(\d{4}\))?[\"”*_’]?$"
)


def start_of_modifiers(text: str) -> int:
    """Return where the words begin with which a text ends and that only describe what follows."""
    backwards = _MODIFIERS_BACKWARDS.match(text[::-1])
    return len(text) - (backwards.end() if backwards else 0)


@functools.cache
def patterns(
    entity_type: str, first: bool
) -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    """Make the patterns for a subject's type.

    Args:
        entity_type: The subject's type.
        first: Whether the sentence opens the text.

    Returns:
        What refers to the subject ("it", "the film"), what calls it its maker's ("Lee's film"),
        and what describes it ("a western").
    """
    nouns = NOUNS.get(entity_type, "work")
    article = "[Tt]he" if not first else "[Tt]he(?! (?:film|movie|book|novel) that)"
    reference = re.compile(
        rf"[\"“‘*_«]?{MASK}+(?:[\s:,]{MASK}+)*[\"”*_’»]?(?:\s*\([^)]{{0,60}}\))?|\b[Ii]t(?=\s)|"
        rf"\b(?:{article})\s+(?:finished\s+|resulting\s+|completed\s+)?(?:{nouns})\b|"
        rf"\b[Tt]his\s+(?:[\w-]+\s+){{0,5}}?(?:{KINDS_OF_WORK})\b"
    )
    film_of = re.compile(
        rf"(?:^|\b(?:in|with|at)\s+)\s*{PEOPLE}(?:\s+and\s+{PEOPLE})?['’]s?\s+(?:(?!next|"
        rf"previous|earlier|other|second|debut|last|first|"
        rf"later)[\w-]+\s+){{0,4}}?(?:{nouns})\b(?:\s+(?:from|"
        rf"of)\s+\d{{4}})?"
        r"(?!\s+(?:before|after|since|film|movie|picture))(?=\s*,?\s*$|\s+[a-z])"
    )
    description = re.compile(
        rf"\s*(?!His\b|Her\b|Its\b|Their\b)(?:(?:A|An|The|One|Another)\s+)?"
        rf"(?:(?!(?:other|previous|earlier|next|later|his|her|their)\b|\S+['’]s?\s)"
        rf"[\w.,&-]+\s+){{0,8}}?(?:{KINDS_OF_WORK})\b",
    )
    return reference, film_of, description
