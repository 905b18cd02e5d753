"""What is read of an entity of Wikidata: its names and descriptions, and the claims that count."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

# fmt: off
NAME_LANGUAGES = (
    "en", "mul", "en-gb", "en-ca", "fr", "de", "es", "it", "pt", "pt-br", "nl", "sv", "da", "nb",
    "fi", "is", "pl", "cs", "sk", "hu", "ro", "bg", "el", "tr", "ru", "uk", "sr", "hr", "sl",
    "et", "lv", "lt", "ja", "zh", "zh-hans", "zh-hant", "ko", "ar", "he", "fa", "hi", "bn", "ta",
    "te", "ml", "th", "vi", "id", "ms", "ca", "eu", "gl", "la", "eo",
)
# fmt: on
"""Languages whose labels are read, the preferred ones first. ``mul`` holds the names that are the
same in many languages."""

ALIAS_LANGUAGES = (*NAME_LANGUAGES[:9], "ru", "ja", "zh", "ko", "hi", "ar")
"""Languages whose aliases are read, in the order in which they become alternate names."""

ENGLISH = NAME_LANGUAGES[:4]
"""Languages of descriptions, and of labels that become genres and professions."""

ROLES: Mapping[str, str] = {
    "P57": "director",
    "P58": "writer",
    "P50": "author",
    "P170": "creator",
    "P161": "actor",
    "P725": "voice",
    "P86": "composer",
    "P162": "producer",
    "P344": "cinematographer",
    "P1040": "editor",
    "P110": "illustrator",
}
"""Properties that credit people, and the role; credits come in this order."""

RELATIONS: Mapping[str, str] = {
    "P144": "based_on",
    "P4969": "derivative_work",
    "P155": "sequel_of",
    "P156": "has_sequel",
    "P2512": "has_spin_off",
    "P921": "main_subject",
    "P674": "has_character",
    "P1441": "appears_in",
    "P272": "production_company",
}
"""Properties that lead to another record, and the relation of the ontology, as its mappings say."""

ORDER = ("P155", "P156")
"""Those that say what comes before and after: of a statement on a series they are qualifiers."""

IDENTIFIERS: Mapping[str, str] = {
    "P345": "imdb",
    "P4835": "tvdb",
    "P214": "viaf",
    "P213": "isni",
    "P648": "openlibrary",
}
"""Properties that hold an id in another system, and the name of the system."""

TMDB: Mapping[str, str] = {"film": "P4947", "series": "P4983", "person": "P4985"}
"""Entity type to the property that holds its id in TMDB, which numbers each type apart."""

_CODES = ("P297", "P218", "P220")  # ISO 3166-1 alpha-2, ISO 639-1, ISO 639-3
_ITEMS = ("P31", "P106", "P136", "P364", "P407", "P495", "P8345", *RELATIONS)
_TIMES = ("P569", "P570", "P571", "P576", "P577", "P580", "P582", "P585")


def _statements(value: pa.DataType, **qualifiers: pa.DataType) -> pa.DataType:
    def snak(kind: pa.DataType) -> pa.DataType:
        return pa.struct({"datavalue": pa.struct({"value": kind})})

    fields = {"rank": pa.string(), "mainsnak": snak(value)}
    if qualifiers:
        fields["qualifiers"] = pa.struct(
            {name: pa.list_(snak(kind)) for name, kind in qualifiers.items()}
        )
    return pa.list_(pa.struct(fields))


_TEXT = pa.string()
_ITEM = pa.struct({"id": _TEXT})
_TIME = pa.struct({"time": _TEXT, "precision": pa.int32()})
_AMOUNT = pa.struct({"amount": _TEXT, "unit": _TEXT})
_PHRASE = pa.struct({"text": _TEXT})
_TERM = pa.struct({"value": _TEXT})

# Each column costs time in every entity, so only what properties do have is declared.
QUALIFIERS: Mapping[str, Mapping[str, pa.DataType]] = {
    "P161": {"P1545": _TEXT, "P453": _ITEM, "P4633": _TEXT},
    "P725": {"P1545": _TEXT, "P453": _ITEM, "P4633": _TEXT},
    "P50": {"P1545": _TEXT},
    "P58": {"P1545": _TEXT},
}
"""Of which credits the order of billing (P1545) and the character (P453, P4633) are read."""

FIELDS = pa.schema(
    {
        "id": _TEXT,
        "redirects": pa.struct({"from": _TEXT}),
        "labels": pa.struct(dict.fromkeys(NAME_LANGUAGES, _TERM)),
        "aliases": pa.struct(dict.fromkeys(ALIAS_LANGUAGES, pa.list_(_TERM))),
        "descriptions": pa.struct(dict.fromkeys(ENGLISH, _TERM)),
        "claims": pa.struct(
            {
                **{name: _statements(_ITEM) for name in _ITEMS},
                **{name: _statements(_TIME) for name in _TIMES},
                **{name: _statements(_TEXT) for name in (*IDENTIFIERS, *TMDB.values(), *_CODES)},
                **{name: _statements(_ITEM, **QUALIFIERS.get(name, {})) for name in ROLES},
                "P179": _statements(_ITEM, P1545=_TEXT, **dict.fromkeys(ORDER, _ITEM)),
                "P4908": _statements(_ITEM, P1545=_TEXT),
                "P2047": _statements(_AMOUNT),
                "P1476": _statements(_PHRASE),
                "P1559": _statements(_PHRASE),
            }
        ),
    }
)
"""What is read of an entity. References, links to Wikipedia and all other claims are not."""
