"""Names and titles brought to comparable keys, as SQL macros on a DuckDB connection."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from kg_assets.matching.person_names import PERSON_MACROS

if TYPE_CHECKING:
    from collections.abc import Mapping

    import duckdb

_LETTERS = {
    # What a source left of HTML.
    "&amp;": "&", "&quot;": " ", "&#39;": "",
    # strip_accents leaves the letters that Unicode does not decompose.
    "ø": "o", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "ı": "i", "ŧ": "t", "ŋ": "n", "ĸ": "k",
    "ə": "a", "ß": "ss", "æ": "ae", "œ": "oe", "þ": "th", "½": " 1 2", "²": " 2 ", "³": " 3 ",
}  # fmt: skip

_ROMANISED = {
    "ж": "zh", "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "shch", "ю": "yu", "я": "ya",
    "θ": "th", "χ": "ch", "ψ": "ps",
}  # fmt: skip
"""Cyrillic and Greek letters that are two or more in Latin script (BGN/PCGN, without signs)."""

_ROMANISED_EACH = (
    "абвгдезиклмнопрстуфыэієґјαβγδεζηικλμνξοπρσςτυφωъь",
    "abvgdeziklmnoprstufyeiegjavgdeziiklmnxoprsstyfo",
)
"""Those that are one; the last two, the signs, are none."""

_ARTICLES_ANYWHERE = (
    "the", "a", "an", "le", "la", "les", "l", "un", "une", "der", "das", "ein", "eine", "el", "los",
    "las", "il", "gli", "lo", "os", "um", "uma", "het", "een", "den", "det", "ett",
)  # fmt: skip
_ARTICLES_AFTER_COMMA = (*_ARTICLES_ANYWHERE, "die", "i", "o", "as", "de", "en", "et", "un", "uno")
"""Words that are articles only where the title says so itself ("Blechtrommel, Die"): in front,
"Die Hard", "I, Robot" and "As Good as It Gets" begin with the same letters and are none."""

_EDITIONS = (
    "directors cut", "director s cut", "extended edition", "extended cut", "extended version",
    "special edition", "final cut", "theatrical cut", "uncut", "unrated", "remastered", "redux",
    "restored version", "([0-9]+(st|nd|rd|th) )?anniversary edition", "collectors edition",
    "collector s edition", "re release", "rerelease", "digitally restored", "digitally remastered",
    "4k restoration", "4k restored", "4k remaster", "4k remastered", "remastered version",
    "remastered edition", "restored edition", "restored cut",
)  # fmt: skip
"""Words at the end of a title that say which edition of a work it is, as `fold` leaves them."""

_EDITIONS_IN_BRACKETS = ("restored", "restoration", "re-?issue", "extended")
"""Such words that are a title's own where no brackets set them apart ("Faith Restored")."""

_PART_WORDS = (
    "part", "chapter", "vol", "volume", "episode", "teil", "kapitel", "partie", "chapitre",
    "parte", "capitulo", "capitolo", "deel", "del", "osa", "czesc",
)  # fmt: skip

_ROMAN = (
    "i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii", "xiii", "xiv", "xv",
    "xvi", "xvii", "xviii", "xix", "xx",
)  # fmt: skip
_WRITTEN = (
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
    "twenty",
)  # fmt: skip

LARGEST_PART = 20
"""Numbers above this are no part numbers: they are years ("1984", "2046", "Airport '77")."""

_SUFFIXES = ("jr", "junior", "sr", "senior", "ii", "iii", "iv")
_PARTICLES = (
    "de", "del", "della", "di", "da", "dos", "du", "des", "von", "van", "der", "den", "ter", "ten",
    "la", "le", "el", "al", "bin", "ibn", "y", "e", "and", "dr", "sir", "dame", "mr", "mrs",
)  # fmt: skip


_NO_SPACES = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}]"


def _alternatives(words: tuple[str, ...]) -> str:
    return "|".join(sorted(set(words), key=lambda word: (-len(word), word)))


def _list(words: tuple[str, ...]) -> str:
    return "[" + ", ".join(f"'{word}'" for word in words) + "]"


def _replaced(argument: str, letters: dict[str, str]) -> str:
    for letter, plain in letters.items():
        argument = f"replace({argument}, '{letter}', '{plain}')"
    return argument


_PART_WORD = _alternatives(_PART_WORDS)
_NUMBER = f"[0-9]{{1,2}}|{_alternatives(_ROMAN)}|{_alternatives(_WRITTEN)}"
# Without a word such as "part" a single Roman letter is a name ("Malcolm X", "I, Robot"); V alone
# is kept, since "Rocky V" and "Saw V" are common and "Henry V" loses nothing by it.
_BARE_NUMBER = f"[0-9]{{1,2}}|{_alternatives(tuple(r for r in _ROMAN if r not in ('i', 'x')))}"
_LONG_ROMAN = tuple(number for number in _ROMAN if len(number) > 1)
_NUMBERED = f" ({_alternatives((*_LONG_ROMAN, *_WRITTEN))}|v$)( |$)|^({_alternatives(_WRITTEN)}) "


def _let(name: str, expression: str, body: str) -> str:
    # A macro's argument is pasted in wherever it is named: two uses a level, ten levels deep, are
    # a thousand copies to bind. A lambda's parameter is computed once.
    return f"list_transform([{expression}], lambda {name}: {body})[1]"


MACROS: tuple[str, ...] = (
    # As nullif(value, ''), which stands for a CASE that computes its value twice.
    f"""filled(value) AS {_let("text", "value", "CASE WHEN text <> '' THEN text END")}""",
    # As array_to_string, a macro of DuckDB that computes its list twice.
    f"""joined(texts, between) AS {_let("many", "texts", "array_to_string(many, between)")}""",
    # Sources write one name in Cyrillic or Greek and in Latin letters.
    f"""romanised(value) AS CASE
        WHEN regexp_matches(value, '[\\p{{Cyrillic}}\\p{{Greek}}]')
        THEN translate({_replaced("value", _ROMANISED)},
                       '{_ROMANISED_EACH[0]}', '{_ROMANISED_EACH[1]}')
        ELSE value END""",
    # Lower case, no accents, words parted by one space; letters of other scripts are kept. An
    # elided article is a word of its own ("L'avventura"); other apostrophes are none's end. Where
    # there are as many bytes as letters, all are ASCII.
    f"""fold(value) AS trim(regexp_replace(
        regexp_replace(
            regexp_replace(
                {
        _let(
            "plain",
            "strip_accents(lower(value))",
            "CASE WHEN strlen(plain) = length(plain) AND NOT contains(plain, '&') THEN plain "
            f"ELSE {_let('folded', _replaced('plain', _LETTERS), 'romanised(folded)')} END",
        )
    },
                '(^|[^\\p{{L}}])([ld])[''’]', '\\1\\2 ', 'g'),
            '[''’ʼ`´.]', '', 'g'),
        '[^\\p{{L}}\\p{{M}}\\p{{N}}&]+', ' ', 'g'))""",
    # "&" is written out in several languages.
    f"""fold_words(value) AS {
        _let(
            "folded",
            "fold(value)",
            "regexp_replace(CASE WHEN contains(folded, '&') "
            "THEN trim(regexp_replace(replace(folded, '&', ' and '), ' +', ' ', 'g')) "
            "ELSE folded END, ' (und|et|og|och) ', ' and ', 'g')",
        )
    }""",
    # "Godfather, The" and "Godfather, The (1972)" lose the article like "The Godfather".
    f"""article_to_front(value) AS regexp_replace(
        value, '^(.*[^,]), *(?:{_alternatives(_ARTICLES_AFTER_COMMA)})[''’]? *( *[(].*)?$',
        '\\1\\2', 'i')""",
    # "Voice (2017)", "House of Cards (US)": what tells works of one title apart, and no title.
    """title_note(value) AS regexp_extract(value,
        '[^ ] *[(\\[]((?:18|19|20)[0-9]{2}|USA|UK|[A-HJ-UWYZ][A-Z]|[A-Z][A-HJ-UWYZ])[)\\]] *$',
        1)""",
    """without_note(value) AS regexp_replace(value,
        '([^ ]) *[(\\[](?:(?:18|19|20)[0-9]{2}|USA|UK|[A-HJ-UWYZ][A-Z]|[A-Z][A-HJ-UWYZ])[)\\]] *$',
        '\\1')""",
    # "Coral (TV Movie)", "Kupferstadt (aka Copper Town)": what is said of a work, and no title.
    f"""without_kind(value) AS regexp_replace(value,
        '([^ ]) *[(\\[](?i:tv(?: (?:movie|film|series|special|mini[- ]?series))?|v|video|short'
        || '|short film|(?:aka|a\\.k\\.a\\.) [^)\\]]*'
        || '|{_alternatives(_EDITIONS_IN_BRACKETS)})[)\\]] *$',
        '\\1')""",
    # "Reef (1/2)", "Reef, Part 1 of 2": the first of two, and not both.
    """without_count(value) AS regexp_replace(value,
        '([(\\[]|(?i:part|pt|teil|partie|parte|del|deel|osa)\\.? )'
        || '([0-9]) ?(?:/|(?i: of| von)) ?[0-9]( ?[)\\]]|$)',
        '\\1\\2\\3')""",
    """note_country(value) AS CASE
        WHEN title_note(value) = 'UK' THEN 'GB'
        WHEN title_note(value) = 'USA' THEN 'US'
        WHEN regexp_full_match(title_note(value), '[A-Z]{2}') THEN title_note(value) END""",
    """note_year(value) AS TRY_CAST(title_note(value) AS INTEGER)""",
    f"""without_edition(value) AS trim(regexp_replace(
        value, '(^| )(the )?({_alternatives(_EDITIONS)})$', ''))""",
    # "Blade Runner: The Final Cut", "Metropolis (restored)"; "The Final Cut" is a film of its own.
    f"""says_edition(value) AS
        regexp_matches(without_note(value),
            '[^ ] *[(\\[](?i:{_alternatives(_EDITIONS_IN_BRACKETS)})[)\\]] *$')
        OR {
        _let(
            "words",
            "fold_words(without_kind(without_note(value)))",
            "without_edition(words) NOT IN ('', words)",
        )
    }""",
    f"""without_article(value) AS regexp_replace(
        value, '^(?:{_alternatives(_ARTICLES_ANYWHERE)}) ([^ ])', '\\1')""",
    # A title of nothing but signs ("...", "$") keeps its own spelling as its words.
    f"""title_words(value) AS {
        _let(
            "title",
            "value",
            "coalesce(filled("
            + _let(
                "words",
                "fold_words(article_to_front(without_count("
                "without_kind(without_note(without_kind(title))))))",
                "without_article(coalesce(filled(without_edition(words)), words))",
            )
            + "), lower(trim(title)))",
        )
    }""",
    # Sources write "Köln" or "Koeln", "Spider-Man" or "Spiderman": each name, and each written so.
    """spellings(names) AS list_distinct(list_concat(
        list_filter(names, lambda one: trim(one) <> ''),
        list_transform(
            list_filter(names, lambda one: regexp_matches(one, '(?i)[äöüåø]|\\p{L}-\\p{L}')),
            lambda one: replace(replace(replace(replace(replace(
                regexp_replace(lower(one::VARCHAR), '(\\p{L})-(\\p{L})', '\\1\\2', 'g'),
                'ä', 'ae'), 'ö', 'oe'), 'ü', 'ue'), 'å', 'aa'), 'ø', 'oe'))))""",
    f"""number_value(word) AS {
        _let(
            "one",
            "word",
            "coalesce(TRY_CAST(one AS INTEGER), "
            f"nullif(list_position({_list(_ROMAN)}, one), 0), "
            f"nullif(list_position({_list(_WRITTEN)}, one), 0))",
        )
    }""",
    # "Rocky II", "Rocky Two" and "Rocky 2" are one. A title of one word stays: "Nine" and "9" are
    # two films.
    f"""title_key(value) AS {
        _let(
            "words",
            "title_words(value)",
            f"CASE WHEN regexp_matches(words, '{_NUMBERED}') THEN joined(list_transform("
            "string_split(regexp_replace(words, ' v$', ' 5'), ' '), lambda word: coalesce("
            "CASE WHEN regexp_matches(word, '^[a-z]{2}') THEN number_value(word)::VARCHAR END, "
            "word)), ' ') "
            "ELSE words END",
        )
    }""",
    # The titles that a colon, a dash or a stroke parts: "Umberland: A Long Night", "Berg / Hill".
    """title_segments(value) AS CASE
        WHEN regexp_matches(value, '[^ ](: | [-–—/|] )[^ ]')
        THEN list_sort(list_distinct(list_transform(
            string_split_regex(value, ': | [-–—/|] '), lambda one: title_key(one))))
        ELSE [] END""",
    # What stands before the first colon or dash; "Terminator 2: Judgment Day".
    """title_head(value) AS regexp_replace(
        value, '^([^:(]*[^:( ][^:(]*?)(:| [-–—] ).*$', '\\1')""",
    # The number that a key ends in, or that follows a word such as "part"; years are none.
    f"""key_part(key) AS {
        _let(
            "number",
            "number_value("
            + _let(
                "found",
                f"regexp_extract(key, '(?:^| )(?:{_PART_WORD}) ({_NUMBER})(?: |$)"
                f"|[^ ] ({_BARE_NUMBER})$', "
                "['named', 'bare'])",
                "coalesce(nullif(found.named, ''), found.bare)",
            )
            + ")",
            f"CASE WHEN number BETWEEN 1 AND {LARGEST_PART} THEN number END",
        )
    }""",
    f"""key_without_part(key) AS trim(regexp_replace(
        key,
        '(?:^| )(?:{_PART_WORD}) (?:{_NUMBER})(?: .*)?$|([^ ]) (?:{_BARE_NUMBER})$',
        '\\1'))""",
    # Base title and part: {base: 'rocky', part: 2} for "Rocky II", part NULL where none is named.
    # Most titles have no head of their own: what would be the same is computed once.
    f"""title_part(value) AS {
        _let(
            "keys",
            _let(
                "title",
                "value",
                _let(
                    "whole",
                    "title_words(title)",
                    "[CASE WHEN title_head(title) = title THEN whole "
                    "ELSE title_words(title_head(title)) END, whole]",
                ),
            ),
            _let(
                "parts",
                "[key_part(keys[1]), CASE WHEN keys[1] <> keys[2] THEN key_part(keys[2]) END]",
                "CASE WHEN parts[1] IS NOT NULL "
                "THEN {'base': key_without_part(keys[1]), 'part': parts[1]} "
                "WHEN parts[2] IS NOT NULL "
                "THEN {'base': key_without_part(keys[2]), 'part': parts[2]} "
                "ELSE {'base': keys[2], 'part': NULL} END",
            ),
        )
    }""",
    """part_number(value) AS title_part(value).part""",
    """base_title(value) AS title_part(value).base""",
    # "rocky#2"; a title without a number is the first of its name, "rocky#1".
    f"""series_part(value) AS {
        _let("parts", "title_part(value)", "parts.base || '#' || coalesce(parts.part, 1)")
    }""",
    # "[18] Karen Bee, Part 3", "Episode 29 - Hand Walk": the number in front is no title.
    """without_number(value) AS regexp_replace(regexp_replace(value,
        '^(?: *(?:\\[[^\\]]{1,6}\\]|#[0-9]+))+ *([^ ])', '\\1'),
        '^(?i:(?:episode|ep|folge|teil|capitulo|chapter)[. ]*[0-9]+|s[0-9]+ ?e[0-9]+|[0-9]+x[0-9]+)'
        || ' *[-:–—.] *([^ ])',
        '\\1')""",
    # "crab#1" for "Crab (1)", "Crab - Part One", "Crab, Part I"; "crab#" where no part is named.
    f"""part_form(value) AS {
        _let(
            "parts",
            "title_part(without_number(value))",
            "coalesce(nullif(parts.base, ''), 'part') || '#' || coalesce(parts.part::VARCHAR, '')",
        )
    }""",
    # Names of people. Scripts without spaces between words: each sign is a word.
    # One spelling of each: "Junior" is "jr".
    f"""name_suffix(value) AS filled(replace(replace(
        regexp_extract(fold(value), '[^ ]+ ({_alternatives(_SUFFIXES)})$', 1),
        'junior', 'jr'), 'senior', 'sr'))""",
    f"""name_words(value) AS string_split(regexp_replace(
        fold_words(regexp_replace(replace(value, '.', ' '), '({_NO_SPACES})', ' \\1 ', 'g')),
        '( ({_alternatives(_SUFFIXES)}))+$', ''), ' ')""",
    # "Akira Kurosawa" and "Kurosawa Akira" have one key.
    f"""name_key(value) AS {
        _let(
            "name",
            "value",
            "coalesce(filled(joined(list_sort(name_words(name)), ' ')), lower(trim(name)))",
        )
    }""",
    f"""core_words(words) AS list_filter(
        words, lambda word: len(word) > 1 AND NOT list_contains({_list(_PARTICLES)}, word))""",
    """sorted_letters(words) AS joined(
        list_sort(string_split(joined(words, ''), '')), '')""",
    # The letters of the words that carry the name, sorted: blind to order, hyphens, middle
    # initials and particles, and yet nearly as telling as the name.
    f"""name_letters(value) AS {
        _let(
            "words",
            "name_words(value)",
            _let(
                "core",
                "core_words(words)",
                "sorted_letters(CASE WHEN len(core) < 2 THEN words ELSE core END)",
            ),
        )
    }""",
    # The best Jaro-Winkler similarity of any title of one with any title of the other.
    """best_similarity(left_names, right_names) AS coalesce(list_max(list_transform(
        left_names, lambda one: list_max(list_transform(
            right_names, lambda other: jaro_winkler_similarity(one, other))))), 0)""",
    """shared(left_values, right_values) AS len(list_intersect(left_values, right_values))""",
    # What the names tell that two lists share; `kg_assets.matching.telling` puts it into them.
    """telling(left_values, right_values) AS coalesce(list_sum(list_transform(
        list_intersect(left_values, right_values), lambda one: one & 15)), 0)""",
)
"""The macros in the order in which they build on one another."""


def create_macros(con: duckdb.DuckDBPyConnection, named_in: object = None) -> None:
    """Make the normalising macros known to a connection; harmless when repeated.

    Args:
        con: Connection on which features, vetoes and comparisons will be computed.
        named_in: Declarations or SQL of all that will be computed: only the macros that they name
            are made, with those that these build on, which takes a connection a few milliseconds
            instead of tens. None: all are.
    """
    every = _bodies()
    wanted = set(every) if named_in is None else _named(repr(named_in), every)
    for name, macro in every.items():
        if name in wanted:
            con.execute(f"CREATE OR REPLACE TEMPORARY MACRO {macro}")


@cache
def _bodies() -> dict[str, str]:
    """The macros by their names, in the order in which they build on one another."""
    return {macro.split("(")[0].strip(): macro for macro in (*MACROS, *PERSON_MACROS)}


def _named(text: str, every: Mapping[str, str]) -> set[str]:
    """Names of the macros that a text names, and of those that these build on."""
    found: set[str] = set()
    texts = [text]
    while texts:
        for name in set(re.findall(r"\w+", texts.pop())) & every.keys() - found:
            found.add(name)
            texts.append(every[name])
    return found
