"""The reader: one trap a sentence, what it reads there and what it leaves."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kg_assets.inference.extractors import UNLINKED, Candidate, Context
from kg_assets.inference.reading.extractor import Reader
from kg_assets.inference.reading.filter import Filter, load_filter
from kg_assets.inference.reading.subject import find_subject
from ontology.schema import load_ontology

ONTOLOGY = load_ontology()
ALL = Filter({"bias": 10.0})


def context(
    text: str, name: str = "Red Moon", *, kind: str = "film", candidates: tuple[Candidate, ...] = ()
) -> Context:
    return Context("c", "e", kind, name, "d", "s", text, candidates=candidates)


def read(text: str, relation: str, name: str = "Red Moon", **more: bool) -> list[str]:
    facts = Reader(ONTOLOGY, **more).extract(context(text, name))
    return [fact.object_name for fact in facts if fact.relation == relation]


@pytest.mark.parametrize(
    ("text", "relation", "objects"),
    [
        # Lists end where another statement begins.
        (
            "Red Moon was directed by Ann Lee and Bo Ek and stars Cy Dee.",
            "directed_by",
            ["Ann Lee", "Bo Ek"],
        ),
        (
            "Red Moon is directed, produced and written by Ann Lee.",
            "written_by",
            ["Ann Lee"],
        ),
        # A parenthesis parts names and is none.
        (
            "The film was directed by Ann Lee (live action) and Bo Ek (animation).",
            "directed_by",
            ["Ann Lee", "Bo Ek"],
        ),
        # Both have the family name.
        (
            "Red Moon was written by Ann and Bo Lee.",
            "written_by",
            ["Ann Lee", "Bo Lee"],
        ),
        # A family name is completed by the full name beside it.
        (
            "The episode was written by Ann Lee and Bo Ek and directed by Lee.",
            "directed_by",
            ["Ann Lee"],
        ),
        # Particles, initials, apostrophes and generations belong to a name.
        (
            "Red Moon is directed by J. R. van den Berg, Jr. and Sam O'Dell III.",
            "directed_by",
            ["J. R. van den Berg, Jr.", "Sam O'Dell III"],
        ),
        # Words that say who somebody is do not.
        (
            "The film stars basketball player Cy Dee, Finnish singer Di Fo and Ed Ga.",
            "has_performer",
            ["Cy Dee", "Di Fo", "Ed Ga"],
        ),
        ("The film stars Miami Herons quarterback Cy Dee.", "has_performer", ["Cy Dee"]),
        # Who plays whom.
        (
            "The film stars Cy Dee as Captain Oz and Di Fo as Mia.",
            "has_performer",
            ["Cy Dee", "Di Fo"],
        ),
        (
            "The film stars Cy Dee as Captain Oz and Di Fo as Mia.",
            "has_character",
            ["Captain Oz", "Mia"],
        ),
        # Known characters have no part in the cast.
        ("The short stars Donald Duck.", "has_performer", []),
        ("The short stars Donald Duck.", "has_character", ["Donald Duck"]),
        # The writer of the source did not write the film.
        (
            "Red Moon is based on the novel Blue Sun, written by Ann Lee.",
            "written_by",
            [],
        ),
        # Kind, year and author are cut from the title.
        ("Red Moon is based on the 1987 novel Blue Sun by Ann Lee.", "based_on", ["Blue Sun"]),
        ("Red Moon is based on Ann Lee's novel Blue Sun (1987).", "based_on", ["Blue Sun"]),
        ("Red Moon is an adaptation of the Ann Lee novel Blue Sun.", "based_on", ["Blue Sun"]),
        (
            'Red Moon is based on the short story "The Sun of Oz" by Ann Lee.',
            "based_on",
            ["The Sun of Oz"],
        ),
        ("Red Moon is based on a novel by Ann Lee.", "based_on", []),
        ("Red Moon is based on the life of Ann Lee.", "based_on", []),
        # Denied, or only reported.
        ("Red Moon is not based on the novel Blue Sun.", "based_on", []),
        ("Red Moon was never directed by Ann Lee.", "directed_by", []),
        ("Red Moon is rumoured to be based on the novel Blue Sun.", "based_on", []),
        # What it is said to be.
        ("Red Moon is a 1990 British comedy horror film.", "genre", ["comedy horror"]),
        ("Red Moon is a 1990 British comedy horror film.", "country_of_origin", ["United Kingdom"]),
        ("Red Moon is a 1990 French-Italian drama.", "country_of_origin", ["France", "Italy"]),
        (
            "Red Moon is a 1990 Hindi-language film by Indian director Ann Lee.",
            "country_of_origin",
            [],
        ),
        (
            "Red Moon is a 1990 Warner Bros. Looney Tunes cartoon.",
            "production_company",
            ["Warner Bros."],
        ),
        # Distributing is not producing, and a producer is no company.
        (
            "It was produced by Ann Lee for Ealing Studios and distributed by Big Pictures.",
            "production_company",
            ["Ealing Studios"],
        ),
        # The country only says where the city lies.
        ("The film was shot in Almería, Spain.", "filming_location", ["Almería"]),
        ("Red Moon is set in Vienna and was shot in Prague.", "narrative_location", ["Vienna"]),
        ("Red Moon is set in Vienna and was shot in Prague.", "filming_location", ["Prague"]),
        ("Filming took place in Vienna.", "narrative_location", []),
        # A date after a place is no part of its name, and a city may be a country too.
        ("Filming began in Tokyo on June 19.", "filming_location", ["Tokyo"]),
        (
            "The film was shot in Seoul, Hong Kong and Istanbul.",
            "filming_location",
            ["Seoul", "Hong Kong", "Istanbul"],
        ),
        # Dates and money.
        (
            "Red Moon is a 1990 film released on March 7, 1990.",
            "publication_date",
            ["07 March 1990"],
        ),
        ("It was released on 7 March 1990.", "publication_date", ["07 March 1990"]),
        ("The film had a budget of $3.5 million.", "cost", ["$3.5 million"]),
        # Awards are given in full and in the singular.
        (
            "It won two Academy Awards for Best Picture and Best Director.",
            "award_received",
            ["Academy Award for Best Picture", "Academy Award for Best Director"],
        ),
        (
            "It was nominated for the Golden Bear but did not win the Golden Lion.",
            "nominated_for",
            ["Golden Bear"],
        ),
        (
            "It was nominated for the Golden Bear but did not win the Golden Lion.",
            "award_received",
            [],
        ),
        ("Red Moon is a documentary about the life of Ann Lee.", "main_subject", ["Ann Lee"]),
    ],
)
def test_what_a_sentence_states(text: str, relation: str, objects: list[str]) -> None:
    found = Reader(ONTOLOGY, weights=ALL).extract(context(text))
    assert [fact.object_name for fact in found if fact.relation == relation] == objects


def test_a_title_is_no_name_of_a_person_a_place_or_a_genre() -> None:
    assert read("Paris, Texas was shot in Houston.", "filming_location", "Paris, Texas") == [
        "Houston"
    ]
    assert read("Horror Comedy is a drama film.", "genre", "Horror Comedy") == ["drama"]


def test_a_title_is_found_with_blanks_before_its_marks() -> None:
    text = "Red Moon : Part Two ! is a 1990 film directed by Ann Lee."
    assert read(text, "directed_by", "Red Moon: Part Two!") == ["Ann Lee"]


def test_a_broken_encoding_is_mended_in_the_name_and_kept_in_the_quote() -> None:
    text = "It rains. Red Moon was directed by Andr\u00c3\u00a9 L\u00c3\u00a9."
    [fact] = Reader(ONTOLOGY).extract(context(text))
    assert fact.object_name == "André Lé"
    assert fact.quote == "Red Moon was directed by Andr\u00c3\u00a9 L\u00c3\u00a9."
    assert text[fact.start : fact.end] == fact.quote


def test_an_object_is_linked_to_the_one_candidate_of_its_name_and_type() -> None:
    book = Candidate("b", "book", "Blue Sun")
    text = "Red Moon is based on the novel Blue Sun."
    [fact] = Reader(ONTOLOGY).extract(context(text, candidates=(book,)))
    assert (fact.object_id, fact.object_type, fact.problem) == ("b", "book", None)
    twice = (book, Candidate("p", "play", "Blue Sun"))
    [fact] = Reader(ONTOLOGY).extract(context(text, candidates=twice))
    assert (fact.object_id, fact.problem) == (None, UNLINKED)


def test_a_plain_value_needs_no_link() -> None:
    facts = Reader(ONTOLOGY).extract(context("Red Moon is a 1990 film."))
    assert [(fact.relation, fact.problem) for fact in facts] == [("publication_date", None)]


def test_a_book_has_no_place_of_filming() -> None:
    facts = Reader(ONTOLOGY).extract(context("Red Moon was shot in Prague.", kind="book"))
    assert [fact.relation for fact in facts] == []


def test_the_precise_setting_keeps_a_part_of_what_is_found() -> None:
    unsure = Filter({"bias": 1.0, "pattern directed by": 2.0})
    text = "Red Moon is a film directed by Ann Lee and produced by Big Pictures."
    usual = Reader(ONTOLOGY, weights=unsure).extract(context(text))
    precise = Reader(ONTOLOGY, weights=unsure, precise=True).extract(context(text))
    assert [fact.object_name for fact in usual] == ["Ann Lee", "Big Pictures"]
    assert [fact.object_name for fact in precise] == ["Ann Lee"]


def test_the_filter_that_ships_has_weights_and_a_bias() -> None:
    weights = load_filter().weights
    assert "bias" in weights
    assert len(weights) > 50


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        ("Red Moon (French: Lune rouge) is a 1990 film.", "Red Moon"),
        ('"Red Moon" is a short.', "Red Moon"),
        ("Directed by Ann Lee, Red Moon stars Cy Dee.", "Red Moon"),
        ("Mr. Moon & the 3 Suns was filmed in Prague.", "Mr. Moon & the 3 Suns"),
        ("The film was directed by Ann Lee.", None),
        ("He is a painter.", None),
        ("", None),
    ],
)
def test_the_subject_is_the_title_that_opens_a_text(text: str, subject: str | None) -> None:
    assert find_subject(text) == subject


@given(
    st.lists(
        st.sampled_from(
            [
                "Red Moon",
                "directed by",
                "starring",
                "(",
                ")",
                '"',
                "Ann Lee",
                "\u00c3\u00a9",
                "  ",
                "based on",
                "'s",
                "novel",
                "won",
                "Academy Award",
                "for",
                "Best",
                ",",
                "and",
                "in",
                ".",
                "1990",
                "March",
                "produced by",
                "Pictures",
                "is a",
                "film",
                "as",
                "\u0001",
                "-",
                "€",
            ]
        )
    ).map(" ".join)
    | st.text()
)
def test_quotes_are_verbatim_and_objects_are_names(text: str) -> None:
    for fact in Reader(ONTOLOGY, weights=ALL).extract(context(text)):
        assert text[fact.start : fact.end] == fact.quote
        assert fact.object_name.strip()
        assert not set(fact.object_name) & {"\x01", "\x02"}
        assert 0 <= fact.confidence <= 1


@pytest.mark.parametrize(
    "piece",
    ["directed and ", "based on the novel War of ", "and Ann ", "A-", "(", "X. "],
)
def test_a_text_without_end_is_read_to_its_end(piece: str) -> None:
    text = "Red Moon was directed by " + piece * (3_000 // len(piece)) + ". It stars Cy Dee."
    found = Reader(ONTOLOGY).extract(context(text))
    assert all(text[fact.start : fact.end] == fact.quote for fact in found)
    assert "Cy Dee" in {fact.object_name for fact in found}
