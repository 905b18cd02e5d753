"""People decide on facts: what they say binds, whatever is made again, and is asked for once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from kg_assets.inference.combined import Ensemble
from kg_assets.inference.extractors import CandidateFact, Context, OneByOne
from kg_assets.inference.llm.examples import Examples
from kg_assets.inference.review.examples import reviewed_facts
from kg_assets.inference.review.log import FACTS
from kg_assets.inference.review.tables import fact_queue, reviewed_relations
from kg_assets.inference.review.values import fact_judgement
from kg_assets.inference.tables import INFERRED_RECORDS
from kg_assets.judging.log import add, take_back
from kg_assets.judging.values import ContradictionError, JudgementError
from kg_assets.matching.tables import entity_members
from ontology.schema import load_ontology

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.inference.conftest import World

QUOTE = "It is based on the novel The Keeper."
TEXT = f"A drama of the sea. {QUOTE} It was filmed in Norway."


def said(verdict: str, subject: str = "Harbour Lights", **more: Any) -> Any:
    """A judgement of "Harbour Lights is based on The Keeper" unless something else is given."""
    values = {
        "entity_type": "film",
        "record": f"tales:film-{subject}-None",
        "relation": "based_on",
        "object": "tales:book-The Keeper-None",
        "object_type": "book",
        "object_name": "The Keeper",
        "quote": QUOTE,
        "who": "ann",
    }
    return fact_judgement(**{**values, "verdict": verdict, **more})


def told(world: World, text: str = TEXT) -> None:
    world.add("film", "Harbour Lights", text)
    world.add("book", "The Keeper")
    world.add("book", "The Lamp")
    world.deliver()


def standing(world: World) -> list[tuple[str, str, str, str | None]]:
    """Facts that stand: subject, relation, object, and who said so."""
    return [
        (row["subject_id"], row["relation"], row["object_id"] or row["object_name"],
         row["reviewer"])
        for row in world.rows(reviewed_relations("film"))
        if row["status"] in ("accepted", "proposed")
    ]  # fmt: skip


FILM, BOOK, LAMP = "film-Harbour Lights-None", "book-The Keeper-None", "book-The Lamp-None"


class Says(OneByOne):
    """Finds one fact where the text has a quote."""

    version, model = "1", None

    def __init__(self, name: str = "says", *, quote: str = QUOTE, **more: Any) -> None:
        self.name, self._quote, self._more = name, quote, more

    def extract(self, context: Context) -> Sequence[CandidateFact]:
        if self._quote not in context.text:
            return ()
        values = {"object_id": BOOK, "object_type": "book", "confidence": 0.9, **self._more}
        return (CandidateFact("based_on", "The Keeper", self._quote, None, None, **values),)


def test_a_rejected_fact_is_not_published_and_is_not_asked_for_again(world: World) -> None:
    told(world)
    world.infer(search=False, extractor=Says(confidence=0.4))
    assert standing(world) == [(FILM, "based_on", BOOK, None)]
    assert len(world.rows(fact_queue("film"))) == 1
    add(world.lake, FACTS, [said("reject")])
    world.review()
    [fact] = world.rows(reviewed_relations("film"))
    assert (fact["status"], fact["reason"]) == ("rejected", "rejected in review: ann")
    assert world.rows(fact_queue("film")) == []


def test_a_rejection_binds_whichever_extractor_reads_the_text_and_with_whatever_quote(
    world: World,
) -> None:
    told(world)
    add(world.lake, FACTS, [said("reject")])
    world.infer(search=False, extractor=Says("other", quote="based on the novel The Keeper"))
    assert standing(world) == []


def test_a_judgement_rests_when_the_text_has_other_words(world: World) -> None:
    told(world, "It was adapted from the novel The Keeper.")
    add(world.lake, FACTS, [said("reject")])
    world.infer(search=False)
    assert standing(world) == [(FILM, "based_on", BOOK, None)]
    assert world.figures["film/review"]["judgements_at_rest"] == 1


def test_an_accepted_fact_stands_below_every_threshold_and_without_any_extractor(
    world: World,
) -> None:
    told(world)
    add(world.lake, FACTS, [said("accept")])
    world.infer(search=False, extractor=Says(problem="hedged"))
    assert standing(world) == [(FILM, "based_on", BOOK, "ann")]
    world.infer(search=False, extractor=Says("blind", quote="words that no text has"))
    [fact] = world.rows(reviewed_relations("film"))
    assert (fact["extractor"], fact["status"], fact["reviewer"]) == ("review", "accepted", "ann")
    assert TEXT[fact["start"] : fact["end"]] == fact["quote"] == QUOTE


def test_a_correction_takes_the_place_of_the_fact_with_the_same_quote(world: World) -> None:
    told(world)
    world.infer(search=False)
    new = {"new_object": f"tales:{LAMP}", "new_object_type": "book", "new_object_name": "The Lamp"}
    add(world.lake, FACTS, [said("correct", **new)])
    world.review()
    assert standing(world) == [(FILM, "based_on", LAMP, "ann")]
    facts = {row["object_id"]: row for row in world.rows(reviewed_relations("film"))}
    assert facts[BOOK]["reason"] == "corrected in review: ann"
    assert facts[LAMP]["quote"] == QUOTE


def test_a_correction_to_an_unknown_entity_is_a_proposal(world: World) -> None:
    told(world)
    new = {"new_object_type": "play", "new_object_name": "The Lantern"}
    add(world.lake, FACTS, [said("correct", **new)])
    world.infer(search=False)
    assert standing(world) == [(FILM, "based_on", "The Lantern", "ann")]


def test_judgements_outlast_a_merge_of_subject_and_object(world: World) -> None:
    told(world)
    add(world.lake, FACTS, [said("reject")])
    for each in world.entities:
        each["entity_id"] = {FILM: "film:merged", BOOK: "book:merged"}.get(
            each["entity_id"], each["entity_id"]
        )
    world.deliver()
    world.infer(search=False)
    assert standing(world) == []


def test_the_newest_judgement_counts_and_what_is_taken_back_does_not(world: World) -> None:
    told(world)
    add(world.lake, FACTS, [said("accept")])
    (later,) = add(world.lake, FACTS, [said("reject", who="bob")]).added
    world.infer(search=False)
    assert standing(world) == []
    take_back(world.lake, FACTS, later, who="bob")
    world.review()
    assert standing(world) == [(FILM, "based_on", BOOK, "ann")]


def test_a_rejection_makes_room_for_the_fact_that_fell_for_it(world: World) -> None:
    world.add("film", "Harbour One", "It is a sequel to Harbour Two.")
    world.add("film", "Harbour Two", "It is the sequel to Harbour One.")
    world.deliver()
    world.infer(search=False)
    [(subject, _, target, _)] = standing(world)
    [asked] = world.rows(fact_queue("film"))
    assert (asked["kind"], len(asked["rivals"])) == ("conflict", 1)
    quotes = {row["subject_id"]: row["quote"] for row in world.rows(reviewed_relations("film"))}
    add(
        world.lake,
        FACTS,
        [
            said(
                "reject", record=f"tales:{subject}", relation="sequel_of", quote=quotes[subject],
                object=f"tales:{target}", object_type="film", object_name="x",
            )
        ],
    )  # fmt: skip
    world.review()
    assert standing(world) == [(target, "sequel_of", subject, None)]


def cycle(*, who: str = "ann") -> list[Any]:
    """Two judgements that make each of two films the other's sequel."""
    return [
        said(
            "accept", record=f"tales:film-{one}-None", relation="sequel_of",
            object=f"tales:film-{other}-None", object_type="film", object_name=other,
            quote="sequel", who=who,
        )
        for one, other in (("One", "Two"), ("Two", "One"))
    ]  # fmt: skip


def test_what_people_accept_cannot_exclude_itself(world: World) -> None:
    with pytest.raises(ContradictionError, match=r"One.*but also.*Two"):
        add(world.lake, FACTS, cycle())
    with world.lake.step("look") as step:
        assert step.read(FACTS.table).fetchall() == []


def test_where_entities_merge_into_a_contradiction_both_sides_are_asked_for(world: World) -> None:
    first, second = cycle()
    second = said(
        "accept", record="tales:film-Two-None", relation="sequel_of", quote="sequel",
        object="tales:film-Uno-None", object_type="film", object_name="Uno", who="bob",
    )  # fmt: skip
    for name in ("One", "Two", "Uno"):
        world.add("film", name, f"{name} is a sequel, as all know.")
    add(world.lake, FACTS, [first, second])
    world.entities[2]["entity_id"] = world.entities[0]["entity_id"]
    world.deliver()
    world.infer(search=False)
    facts = world.rows(reviewed_relations("film"))
    assert {row["reason"] for row in facts if row["reviewer"]} == {"people disagree: cycle"}
    assert [row["kind"] for row in world.rows(fact_queue("film"))] == ["people", "people"]


def test_both_sides_of_a_conflict_of_extractors_are_asked_for_together(world: World) -> None:
    told(world)
    both = Ensemble([Says("one"), Says("two", problem="hedged", confidence=0.5)])
    world.infer(search=False, extractor=both)
    [asked] = world.rows(fact_queue("film"))
    facts = {row["fact_id"]: row for row in world.rows(reviewed_relations("film"))}
    assert facts[asked["fact_id"]]["reason"].startswith("conflict")
    assert [facts[each]["reason"] for each in asked["rivals"]] == ["hedged"]


@pytest.mark.parametrize(
    ("more", "kind"),
    [
        ({"object_id": None, "new": True}, "new entity"),
        ({"confidence": 0.4}, "unsure"),
        ({"confidence": 0.95}, None),
        ({"negated": True}, None),
    ],
)
def test_what_is_worth_asking_is_asked_for(world: World, more: Any, kind: str | None) -> None:
    told(world)
    world.infer(search=False, extractor=Says(**more))
    assert [row["kind"] for row in world.rows(fact_queue("film"))] == ([kind] if kind else [])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"entity_type": "person"}, "no facts are read"),
        ({"verdict": "maybe"}, "none of accept"),
        ({"record": "nowhere"}, "source:source_id"),
        ({"quote": " "}, "quote is empty"),
        ({"relation": "eats"}, "not in the ontology"),
        ({"object_type": "person"}, "must be one of"),
        ({"new_relation": "sequel_of"}, "only a correction"),
        ({"verdict": "correct"}, "says what the fact says"),
        ({"verdict": "correct", "new_object_name": "x"}, "needs new_object_name"),
        ({"quote": "x" * 20_000}, "20,000 characters"),
        ({"passage": "\ud800"}, "Unicode"),
        ({"who": " "}, "nobody"),
    ],
)
def test_a_judgement_that_cannot_be_is_refused_in_words(values: Any, message: str) -> None:
    with pytest.raises(JudgementError, match=message):
        said(**{"verdict": "accept", **values})


def proposed(world: World) -> list[str]:
    """Names of the entities that texts propose now."""
    world.propose()
    return [row["name"] for row in world.rows(INFERRED_RECORDS)]


UNKNOWN = {"object": None, "object_name": "The Keeper"}


def test_a_rejected_proposal_stops_and_an_accepted_one_goes_the_way_of_inferred_records(
    world: World,
) -> None:
    world.add("film", "Harbour Lights", TEXT)
    world.deliver()
    world.infer(search=False, extractor=Says(object_id=None, new=True))
    assert proposed(world) == ["The Keeper"]
    add(world.lake, FACTS, [said("reject", **UNKNOWN)])
    world.review()
    assert proposed(world) == []
    add(world.lake, FACTS, [said("accept", who="bob", **UNKNOWN)])
    world.infer(search=False, extractor=Says("wary", object_id=None, problem="hedged"))
    assert proposed(world) == ["The Keeper"]


def test_judgements_are_examples_but_never_for_the_text_that_they_are_of(world: World) -> None:
    told(world)
    new = {"new_object": f"tales:{LAMP}", "new_object_type": "book", "new_object_name": "The Lamp"}
    add(world.lake, FACTS, [said("correct", passage=TEXT, why="another book", **new)])
    with world.lake.step("look") as step:
        step.view("members", entity_members("film"))
        reviewed = reviewed_facts(step.con, step.read(FACTS.table, "film"), "members")
    examples = Examples(reviewed, load_ontology(), "film")
    assert [(each.object, each.holds, each.reason) for each in examples.of()] == [
        ("The Lamp", True, None),
        ("The Keeper", False, "another book"),
    ]
    assert examples.of(f"Another text. {QUOTE}") == ()
    assert examples.of("Another text.", FILM) == ()
