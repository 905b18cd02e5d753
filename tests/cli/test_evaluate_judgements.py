"""`kg evaluate --judgements`: what people judged is the label, of scores before entities."""

import json
from dataclasses import replace

import pytest

from kg_assets.cli.evaluate import evaluate
from kg_assets.judging.log import add
from kg_assets.matching import tables
from kg_assets.matching.judgement_log import PAIRS
from kg_assets.matching.judgement_values import judgement
from kg_assets.matching.models import MODELS
from resources.lake import Lake
from resources.settings import Settings
from tests.graph.small_lake import write
from tests.matching.test_entities import land, resolve
from tests.matching.update_worlds import World

RECORDS = {f"{source}:{number}": {} for source in "ab" for number in range(1, 7)}


@pytest.fixture
def settings(tmp_path):
    return Settings(home=tmp_path, threads=1)


def matched(settings, scores, *said, vetoed=()):
    """Score pairs, judge some and resolve; written as "1 2": a:1 and b:2."""
    lake = Lake(settings)
    weights = {(f"a:{pair[0]}", f"b:{pair[2]}"): weight for pair, weight in scores.items()}
    land(lake, RECORDS, weights)
    table = tables.match_scores("film")
    for pair in vetoed:
        row = {
            "record_l": f"a:{pair[0]}", "record_r": f"b:{pair[2]}", "rule": "name", "levels": [1],
            "match_weight": 9.0, "match_probability": 0.99, "veto": "years",
        }  # fmt: skip
        write(lake, table, [row], "00")
    judge(settings, *said)
    resolve(lake)


def judge(settings, *said, kind="film"):
    add(
        Lake(settings),
        PAIRS,
        [
            judgement(kind, f"a:{one.split()[0]}", f"b:{one.split()[2]}", one.split()[1], who="ann")
            for one in said
        ],
    )


def figures(settings, capsys, *links):
    assert evaluate(settings, *(links or (None,)), judgements=True, json=True) == 0
    return json.loads(capsys.readouterr().out)


def counts(found):
    return tuple(
        found[f"{kind}_{what}"]
        for kind, what in (
            ("true", "positives"),
            ("false", "positives"),
            ("false", "negatives"),
            ("true", "negatives"),
        )
    )


def test_scores_are_measured_as_they_were_before_judgements(settings, capsys):
    scores = {"1 1": 5, "2 2": 5, "3 3": -5, "4 4": -5, "5 5": 9}
    said = ["1 same 1", "2 different 2", "3 same 3", "4 different 4", "6 same 6", "5 unsure 5"]
    matched(settings, scores, *said)
    film = figures(settings, capsys)["judgements"]["types"]["film"]
    assert counts(film["scores"]) == (1, 1, 2, 1)
    assert (film["scores"]["precision"], film["scores"]["recall"]) == (0.5, 1 / 3)
    assert film["scores"]["f1"] == 0.4
    assert (film["missed_below"], film["missed_no_candidates"], film["unsure"]) == (1, 1, 1)
    assert counts(film["entities"]) == (3, 0, 0, 2)
    assert film["entities"]["f1"] == 1.0


def test_a_vetoed_pair_is_not_joined_by_its_score(settings, capsys):
    matched(settings, {}, "1 same 1", vetoed=["1 1"])
    film = figures(settings, capsys)["judgements"]["types"]["film"]
    assert counts(film["scores"]) == (0, 0, 1, 0)
    assert film["missed_vetoed"] == 1


def test_the_threshold_is_that_of_the_two_sources(settings, capsys):
    matched(settings, {"1 1": 2}, "1 same 1")
    row = {
        "source_l": "a", "source_r": "b", "threshold": 0.9, "method": "valley", "measured": 0.9,
        "measured_method": "valley", "model_version": "1", "notes": None,
    }  # fmt: skip
    write(Lake(settings), tables.match_thresholds("film"), [row])
    film = figures(settings, capsys)["judgements"]["types"]["film"]
    assert counts(film["scores"]) == (0, 0, 1, 0)


def test_the_newest_judgement_that_stands_is_the_label(settings, capsys):
    matched(settings, {"1 1": 5}, "1 same 1", "1 different 1")
    assert counts(figures(settings, capsys)["judgements"]["all"]["scores"]) == (0, 1, 0, 0)


def test_a_judgement_since_the_build_shows_at_the_entities(settings, capsys):
    matched(settings, {"1 1": 5})
    judge(settings, "1 different 1")
    assert counts(figures(settings, capsys)["judgements"]["all"]["entities"]) == (0, 1, 0, 0)


def test_types_are_told_apart_and_added_up_and_absent_records_are_counted(settings, capsys):
    matched(settings, {"1 1": 5}, "1 same 1")
    judge(settings, "8 same 8", kind="book")
    found = figures(settings, capsys)["judgements"]
    assert list(found["types"]) == ["film", "book"]
    assert (found["types"]["book"]["gone"], found["all"]["gone"]) == (1, 1)
    assert counts(found["all"]["scores"]) == (1, 0, 0, 0)


def test_shares_of_nothing_are_no_shares(settings, capsys):
    matched(settings, {}, "1 unsure 1")
    scores = figures(settings, capsys)["judgements"]["all"]["scores"]
    assert (scores["precision"], scores["recall"], scores["f1"]) == (None, None, None)


def test_links_and_judgements_are_scored_in_one_call(settings, capsys, tmp_path):
    matched(settings, {"1 1": 5}, "2 same 2")
    links = tmp_path / "links.tsv"
    links.write_text("a:1\tb:1\n")
    found = figures(settings, capsys, links)
    assert (found["links"], found["recall"]) == (1, 1.0)
    assert counts(found["judgements"]["all"]["scores"]) == (0, 0, 1, 0)


def test_people_read_first_the_scores_and_that_judged_pairs_are_no_sample(settings, capsys):
    matched(settings, {"1 1": 5, "2 2": -5}, "1 same 1", "2 same 2")
    assert evaluate(settings, None, judgements=True) == 0
    told = " ".join(capsys.readouterr().out.split())
    places = [
        told.index(part)
        for part in (
            "What the scores say of judged pairs",
            "Of the 1 missed, 1 do not reach the threshold",
            "Judged pairs are no sample of all pairs",
            "What the entities do with them",
            "Judgements bind the entities",
        )
    ]
    assert places == sorted(places)


def test_a_classifier_scores_no_pair_that_taught_it(tmp_path, capsys, monkeypatch):
    spec = replace(MODELS["film"], shards=1, scorer="classifier")
    world = World(tmp_path, spec)
    films = [{"id": str(n), "name": f"Lonely Film {n * 7919}", "year": 2000} for n in range(60)]
    world.deliver("a", films)
    world.deliver("b", [one | {"year": 2000 + int(one["id"]) % 2} for one in films])
    # What the year tells can be learnt, and holds for every pair; the last verdict is a slip.
    said = ["different" if n % 2 else "same" for n in range(60)]
    said[58] = "different"
    world.judge_all([(f"a:{n}", f"b:{n}", verdict) for n, verdict in enumerate(said)])
    world.update()
    plain = Settings(home=tmp_path, threads=1)
    before = figures(plain, capsys)["judgements"]["types"]["film"]
    assert (before["taught"], before["shadow"]) == (0, None)
    monkeypatch.setenv("KG_SCORERS", '{"film": "classifier"}')
    monkeypatch.setenv("KG_SHADOW_SCORERS", '{"film": "compiled"}')
    pinned = Settings(home=tmp_path, threads=1)
    film = figures(pinned, capsys)["judgements"]["types"]["film"]
    assert (film["taught"], film["held_out"], film["shadow"]) == (60, True, "compiled")
    assert counts(film["scores"]) == (29, 1, 0, 30)
    assert film["shadow_scores"]["f1"] < film["scores"]["f1"]
    assert evaluate(pinned, None, judgements=True) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "it scores each pair as it learns from others" in told
    assert "What scorers in the shadow say of the same pairs" in told
    # The other way round the shadow need not be taught; it learns from what was judged.
    monkeypatch.setenv("KG_SCORERS", "{}")
    monkeypatch.setenv("KG_SHADOW_SCORERS", '{"film": "classifier"}')
    shadowed = Settings(home=tmp_path, threads=1)
    again = figures(shadowed, capsys)["judgements"]["types"]["film"]
    assert again["shadow_scores"] == film["scores"]


def test_a_shadow_that_cannot_score_what_was_judged_says_why(settings, capsys, monkeypatch):
    matched(settings, {"1 1": 5}, "1 same 1")
    row = {
        "entity_type": "film", "version": "1", "settings": "{}", "threshold": 0.5,
        "trained": True, "untrained": [], "notes": "",
    }  # fmt: skip
    write(Lake(settings), tables.match_model("film"), [row])
    monkeypatch.setenv("KG_SHADOW_SCORERS", '{"film": "splink"}')
    again = Settings(home=settings.home, threads=1)
    assert counts(figures(again, capsys)["judgements"]["types"]["film"]["scores"]) == (1, 0, 0, 0)
    assert evaluate(again, None, judgements=True) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "splink in the shadow of film says nothing: the model of film is of version 1" in told


def test_without_judgements_it_says_how_to_make_them(settings, capsys):
    matched(settings, {"1 1": 5})
    assert evaluate(settings, None, judgements=True) == 1
    assert "kg review" in capsys.readouterr().err


def test_nothing_to_score_against_is_refused(settings, capsys):
    assert evaluate(settings, None) == 2
    assert "--judgements" in capsys.readouterr().err
