"""An extractor in the shadow is scored, beside the first, on the facts that people judged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from kg_assets.inference.extractors import ANSWERED, EMPTY, CandidateFact, Extraction
from kg_assets.inference.review.log import FACTS
from kg_assets.inference.review.values import fact_judgement
from kg_assets.inference.steps import run_extractor_comparison
from kg_assets.inference.tables import extractor_comparison
from kg_assets.judging.log import add

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from kg_assets.inference.extractors import Context
    from tests.inference.conftest import World

KEEPER, LAMP = "book-The Keeper-None", "book-The Lamp-None"
NAMES = {KEEPER: "The Keeper", LAMP: "The Lamp"}
QUOTE = "It is based on a book."


class Says:
    """Says of each film that it is based on a book, for a cent a film."""

    version, model = "1", None

    def __init__(self, name: str, books: dict[str, str], quotes: Sequence[str] = (QUOTE,)) -> None:
        self.name, self._books, self._quotes = name, books, quotes

    def extract_many(self, contexts: Iterable[Context]) -> Iterator[Extraction]:
        for context in contexts:
            book = self._books.get(context.name)
            facts = () if book is None else tuple(fact(book, quote) for quote in self._quotes)
            yield Extraction(context, self, ANSWERED if facts else EMPTY, facts, cost=0.01)


def fact(book: str, quote: str) -> CandidateFact:
    return CandidateFact("based_on", NAMES[book], quote, None, None, 0.9, book, "book")


def judge(world: World, film: str, verdict: str, book: str, right: str | None = None) -> None:
    values: dict[str, Any] = {
        "entity_type": "film", "record": f"tales:film-{film}-None", "relation": "based_on",
        "object": f"tales:{book}", "object_type": "book", "object_name": NAMES[book],
        "quote": QUOTE, "verdict": verdict, "who": "ann",
    }  # fmt: skip
    if right is not None:
        values |= {
            "new_object": f"tales:{right}", "new_object_type": "book",
            "new_object_name": NAMES[right],
        }  # fmt: skip
    add(world.lake, FACTS, [fact_judgement(**values)])


@pytest.fixture
def told(world: World) -> World:
    for film in "ABCD":
        world.add("film", film, f"{film} is a film, and {film} is good. {QUOTE}")
    # Both books must be candidates of every context.
    for entity in world.entities:
        entity["description"] += " The Keeper and The Lamp are books."
    world.add("book", "The Keeper")
    world.add("book", "The Lamp")
    world.deliver()
    world.infer(extractor=Says("first", dict.fromkeys("ABD", KEEPER)), search=False)
    return world


def compared(world: World, books: dict[str, str]) -> dict[str, Any]:
    with world.lake.step("film/compared", partition="00") as step:
        run_extractor_comparison(step, "film", Says("second", books), 0.0)
    return dict(step.figures)


def test_both_are_scored_on_what_people_judged_with_intervals_and_what_a_fact_cost(
    told: World,
) -> None:
    judge(told, "A", "accept", KEEPER)
    judge(told, "B", "correct", KEEPER, LAMP)
    judge(told, "C", "reject", KEEPER)
    # Of D nobody said anything, so what is found there counts for and against nobody.
    found = compared(told, {"A": KEEPER, "B": LAMP, "C": KEEPER, "D": LAMP})
    scores = found["reviewed"]
    assert (scores["texts"], scores["facts"], scores["hold"]) == (3, 4, 2)
    # The first: A is right, B is wrong as it was read, and the book of B is missing.
    assert [scores["first"][name][0] for name in ("precision", "recall", "f1")] == [0.5, 0.5, 0.5]
    # The second: A and B are right, and C is wrong.
    assert scores["second"]["precision"][0] == pytest.approx(2 / 3, abs=1e-4)
    assert scores["second"]["recall"][0] == 1.0
    assert scores["second_less_first"]["f1"][0] == pytest.approx(0.3, abs=1e-4)
    for side in ("first", "second", "second_less_first"):
        for value, low, high in scores[side].values():
            assert low <= value <= high
    assert found["dollars"] == {"first": 0.04, "second": 0.04}
    assert found["dollars_for_each_kept_fact"] == {"first": 0.013333, "second": 0.01}
    judged = [
        (row["first_status"], row["second_status"], row["object"], row["holds"])
        for row in told.rows(extractor_comparison("film"))
        if row["holds"] is not None
    ]
    assert sorted(judged, key=str) == [
        ("accepted", "accepted", KEEPER, True),
        ("accepted", None, KEEPER, False),
        (None, "accepted", KEEPER, False),
        (None, "accepted", LAMP, True),
    ]


def test_the_same_judgements_give_the_same_scores_and_a_later_one_counts(told: World) -> None:
    judge(told, "A", "accept", KEEPER)
    first = compared(told, {"A": KEEPER})
    assert compared(told, {"A": KEEPER})["reviewed"] == first["reviewed"]
    judge(told, "A", "reject", KEEPER)
    scores = compared(told, {"A": KEEPER})["reviewed"]
    assert (scores["facts"], scores["hold"], scores["second"]["precision"][0]) == (1, 0, 0.0)


def test_without_judgements_there_is_no_score(told: World) -> None:
    assert "reviewed" not in compared(told, {"A": KEEPER})


ALIKE = ("A is a film", "A is good", QUOTE)


@pytest.mark.parametrize("quotes", [ALIKE, ALIKE[::-1], (ALIKE[1], ALIKE[2], ALIKE[0])])
def test_of_facts_that_say_the_same_as_surely_the_first_of_the_text_stands_for_them(
    told: World, quotes: tuple[str, ...]
) -> None:
    with told.lake.step("film/compared", partition="00") as step:
        run_extractor_comparison(step, "film", Says("second", {"A": KEEPER}, quotes), 0.0)
    [row] = [row for row in told.rows(extractor_comparison("film")) if row["second_quote"]]
    assert (row["second_status"], row["second_quote"]) == ("accepted", ALIKE[0])


def test_a_fact_that_was_kept_has_no_reason_of_another_that_was_not(told: World) -> None:
    quotes = (QUOTE, "Nobody ever wrote this.")
    with told.lake.step("film/compared", partition="00") as step:
        run_extractor_comparison(step, "film", Says("second", {"A": KEEPER}, quotes), 0.0)
    [row] = [row for row in told.rows(extractor_comparison("film")) if row["second_quote"]]
    assert (row["second_status"], row["second_quote"]) == ("accepted", QUOTE)
    assert row["second_reason"] is None
