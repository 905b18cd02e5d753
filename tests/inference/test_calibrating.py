"""`kg calibrate` learns from what people decided, makes confidence truer, and says if it cannot."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from kg_assets.cli.calibrate import calibrate
from kg_assets.inference.choice import Choice
from kg_assets.inference.confidence import WEIGHTS, read_weights
from kg_assets.inference.extractors import CandidateFact, Context, OneByOne
from kg_assets.inference.review.checks import review_checks
from kg_assets.inference.review.log import FACTS
from kg_assets.inference.review.steps import run_reviewed_relations
from kg_assets.inference.review.values import fact_judgement
from kg_assets.inference.steps import run_inferred_relations
from kg_assets.inference.tables import inferred_relations
from kg_assets.judging.log import add

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.inference.conftest import World

BOOK, QUOTE = "book-The Keeper-None", "It is based on The Keeper."
FILMS = [f"Harbour {number}" for number in range(60)]


class Boasts(OneByOne):
    """Finds in each text that the film is based on the book, and is always as sure."""

    name, version, model = "boasts", "1", None

    def extract(self, context: Context) -> Sequence[CandidateFact]:
        found = CandidateFact("based_on", "The Keeper", QUOTE, None, None, 0.95, BOOK, "book")
        return (found,)


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> World:
    from tests.inference.conftest import World

    world = World(tmp_path_factory.mktemp("calibrating") / "home")
    for film in FILMS:
        world.add("film", film, f"{film} is a film. {QUOTE}")
    world.add("book", "The Keeper")
    world.deliver()
    world.infer(search=False, extractor=Boasts())
    return world


def judge(world: World, films: Sequence[str], holds: Any) -> None:
    add(
        world.lake,
        FACTS,
        [
            fact_judgement(
                entity_type="film", record=f"tales:film-{film}-None", relation="based_on",
                object=f"tales:{BOOK}", object_type="book", object_name="The Keeper", quote=QUOTE,
                verdict="accept" if holds(number) else "reject", who="ann",
            )
            for number, film in enumerate(films)
        ],
    )  # fmt: skip


def confidence(world: World) -> float:
    rows = world.rows(inferred_relations("film"))
    return sum(row["confidence"] for row in rows) / len(rows)


def is_reliable(world: World) -> bool:
    with world.lake.step("look again") as step:
        run_reviewed_relations(step, "film")
        [check] = [one for one in review_checks("film") if one.name == "confidence_is_reliable"]
        return check.look(step).passed


def test_too_few_judgements_move_nothing_and_half_of_wrong_ones_make_confidence_truer(
    read: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "weights.json"
    judge(read, FILMS[:49], lambda number: number % 2 == 0)
    assert calibrate(read.settings, file, None) == 1
    assert "49 reviewed facts" in capsys.readouterr().err
    assert not file.exists()

    judge(read, FILMS[49:], lambda number: number % 2 == 1)
    assert confidence(read) > 0.8
    assert not is_reliable(read)
    assert calibrate(read.settings, file, None, json=True) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["facts"], told["right"]) == (60, 30)
    assert told["calibration_error_after"] < 0.15 < told["calibration_error_before"]
    assert told["log_loss_after"] < told["log_loss_before"]
    fitted = read_weights(file)
    # What the facts do not differ in is as it was: no fact was asked for again, all agree.
    assert (fitted.reask, fitted.agreement) == (WEIGHTS.reask, WEIGHTS.agreement)

    choice = Choice(Boasts(), 0.0, weights=fitted)
    with read.lake.step("film/relations", partition="00", code_version="fitted") as step:
        run_inferred_relations(step, "film", choice)
    assert confidence(read) == pytest.approx(0.5, abs=0.1)
    assert is_reliable(read)


def test_a_fit_that_is_no_better_is_not_written(
    read: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "weights.json"
    with read.lake.step("film/relations", partition="00", code_version="as ships") as step:
        run_inferred_relations(step, "film", Choice(Boasts(), 0.0))
    right = round(confidence(read) * len(FILMS))
    judge(read, FILMS, lambda number: number < right)
    assert calibrate(read.settings, file, None) == 1
    assert "the weights stay as they are" in capsys.readouterr().err
    assert not file.exists()
