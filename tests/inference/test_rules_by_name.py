"""The rules without candidates: the object is the name that the text gives it, exactly."""

from __future__ import annotations

import pytest

from kg_assets.inference.extractors import CandidateFact, Context
from kg_assets.inference.rules import Rules
from ontology.schema import load_ontology

RULES = Rules(load_ontology())


def _facts(text: str, name: str = "Grey Harbour", kind: str = "film") -> list[CandidateFact]:
    return list(RULES.extract(Context("c", "subject", kind, name, "d", "0" * 64, text)))


def _kept(facts: list[CandidateFact]) -> set[tuple[str, str]]:
    assert all(fact.object_id is None for fact in facts)
    return {(fact.relation, fact.object_name) for fact in facts if fact.problem is None}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It is based on the 1974 novel Salt by Ann Reed.", {("based_on", "Salt")}),
        ("It is based on Ann Reed's 1974 novel Salt and Sand.", {("based_on", "Salt and Sand")}),
        ("It is based on 1954's The Two Towers.", {("based_on", "The Two Towers")}),
        ("It adapts the novel 2010: Odyssey Two.", {("based_on", "2010: Odyssey Two")}),
        ("It is based on the book American Salt.", {("based_on", "American Salt")}),
        ("It is based on the play Salt, a 1950 hit.", {("based_on", "Salt")}),
        ('It is based on the short story "The Sea" by Bo Lind.', {("based_on", "The Sea")}),
        ("It is based on Homer's Odyssey.", {("based_on", "Odyssey")}),
        ("It is based on the Marvel Comics character Iron Man.", {("based_on", "Iron Man")}),
        ("It transposes the plot of Shakespeare's play Macbeth.", {("based_on", "Macbeth")}),
        ("The plot derives from Ann Reed's Salt.", {("based_on", "Salt")}),
        ("It is a sequel to 1982's Blade Runner.", {("sequel_of", "Blade Runner")}),
        (
            "It is a sequel to Salt (1990) and Sand (1995).",
            {("sequel_of", "Salt"), ("sequel_of", "Sand")},
        ),
        ("It is a legacy sequel to the 1996 film Scream.", {("sequel_of", "Scream")}),
        ("The sequel to Salt, it was shot at sea.", {("sequel_of", "Salt")}),
        ("It serves as a prequel to Salt (1990).", {("prequel_of", "Salt")}),
        (
            "It is a spin-off prequel to Salt.",
            {("prequel_of", "Salt"), ("spin_off_of", "Salt")},
        ),
        ("It is a remake of the 2006 Danish film Salt.", {("remake_of", "Salt")}),
        ("It is a remake, set in Texas, of Bo Lind's 1954 film Salt.", {("remake_of", "Salt")}),
        ("It is a remake of the film Salt for an American audience.", {("remake_of", "Salt")}),
        ("It is a spin-off of the Salt film series.", {("spin_off_of", "Salt")}),
        ("It is a spin-off from Bo Lind's Ocean's trilogy.", {("spin_off_of", "Ocean's")}),
        ("It is based on the 1960s television series Salt.", {("based_on", "Salt")}),
        ("It is based on Ann Reed and Bo Lind's series Salt.", {("based_on", "Salt")}),
        ("It is based on the first book in the Salt series.", set()),
        ("It is based on the Ann Reed novel Salt.", {("based_on", "Salt")}),
        ("It is based on the last chapter of Ann Reed's novel Salt.", {("based_on", "Salt")}),
        ("It is an unofficial adaptation of Ann Reed's 1897 novel Salt.", {("based_on", "Salt")}),
        ("The scenario is derived from Ann Reed's novel Salt.", {("based_on", "Salt")}),
        ("It is the third instalment in the Salt film series.", {("part_of_franchise", "Salt")}),
        ("It is the fourth and final film in the Salt tetralogy.", {("part_of_franchise", "Salt")}),
        ("It is the fifth Mad Max film.", {("part_of_franchise", "Mad Max")}),
        (
            "It is the sixth film in the Marvel Cinematic Universe (MCU).",
            {("part_of_franchise", "Marvel Cinematic Universe")},
        ),
        ("It is the last film of The Salt Trilogy.", {("part_of_franchise", "The Salt Trilogy")}),
        (
            "It is based on the autobiographies Salt and Sand: A Life.",
            {("based_on", "Salt"), ("based_on", "Sand: A Life")},
        ),
        ("It is based on the 1870 novel 20,000 Salts.", {("based_on", "20,000 Salts")}),
        ("It is based on the Salt video game series.", {("based_on", "Salt")}),
        (
            "A spin-off, prequel and sequel to Salt, it was shot at sea.",
            {("spin_off_of", "Salt"), ("prequel_of", "Salt"), ("sequel_of", "Salt")},
        ),
        (
            "It adapts the novel Salt and at the same time is a sequel to Sand, the film.",
            {("based_on", "Salt"), ("sequel_of", "Sand")},
        ),
        ("It is set ten years after the events of Salt.", {("sequel_of", "Salt")}),
        ("It is set ten years after the events of World War II.", set()),
        (
            "It is the third film in the Harbour Productions Salt series.",
            {("part_of_franchise", "Salt")},
        ),
        ("It is an account of the life of Ann Reed.", {("main_subject", "Ann Reed")}),
        ("It explores the life and career of Ann Reed.", {("main_subject", "Ann Reed")}),
        ("It is a biographical film about Ann Reed.", {("main_subject", "Ann Reed")}),
        ("It is a drama based on the life of singer Ann Reed.", {("main_subject", "Ann Reed")}),
        ("A war film, it depicts the Battle of Midway.", {("main_subject", "Battle of Midway")}),
        (
            "It chronicles the sinking of the RMS Titanic.",
            {("main_subject", "sinking of the RMS Titanic")},
        ),
    ],
)  # fmt: skip
def test_an_object_is_named_as_the_text_names_it(text: str, expected: set[tuple[str, str]]) -> None:
    assert _kept(_facts(text)) == expected


@pytest.mark.parametrize(
    ("name", "text", "relation"),
    [
        ("Jaws", "Jaws is based on the 1974 novel of the same name by Peter Benchley.", "based_on"),
        ("Jaws", "Jaws is a film based on the 1974 novel by Peter Benchley.", "based_on"),
        ("Jaws", "Jaws is a screen version of Peter Benchley's 1974 novel.", "based_on"),
        ("It", "It is the first part of an adaptation of the 1986 novel It.", "based_on"),
        ("Her", "Her is based on the novel of the same name by Ann Reed.", "based_on"),
        ("Insomnia", "It is a remake of the 1997 film of the same name.", "remake_of"),
        ("Scarface", "It is loosely a remake of the 1932 film, moved to Miami.", "remake_of"),
        ("Halloween", "It is a sequel to the 1978 film of the same name.", "sequel_of"),
        ("Shrek", "It is the first film in the Shrek franchise.", "part_of_franchise"),
        ("Salt", "It opens the media franchise of the same name.", "part_of_franchise"),
    ],
)  # fmt: skip
def test_a_source_of_the_same_name_is_named_as_the_subject(
    name: str, text: str, relation: str
) -> None:
    assert _kept(_facts(text, name)) == {(relation, name)}


@pytest.mark.parametrize(
    "text",
    [
        "It was followed by a sequel, Salt, in 1990.",
        "It was followed by two sequels, Salt (1990) and Sand (1995).",
        "The film was remade in Hindi as Salt in 1990.",
        "A sequel, Salt, was released in 1990.",
        "It is a parody of the Salt films.",
        "It spoofs Salt (1990) and Sand (1995).",
        "It is named after the song Salt by Bo Lind.",
        "Its title is taken from the novel Salt by Ann Reed.",
        "Lind's next film, Salt, was based on the 1980 novel Sand.",
        "Lind had directed Salt, a remake of the 1950 film Sand.",
        "It is Lind's follow-up to Salt (1990).",
        "It is based on real events.",
        "It is based on an original story by Ann Reed.",
        "It is based on the work of Ann Reed.",
        "It is based on legends of the knight Ann Reed.",
        "It is based on characters from DC Comics.",
        "It is based on the 1965 Selma voting rights marches.",
        "It tells the story of the widower Carl Fredricksen.",
        "It is the second film in Lind's series of zombie films.",
        "It is the first American film that Bo Lind made.",
        "It shared the prize with Salt, a film based on the novel Sand by Ann Reed.",
    ],
)
def test_what_states_no_relation_of_the_subject_gives_none(text: str) -> None:
    assert _kept(_facts(text)) == set()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "It is a remake of the 1960 film Salt, which was based on the 1950 novel Sand.",
            {("remake_of", "Salt")},
        ),
        (
            "It is based on the 1975 musical Salt, itself an adaptation of the 1926 play Sand.",
            {("based_on", "Salt")},
        ),
        (
            "It is a remake of the 1954 film of the same name, which in turn is a remake of Salt.",
            {("remake_of", "Grey Harbour")},
        ),
        (
            "It was followed by Salt in 1990 and is the first film in the Sand series.",
            {("part_of_franchise", "Sand")},
        ),
        (
            "It is a sequel to the 1979 film Salt, and the second film in the Sand franchise.",
            {("sequel_of", "Salt"), ("part_of_franchise", "Sand")},
        ),
        (
            "It is the fourth film in the Salt series, after Salt (1980) and Sand (1985).",
            {("part_of_franchise", "Salt")},
        ),
    ],
)
def test_a_sentence_on_several_works_gives_the_subject_its_own(
    text: str, expected: set[tuple[str, str]]
) -> None:
    assert _kept(_facts(text)) == expected


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("It is not a remake of the 1950 film Salt.", "negated"),
        ("It is neither a sequel to nor a remake of Salt.", "negated"),
        ("It was rumoured to be a sequel to Salt.", "hedged"),
        ("It looks like a remake of Salt.", "hedged"),
        ("It was inspired by the 1962 film Salt.", "hedged: inspired by, not based on"),
    ],
)
def test_a_denial_or_rumour_keeps_its_reason(text: str, problem: str) -> None:
    [fact] = {(each.object_name, each.problem) for each in _facts(text)}
    assert fact == ("Salt", problem)


def test_a_broken_encoding_is_read_and_quoted_as_it_stands() -> None:
    text = "A film. It is a remake of Alejandro AmenÃ¡bar's 1997 film La Pâ€™tite. It did well."
    [fact] = _facts(text)
    assert (fact.relation, fact.object_name) == ("remake_of", "La P’tite")
    assert text[fact.start : fact.end] == fact.quote
    assert fact.quote == "It is a remake of Alejandro AmenÃ¡bar's 1997 film La Pâ€™tite."
