"""The page of `kg review` in a real browser: keys, saving, and names that would do harm."""

import json
import time

import pytest
from typer.testing import CliRunner

from benchmarks.browser import CHROMIUM, Browser
from kg_assets.cli.main import app
from kg_assets.cli.review_page import page_of
from kg_assets.cli.review_pairs import Asked
from kg_assets.matching.explain import ComparisonEvidence, Explanation
from tests.waiting import until

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")

HOSTILE = {
    "script": "</script><script>window.harmed = 1</script>",
    "image": '"><img src=x onerror="window.harmed = 1">',
    "quotes": "'\"`&amp;<!--",
    "right to left": "\u202egnp.exe \u200f\u05d0\u05d1",
    "long": "x" * 1_000_000,
}


def pair(number, name="Mother", source_id=None):
    left, right = f"a:{source_id or number}", f"b:{number}"
    found = Explanation(
        record_l=left,
        record_r=right,
        left={"name": name, "year": 2009, "genres": ["drama", name[:50]]},
        right={"name": "Mother!", "year": 2017, "genres": ["drama"]},
        comparisons=(ComparisonEvidence("title", "alike", 7.0, {}, {}),),
        prior_weight=-5.0,
        match_weight=2.0,
        match_probability=0.8,
        threshold=0.5,
        threshold_method="declared",
        blocking_rules=(),
        vetoes={},
        edge=True,
    )
    return Asked("film", left, right, f"near {name}"), found


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with Browser(tmp_path_factory.mktemp("browser")) as browser:
        yield browser


def opened(browser, tmp_path, pairs):
    page = tmp_path / "queue.html"
    page.write_text(page_of(pairs), encoding="utf-8")
    browser.open(page)


def text(browser, name):
    return browser.value(f"document.getElementById('{name}').textContent")


def test_keys_judge_skip_and_undo_and_what_is_saved_can_be_imported(browser, tmp_path, monkeypatch):
    opened(browser, tmp_path, [pair(n) for n in range(1, 6)])
    browser.press("w", *'so "it" is </script>', "Enter", "s", "d", "n", "u", "s", "z")
    assert text(browser, "at") == "5 of 5"
    assert text(browser, "counts") == "1 same, 1 different, 1 unsure"
    assert text(browser, "unsaved") == "not saved yet"
    browser.value("document.querySelector('[data-act=save]').click()")
    saved = browser.folder / "judgements.jsonl"
    browser.wait("document.getElementById('unsaved').textContent === ''")
    until(saved.exists)
    monkeypatch.setenv("KG_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KG_USER", "ann")
    for told in ("3 judgements added, 0", "0 judgements added, 3"):
        assert told in CliRunner().invoke(app, ["judge", "import", str(saved)]).output
    out = tmp_path / "out.jsonl"
    CliRunner().invoke(app, ["judge", "export", str(out)])
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [(row["record_r"], row["verdict"], row["why"], row["who"]) for row in rows] == [
        ("b:1", "same", 'so "it" is </script>', "ann"),
        ("b:2", "different", "", "ann"),
        ("b:4", "unsure", "", "ann"),
    ]


def test_choices_outlast_the_page_and_a_reader_starts_at_the_first_without_one(browser, tmp_path):
    pairs = [pair(n, "Kept") for n in range(1, 4)]
    opened(browser, tmp_path, pairs)
    browser.press("s", "u")
    browser.wait("document.getElementById('counts').textContent.endsWith('1 unsure')")
    # One process of the browser keeps what another reads, and a busy machine delays it.
    for _ in range(20):
        opened(browser, tmp_path, pairs)
        if text(browser, "at") != "1 of 3":
            break
        time.sleep(0.25)
    assert text(browser, "counts") == "1 same, 0 different, 1 unsure"
    assert text(browser, "at") == "3 of 3"
    opened(browser, tmp_path, [pair(n, "Other") for n in range(1, 4)])
    assert text(browser, "counts") == "0 same, 0 different, 0 unsure"


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_a_name_of_a_source_does_no_harm(browser, tmp_path, name):
    opened(browser, tmp_path, [pair(1, name, source_id=name[:100])])
    shown = browser.value("document.querySelector('.fields tbody td').textContent")
    expected = name.replace("\u202e", "\\u202e").replace("\u200f", "\\u200f")
    assert shown == expected or shown == f"{name[:500]} … (1,000,000 characters)"
    assert browser.value("window.harmed") is None
    assert browser.value("document.images.length + document.scripts.length") == 1
    assert browser.value("document.documentElement.outerHTML.length") < 100_000
    assert browser.value("document.querySelector('section').dataset.l") == f"a:{name[:100]}"
    assert browser.value("performance.getEntriesByType('resource').length") == 0
