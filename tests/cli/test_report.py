"""`kg report` and the chart of `kg explain`, on a home that was built."""

import json

import pytest

from kg_assets.building import build
from kg_assets.cli.explain import explain
from kg_assets.cli.report import report
from kg_assets.matching.current_model import OutdatedModelError
from kg_assets.matching.tables import match_model, term_frequencies
from kg_assets.sources.landing import land
from resources.lake import Lake
from resources.settings import Settings
from tests.graph.small_lake import write
from tests.homes import home_at


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    folder = tmp_path_factory.mktemp("home")
    with home_at(folder / "kg") as found:
        for source in "ab":
            row = {"entity_type": "film", "source_id": "1", "name": "Paprika", "year": 2006}
            file = folder / f"{source}.jsonl"
            file.write_text(json.dumps(row) + "\n")
            land(found.landing_path, source, [file], "one")
        assert not build(found, types=["film"]).failed
        yield found


def test_the_files_of_a_report_are_listed(settings, capsys):
    assert report(settings, "film") == 0
    listed = capsys.readouterr().out.split()
    folder = settings.reports / "film"
    assert listed == [str(folder / "report.html"), str(folder / "report.png")]


def test_a_type_that_does_not_exist_is_named(settings, capsys):
    assert report(settings, "flim") == 2
    assert "'flim' is no entity type" in capsys.readouterr().err


def test_a_report_that_was_not_made_is_not_found(settings):
    assert report(settings, "person") == 1


def test_a_page_that_is_gone_is_made_again_and_nothing_else(settings):
    (settings.reports / "film" / "report.html").unlink()
    (run,) = build(settings, types=["film"]).results
    assert run.task.steps == ("film/match_report",)
    assert (settings.reports / "film" / "report.html").is_file()


def test_a_configured_threshold_makes_thresholds_and_entities_anew(settings, monkeypatch, capsys):
    monkeypatch.setenv("KG_THRESHOLDS", '{"film": 0.999999999}')
    (run,) = (r for r in build(Settings(), types=["film"]).results if r.task.lane == "film")
    assert run.task.steps[0] == "film/match_thresholds"
    assert explain(settings, "a:1", "b:1", json=True) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["threshold_method"] == "configured"
    assert not found["same_entity"]


@pytest.mark.parametrize(("name", "start"), [("chart.png", b"\x89PNG"), ("chart.html", b"<!DOC")])
def test_the_waterfall_is_drawn_into_a_file(settings, tmp_path, name, start):
    assert explain(settings, "a:1", "b:1", chart=tmp_path / name) == 0
    assert (tmp_path / name).read_bytes().startswith(start)


def test_a_chart_of_another_kind_is_refused(settings, tmp_path, capsys):
    assert explain(settings, "a:1", "b:1", chart=tmp_path / "chart.gif") == 2
    assert "neither .html nor .png" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("table", "changed", "said"),
    [
        (
            match_model("film"),
            {"threshold": 0.5},
            r"film/match_scores.*version of film/match_model",
        ),
        (match_model("film"), {"version": "0-1-2"}, "is of version 0-1-2, and its"),
        (term_frequencies("film"), {"frequency": 0.5}, "version of film/term_frequencies"),
    ],
    ids=["trained again", "of another declaration", "counted again"],
)
def test_scores_are_not_explained_by_another_model_than_made_them(settings, table, changed, said):
    lake = Lake(settings)
    with lake.step("look") as step:
        before = step.read(table).to_arrow_table().to_pylist()
    write(lake, table, [row | changed for row in before])
    with pytest.raises(OutdatedModelError, match=rf"(?s){said}.*kg build --types film"):
        explain(settings, "a:1", "b:1")
    write(lake, table, before)
    assert explain(settings, "a:1", "b:1") == 0
