"""The words that state a relation in English, each with how far it can be trusted."""

from __future__ import annotations

import re
from dataclasses import dataclass

from kg_assets.inference.wordlists import listed

LITERARY = frozenset({"book", "play", "comic", "game"})


@dataclass(frozen=True)
class Trigger:
    """Words that state a relation between the subject and the object phrase after them.

    Attributes:
        relation: Name in the ontology.
        needles: Of these one stands in every sentence that the pattern fits, in lower case: a quick
            first look. None where there is no such word.
        pattern: Found in a sentence whose subject is masked; the object follows its end.
        confidence: How often it means what it seems to, by judgement; not measured.
        linked: Whether it counts only with an object that is linked, since the words alone are
            too common ("follows").
        kinds: Entity types to which the object is narrowed.
        franchise: Whether the object must be a franchise by word or by link.
        typed: Whether a word such as "novel" must stand with the object.
        borrowed: Whether the words only speak of inspiration.
        told: Whether a kind, maker or year must stand with the object ("a film of the play Emma").
        into: Whether it must be said what the object becomes ("turns Emma into a musical").
        closed: Whether the object must be followed by a pause ("it follows Alien.").
        clear: Whether a name alone is enough where there are no candidates, although `linked`.
        before: Whether the object stands before the words ("Emma was filmed as").
        member: Whether a word such as "film" must follow the object ("a James Bond film").
    """

    relation: str
    needles: tuple[str, ...]
    pattern: re.Pattern[str]
    confidence: float
    linked: bool = False
    kinds: frozenset[str] = frozenset()
    franchise: bool = False
    typed: bool = False
    borrowed: bool = False
    member: bool = False
    told: bool = False
    into: bool = False
    closed: bool = False
    clear: bool = False
    before: bool = False


def wording(pattern: str) -> re.Pattern[str]:
    """Make a pattern of words in any case; a blank in it stands for any white space."""
    return re.compile(pattern.replace(" ", r"\s+"), re.IGNORECASE)


_OR = (
    r"(?:(?:,? (?:n?or|and) |/)(?:a |an |the )?(?:\w+ )?"
    r"(?:sequel|prequel|remake|spin-?off|adaptation|continuation|retelling|reboot)s?)"
)
_AND_OTHER = rf"(?:, (?:a |an |the )?(?:sequel|prequel|remake|spin-?off))?{_OR}?"
_OF_AND_OTHER = rf"(?:{_OR} (?:to|of|from))?"
_AS_SCREEN = r"(?:for|to) (?:the )?(?:big )?(?:screen|stage|television|tv|film|cinema|radio)"

TRIGGERS: tuple[Trigger, ...] = (
    Trigger(
        "based_on",
        listed("bases based basing"),
        wording(
            r"\bbas(?:ed|es|ing)(?: (?:it|the (?:film|movie|series|show|script|screenplay|story)|"
            r"\x01+))?(?: (?:\w+ly|in (?:large )?part|rather|very|not|or inspired)){0,3}"
            r" (?:up)?on(?: or inspired by)?\b"
        ),
        0.95,
    ),
    Trigger(
        "based_on",
        listed("adapt"),
        wording(
            rf"\b(?:re)?adapt(?:ed|s|ing)(?: {_AS_SCREEN})?(?: by [^,;]{{1,60}}?)?(?:,)?"
            rf"(?: {_AS_SCREEN})?(?: (?:\w+ly|in part)){{0,2}} from\b"
        ),
        0.95,
    ),
    Trigger(
        "based_on",
        listed("adaptation dramatisation dramatization"),
        wording(
            rf"\b(?:adaptation|dramati[sz]ation)s?(?: {_AS_SCREEN})?"
            rf"(?:,? by (?-i:[A-Z])[^,;]{{1,40}}?,?)? (?:of|from){_OF_AND_OTHER}"
            r"(?! (?:the|a|an|this|its) ?(?:same )?(?:screenplay|script))"
        ),
        0.95,
    ),
    Trigger("based_on", listed("adapts"), wording(r"\badapts\b(?! (?:from|to)\b)"), 0.9),
    Trigger(
        "based_on",
        listed("adapted adapting"),
        wording(r"\badapt(?:ed|ing)\b(?! (?:from|for|to|by|as|into)\b)"),
        0.8,
        linked=True,
    ),
    Trigger(
        "based_on",
        listed("telling reworking transposition moderni noveli updating picturi"),
        wording(
            r"\b(?:re-?telling|reworking|transposition|moderni[sz]ation|novelization|novelisation|"
            r"updating|picturi[sz]ation) of\b"
        ),
        0.85,
    ),
    Trigger(
        "based_on",
        listed("version treatment rendition transfer translation"),
        wording(
            r"\b(?:(?:film|screen|movie|television|TV|stage|big-screen|cinema|live-action|animated|"
            r"musical|cinematic|filmed) )+"
            r"(?:version|treatment|rendition|transfer|translation)s? of\b"
        ),
        0.85,
    ),
    Trigger(
        "based_on",
        listed("retells reworks transposes transplants updates relocates dramati"),
        wording(r"\b(?:retells|reworks|transposes|transplants|updates|relocates|dramati[sz]es)\b"),
        0.75,
        linked=True,
        told=True,
        kinds=LITERARY | {"film", "series"},
    ),
    Trigger(
        "based_on",
        listed("bring brought"),
        wording(r"\bbr(?:ings?|inging|ought)\b"),
        0.8,
        linked=True,
    ),
    Trigger(
        "based_on",
        listed("drawn taken derived expanded developed translated filmed"),
        wording(r"\b(?:drawn|taken|derived|expanded|developed|translated|filmed)(?: it)? from\b"),
        0.85,
        typed=True,
    ),
    Trigger(
        "based_on",
        listed("from"),
        wording(r"(?<!adapted)(?<!drawn)(?<!taken)(?<!derived) from\b"),
        0.8,
        typed=True,
        kinds=LITERARY,
    ),
    Trigger(
        "based_on",
        listed("film movie picture version treatment reading account telling"),
        wording(r"\b(?:film|movie|picture|version|treatment|reading|account|retelling)s? of\b"),
        0.8,
        linked=True,
        kinds=LITERARY,
        told=True,
    ),
    Trigger(
        "based_on",
        listed("from goes went going return owes origin root source films filmed filming filmi"),
        wording(
            r"\b(?:comes?|came|stems?|stemmed|originates?|originated) from\b|\b(?:goes|went|going|"
            r"returns?|returned|returning|owes (?:its|the) (?:story|plot|premise)) (?:back )?to\b|"
            r"\bhas its (?:origins?|roots?|source) in\b|\bsource (?:is|was|material is)\b|"
            r"\b(?:takes?|took|borrows?|lifts?|draws?|gets?) its (?:story|plot|premise|characters|"
            r"stories) from\b|\b(?:filmed|films|filming|filmi[sz]es)\b"
        ),
        0.8,
        linked=True,
        kinds=LITERARY,
        told=True,
    ),
    Trigger(
        "based_on",
        listed("after"),
        wording(r"\bafter(?= (?:the|his|her|their|a|an|\w+(?: [\w.]+){0,3}['’]s?)\b)"),
        0.75,
        typed=True,
        told=True,
        kinds=LITERARY,
    ),
    Trigger(
        "based_on",
        listed(
            "story stories plot premise idea source character material tale script screenplay "
            "transpos version take update interpretation variation"
        ),
        wording(
            r"\b(?:took|takes|taking|found|finds|drew|draws|drawing|borrow(?:ed|s|ing)|got|gets|"
            r"lift(?:ed|s)) (?:its|the|his|her|their) (?:[\w-]+ )?(?:story|plot|premise|idea|"
            r"stories|source|characters|material|tale) (?:from|in|out of)\b|\b(?:plot|story|"
            r"screenplay|script|premise)s? "
            r"(?:derives?|is derived|is taken|is drawn|is adapted|comes) (?:[\w]+ )?from\b|"
            r"\btranspos(?:es|ing) (?:the )?(?:plot|story|action|events) of\b|"
            r"\b(?:modern|free|loose|contemporary|musical|new) (?:[\w-]+ )?(?:version|take|update|"
            r"interpretation|variation) (?:of|on)\b"
        ),
        0.8,
        linked=True,
        told=True,
        kinds=LITERARY,
    ),
    Trigger(
        "based_on",
        listed("turn makes made making transform expand takes took move"),
        wording(
            r"\b(?:turn(?:s|ed|ing)|ma(?:kes|de|king)|transform(?:s|ed|ing)|expand(?:s|ed|ing)|"
            r"takes|took|moves|moved)\b"
        ),
        0.8,
        linked=True,
        kinds=LITERARY,
        into=True,
    ),
    Trigger(
        "sequel_of",
        listed("follows"),
        wording(r"\bfollows(?: the events of)?\b"),
        0.7,
        linked=True,
        closed=True,
    ),
    Trigger("based_on", listed("inspired"), wording(r"\binspired by\b"), 0.4, borrowed=True),
    Trigger(
        "remake_of",
        listed("make making imagining"),
        wording(
            r"\b(?:re-?make|re-?making|re-?imagining|re-?make in all but name)s?"
            rf"(?: by (?-i:[A-Z])[^,;]{{1,40}}?)?(?:, [^,;]{{3,40}},)?{_AND_OTHER} (?:of|"
            rf"to)\b{_OF_AND_OTHER}"
        ),
        0.95,
    ),
    Trigger(
        "remake_of",
        listed("remake re-make remade re-made remaking"),
        wording(r"\bre-?makes(?: of)?\b|\bre-?made from\b|\bremaking\b(?! of)"),
        0.85,
        linked=True,
    ),
    Trigger(
        "remake_of",
        listed("version"),
        wording(
            r"\b(?:new|modern|contemporary|updated|english-language|american|hollywood|british|"
            r"french|japanese|korean|indian|hindi|colou?r|sound|live-action|shot-for-shot|"
            r"gender-swapped) (?:\w+ )?version of\b"
        ),
        0.85,
        linked=True,
        kinds=frozenset({"film", "series"}),
    ),
    Trigger(
        "sequel_of",
        listed("sequel follow"),
        wording(
            rf"\b(?:sequel|follow-?up)(?: (?:film|movie|series|novel|book|story))?"
            rf"(?: \([^)]*\))?{_AND_OTHER} (?:to|of)\b{_OF_AND_OTHER}"
        ),
        0.95,
    ),
    Trigger(
        "sequel_of",
        listed("continu follows pick"),
        wording(
            r"\b(?:continuation of|continu(?:es|ing) (?:the )?(?:stor(?:y|ies)|plot|events|"
            r"adventures|saga|tale|narrative) (?:of|from|begun in|started in|that began in)|"
            r"continues(?: directly)?(?: from| after)?|follows (?:on from|up on|on after|up|"
            r"(?:directly|immediately) (?:on )?(?:after|from))|picks up"
            r"(?: (?:right|directly|immediately|shortly|soon|\w+ years?))?"
            r" (?:where|after|from)(?: the (?:events|end|ending|story|action|close) of)?)"
        ),
        0.85,
        linked=True,
    ),
    Trigger(
        "sequel_of",
        listed("after"),
        wording(
            r"\b(?:set|takes place|taking place) (?:[\w-]+ ){0,5}after"
            r" (?:the (?:events|end) (?:of|in) )?"
        ),
        0.7,
        linked=True,
    ),
    Trigger(
        "sequel_of",
        listed("events"),
        wording(
            r"\b(?:after|following|continu(?:es|ing)) the events (?:of|in|depicted in|seen in)\b"
            r"(?!.{0,30}\b(?:War|Battle|Revolution|[Aa]ttacks?)\b)"
        ),
        0.8,
        linked=True,
        clear=True,
    ),
    Trigger(
        "sequel_of",
        listed("preceded"),
        wording(r"\b(?:is|was|being) (?:directly )?preceded by\b"),
        0.7,
        linked=True,
    ),
    Trigger(
        "prequel_of",
        listed("prequel"),
        wording(
            rf"\bprequel(?: (?:film|movie|series|novel|book))?{_AND_OTHER} (?:to|of|for)\b"
            rf"{_OF_AND_OTHER}"
        ),
        0.95,
    ),
    Trigger(
        "prequel_of",
        listed("before prior"),
        wording(r"\b(?:before|prior to) the events (?:of|in|depicted in|seen in)\b"),
        0.8,
        linked=True,
        clear=True,
    ),
    Trigger(
        "prequel_of",
        listed("before prior"),
        wording(
            r"\b(?:set|takes place|taking place) (?:[\w-]+ ){0,5}(?:before|prior to)"
            r" (?:the events (?:of|in) )?"
        ),
        0.7,
        linked=True,
    ),
    Trigger(
        "spin_off_of",
        listed("spin spun offshoot"),
        wording(
            rf"\b(?:spin-?\s?off|offshoot)(?: (?:film|movie|series|novel|book|show|prequel|"
            rf"sequel))?"
            rf"{_AND_OTHER} (?:of|from|to)\b{_OF_AND_OTHER}|\bspun[ -]off (?:from|of)\b|"
            rf"\bspin-?\s?off\s(?:of|from)\b"
        ),
        0.95,
    ),
)
"""What states a relation between two works or tells of a source. The confidences are judgements, to
be calibrated once there are labels."""
