"""The gazetteer: which names of resolved entities a text holds, by look-ups of its word runs.

Names are keys in a DuckDB table; the runs of up to twelve words of a text that could begin a name
are joined with it. The cost grows with the length of the texts, not with the number of names.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa

from kg_assets.inference.wordlists import listed

if TYPE_CHECKING:
    import duckdb

LONGEST_NAME = 12
"""Longest name that is looked for, in words; longer titles are found by their first part only if
that is an alternate name."""

BATCH_TEXTS = 256
"""Texts whose runs of words are joined at a time; bounds the memory."""

_WORD = re.compile(r"[^\W_]+|&")
_LETTERS = str.maketrans(
    {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th"}
)
_QUOTES = "\"'“”‘’«»*_"
_ARTICLES = ("the", "a", "an")
_FRANCHISE_WORDS = (
    "film series", "book series", "series", "franchise", "saga", "trilogy", "universe",
)  # fmt: skip

COMMON_WORDS = frozenset(
    listed(
        """
a about above after again all alone also always am an and another any anything are as at away
back be because been before being best better big black blue both boy bright but by came can
come crash dark day days dead do down drive each earth east eight empire end even every
everything evil family far father fear few film final first five for four freedom friends from
frozen game girl go gold gone good great green had hands happy has have he heat her here hero
hers him his home house how i if in inside into is it its joy just kids king klute lady last
life light like lone lost love lucky man many me men mine mirror money more most mother much
my name never new next night nine no north nothing now of off old on once one only open or
other our out over own part play power pretty queen rain red river room run same second see
set seven she side signs six so some son song south speed spring stay still story strange
strike summer sunshine ten than that the their them then there these they thief thing this
three through time to today together tonight too true two under up us victory war was way we
west what when where which white who why will winter with without woman women work world year
years yes you young your
"""
    )
)
"""One-word titles that are everyday words, which a capital at the start of a sentence does not
make a name. Of our own making, from what often begins an English sentence or is capitalised for
another reason."""


class Word(NamedTuple):
    """A word of a text.

    Attributes:
        key: Its letters and digits in lower case without accents.
        start: First character, in code points.
        end: One past the last character.
    """

    key: str
    start: int
    end: int


def tokens(text: str) -> list[Word]:
    """Cut a text into words; ``&`` is the word "and"."""
    if _is_plain(text):
        found = _WORD.finditer(text.lower())
        return [Word(match.group(), match.start(), match.end()) for match in found]
    return [
        Word(_fold(match.group()), match.start(), match.end()) for match in _WORD.finditer(text)
    ]


def words(text: str) -> list[str]:
    """Return the keys of the words of a text."""
    if _is_plain(text):
        return _WORD.findall(text.lower())
    return [_fold(match.group()) for match in _WORD.finditer(text)]


def name_key(name: str) -> str:
    """Bring a name to the key under which it is looked up.

    A leading article stays; `name_keys` adds the name without it.
    """
    return " ".join(words(name))


def _is_plain(text: str) -> bool:
    """Whether the keys of a text's words are the words in lower case."""
    return text.isascii() and "&" not in text


def _fold(word: str) -> str:
    if word == "&":
        return "and"
    if word.isascii():
        return word.lower()
    decomposed = unicodedata.normalize("NFKD", word.casefold())
    return "".join(c for c in decomposed if not unicodedata.combining(c)).translate(_LETTERS)


NAMES_SCHEMA = pa.schema(
    [
        pa.field("key", pa.string()),
        pa.field("entity_id", pa.string()),
        pa.field("entity_type", pa.string()),
        pa.field("name", pa.string()),
        pa.field("matched_name", pa.string()),
        pa.field("year", pa.int32()),
    ]
)
"""Columns of the gazetteer's table of names, one row for each key of an entity."""


def name_batches(entities: duckdb.DuckDBPyRelation) -> Iterator[pa.RecordBatch]:
    """Make the gazetteer's names of entities.

    Args:
        entities: At least entity_id, entity_type, name, alternate_names and year of resolved
            entities of the types that may be objects.

    Yields:
        Batches with `NAMES_SCHEMA`.
    """
    columns = "entity_id, entity_type, name, alternate_names, year"
    for batch in entities.project(columns).to_arrow_reader(8_192):
        rows = []
        for entity_id, kind, name, others, year in zip(
            *(column.to_pylist() for column in batch.columns), strict=True
        ):
            for key, written in name_keys(kind, [name, *(others or [])]).items():
                rows.append((key, entity_id, kind, name, written, year))
        columns_of_rows = list(zip(*rows, strict=True)) or [()] * len(NAMES_SCHEMA)
        yield pa.RecordBatch.from_arrays(
            [
                pa.array(column, field.type)
                for column, field in zip(columns_of_rows, NAMES_SCHEMA, strict=True)
            ],
            schema=NAMES_SCHEMA,
        )


def name_keys(kind: str, names: list[str]) -> dict[str, str]:
    """Make the keys under which an entity is found, each with the name that it comes from.

    Args:
        kind: Its entity type; a franchise is also found without a last word such as "series".
        names: Its names, the first before the others.
    """
    keys: dict[str, str] = {}
    for name in names:
        key = name_key(name)
        for variant in (key, *_variants(kind, key)):
            if variant and variant.count(" ") < LONGEST_NAME:
                keys.setdefault(variant, name)
    return keys


def _variants(kind: str, key: str) -> Iterator[str]:
    """Other keys for the same name: without article, a franchise without its last word."""
    bare = key
    if kind == "franchise":
        for ending in _FRANCHISE_WORDS:
            if bare.endswith(f" {ending}"):
                bare = bare.removesuffix(f" {ending}")
                yield bare
                break
    for article in _ARTICLES:
        # "Dark Knight sequel", but never a single everyday word.
        rest = bare.removeprefix(f"{article} ")
        if rest != bare and (" " in rest or rest not in COMMON_WORDS):
            yield rest


def mentions(
    con: duckdb.DuckDBPyConnection, names: str, texts: Iterable[tuple[str, str]]
) -> Iterator[tuple[str, list[Mention]]]:
    """Find the names that texts hold.

    Args:
        con: Connection with the table of names.
        names: Name of that table, with `NAMES_SCHEMA`.
        texts: Pairs of an id and a text, in any number.

    Yields:
        For each text, its id and its mentions in the order of their place. All entities of an
        equal key are kept, and of overlapping mentions the longest.
    """
    batch: list[tuple[str, str]] = []
    for pair in texts:
        batch.append(pair)
        if len(batch) == BATCH_TEXTS:
            yield from _mentions(con, names, batch)
            batch = []
    if batch:
        yield from _mentions(con, names, batch)


@dataclass(frozen=True)
class Mention:
    """A name of an entity, found in a text.

    Attributes:
        start: First character, in code points.
        end: One past the last character.
        entity_id: The entity.
        entity_type: Its type.
        name: Its name.
        matched_name: The one of its names that was found.
        year: Its first year.
    """

    start: int
    end: int
    entity_id: str
    entity_type: str
    name: str
    matched_name: str
    year: int | None


def _mentions(
    con: duckdb.DuckDBPyConnection, names: str, batch: list[tuple[str, str]]
) -> list[tuple[str, list[Mention]]]:
    rows = [
        (place, start, end, key)
        for place, (_, text) in enumerate(batch)
        for start, end, key in word_runs(text)
    ]
    found: list[list[Mention]] = [[] for _ in batch]
    if rows:
        place, start, end, key = zip(*rows, strict=True)
        con.register(
            "word_runs",
            pa.table(
                {
                    "place": pa.array(place, pa.int32()),
                    "start": pa.array(start, pa.int64()),
                    "end": pa.array(end, pa.int64()),
                    "key": pa.array(key, pa.string()),
                }
            ),
        )
        hits = con.table("word_runs").join(con.table(names), "key")
        columns = 'place, "start", "end", entity_id, entity_type, name, matched_name, year'
        for hit in hits.project(columns).order(columns).fetchall():
            mention = Mention(*hit[1:])
            if is_name(batch[hit[0]][1], mention.start, mention.end):
                found[hit[0]].append(mention)
        con.unregister("word_runs")
    return [(name, _longest(hits)) for (name, _), hits in zip(batch, found, strict=True)]


def word_runs(text: str) -> Iterator[tuple[int, int, str]]:
    """Cut a text into the runs of words that could be names.

    Yields:
        Start and end in code points, and the key, of each run of up to `LONGEST_NAME` words.
    """
    found = tokens(text)
    for first, word in enumerate(found):
        # A name begins with a capital, a digit, a letter without case, or after a quote.
        opening = text[word.start]
        quoted = word.start > 0 and text[word.start - 1] in _QUOTES
        if opening.islower() and not quoted:
            continue
        key = ""
        for last in range(first, min(first + LONGEST_NAME, len(found))):
            # A sentence that ends between two words parts them ("... Alien. Cameron ...").
            if last > first and _is_gap(text[found[last - 1].end : found[last].start]):
                break
            key = f"{key} {found[last].key}" if key else found[last].key
            yield word.start, found[last].end, key


def _is_gap(between: str) -> bool:
    return "\n\n" in between or any(mark in between for mark in (";", "(", ")", "“", "”", "«"))


def is_name(text: str, start: int, end: int) -> bool:
    """Whether the case of the letters speaks for a name at this place of a text."""
    written = text[start:end]
    if start and text[start - 1] in _QUOTES:
        return True
    if " " in written:
        parts = [part for part in written.split() if part[:1].isalpha()]
        capitals = sum(not part[0].islower() for part in parts)
        return not parts or 2 * capitals >= len(parts)
    if name_key(written) not in COMMON_WORDS:
        return True
    before = text[:start].rstrip()
    # An everyday word must be written as a name where a name is not due by grammar alone.
    return bool(before) and before[-1] not in ".!?:…" and written != "I"


def _longest(hits: list[Mention]) -> list[Mention]:
    """Drop what lies within a longer mention."""
    spans = sorted({(hit.start, hit.end) for hit in hits}, key=lambda s: (s[0] - s[1], s[0]))
    kept: list[tuple[int, int]] = []
    for start, end in spans:
        if all(end <= left or start >= right for left, right in kept):
            kept.append((start, end))
    chosen = set(kept)
    return [hit for hit in hits if (hit.start, hit.end) in chosen]
