"""`kg review`: pairs of the queue are judged from lines, listed, and shown on a page."""

import json
import os
import signal
import subprocess
import sys
from html import escape
from html.parser import HTMLParser

import pytest
from typer.testing import CliRunner

from kg_assets.building import build
from kg_assets.cli.main import app
from kg_assets.matching.tables import (
    JUDGEMENTS,
    cluster_quality,
    entity_members,
    review_queue,
)
from kg_assets.sources.landing import land
from resources.lake import Lake
from tests.graph.small_lake import write
from tests.homes import MATCHED_FILMS, home_at

EVIL = "</script><script>alert(\"1\")</script> 'x' <img src=x onerror=y>"


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("home")
    with home_at(folder / "kg", KG_USER="ann") as found:
        for source, name in (("a", EVIL), ("b", "Paprika")):
            rows = [
                {"entity_type": "film", "source_id": str(n), "name": name, "year": 2000 + 5 * n}
                for n in (1, 2)
            ]
            rows += [{"entity_type": "book", "source_id": "book", "name": "Paprika"}]
            file = folder / f"{source}.jsonl"
            file.write_text("".join(json.dumps(row) + "\n" for row in rows))
            land(found.landing_path, source, [file], "one")
        assert not build(found, only=(*MATCHED_FILMS, "book/records", "book/match_model")).failed
        lake = Lake(found)
        pairs = [
            {"record_l": f"a:{n}", "record_r": f"b:{n}", "match_probability": 0.5, "reason": EVIL,
             "kind": "cluster", "turn": n, "change": 3.0 - n}
            for n in (1, 2)
        ]  # fmt: skip
        write(lake, review_queue("film"), pairs)
        held = {"entity_type": "film", "source": "a"}
        members = [held | {"entity_id": f"film:{n}", "source_id": str(n)} for n in (1, 2)]
        write(lake, entity_members("film"), members + [row | {"source": "b"} for row in members])
        figures = {"records": 2, "scored_pairs": 1, "edges": 1, "density": 1.0, "denied_pairs": 0,
                   "weakest_edge": 0.25, "bridges": 1, "score": 0.46}  # fmt: skip
        write(lake, cluster_quality("film"), [{"entity_id": "film:2"} | figures])
        yield found


@pytest.fixture
def kg(built):
    """Run the command; judgements of the test before are gone."""
    for kind in ("film", "book"):
        write(Lake(built), JUDGEMENTS, [], kind)
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
        (row["record_l"], row["verdict"], row["who"], row["why"])
        for row in rows
        if row["undoes"] is None and row["id"] not in undone
    ]


def test_answers_are_judgements_with_their_reasons(kg, tmp_path):
    result = kg("review", lines="what\ns\nd maybe a remake\n")
    assert result.exit_code == 0, result.output
    assert standing(kg, tmp_path) == [
        ("a:1", "same", "ann", ""),
        ("a:2", "different", "ann", "maybe a remake"),
    ]
    assert "2 judgements: 1 different, 1 same." in result.output
    assert "kg build --types film" in result.output
    assert "Nothing is to be reviewed" in kg("review").output


@pytest.mark.parametrize(
    ("change", "asked"),
    [
        (1.5, ["a:1", "a:book", "a:2"]),
        (2.5, ["a:book", "a:1", "a:2"]),
        (None, ["a:1", "a:2", "a:book"]),
    ],
)
def test_types_are_asked_by_what_a_judgement_would_change_and_not_one_after_another(
    kg, built, tmp_path, change, asked
):
    lake, file = Lake(built), tmp_path / "queue.html"
    pair = {"record_l": "a:book", "record_r": "b:book", "match_probability": 0.5, "reason": "near",
            "kind": "threshold", "turn": 1, "change": change}  # fmt: skip
    write(lake, review_queue("book"), [pair])
    try:
        listed = json.loads(kg("review", "--json").output)
        first = json.loads(kg("review", "--json", "--limit", "1").output)
        kg("review", "--page", file)
        kg("review", lines="s\ns\ns\n")
        judged = sorted(standing(kg, tmp_path))
    finally:
        write(lake, review_queue("book"), [])
    assert [one["record_l"] for one in listed] == asked
    assert [one["record_l"] for one in first] == asked[:1]
    assert [one["data-l"] for one in Page(file.read_text()).sections] == asked
    assert [left for left, *_ in judged] == sorted(asked)


def test_undo_asks_again_and_skip_leaves_open(kg, tmp_path):
    assert kg("review", lines="s\nundo\nu\nskip\n").exit_code == 0
    assert standing(kg, tmp_path) == [("a:1", "unsure", "ann", "")]
    (left,) = json.loads(kg("review", "--json").output)
    assert (left["record_l"], left["reason"]) == ("a:2", EVIL)
    assert left["comparisons"]


def test_quit_and_the_end_of_the_input_end_it(kg, tmp_path):
    assert "0 judgements." in kg("review", lines="undo\nq\ns\n").output
    assert kg("review", lines="").exit_code == 0
    assert standing(kg, tmp_path) == []


def test_explain_says_first_what_people_decided(kg):
    kg("review", "--limit", "1", lines="s same reel\n")
    found = json.loads(kg("explain", "a:1", "b:1", "--json").output)
    assert found["why"].startswith("People judged them same: a:1 is the same as b:1 (ann, ")
    assert "same reel" in found["why"]


HANGS = (
    "Cluster film:2: 2 records, density 1.00, 1 bridge, weakest edge 0.2 bits, 0 denied pairs "
    "inside, 0.5 pairs expected to be false"
)


def test_the_cluster_of_the_records_is_shown_with_its_figures(kg, tmp_path):
    asked = json.loads(kg("review", "--json").output)
    assert [(one["kind"], len(one["clusters"])) for one in asked] == [
        ("cluster", 0),
        ("cluster", 1),
    ]
    assert asked[1]["clusters"][0]["bridges"] == 1
    printed = " ".join(kg("review", lines="skip\nskip\n").output.split())
    assert printed.count(HANGS) == 1
    file = tmp_path / "queue.html"
    kg("review", "--page", file)
    assert file.read_text().count(f"<p>{HANGS}</p>") == 1


def test_an_unknown_type_is_named(kg):
    assert kg("review", "--type", "flim").exit_code == 2


class Page(HTMLParser):
    """Tags, the attributes of each, and the data of the sections."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.sections, self.policy = [], set(), [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.tags.append(tag)
        self.attributes |= set(found)
        if tag == "section":
            self.sections.append(found)
        if found.get("http-equiv") == "Content-Security-Policy":
            self.policy = found["content"]


def test_a_page_runs_nothing_of_a_source_and_its_choices_can_be_imported(kg, tmp_path):
    file = tmp_path / "queue.html"
    assert kg("review", "--page", file).exit_code == 0
    text = file.read_text()
    page = Page(text)
    assert (page.tags.count("script"), page.tags.count("img")) == (1, 0)
    assert not {"onerror", "src", "style"} & page.attributes
    assert "default-src 'none'" in page.policy
    assert "unsafe" not in page.policy
    assert EVIL not in text
    assert escape(EVIL) in text
    chosen = [
        {"entity_type": one["data-type"], "record_l": one["data-l"], "record_r": one["data-r"],
         "verdict": "same", "why": "x", "time": "2026-01-02T03:04:05.678Z"}
        for one in page.sections
    ]  # fmt: skip
    saved = tmp_path / "judgements.jsonl"
    saved.write_text("".join(json.dumps(one) + "\n" for one in chosen))
    assert "2 judgements added" in kg("judge", "import", saved).output
    assert [each[1] for each in standing(kg, tmp_path)] == ["same", "same"]


def test_the_last_answer_can_be_undone_too(kg, tmp_path):
    result = kg("review", lines="s\ns\nundo\nd\nq\n")
    assert [each[1] for each in standing(kg, tmp_path)] == ["same", "different"]
    assert "nothing is left to be asked" in result.output


def test_what_is_refused_is_said_beneath_the_pair_and_not_scrolled_away(kg):
    shown = kg("review", lines="undo\nnonsense\nq\n").output
    assert shown.count("1 of 2") == 1
    assert "nothing was judged yet" in shown
    assert "'nonsense' is no answer" in shown


def test_an_interrupt_at_the_prompt_ends_it_and_keeps_what_was_judged(kg, tmp_path):
    # What a shell starts in the background ignores interrupts, and so does what is started by it.
    heeded = (
        "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); "
        "os.execv(sys.executable, sys.argv[1:])"
    )
    review = [sys.executable, "-m", "kg_assets.cli.main", "review"]
    command = [sys.executable, "-c", heeded, *review]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, stdin=pipe, stdout=pipe, text=True, env=os.environ | {"PYTHONUNBUFFERED": "1"}
    ) as process:
        process.stdin.write("s\n")
        process.stdin.flush()
        seen = ""
        while "2 of 2" not in seen or not seen.endswith("why: "):
            seen += (read := process.stdout.read(1))
            assert read, seen
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
    assert process.returncode == 0
    assert "1 judgements: 1 same." in rest
    assert [each[1] for each in standing(kg, tmp_path)] == ["same"]


def test_a_reader_that_goes_away_ends_it_without_a_traceback(kg):
    command = f"{sys.executable} -m kg_assets.cli.main review | head -n 1"
    ended = subprocess.run(
        ["sh", "-c", command], capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
    )
    assert ended.stdout.startswith("1 of 2")
    assert "Traceback" not in ended.stderr
