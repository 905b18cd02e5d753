"""The example source `stories`: canonical records, and labels that its documents bear out."""

from __future__ import annotations

import csv
import datetime
import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from kg_assets.inference.tables import INFERENCE_TYPES
from kg_assets.sources.record import CREDIT, RECORD_SCHEMA
from ontology.schema import load_ontology

STORIES = Path(__file__).parents[2] / "examples" / "stories"
LINES = (STORIES / "records.jsonl").read_text(encoding="utf-8").splitlines()
RECORDS: list[dict[str, Any]] = [json.loads(line) for line in LINES]
BY_ID = {record["source_id"]: record for record in RECORDS}
ONTOLOGY = load_ontology()
LABELLED = {
    "based_on",
    "sequel_of",
    "prequel_of",
    "part_of_franchise",
    "remake_of",
    "spin_off_of",
    "main_subject",
}

with (STORIES / "labels.tsv").open(encoding="utf-8", newline="") as labels_file:
    LABELS = list(csv.DictReader(labels_file, delimiter="\t"))

INTRODUCTIONS: list[dict[str, Any]] = [
    json.loads(line)
    for line in (STORIES / "introductions" / "texts.jsonl").read_text(encoding="utf-8").splitlines()
]
with (STORIES / "introductions" / "labels.tsv").open(encoding="utf-8", newline="") as labels_file:
    OF_INTRODUCTIONS = list(csv.DictReader(labels_file, delimiter="\t"))


def label_name(label: dict[str, str]) -> str:
    return f"{label['subject_source_id']} {label['relation']} {label['object']}"


def names(record: dict[str, Any]) -> list[str]:
    return [record["name"], *record.get("alternate_names", [])]


@pytest.mark.parametrize("record", RECORDS, ids=list(BY_ID))
def test_a_line_is_a_canonical_record(record: dict[str, Any]) -> None:
    assert set(record) <= set(RECORD_SCHEMA.names)
    credit_fields = {CREDIT.field(index).name for index in range(CREDIT.num_fields)}
    assert all(set(credit) <= credit_fields for credit in record.get("credits", []))
    row = {**record, "source": "stories"}
    if "date" in row:
        row["date"] = datetime.date.fromisoformat(row["date"])
    table = pa.Table.from_pylist([row], schema=RECORD_SCHEMA)
    table.validate(full=True)
    required = [field.name for field in RECORD_SCHEMA if not field.nullable]
    assert all(table[name].null_count == 0 for name in required)
    assert record["entity_type"] in ONTOLOGY.entity_types
    assert all(name == name.strip() != "" for name in names(record))


def test_no_id_stands_twice() -> None:
    assert len(BY_ID) == len(RECORDS) > 100


def test_a_parent_is_a_record_of_the_source() -> None:
    for record in RECORDS:
        if "parent_id" in record:
            assert BY_ID[record["parent_id"]]["name"] == record["parent_name"]


def test_an_episode_has_its_place_in_its_series() -> None:
    episodes = [record for record in RECORDS if record["entity_type"] == "episode"]
    assert episodes
    for episode in episodes:
        assert {"season", "episode", "parent_id"} <= set(episode)
        assert BY_ID[episode["parent_id"]]["entity_type"] == "series"


def test_a_person_id_stands_for_one_name() -> None:
    found: dict[str, set[str]] = defaultdict(set)
    for record in RECORDS:
        for credit in record.get("credits", []):
            found[credit["person_id"]].add(credit["name"])
        if record["entity_type"] == "person":
            found[record["source_id"]].add(record["name"])
    assert {person: held for person, held in found.items() if len(held) > 1} == {}


def test_two_works_of_one_kind_title_and_year_do_not_occur() -> None:
    keys = Counter(
        (record["entity_type"], record["name"], record.get("year")) for record in RECORDS
    )
    assert [key for key, count in keys.items() if count > 1] == []


@pytest.mark.parametrize(
    "film", [record for record in RECORDS if record["entity_type"] == "film"], ids=names
)
def test_a_film_names_who_made_it_and_who_plays_whom(film: dict[str, Any]) -> None:
    roles = Counter(credit["role"] for credit in film["credits"])
    assert roles["director"] >= 1
    assert roles["writer"] >= 1
    assert 2 <= roles["actor"] <= 6
    assert film["year"]
    assert film["countries"]


def test_a_hundred_and_twenty_works_that_are_read_have_a_document() -> None:
    documents = [
        record["description"]
        for record in RECORDS
        if "description" in record and record["entity_type"] in INFERENCE_TYPES
    ]
    assert len(set(documents)) == len(documents) == 120
    assert sum(text.count(". ") >= 2 for text in documents) > 100


@pytest.mark.parametrize("text", INTRODUCTIONS, ids=lambda text: text["id"])
def test_an_introduction_has_a_text_and_a_subject_that_it_names(text: dict[str, Any]) -> None:
    assert set(text) == {"id", "text", "subject"}
    assert text["subject"]["type"] in INFERENCE_TYPES
    assert text["subject"]["name"] in text["text"]


@pytest.mark.parametrize(
    "label", OF_INTRODUCTIONS, ids=lambda each: f"{each['id']} {each['relation']} {each['object']}"
)
def test_a_label_of_an_introduction_names_what_stands_in_it(label: dict[str, str]) -> None:
    text = {each["id"]: each for each in INTRODUCTIONS}[label["id"]]
    assert label["relation"] in LABELLED
    assert label["status"] in {"stated", "negated", "hedged"}
    assert text["subject"]["type"] in ONTOLOGY.relations[label["relation"]].domain
    assert label["object"].casefold() in text["text"].casefold()


@pytest.mark.parametrize("label", LABELS, ids=label_name)
def test_a_label_is_borne_out_by_the_document_of_its_subject(label: dict[str, str]) -> None:
    subject = BY_ID[label["subject_source_id"]]
    target = BY_ID.get(label["object"])
    candidates = names(target) if target else [label["object"]]
    text = subject["description"].casefold()
    assert any(name.casefold() in text for name in candidates)


@pytest.mark.parametrize("label", LABELS, ids=label_name)
def test_a_label_keeps_to_the_ontology(label: dict[str, str]) -> None:
    assert label["relation"] in LABELLED
    assert label["status"] in {"stated", "negated", "hedged"}
    target = BY_ID.get(label["object"])
    relation = ONTOLOGY.relations[label["relation"]]
    subject_type = BY_ID[label["subject_source_id"]]["entity_type"]
    assert subject_type in relation.domain
    if target:
        reason = ONTOLOGY.check(relation.name, subject_type, target["entity_type"])
        assert reason is None


def test_no_fact_is_labelled_twice_or_both_ways() -> None:
    facts = Counter(label_name(label) for label in LABELS)
    assert [fact for fact, count in facts.items() if count > 1] == []


def test_the_labels_hold_facts_and_denials_of_every_relation_that_the_rules_read() -> None:
    stated = Counter(label["relation"] for label in LABELS if label["status"] == "stated")
    assert set(stated) == LABELLED
    assert stated["based_on"] >= 30
    assert stated["sequel_of"] >= 10
    assert stated["part_of_franchise"] >= 10
    denied = {label["relation"] for label in LABELS if label["status"] == "negated"}
    assert {"based_on", "sequel_of", "remake_of", "part_of_franchise"} <= denied


def test_the_delivery_says_what_it_is() -> None:
    assert json.loads((STORIES / "delivery.json").read_text(encoding="utf-8")) == {
        "sequence": 1,
        "mode": "full",
        "duplicate_free": True,
    }
