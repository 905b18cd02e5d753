"""The words that state a relation in English, each with how far it can be trusted."""

from __future__ import annotations

import re
from dataclasses import dataclass

LITERARY = frozenset({"book", "play", "comic", "game"})


@dataclass(frozen=True)
class Trigger:
    """Words that state a relation between the subject and the object phrase after them.

    Attributes:
        relation: Name in the ontology.
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
        member: Whether a word such as "film" must follow the object ("a James Bond film").
    """

    relation: str
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


def _words(pattern: str) -> re.Pattern[str]:
    # A blank in a pattern stands for any white space, so that line breaks mean nothing.
    return re.compile(pattern.replace(" ", r"\s+"), re.IGNORECASE)


_ORDINAL = (
    r"(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth|"
    r"thirteenth|fourteenth|fifteenth|sixteenth|seventeenth|eighteenth|nineteenth|twentieth|"
    r"twenty-\w+|\d+(?:st|nd|rd|th)|final|last|latest|opening|closing|concluding|middle|"
    r"penultimate|next|only)"
)
_PART = (
    r"(?:film|movie|picture|feature|instal?lment|entry|chapter|part|book|novel|volume|release|"
    r"title|episode|outing|addition|adventure|story|work|half|series)s?"
)
_OR = (
    r"(?:(?:,? (?:n?or|and) |/)(?:a |an |the )?(?:\w+ )?(?:sequel|prequel|remake|spin-?off|"
    r"adaptation|"
    r"continuation|retelling|reboot)s?)"
)
_AND_OTHER = rf"{_OR}?"
_OF_AND_OTHER = rf"(?:{_OR} (?:to|of|from))?"
_AS_SCREEN = r"(?:for|to) (?:the )?(?:big )?(?:screen|stage|television|tv|film|cinema|radio)"

TRIGGERS: tuple[Trigger, ...] = (
    Trigger(
        "based_on",
        _words(
            r"\bbas(?:ed|es|ing)(?: (?:it|the (?:film|movie|series|show|script|screenplay|story)|"
            r"\x01+))?(?: (?:\w+ly|in (?:large )?part|rather|very|not|or inspired)){0,3}"
            r" (?:up)?on(?: or inspired by)?\b"
        ),
        0.95,
    ),
    Trigger(
        "based_on",
        _words(
            rf"\b(?:re)?adapt(?:ed|s|ing)(?: {_AS_SCREEN})?(?: by [^,;]{{1,60}}?)?(?:,)?"
            rf"(?: {_AS_SCREEN})?(?: (?:\w+ly|in part)){{0,2}} from\b"
        ),
        0.95,
    ),
    Trigger(
        "based_on",
        _words(
            rf"\b(?:adaptation|dramati[sz]ation)s?(?: {_AS_SCREEN})?"
            rf"(?:,? by (?-i:[A-Z])[^,;]{{1,40}}?,?)? (?:of|from){_OF_AND_OTHER}"
            r"(?! (?:the|a|an|this|its) ?(?:same )?(?:screenplay|script))"
        ),
        0.95,
    ),
    Trigger("based_on", _words(r"\badapts\b(?! (?:from|to)\b)"), 0.9),
    Trigger(
        "based_on",
        _words(r"\badapt(?:ed|ing)\b(?! (?:from|for|to|by|as|into)\b)"),
        0.8,
        linked=True,
    ),
    Trigger(
        "based_on",
        _words(
            r"\b(?:re-?telling|reworking|transposition|moderni[sz]ation|novelization|novelisation|"
            r"updating|picturi[sz]ation) of\b"
        ),
        0.85,
    ),
    Trigger(
        "based_on",
        _words(
            r"\b(?:(?:film|screen|movie|television|TV|stage|big-screen|cinema|live-action|animated|"
            r"musical|cinematic|filmed) )+"
            r"(?:version|treatment|rendition|transfer|translation)s? of\b"
        ),
        0.85,
    ),
    Trigger(
        "based_on",
        _words(r"\b(?:retells|reworks|transposes|transplants|updates|relocates|dramati[sz]es)\b"),
        0.75,
        linked=True,
        told=True,
        kinds=LITERARY | {"film", "series"},
    ),
    Trigger("based_on", _words(r"\bbr(?:ings?|inging|ought)\b"), 0.8, linked=True),
    Trigger(
        "based_on",
        _words(r"\b(?:drawn|taken|derived|expanded|developed|translated|filmed)(?: it)? from\b"),
        0.85,
        typed=True,
    ),
    Trigger(
        "based_on",
        _words(r"(?<!adapted)(?<!drawn)(?<!taken)(?<!derived) from\b"),
        0.8,
        typed=True,
        kinds=LITERARY,
    ),
    Trigger(
        "based_on",
        _words(r"\b(?:film|movie|picture|version|treatment|reading|account|retelling)s? of\b"),
        0.8,
        linked=True,
        kinds=LITERARY,
        told=True,
    ),
    Trigger(
        "based_on",
        _words(
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
        _words(r"\bafter(?= (?:the|his|her|their|a|an|\w+(?: [\w.]+){0,3}['’]s?)\b)"),
        0.75,
        typed=True,
        told=True,
        kinds=LITERARY,
    ),
    Trigger(
        "based_on",
        _words(
            r"\b(?:took|takes|taking|found|finds|drew|draws|drawing|borrow(?:ed|s|ing)|got|gets|"
            r"lift(?:ed|s)) (?:its|the|his|her|their) (?:[\w-]+ )?(?:story|plot|premise|idea|"
            r"stories|source|"
            r"characters|material|tale) (?:from|in|out of)\b|\b(?:plot|story|screenplay|script|"
            r"premise)s? "
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
        _words(
            r"\b(?:turn(?:s|ed|ing)|ma(?:kes|de|king)|transform(?:s|ed|ing)|expand(?:s|ed|ing)|"
            r"takes|took|moves|moved)\b"
        ),
        0.8,
        linked=True,
        kinds=LITERARY,
        into=True,
    ),
    Trigger("sequel_of", _words(r"\bfollows(?: the events of)?\b"), 0.7, linked=True, closed=True),
    Trigger("based_on", _words(r"\binspired by\b"), 0.4, borrowed=True),
    Trigger(
        "remake_of",
        _words(
            r"\b(?:re-?make|re-?making|re-?imagining|re-?make in all but name)s?"
            rf"(?: by (?-i:[A-Z])[^,;]{{1,40}}?)?(?:, [^,;]{{3,40}},)?{_AND_OTHER} (?:of|"
            rf"to)\b{_OF_AND_OTHER}"
        ),
        0.95,
    ),
    Trigger(
        "remake_of",
        _words(r"\bre-?makes(?: of)?\b|\bre-?made from\b|\bremaking\b(?! of)"),
        0.85,
        linked=True,
    ),
    Trigger(
        "remake_of",
        _words(
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
        _words(
            rf"\b(?:sequel|follow-?up)(?: (?:film|movie|series|novel|book|story))?"
            rf"(?: \([^)]*\))?{_AND_OTHER} (?:to|of)\b{_OF_AND_OTHER}"
        ),
        0.95,
    ),
    Trigger(
        "sequel_of",
        _words(
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
        _words(
            r"\b(?:set|takes place|taking place) (?:[\w-]+ ){0,5}after"
            r" (?:the (?:events|end) (?:of|in) )?"
        ),
        0.7,
        linked=True,
    ),
    Trigger(
        "sequel_of", _words(r"\b(?:is|was|being) (?:directly )?preceded by\b"), 0.7, linked=True
    ),
    Trigger(
        "prequel_of",
        _words(
            rf"\bprequel(?: (?:film|movie|series|novel|book))?{_AND_OTHER} (?:to|of|for)\b"
            rf"{_OF_AND_OTHER}"
        ),
        0.95,
    ),
    Trigger(
        "prequel_of",
        _words(r"\b(?:before|prior to) the events (?:of|in|depicted in|seen in)\b"),
        0.8,
        linked=True,
        clear=True,
    ),
    Trigger(
        "prequel_of",
        _words(
            r"\b(?:set|takes place|taking place) (?:[\w-]+ ){0,5}(?:before|prior to)"
            r" (?:the events (?:of|in) )?"
        ),
        0.7,
        linked=True,
    ),
    Trigger(
        "spin_off_of",
        _words(
            rf"\b(?:spin-?\s?off|offshoot)(?: (?:film|movie|series|novel|book|show|prequel|"
            rf"sequel))?"
            rf"{_AND_OTHER} (?:of|from|to)\b{_OF_AND_OTHER}|\bspun[ -]off (?:from|of)\b|"
            rf"\bspin-?\s?off\s(?:of|from)\b"
        ),
        0.95,
    ),
    Trigger(
        "part_of_franchise",
        _words(
            rf"\b{_PART}(?: \([^)]*\))?(?: overall| released| produced)? (?:in|of|from|to|within)\b"
        ),
        0.95,
        franchise=True,
    ),
    Trigger(
        "part_of_franchise",
        _words(rf"\b{_ORDINAL}(?: [\w-]+){{0,6}}? (?:in|of|from|to)\b"),
        0.9,
        franchise=True,
    ),
    Trigger(
        "part_of_franchise",
        _words(
            r"\b(?:part of|belongs to|set (?:in|within)|opens|opened|begins|began|starts|started|"
            r"launched|launches|concludes|concluded|closes|closed|completes|completed|ends|ended|"
            r"continues|continued|revives|revived|rebooted|reboots|reboot of|relaunch(?:es|ed)?|"
            r"kicks? off|entry (?:in|to)|conclusion (?:of|to)|climax of|finale of|beginning of|"
            r"start of|opener of|joins|concluding|completing|beginning|launching|opening)\b"
        ),
        0.85,
        franchise=True,
    ),
    Trigger(
        "part_of_franchise",
        _words(
            rf"(?:^|,|\b(?:is|was|as|being|becomes|became|serves as))\s*"
            rf"(?:a|an|another|the|{_ORDINAL})"
            rf"(?: {_ORDINAL})?(?: and \w+)?(?: \d{{4}})?(?: (?-i:[a-z-]+))? (?=(?-i:[A-Z\"“]))"
        ),
        0.8,
        franchise=True,
        member=True,
    ),
)
"""Every trigger. The confidences are judgements, to be calibrated once there are labels."""

GATES: dict[str, tuple[str, ...]] = {
    relation: tuple(words.split())
    for relation, words in {
        "sequel_of": "sequel follow continu pick after preced",
        "prequel_of": "prequel before prior",
        "remake_of": "mak made imagin version",
        "spin_off_of": "spin spun offshoot",
    }.items()
}
"""Of these one stands in every sentence that a trigger of the relation fits: a quick first look,
for words in lower case."""

FRANCHISE_GATE = (
    "series", "franchise", "saga", "logy", "universe", "cycle", "films", "movies", "novels",
    "books", "games", "stories", "comics", "pictures", "verse", "second", "third", "th", "1st",
    "2nd", "3rd",
)  # fmt: skip
"""The same for part_of_franchise, where no candidates are known that a bare name could mean."""

NEGATION = re.compile(
    r"\b(?:not(?!\s+(?:only|just|merely|simply|solely|until))|never|no(?!\s+longer)|nor|neither|"
    r"without|"
    r"hardly|far\s+from|den(?:y|ies|ied|ying)|rather\s+than|instead\s+of|unrelated|cannot|"
    r"nothing\s+to\s+do\s+with|(?:is|was|did|does|has|had|were|would)n['’]t)\b",
    re.IGNORECASE,
)
"""Words that deny what follows in their clause; "not only" does not."""

HEDGE = re.compile(
    r"\b(?:rumou?r(?:ed|s)?|reported(?:ly)?|alleged(?:ly)?|suppos(?:ed|edly)|purported(?:ly)?|"
    r"said|believed|thought|considered|regarded|claim(?:ed|s)?|arguabl[ey]|perhaps|possibly|"
    r"probably|apparently|maybe|may(?=\s+(?:be|have|also))|might|could|would(?!\s+(?:become|"
    r"mark|begin|launch|start|later))|"
    r"(?:seen|viewed|described|advertised|marketed|billed|promoted|mistaken|sold|taken|"
    r"passed\s+off|"
    r"announced|pitched|proposed|planned|intended|conceived|envisioned|meant)\s+(?:\w+\s+)?"
    r"(?:as|for|to\s+be)|(?:called|dubbed|label+ed|termed|deemed)\s+(?:it\s+)?(?:a|an|the)|"
    r"spiritual|(?:unofficial(?:ly)?|unauthori[sz]ed)(?!\s+(?:and\s+\w+\s+)?(?:adaptation|remake|version|"
    r"film)\b)|thematic|informal|planned|intended|proposed|"
    r"speculat\w+|suggest\w*|hint\w*|so-called|parody|spoof|whether|hope[sd]|wanted|wants|"
    r"cancel+ed|unproduced|unmade|abandoned|accused|resembl\w+|similar|homage(?!\s+sequel)|tribute|"
    r"(?:looks?|feels?|plays?|reads?|works?)\s+like|some\s+(?:say|have|call)|"
    r"in\s+the\s+(?:style|spirit|vein|tradition)|as\s+if|attempts?|seems?|appears?\s+to)\b",
    re.IGNORECASE,
)
"""Words with which a text reports, doubts or only compares. What is "loosely" or "partly based on"
something is still said to be based on it, and is no hedge."""

LOOSELY = re.compile(r"\b(?:loose(?:ly)?|partly|partially|in\s+part|free(?:ly)?)\b", re.IGNORECASE)
"""Words that make a fact weaker and leave it one."""
