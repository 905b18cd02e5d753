"""Names and titles of made-up people and films, as SQL: few are common, many are rare."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

GIVEN, FAMILY, WORDS = 800, 12_000, 40_000
"""Sizes of the vocabularies of given and family names of a country, and of words of titles."""

ONSETS = (
    "b", "br", "ch", "d", "dr", "f", "fl", "g", "gr", "h", "j", "k", "kl", "l", "m", "n", "p", "r",
    "s", "sh", "st", "t", "v", "w",
)  # fmt: skip
VOWELS = ("a", "e", "i", "o", "u", "ai", "ou")
CODAS = ("", "n", "r", "s", "l", "m", "t", "nd")
SYLLABLES = len(ONSETS) * len(VOWELS)
SPELLINGS = SYLLABLES**2 * len(CODAS)
"""How many syllables, and words of two, can be spelt."""

COMMON_NAMES = 0.15
"""Share of people with a common given name and a common family name."""

COUNTRIES = (
    "US", "GB", "FR", "IN", "DE", "JP", "IT", "ES", "CA", "KR", "CN", "MX", "BR", "RU", "SE", "DK",
    "PL", "AU", "AR", "NL", "TR", "BE", "IR", "HK", "CZ", "HU", "NO", "FI", "AT", "IL",
)  # fmt: skip
LANGUAGES = (
    "en", "en", "fr", "hi", "de", "ja", "it", "es", "en", "ko", "zh", "es", "pt", "ru", "sv", "da",
    "pl", "en", "es", "nl", "tr", "fr", "fa", "zh", "cs", "hu", "no", "fi", "de", "he",
)  # fmt: skip


def create_word_macros(con: duckdb.DuckDBPyConnection, seed: int) -> None:
    """Make the macros known to a connection.

    Args:
        con: The connection.
        seed: Another seed gives things other chances.
    """
    statements = (
        # A number in [0, 1) that belongs to a thing and a question.
        f"chance(thing, question) AS (hash(thing, question, {int(seed)}) >> 11)::DOUBLE"
        " / 9007199254740992.0",
        # Zipf-Mandelbrot: the k-th most common of n has a share of about 1 / (k + shift).
        "zipf(n, shift, u) AS least(n - 1, floor(shift * (pow(1 + n / shift::DOUBLE, u) - 1)))"
        "::BIGINT",
        # Pronounceable, one for each number; neighbours in number are not alike.
        f"syllable(number) AS {list(ONSETS)}[number % {len(ONSETS)} + 1]"
        f" || {list(VOWELS)}[(number // {len(ONSETS)}) % {len(VOWELS)} + 1]",
        f"two_syllables(number) AS syllable(number) || syllable(number // {SYLLABLES})"
        f" || {list(CODAS)}[number // {SYLLABLES**2} % {len(CODAS)} + 1]",
        # Every third word has a syllable more.
        f"spelt(number) AS two_syllables((number * 86028121) % {SPELLINGS})"
        f" || CASE WHEN number % 3 = 0 THEN syllable((number * 1299709) % {SYLLABLES}) ELSE '' END",
        "capital(word) AS upper(word[1]) || word[2:]",
        # A typing error: one letter in the middle is left out, doubled or another.
        """mistyped(text, u) AS CASE
            WHEN len(text) < 4 THEN text
            WHEN u < 0.4 THEN text[:(u * 2.4 * (len(text) - 2))::INT + 1]
                || text[(u * 2.4 * (len(text) - 2))::INT + 3:]
            WHEN u < 0.7 THEN text[:((u - 0.4) * 3 * (len(text) - 2))::INT + 1] || 'e'
                || text[((u - 0.4) * 3 * (len(text) - 2))::INT + 3:]
            ELSE text[:((u - 0.7) * 3 * (len(text) - 2))::INT + 2]
                || text[((u - 0.7) * 3 * (len(text) - 2))::INT + 2:] END""",
    )
    for statement in statements:
        con.execute(f"CREATE OR REPLACE TEMP MACRO {statement}")


def name_of_person(question: str) -> str:
    """SQL for a name from the vocabulary of the person's country, or of any other.

    Args:
        question: ``given``, ``middle`` or ``family``.
    """
    first, size, shift = (WORDS, FAMILY, 80) if question == "family" else (0, GIVEN, 25)
    return (
        f"capital(spelt({first} + {size} * "
        f"CASE WHEN chance(person, 'foreign {question}') < 0.1 "
        f"THEN floor(chance(person, 'which {question}') * {len(COUNTRIES)})::BIGINT "
        "ELSE country END + "
        f"CASE WHEN chance(person, 'common name') < {COMMON_NAMES} "
        f"THEN zipf({size // 80}, {shift // 2}, chance(person, '{question}')) "
        f"ELSE zipf({size}, {shift}, chance(person, '{question}')) END))"
    )


def title_of_film(thing: str, question: str) -> str:
    """SQL for a title; those of one word draw from fewer, so that some of them are common.

    Args:
        thing: SQL for the number of what has the title.
        question: Which of its titles.
    """

    def word(place: int, size: int, shift: int) -> str:
        chance = f"chance({thing}, '{question}{place}')"
        return f"capital(spelt(zipf({size}, {shift}, {chance})))"

    count = f"chance({thing}, '{question} words')"
    return (
        f"(CASE WHEN chance({thing}, '{question} article') < 0.25 THEN 'The ' ELSE '' END"
        f" || CASE WHEN {count} < 0.18 THEN {word(1, WORDS, 100)}"
        f" ELSE {word(1, WORDS, 30)} || ' ' || {word(2, WORDS, 30)} END"
        f" || CASE WHEN {count} >= 0.5 THEN ' ' || {word(3, WORDS, 30)} ELSE '' END"
        f" || CASE WHEN {count} >= 0.8 THEN ' ' || {word(4, WORDS, 30)} ELSE '' END)"
    )
