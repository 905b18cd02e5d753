"""Types of records whose source does not say what they are: told by evidence, or undecided."""

from __future__ import annotations

import pytest

from kg_assets.inference.thing_texts import Told, text_signals
from kg_assets.inference.thing_types import Verdict, judge_kind


@pytest.mark.parametrize(
    ("record", "kind"),
    [
        ({"name": "X", "description": "X is a 1990 American drama film by Ann Reed."}, "film"),
        ({"name": "X", "description": "X is the third novel of the Ripliad."}, "book"),
        ({"name": "X", "description": "X is a graphic novel written by Bo Lind."}, "comic"),
        ({"name": "X", "description": "X is a trilogy of American crime films."}, "franchise"),
        ({"name": "X", "description": "X is a series of novels by Ann Reed."}, "franchise"),
        ({"name": "X", "description": "It is the fourth episode of the second season."}, "episode"),
        ({"name": "X", "description": "X is an American actress and director."}, "person"),
        ({"name": "X", "description": "X is a private detective in the novels."}, None),
        ({"name": "X", "description": "The series follows a lawyer who was invented."}, "series"),
        ({"name": "X", "description": "X is based on the novel of the same name."}, None),
        ({"name": "X", "description": "Adam Troy was a war veteran."}, None),
        ({"name": "Harbour Lights (film)"}, "film"),
        ({"name": "Blue Lamp GmbH"}, "organisation"),
        ({"name": "X", "birth_year": 1950}, "person"),
        ({"name": "X", "season": 1, "episode": 2}, "episode"),
        ({"name": "X", "runtime_minutes": 98.0, "credits": [{"role": "director"}]}, "film"),
        ({"name": "X", "runtime_minutes": 40.0, "credits": [{"role": "director"}]}, None),
        ({"name": "Annie Hall"}, None),
    ],
)
def test_a_type_is_told_by_what_speaks_for_it_and_else_undecided(
    record: dict[str, object], kind: str | None
) -> None:
    verdict = judge_kind(record)
    assert verdict.entity_type == kind
    assert (verdict.reason is None) == (kind is not None)


def test_the_sentence_that_tells_a_type_is_kept_with_its_place() -> None:
    text = "  X is a play by Ann Reed. It was filmed."
    told_by = judge_kind({"name": "X", "description": text}).told_by
    assert told_by is not None
    assert told_by.quote == "X is a play by Ann Reed."
    assert text[told_by.start : told_by.start + len(told_by.quote)] == told_by.quote


def told(*texts: str, alone: bool = True, heading: str | None = None) -> Verdict:
    """What texts tell of a thing that is but a name, "Hello, Dolly"."""
    given = [Told("notes", str(n), heading, text, alone) for n, text in enumerate(texts)]
    names = ["Hello, Dolly", "Matchmakers"]
    record = {"name": names[0], "alternate_names": names[1:]}
    return judge_kind(record, text_signals(names, given))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Hello, Dolly (1969) is an American musical film by Ann Reed. It was long.", "film"),
        ("“Matchmakers” was a novel.", "book"),
        ("Hello, Dolly, the third of its kind, is a sitcom.", "series"),
        # It speaks of somebody or something else.
        ("The star of Hello, Dolly is an actress.", None),
        ("The sequel to Hello, Dolly is a 1995 film.", None),
        ("Hello, Dolly and Matchmakers are films.", None),
        ("Hello, Dolly is based on a novel.", None),
        ("Hello, Dollyhood is a film.", None),
        # A text may begin with what its subject is made from.
        ("The novel was better than this.", None),
        ("It is a film.", None),
        ("", None),
    ],
)
def test_a_text_tells_a_type_where_it_begins_with_the_name(text: str, kind: str | None) -> None:
    assert told(text).entity_type == kind


def test_texts_that_contradict_each_other_leave_it_open_and_those_that_agree_count_once() -> None:
    film, book = "Hello, Dolly is a film.", "Hello, Dolly is a novel."
    assert told(film, book).reason == "may be book or film"
    one, many = told(film), told(film, film, film)
    assert (many.entity_type, many.confidence) == ("film", one.confidence)
    assert many.told_by is not None
    assert (many.told_by.quote, many.told_by.text) == (film, ("notes", "0"))


def test_a_text_that_begins_with_the_film_adds_to_what_fields_say_where_it_is_about_it_alone() -> (
    None
):
    record = {"name": "X", "credits": [{"role": "director"}, {"role": "actor"}]}
    for alone, kind in ((True, "film"), (False, None)):
        text = Told("notes", "a", None, "The film opens at night.", alone)
        assert judge_kind(record, text_signals(["X"], [text])).entity_type == kind


def test_the_name_of_a_text_can_say_what_it_is_about() -> None:
    assert told("It was long.", heading="Hello, Dolly (1969 film)").entity_type == "film"
    assert told("It was long.", heading="The making of Hello, Dolly (film)").entity_type is None


def test_a_contradiction_is_left_undecided() -> None:
    record = {"name": "X", "birth_year": 1950, "season": 1}
    verdict = judge_kind(record)
    assert verdict.entity_type is None
    assert verdict.reason == "may be episode or person"


def test_who_directs_and_plays_tells_no_film_from_a_series() -> None:
    credits = [{"role": "director"}, {"role": "actor"}]
    assert judge_kind({"name": "X", "credits": credits}).entity_type is None
    text = "HBO announces the start of X. The series is set in the past."
    told = judge_kind({"name": "X", "credits": credits, "description": text})
    assert told.entity_type != "film"
