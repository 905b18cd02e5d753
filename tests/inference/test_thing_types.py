"""Types of records whose source does not say what they are: told by evidence, or undecided."""

from __future__ import annotations

import pytest

from kg_assets.inference.thing_types import judge_kind


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
