"""`kg review` of facts: from lines, as JSON, as a page, and as a file that goes round."""

from __future__ import annotations

import json
from html import escape

import pytest
from typer.testing import CliRunner

from benchmarks.browser import CHROMIUM, Browser
from kg_assets.cli.main import app
from kg_assets.inference.review.tables import FACT_JUDGEMENTS, reviewed_relations
from tests.graph.small_lake import write
from tests.inference.conftest import World
from tests.inference.test_fact_review import Says
from tests.waiting import until

EVIL = "</script><script>window.harmed = 1</script><img src=x onerror='window.harmed = 1'>"
QUOTE = f"It is based on The Keeper, {EVIL} and no other."
TEXT = f"A drama of the sea. {QUOTE} It was filmed in Norway."


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    home = tmp_path_factory.mktemp("facts") / "home"
    found = World(home)
    for name in ("Harbour Lights", "Quiet"):
        found.add("film", name, TEXT, year=1990, by=["Bo Lind"])
    found.add("book", "The Keeper", year=1950, by=["Ann Reed"])
    found.add("book", "The Lamp")
    found.deliver()
    says = Says(quote=QUOTE, object_id="book-The Keeper-1950", confidence=0.4)
    found.infer(search=False, extractor=says)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"HOME": home, "USER": "ann", "THREADS": 1}.items():
            patch.setenv(f"KG_{name}", str(value))
        yield found


@pytest.fixture
def kg(world):
    """Run the command; judgements of the test before are gone."""
    write(world.lake, FACT_JUDGEMENTS, [], "film")
    return lambda *call, lines="": CliRunner().invoke(
        app, [str(each) for each in call], input=lines
    )


def standing(kg, folder):
    file = folder / "out.jsonl"
    if kg("judge", "export", file, "--force").exit_code:
        return []
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    undone = {row["undoes"] for row in rows}
    return [
        (row["record"], row["verdict"], row["new_object"], row["why"])
        for row in rows
        if row["undoes"] is None and row["id"] not in undone
    ]


def queue(kg):
    return json.loads(kg("review", "--only", "facts", "--json").output)


def test_a_fact_is_shown_with_both_ends_and_its_words_in_context(kg):
    shown = " ".join(kg("review", "--only", "facts", "--limit", "1", lines="q\n").output.split())
    for part in (
        "a fact about a film", "based_on:", "(film; 1990; by Bo Lind; film-", "(book; 1950; by Ann",
        "A drama of the sea. It is based on", "It was filmed in Norway.", "Found by says",
        "Asked because: accepted with a confidence below",
    ):  # fmt: skip
        assert part in shown


def test_answers_are_judgements_and_undo_asks_again(kg, tmp_path):
    result = kg("review", lines="a so it says\nr\nundo\nskip\n")
    assert result.exit_code == 0, result.output
    assert [each[1:] for each in standing(kg, tmp_path)] == [("accept", None, "so it says")]
    assert len(queue(kg)) == 1
    assert "kg build --types film" in result.output


@pytest.mark.parametrize("typed", ["The Lamp", "book-The Lamp-None", "tales:book-The Lamp-None"])
def test_a_correction_names_its_object_by_name_id_or_record(kg, tmp_path, typed):
    result = kg("review", "--limit", "1", lines=f"c wrong book\n\n{typed}\n")
    assert result.exit_code == 0, result.output
    [(_, verdict, new, why)] = standing(kg, tmp_path)
    assert (verdict, new, why) == ("correct", "tales:book-The Lamp-None", "wrong book")


def test_a_correction_that_cannot_be_is_refused_and_asked_again(kg, tmp_path):
    lines = "c\neats\nc\n\nThe Wrong\nc\n\n+person Ann\nc\n\n\nc\n\n+book The Lantern\nq\n"
    result = kg("review", lines=lines)
    for part in ("no relation 'eats'", "is known as 'The Wrong'", "+type name", "what the fact"):
        assert part in result.output
    [(_, verdict, new, _)] = standing(kg, tmp_path)
    assert (verdict, new) == ("correct", None)


def test_only_facts_or_only_pairs_are_asked_for(kg):
    assert len(queue(kg)) == 2
    assert json.loads(kg("review", "--only", "pairs", "--json").output) == []
    assert json.loads(kg("review", "--type", "book", "--json").output) == []
    assert len(json.loads(kg("review", "--type", "film", "--limit", "1", "--json").output)) == 1


def test_what_is_exported_is_known_when_it_is_imported(kg, tmp_path):
    kg("review", lines="r no\nc\n\nThe Lamp\n")
    file = tmp_path / "out.jsonl"
    kg("judge", "export", file)
    again = kg("judge", "import", file)
    assert "0 judgements added, 2 were there already" in again.output


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"version": 2}, "version 2"),
        ({"version": True}, "version True"),
        ({"kind": "film"}, "kind 'film' is none of pair, fact"),
        ({"kind": ["fact"]}, "is none of pair, fact"),
        ({"verdict": "same"}, "none of accept"),
        ({"record_l": "a:1"}, "unknown fields"),
        ({"quote": None}, "quote missing"),
        ({"new_object_typed": "Nobody"}, "is known as"),
    ],
)
def test_a_line_that_cannot_be_keeps_all_out(kg, tmp_path, more, message):
    line = {**queue(kg)[0]["line"], "version": 1, "verdict": "accept"}
    pair = {"entity_type": "film", "record_l": "a:1", "record_r": "b:1", "verdict": "same"}
    file = tmp_path / "in.jsonl"
    file.write_text("".join(json.dumps(each) + "\n" for each in (pair, {**line, **more})))
    result = kg("judge", "import", file)
    assert result.exit_code == 2
    assert message in result.output
    assert standing(kg, tmp_path) == []


def test_precision_of_extractors_is_measured_on_judged_facts(kg, world):
    kg("review", lines="r\na\n")
    found = json.loads(kg("evaluate", "--judgements", "--json").output)["facts"]
    assert [(row["extractor"], row["kept"], row["kept_right"]) for row in found["precision"]] == [
        ("says", 2, 1),
        ("says", 2, 1),
        ("all", 2, 1),
    ]
    assert "says" in kg("evaluate", "--judgements").output
    few = kg("calibrate")
    assert (few.exit_code, "50 are needed" in few.output) == (1, True)
    world.review()
    assert [row["status"] for row in world.rows(reviewed_relations("film"))].count("rejected") == 1
    write(world.lake, FACT_JUDGEMENTS, [], "film")
    world.review()


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
def test_a_page_of_facts_does_no_harm_and_its_answers_can_be_imported(kg, tmp_path):
    file = tmp_path / "queue.html"
    assert kg("review", "--page", file).exit_code == 0
    assert EVIL not in file.read_text()
    assert escape(EVIL) in file.read_text()
    with Browser(tmp_path) as browser:
        browser.open(file)
        assert browser.value("window.harmed") is None
        browser.press("c")
        assert browser.value("document.activeElement.className") == "object"
        browser.press(*"The Lamp", "Enter", "c", "r", "z", "a")
        counts = browser.value("document.getElementById('counts').textContent")
        assert counts == "1 accepted, 1 corrected, 0 rejected"
        browser.value("document.querySelector('[data-act=save]').click()")
        saved = tmp_path / "judgements.jsonl"
        until(saved.exists)
    result = kg("judge", "import", saved)
    assert "2 judgements added" in result.output, result.output
    assert sorted(each[1:3] for each in standing(kg, tmp_path)) == [
        ("accept", None),
        ("correct", "tales:book-The Lamp-None"),
    ]
