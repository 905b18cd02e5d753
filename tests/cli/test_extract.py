"""`kg extract`: a line of facts for each line of text, whatever the line holds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kg_assets.cli.extract import extract
from kg_assets.inference.text_file import LONGEST_LINE
from resources.settings import Settings

SENTENCE = "Red Moon was directed by Ann Lee."
SUBJECT = {"name": "Red Moon", "type": "film"}


def run(tmp_path: Path, *lines: str | bytes | dict[str, Any], precise: bool = False) -> list[Any]:
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    whole = [
        line if isinstance(line, bytes)
        else line.encode() if isinstance(line, str)
        else json.dumps(line).encode()
        for line in lines
    ]  # fmt: skip
    source.write_bytes(b"\n".join(whole) + b"\n")
    extract(Settings(home=tmp_path), "rules", source, target, precise=precise)
    return [json.loads(line) for line in target.read_text(encoding="utf-8").splitlines()]


def test_a_fact_has_subject_relation_property_object_and_quote(tmp_path: Path) -> None:
    [line] = run(tmp_path, {"id": "a", "text": f"It rains. {SENTENCE}", "subject": SUBJECT})
    [fact] = line["facts"]
    assert (line["id"], line["status"]) == ("a", "done")
    assert fact.pop("confidence") > 0.6
    assert fact == {
        "subject": "Red Moon",
        "relation": "directed_by",
        "wikidata": "P57",
        "object": "Ann Lee",
        "object_id": None,
        "quote": SENTENCE,
        "start": 10,
        "end": 10 + len(SENTENCE),
    }


def test_a_text_without_a_subject_is_read_for_the_title_that_opens_it(tmp_path: Path) -> None:
    [line] = run(tmp_path, {"id": 1, "text": SENTENCE})
    assert [fact["subject"] for fact in line["facts"]] == ["Red Moon"]


def test_a_denied_fact_is_not_given(tmp_path: Path) -> None:
    text = "Red Moon is not based on the novel Blue Sun."
    [line] = run(tmp_path, {"id": 1, "text": text, "subject": SUBJECT})
    assert line == {"id": 1, "status": "empty", "facts": []}


@pytest.mark.parametrize(
    ("line", "text_id", "reason"),
    [
        ("no json", None, "not JSON"),
        (b"\xff\xfe", None, "not JSON"),
        ("[" * 100_000, None, "not JSON"),
        ("[1]", None, "not a JSON object"),
        ('{"text": "a"}', None, "id is missing"),
        ('{"id": true, "text": "a"}', None, "id is missing"),
        ('{"id": 7}', 7, "text is missing"),
        ('{"id": 7, "text": ["a"]}', 7, "text is missing"),
        ('{"id": 7, "text": "a", "subject": "b"}', 7, "subject is not an object"),
        ('{"id": 7, "text": "a", "subject": {"name": 1}}', 7, "name is no text"),
        ('{"id": 7, "text": "a", "subject": {"type": "wok"}}', 7, "type is none of"),
    ],
)
def test_a_line_that_cannot_be_read_is_answered_and_the_next_is_read(
    tmp_path: Path, line: str | bytes, text_id: int | None, reason: str
) -> None:
    bad, good = run(tmp_path, line, {"id": 2, "text": SENTENCE})
    assert (bad["id"], bad["status"], bad["line"], bad["facts"]) == (text_id, "failed", 1, [])
    assert reason in bad["reason"]
    assert (good["id"], good["status"]) == (2, "done")


def test_a_text_with_half_a_character_is_read_and_written(tmp_path: Path) -> None:
    [line] = run(tmp_path, '{"id": 1, "text": "\\ud800 Red Moon was directed by Ann Lee."}')
    assert line["facts"][0]["quote"].startswith("\ud800")


def test_a_line_that_is_too_long_is_answered_and_the_next_is_read(tmp_path: Path) -> None:
    text = "a" * (2 * LONGEST_LINE + 5)
    long, good = run(tmp_path, {"id": 1, "text": text}, {"id": 2, "text": SENTENCE})
    assert (long["id"], long["status"], long["line"]) == (None, "failed", 1)
    assert "longer than" in long["reason"]
    assert (good["id"], good["status"]) == (2, "done")


def test_the_precise_setting_keeps_what_is_sure(tmp_path: Path) -> None:
    [line] = run(tmp_path, {"id": 1, "text": SENTENCE, "subject": SUBJECT}, precise=True)
    assert [fact["object"] for fact in line["facts"]] == ["Ann Lee"]


def test_nothing_is_left_beside_the_result(tmp_path: Path) -> None:
    run(tmp_path, {"id": 1, "text": SENTENCE})
    assert sorted(file.name for file in tmp_path.iterdir()) == ["in.jsonl", "out.jsonl"]


@pytest.mark.parametrize(
    ("name", "source", "target"),
    [
        ("oracle", "in.jsonl", "out.jsonl"),
        ("rules", "missing.jsonl", "out.jsonl"),
        ("rules", "in.jsonl", "no/such/folder.jsonl"),
        ("rules", "in.jsonl", "in.jsonl"),
    ],
)
def test_a_wrong_call_is_refused_and_writes_nothing(
    tmp_path: Path, name: str, source: str, target: str
) -> None:
    (tmp_path / "in.jsonl").write_text('{"id": 1, "text": "a"}\n')
    with pytest.raises(SystemExit) as stopped:
        extract(Settings(home=tmp_path), name, tmp_path / source, tmp_path / target, precise=False)
    assert stopped.value.code == 2
    assert [file.name for file in tmp_path.iterdir()] == ["in.jsonl"]
