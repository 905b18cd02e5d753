"""Forms of people's names: spellings, nicknames, romanisations, middle names; as SQL macros.

A name's *core* are its words without initials and particles. The *sound* of a word is its letters
with the spellings that vary between sources made alike. All of it is computed once for each
record, so that pairs are compared by equality.
"""

from __future__ import annotations

from types import MappingProxyType

NICKNAMES = MappingProxyType(
    {
        "alexander": ("sandy", "sasha", "aleksander", "aleksandr", "alexandr"),
        "andrew": ("andy", "drew"),
        "anthony": ("tony",),
        "charles": ("charlie", "chuck"),
        "christopher": ("kit",),
        "daniel": ("danny",),
        "david": ("davy", "dave"),
        "edward": ("ed", "eddie", "ted", "teddy", "ned"),
        "elizabeth": ("liz", "beth", "betty", "eliza", "lisbeth"),
        "francis": ("frank", "frankie"),
        "frederick": ("freddie", "freddy"),
        "gregory": ("greg", "gregg"),
        "henry": ("harry", "hank"),
        "james": ("jim", "jimmy", "jamie"),
        "jeffrey": ("geoff", "geoffrey"),
        "john": ("jack", "johnny", "jon"),
        "joseph": ("joe", "joey"),
        "katherine": ("kate", "kathy", "katie", "catherine", "kathryn"),
        "kenneth": ("kenny",),
        "lawrence": ("larry", "laurence"),
        "leonard": ("len", "lenny"),
        "margaret": ("peggy", "maggie", "meg"),
        "matthew": ("matt", "matty"),
        "michael": ("mike", "mick", "mickey"),
        "nicholas": ("nick", "nicky"),
        "patricia": ("patty", "trish"),
        "peter": ("pete",),
        "philip": ("phil",),
        "rebecca": ("becky",),
        "richard": ("dick", "rick", "ricky", "rich"),
        "robert": ("bob", "bobby", "rob", "robbie"),
        "ronald": ("ronnie",),
        "samuel": ("sammy",),
        "stephen": ("steve", "steven"),
        "susan": ("sue", "suzie"),
        "theodore": ("theo",),
        "thomas": ("tom", "tommy"),
        "timothy": ("timmy",),
        "victoria": ("vicky",),
        "walter": ("walt", "wally"),
        "william": ("bill", "billy", "will", "willie", "willy"),
    }
)
"""Given names and the short forms that do not begin them (those that do need no table)."""

KOREAN_SURNAMES = (
    "kim", "lee", "park", "choi", "jung", "jeong", "kang", "cho", "jo", "yoon", "yun", "jang",
    "lim", "im", "han", "oh", "seo", "shin", "kwon", "hwang", "ahn", "an", "song", "ryu", "yoo",
    "you", "yu", "hong", "jeon", "ko", "goo", "koo", "gu", "moon", "son", "yang", "bae", "baek",
    "heo", "nam", "shim", "noh", "ha", "kwak", "sung", "cha", "joo", "woo", "min",
)  # fmt: skip

_NICKNAME_KEYS = [short for shorts in NICKNAMES.values() for short in shorts]
_NICKNAME_VALUES = [formal for formal, shorts in NICKNAMES.items() for _ in shorts]


def _texts(words: list[str] | tuple[str, ...]) -> str:
    return "[" + ", ".join(f"'{word}'" for word in words) + "]"


def _chain(argument: str, steps: tuple[tuple[str, str], ...]) -> str:
    found = argument
    for pattern, instead in steps:
        found = f"regexp_replace({found}, '{pattern}', '{instead}', 'g')"
    return found


def _undoubled(argument: str, steps: tuple[tuple[str, str], ...]) -> str:
    # RE2 cannot say "the same letter again".
    return (
        f"list_transform([string_split({_chain(argument, steps)}, '')], lambda letters: "
        "joined(list_filter(letters, lambda letter, place: "
        "place = 1 OR letter <> letters[place - 1]), ''))[1]"
    )


_CONSONANT = "[bcdfghjklmnpqrstvwxz]"

_SOUND = _undoubled(
    "word",
    (
        ("ph", "f"),
        ("ck", "k"),
        ("tch", "ch"),
        # A hard c; "ch" stays.
        ("c([^h]|$)", "k\\1"),
        ("ks", "x"),
        ("y", "i"),
        # Russian "Yevgeny" and "Evgeniy", "Konchalovskij".
        ("^ie", "e"),
        ("ij$", "i"),
        # "Müller" and "Mueller".
        (f"(^|{_CONSONANT})([aou])e({_CONSONANT})", "\\1\\2\\3"),
        # Long vowels of Japanese names.
        ("ou", "o"),
    ),
)

_KOREAN_SOUND = _undoubled(
    "word",
    (
        ("eo|oo|ou|woo", "u"),
        ("^ch", "j"),
        ("^g", "k"),
        ("^p", "b"),
        ("^(?:l|r|y)(?:ee|i|hee)$", "lee"),
        ("^[lr]im$", "im"),
        ("y", "i"),
    ),
)

PERSON_MACROS: tuple[str, ...] = (
    # "Ann Lee as Bea", "Ann Lee (Guard 2": what follows the name is no part of it.
    """credited_name(value) AS regexp_replace(regexp_replace(
        value, '^(.*[^ ] .*[^ ]) (?i:as|aka|a\\.k\\.a\\.) .*$', '\\1'),
        '^(.*[^ ]) *[(\\[].*$', '\\1')""",
    # One spelling of each: "Junior" is "jr".
    """person_words(value) AS name_words(credited_name(value))""",
    # Words that carry the name; where only one is long ("J. B. Lee"), initials carry it too.
    """name_core(words) AS CASE
        WHEN len(core_words(words)) >= 2 THEN core_words(words) ELSE words END""",
    f"""looks_korean(words) AS len(words) BETWEEN 2 AND 3
        AND list_max(list_transform(words, lambda word: len(word))) <= 6
        AND (list_contains({_texts(KOREAN_SURNAMES)}, words[1])
             OR list_contains({_texts(KOREAN_SURNAMES)}, words[-1]))""",
    f"""word_sound(word) AS {_SOUND}""",
    f"""korean_sound(word) AS {_KOREAN_SOUND}""",
    f"""formal_name(word) AS coalesce(
        ({_texts(_NICKNAME_VALUES)})[
            nullif(list_position({_texts(_NICKNAME_KEYS)}, word), 0)], word)""",
    # Sounds of the words of the core; short forms of given names are made formal.
    """core_sounds(core) AS CASE
        WHEN looks_korean(core) THEN list_transform(core, lambda word: korean_sound(word))
        ELSE list_transform(core, lambda word, place: word_sound(
            CASE WHEN place < len(core) THEN formal_name(word) ELSE word END))
        END""",
    # Whether one is the other begun at another word: "Ki-duk Kim", "Kim Kiduk".
    """turned(one, other) AS len(one) = len(other) AND contains(one || one, other)""",
    # One slip of the pen in a long word. What ends otherwise is another name ("Christian",
    # "Christina"; "Martin", "Martina"), and short words differ by a letter ("Moore", "Morse").
    """slip(one, other) AS len(one) >= 5 AND len(other) >= 5
        AND greatest(len(one), len(other)) >= 6
        AND one[1] = other[1]
        AND one[-1] = other[-1]
        AND abs(len(one) - len(other)) <= 1
        AND levenshtein(one, other) = 1""",
    # "Tim", "Timothy"; one letter more is another name ("Paul", "Paula").
    """short_form(one, other) AS least(len(one), len(other)) >= 3
        AND abs(len(one) - len(other)) >= 2
        AND (starts_with(one, other) OR starts_with(other, one))""",
)
"""The macros in the order in which they build on one another; they need those of `normalise`."""
