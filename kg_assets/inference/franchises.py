"""The words that put a work into a franchise, each with how far it can be trusted."""

from __future__ import annotations

from kg_assets.inference.triggers import Trigger, wording
from kg_assets.inference.wordlists import listed

LATER = listed(
    "second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth teenth twent "
    "0th 1th 2th 3th 4th 5th 6th 7th 8th 9th 1st 2nd 3rd"
)
"""Of these one stands in every place beyond the first, in lower case."""

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

FRANCHISE_TRIGGERS: tuple[Trigger, ...] = (
    Trigger(
        "part_of_franchise",
        listed(
            "film movie picture feature instal entry entries chapter part book novel volume "
            "release title episode outing addition adventure story work half series"
        ),
        wording(
            rf"\b{_PART}(?: \([^)]*\))?(?: overall| released| produced)? (?:in|of|from|to|within)\b"
        ),
        0.95,
        franchise=True,
    ),
    Trigger(
        "part_of_franchise",
        listed("first final last latest opening closing concluding middle penultimate next only")
        + LATER,
        wording(rf"\b{_ORDINAL}(?: [\w-]+){{0,6}}? (?:in|of|from|to)\b"),
        0.9,
        franchise=True,
    ),
    Trigger(
        "part_of_franchise",
        listed(
            "part belongs set open beg start launch conclu clos complet ends ended continue reviv "
            "reboot kick entry climax finale joins"
        ),
        wording(
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
        (),
        wording(
            rf"(?:^|,|\b(?:is|was|as|being|becomes|became|serves as))\s*"
            rf"(?:a|an|another|the|{_ORDINAL})"
            rf"(?: {_ORDINAL})?(?: and \w+)?(?: \d{{4}})?(?: (?-i:[a-z-]+))? (?=(?-i:[A-Z\"“]))"
        ),
        0.8,
        franchise=True,
        member=True,
    ),
)
"""As `TRIGGERS`, for part_of_franchise."""

FRANCHISE_GATE = LATER + listed(
    "series franchise saga logy universe cycle films movies novels books games stories comics "
    "pictures verse"
)
"""One of these stands in a sentence that speaks of a franchise, where no candidates are known that
a bare name could mean."""
