"""The rules: what a sentence says of its subject, what it denies, and what it says of others."""

from __future__ import annotations

import pytest

from kg_assets.inference.extractors import Candidate, CandidateFact, Context
from kg_assets.inference.rules import Rules
from ontology.schema import load_ontology


def _candidate(
    key: str, kind: str, name: str, year: int | None = None, by: tuple[str, ...] = ()
) -> Candidate:
    return Candidate(key, kind, name, year, creators=by)


CANDIDATES = (
    _candidate("film:alien", "film", "Alien", 1979),
    _candidate("book:jaws", "book", "Jaws", 1974, ("Peter Benchley",)),
    _candidate("film:jaws2", "film", "Jaws 2", 1978),
    _candidate("book:it", "book", "It", 1986, ("Stephen King",)),
    _candidate("film:it", "film", "It", 1990),
    _candidate("franchise:bond", "franchise", "James Bond"),
    _candidate("franchise:blue", "franchise", "Three Colours trilogy"),
    _candidate("play:hamlet", "play", "Hamlet", 1603),
    _candidate("film:hamlet", "film", "Hamlet", 1948),
    _candidate("book:emma", "book", "Emma", 1815, ("Jane Austen",)),
    _candidate("film:yojimbo", "film", "Yojimbo", 1961),
    _candidate("film:mother1", "film", "Mother", 1996),
    _candidate("film:mother2", "film", "Mother", 2009),
    _candidate("series:cheers", "series", "Cheers", 1982),
    _candidate("person:cash", "person", "Johnny Cash"),
)


def _facts(
    text: str, name: str = "Grey Harbour", kind: str = "film", year: int | None = None
) -> list[CandidateFact]:
    context = Context(
        "c", "subject", kind, name, "d", "0" * 64, text, year=year, candidates=CANDIDATES
    )
    return list(Rules(load_ontology()).extract(context))


def _kept(facts: list[CandidateFact]) -> set[tuple[str, str | None]]:
    return {(fact.relation, fact.object_id) for fact in facts if fact.problem is None}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Grey Harbour is based on the novel Emma.", ("based_on", "book:emma")),
        ("A 1990 drama loosely based on Hamlet.", ("based_on", "play:hamlet")),
        ("It was adapted by Ann Reed from Jane Austen's Emma.", ("based_on", "book:emma")),
        ("Ann Reed adapted Jane Austen's Emma for Grey Harbour.", ("based_on", "book:emma")),
        ("Based on the play Hamlet, Grey Harbour is set at sea.", ("based_on", "play:hamlet")),
        ("The screenplay is an adaptation of Hamlet.", ("based_on", "play:hamlet")),
        ("Ann Reed based the film on Stephen King's novel It.", ("based_on", "book:it")),
        ("Written by Ann Reed from the play Hamlet, it stars no one.", ("based_on", "play:hamlet")),
        ("The play Hamlet was adapted into the film.", ("based_on", "play:hamlet")),
        ("A film starring Ann Reed and Bo Lind, based on Emma.", ("based_on", "book:emma")),
        ("It is based not on the film Alien but on the novel Emma.", ("based_on", "book:emma")),
        ("It is not only based on the novel Emma, it is Emma.", ("based_on", "book:emma")),
        ("It is the sequel to Alien (1979).", ("sequel_of", "film:alien")),
        ("Grey Harbour is a follow-up to the 1979 film Alien.", ("sequel_of", "film:alien")),
        ("Alien was followed in 1986 by Grey Harbour.", ("sequel_of", "film:alien")),
        ("It is a prequel to Jaws 2.", ("prequel_of", "film:jaws2")),
        ("It is the twenty-third James Bond film.", ("part_of_franchise", "franchise:bond")),
        ("The second film in the James Bond series.", ("part_of_franchise", "franchise:bond")),
        ("It opens the Three Colours trilogy.", ("part_of_franchise", "franchise:blue")),
        ("This western is a remake of Yojimbo.", ("remake_of", "film:yojimbo")),
        ("It is a remake of the 2009 film Mother.", ("remake_of", "film:mother2")),
        ("Grey Harbour is a spin-off of Cheers.", ("spin_off_of", "series:cheers")),
        ("It is a biopic of Johnny Cash.", ("main_subject", "person:cash")),
    ],
)
def test_a_statement_is_a_fact(text: str, expected: tuple[str, str]) -> None:
    assert _kept(_facts(text)) == {expected}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Grey Harbour is not based on the novel Emma.", "negated"),
        ("Despite its title, it is no sequel to Alien.", "negated"),
        ("It is neither a sequel to nor a remake of Alien.", "negated"),
        ("The film isn't an adaptation of Hamlet.", "negated"),
        ("It is rumoured to be based on the novel Emma.", "hedged"),
        ("It has been called a remake of Yojimbo.", "hedged"),
        ("It was planned as a sequel to Alien.", "hedged"),
        ("It is a spiritual sequel to Alien.", "hedged"),
        ("It was inspired by the novel Emma.", "hedged: inspired by, not based on"),
        ("It is a remake of the film Mother.", "object ambiguous: 2 candidates"),
        ("It is based on the play Emma.", "object not linked"),
        ("It is based on the 1990 novel Emma.", "object not linked"),
        ("It is based on the novel Emma by Ann Reed.", "object not linked"),
        ("It is based on the novel The Unknown Shore.", "object not linked"),
    ],
)
def test_what_is_denied_doubted_or_unclear_is_kept_with_the_reason(text: str, reason: str) -> None:
    facts = _facts(text)
    assert facts
    assert {fact.problem for fact in facts} == {reason}
    assert all(fact.negated == (reason == "negated") for fact in facts)


@pytest.mark.parametrize(
    "text",
    [
        "Its director also made Yojimbo, based on the novel Emma.",
        "The director's other film, Yojimbo, was a remake of Alien.",
        "It was followed by a sequel, Jaws 2, in 1978.",
        "It should not be confused with Yojimbo, a sequel to Alien.",
        "It was directed by Bo Lind, who had made Yojimbo, a sequel to Alien.",
        "Yojimbo is a remake of Alien.",
        "Ann Reed wrote the novel, a sequel to Emma.",
        "The film takes its title from the novel Emma.",
        "Grey Harbour borrows a line from the play Hamlet.",
        "It shares its title with the novel Emma but has nothing to do with it.",
        "A parody of the James Bond films, it stars no one.",
        "Grey Harbour is Lind's follow-up to Alien.",
        "A sequel to the film was planned.",
        "The sequel was not made.",
        "",
    ],
)
def test_what_is_said_of_another_work_is_no_fact_of_the_subject(text: str) -> None:
    assert _kept(_facts(text)) == set()


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("Jaws", "It is based on the novel of the same name.", {("based_on", "book:jaws")}),
        ("Jaws", "It is based on the novel by Peter Benchley.", {("based_on", "book:jaws")}),
        ("It", "It is a film based on Stephen King's novel It.", {("based_on", "book:it")}),
        ("Jaws", "Jaws was followed by Jaws 2.", set()),
        ("Aliens", "Aliens is a sequel to Alien.", {("sequel_of", "film:alien")}),
    ],
)
def test_a_subject_whose_name_other_works_share(
    name: str, text: str, expected: set[tuple[str, str]]
) -> None:
    assert _kept(_facts(text, name)) == expected


def test_a_source_is_not_younger_than_what_is_made_of_it() -> None:
    [fact] = _facts("It is a remake of Yojimbo.", year=1950)
    assert fact.problem == "object not linked"


def test_the_quote_is_the_sentence_at_its_place() -> None:
    text = "A quiet film.  It is the sequel to Alien. It did well."
    [fact] = _facts(text)
    assert text[fact.start : fact.end] == fact.quote == "It is the sequel to Alien."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Behind it stands Hamlet, a play that all know.", ("based_on", "play:hamlet")),
        ("Much of what Austen's Emma has to say is here.", ("based_on", "book:emma")),
        ("Nobody waited for a sequel so long after Alien.", ("sequel_of", "film:alien")),
        ("As a prequel it adds little to Jaws 2.", ("prequel_of", "film:jaws2")),
        ("How to make Yojimbo anew? By a remake with women.", None),
        ("The latest James Bond adventure is the best.", ("part_of_franchise", "franchise:bond")),
    ],
)  # fmt: skip
def test_a_known_work_beside_a_telling_word_is_a_weak_fact(
    text: str, expected: tuple[str, str] | None
) -> None:
    facts = _facts(text)
    assert _kept(facts) == ({expected} if expected else set())
    assert all(fact.confidence < 0.9 for fact in facts)


@pytest.mark.parametrize(
    "text",
    [
        "Unlike Hamlet, a play that everybody knows, it is short.",
        "It borrows its title from Hamlet, a play that everybody knows.",
        "There is no trace of the novel Emma in it.",
        "It will remind many of Alien and of its sequel.",
        "It has been compared to Yojimbo and its remake.",
        "The director of Alien returns; this is no sequel.",
        "Yojimbo had a remake as well.",
        "The team behind Jaws 2 made this sequel.",
        "Fans of the James Bond films will like it.",
    ],
)
def test_a_known_work_that_is_only_mentioned_is_none(text: str) -> None:
    assert _kept(_facts(text)) == set()


@pytest.mark.parametrize(
    "text",
    [
        "It tells the story of Johnny Cash.",
        "It is based on the life of Johnny Cash.",
        "Bo Lind plays Johnny Cash in this biopic.",
        "It is about Johnny Cash, whose early career it tells.",
        "The film portrays Johnny Cash's last years.",
    ],
)
def test_a_person_whose_life_is_told_is_the_main_subject(text: str) -> None:
    assert _kept(_facts(text)) == {("main_subject", "person:cash")}


@pytest.mark.parametrize(
    "text",
    [
        "It is based on the songs of Johnny Cash.",
        "It follows Johnny Cash's film of 1990.",
        "It shows Johnny Cash as a sheriff.",
        "It is no film about Johnny Cash.",
        "The film stars Johnny Cash and is about a dog.",
    ],
)
def test_a_person_who_is_only_named_is_not_the_main_subject(text: str) -> None:
    assert _kept(_facts(text)) == set()


def test_an_object_that_no_candidate_can_be_is_left_to_the_gate_where_there_are_candidates() -> (
    None
):
    [fact] = _facts("It is a sequel to Salt (1990).")
    assert (fact.object_id, fact.object_name, fact.problem) == (None, "Salt", "object not linked")
