"""Texts that are no fields of records: what is read of them, and why others are refused."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from kg_assets.sources.checks import record_checks
from kg_assets.sources.steps import run_raw_blobs, run_source_records
from kg_assets.sources.tables import QUARANTINED_BLOBS, RAW_BLOBS, SOURCE_RECORDS, SOURCE_TEXTS
from resources.lake import Lake
from resources.settings import Settings

ABOUT = [{"entity_type": "film", "source_id": "1"}]
FRONT = "---\nabout: [{entity_type: film, source_id: '1'}]\ntitle: Seen again\n---\n"


class Door:
    """The door of the sources stage for one delivery."""

    def __init__(self, home: Path) -> None:
        self.settings = Settings(home=home, threads=1, memory_limit="300MB")
        self.lake = Lake(self.settings)
        self.figures: dict = {}
        self.kept_all = False

    def read(self, files: dict[str, str | bytes]) -> list[dict]:
        """Deliver files and return the texts."""
        folder = self.settings.landing_path / "mine" / "d"
        folder.mkdir(parents=True)
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            (folder / name).write_bytes(data)
        with self.lake.step("raw_blobs", partition="mine|d") as step:
            run_raw_blobs(step, self.settings.landing_path)
        with self.lake.step("source_records", partition="mine|d") as step:
            run_source_records(step)
            self.kept_all = record_checks()[0].look(step).passed
            self.figures = step.figures
        return self.rows(SOURCE_TEXTS)

    def rows(self, table) -> list[dict]:
        with self.lake.step("look") as step:
            return step.read(table).to_arrow_table().to_pylist()

    def reasons(self) -> list[tuple[str, str]]:
        return [(row["stage"], row["reason"]) for row in self.rows(QUARANTINED_BLOBS)]


@pytest.fixture
def door(tmp_path: Path) -> Door:
    return Door(tmp_path / "home")


def line(**fields: object) -> str:
    said = {"document_id": "a", "text": "A film.", "about": ABOUT} | fields
    return json.dumps({key: value for key, value in said.items() if value is not None}) + "\n"


def test_a_line_is_a_text_about_several_records_also_of_another_source(door):
    about = [*ABOUT, {"entity_type": "book", "source_id": "9", "source": "library"}]
    first = line(document_id="other")
    [text, _] = door.read(
        {"documents.jsonl": first + line(about=about, title="T", language="en", licence="CC0-1.0")}
    )
    assert (text["document_id"], text["text"], text["title"]) == ("a", "A film.", "T")
    assert (text["language"], text["licence"], text["url"]) == ("en", "CC0-1.0", None)
    assert text["about"] == [
        {"entity_type": "book", "source": "library", "source_id": "9"},
        {"entity_type": "film", "source": "mine", "source_id": "1"},
    ]
    assert (text["file"], text["position"]) == ("documents.jsonl", len(first))


def test_texts_lie_beside_records_and_every_blob_is_accounted_for(door):
    record = '{"entity_type": "film", "source_id": "1", "name": "It"}\n'
    texts = door.read(
        {"films.jsonl": record, "documents.jsonl": line() + "{", "film--1--review.txt": "It is."}
    )
    assert [text["document_id"] for text in texts] == ["a", "film--1--review.txt"]
    assert [row["name"] for row in door.rows(SOURCE_RECORDS)] == ["It"]
    assert len(door.rows(RAW_BLOBS)) == 4
    assert {key: door.figures[key] for key in ("read", "kept", "texts", "quarantined")} == {
        "read": 4,
        "kept": 1,
        "texts": 2,
        "quarantined": 1,
    }
    assert door.kept_all


def test_a_line_may_describe_a_file_beside_it(door):
    [text] = door.read(
        {
            "documents.jsonl": line(text=None, text_file="essay.md.gz", document_id=None),
            "essay.md.gz": gzip.compress(b"# It\n\nA film."),
        }
    )
    assert (text["document_id"], text["format"]) == ("essay.md", "markdown")
    assert (text["file"], text["text"]) == ("essay.md.gz", "# It\n\nA film.")
    assert door.kept_all


def test_front_matter_says_what_a_file_is_about_and_stays_in_the_text(door):
    [text] = door.read({"essay.txt": FRONT + "A film."})
    assert (text["title"], text["about"][0]["source_id"]) == ("Seen again", "1")
    assert text["text"][text["body_start"] :] == "A film."
    assert text["text"].startswith("---")


def test_the_name_of_a_file_says_what_it_is_about(door):
    [text] = door.read({"film--tt%2F7.html": "<p>A film.</p>"})
    assert text["about"] == [{"entity_type": "film", "source": "mine", "source_id": "tt/7"}]


@pytest.mark.parametrize(
    ("name", "blob", "encoding"),
    [
        ("film--1.txt", "Amélie".encode(), "utf-8"),
        ("film--1.txt", b"\xef\xbb\xbf" + "Amélie".encode(), "utf-8"),
        ("film--1.txt", "\ufeffAmélie".encode("utf-16-le"), "utf-16-le"),
        ("film--1.txt", "\ufeffAmélie".encode("utf-32-be"), "utf-32-be"),
        ("film--1.html", b"<meta charset=koi8-r>Am\xc5lie", "koi8-r"),
        ("film--1.html", b'<meta charset="iso-8859-1">Am\xe9lie', "windows-1252"),
    ],
)
def test_an_encoding_that_can_be_told_is_read(door, name, blob, encoding):
    [text] = door.read({name: blob})
    assert text["encoding"] == encoding
    assert text["text"].endswith("lie")


@pytest.mark.parametrize(
    ("files", "stage", "reason"),
    [
        ({"film--1.txt": b"Am\xe9lie"}, "parse", "encoding cannot be told"),
        ({"film--1.html": b"<meta charset=rot13>Am\xe9lie"}, "parse", "encoding cannot be told"),
        ({"film--1.html": b"<meta charset=euc-jp>Am\xe9"}, "parse", "says that it is euc-jp"),
        ({"film--1.txt": b"\xff\xfeA"}, "parse", "says that it is utf-16-le"),
        ({"film--1.txt": b"A\0film"}, "record", "NUL"),
        ({"film--1.txt": b" \n"}, "blob", "nothing but white space"),
        ({"film--1.txt": b""}, "blob", "is empty"),
        ({"film--1.txt.gz": b"\x1f\x8bno"}, "blob", "damaged"),
        ({"film--1.txt": "..."}, "record", "there is no text"),
        ({"essay.txt": "A film."}, "record", "about is missing"),
        ({"planet--1.txt": "A film."}, "record", "about is missing"),
        ({"a.txt": "---\na: &x [1]\nb: *x\n---\nA film."}, "parse", "alias"),
        ({"a.txt": "---\n- a\n---\nA film."}, "parse", "no mapping"),
        ({"a.txt": "---\na: [\n---\nA film."}, "parse", "not YAML"),
        ({"a.txt": "---\na: " + "[" * 9_000 + "\n---\nA film."}, "parse", "deeper than 20"),
        ({"a.txt": f"---\na: {'[' * 20}{']' * 20}\n---\nA film."}, "parse", "deeper than 20"),
        ({"a.txt": "---\nabout: film\n---\nA film."}, "parse", "front matter is wrong: about"),
        ({"documents.jsonl": line(document_id=None)}, "record", "document_id is missing"),
        ({"documents.jsonl": line(document_id="a\nb")}, "record", "document_id is missing"),
        ({"documents.jsonl": line(document_id="a" * 513)}, "record", "512 characters"),
        ({"documents.jsonl": line(text=None)}, "record", "there is no text"),
        ({"documents.jsonl": line(text=7)}, "parse", "text: expected text"),
        ({"documents.jsonl": line(text_file="b.txt")}, "record", "both text and text_file"),
        ({"documents.jsonl": line(text=None, text_file="../b.txt")}, "record", "no file of prose"),
        ({"documents.jsonl": line(format="rtf")}, "record", "'rtf' is not known"),
        ({"documents.jsonl": line(about=[])}, "record", "about is missing"),
        ({"documents.jsonl": line(about=[{"source_id": "1"}])}, "record", "entity_type 'None'"),
        ({"documents.jsonl": line(about=[{"entity_type": "film"}])}, "record", "no source_id"),
        ({"documents.jsonl": line(about=ABOUT * 2, text="x" * 4_000_001)}, "record", "4,000,000"),
    ],
)
def test_what_is_wrong_with_a_text_is_said_and_nothing_is_lost(door, files, stage, reason):
    assert door.read(files) == []
    [(where, why)] = door.reasons()
    assert where == stage
    assert reason in why
    assert door.kept_all


def test_of_two_texts_with_one_id_the_first_is_kept(door):
    [text] = door.read({"documents.jsonl": line() + line(text="Another.")})
    assert text["text"] == "A film."
    assert "given before" in door.reasons()[0][1]
    assert door.kept_all


def test_a_deletion_needs_no_more_than_the_ids(door):
    texts = door.read(
        {
            "documents.jsonl": '{"document_id": "a"}\n{"text_file": "essay.md.gz"}\n',
            "delivery.json": '{"mode": "delete"}',
        }
    )
    assert [text["document_id"] for text in texts] == ["a", "essay.md"]
    assert door.reasons() == []
