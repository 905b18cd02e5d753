"""The checks of the inference stage fail where a promise is broken."""

import hashlib

import pyarrow as pa
import pytest

from kg_assets.inference.checks import document_checks, fact_checks, state_checks
from kg_assets.inference.tables import (
    CHUNKS,
    DOCUMENTS,
    SIGNALS,
    extraction_contexts,
    extraction_states,
    inferred_relations,
)
from kg_assets.inference.text_tables import UNTIED_TEXTS
from resources.lake import Lake
from resources.settings import Settings

TEXT = "Ran is based on King Lear."
HASH = hashlib.sha256(TEXT.encode()).hexdigest()
RUN = hashlib.sha256(b"<b>Run").hexdigest()
MOVED = {"start": 0, "original_start": 3, "original_end": 6, "verbatim": True}
CHANGED = {"original": "<b>Run", "original_sha256": RUN, "runs": [MOVED]}
FACTS = inferred_relations("film")
FACT = {
    "relation": "based_on",
    "subject_type": "film",
    "object_id": "play:1",
    "object_type": "play",
    "document_id": "d",
    "document_sha256": HASH,
    "quote": TEXT,
    "start": 0,
    "end": len(TEXT),
    "status": "accepted",
}


def filled(table, row):
    """A row with something harmless in each required column that is not given."""
    plain = {pa.string(): "x", pa.int32(): 0, pa.int64(): 0, pa.float64(): 0.5, pa.bool_(): False}
    plain[SIGNALS] = {field.name: 1 for field in SIGNALS}
    required = {c.name: plain[c.type] for c in table.schema if not c.nullable}
    return pa.Table.from_pylist([required | row], schema=table.schema)


def verdicts(tmp_path, document=None, chunk=None, fact=None):
    """Passed or not, by name of the check, for one document, its chunk and one fact."""
    lake = Lake(Settings(home=tmp_path))
    with lake.step("documents", partition="film") as step:
        text = {"document_id": "d", "text": TEXT, "sha256": HASH, "original_sha256": HASH}
        step.write(DOCUMENTS, filled(DOCUMENTS, text | (document or {})))
        piece = {"chunk_id": "c", "document_id": "d", "start": 0, "end": 3, "text": "Ran"}
        step.write(CHUNKS, filled(CHUNKS, piece | (chunk or {})))
        step.write(UNTIED_TEXTS, UNTIED_TEXTS.schema.empty_table())
        found = {check.name: check.look(step).passed for check in document_checks()}
    with lake.step("facts") as step:
        step.write(FACTS, filled(FACTS, FACT | (fact or {})))
        return found | {check.name: check.look(step).passed for check in fact_checks("film")}


def test_what_holds_passes(tmp_path):
    assert verdicts(tmp_path) == {
        "exact_chunks": True,
        "kept_as_written": True,
        "texts_are_tied": True,
        "quote_found": True,
        "domain_and_range": True,
        "well_founded": True,
    }


@pytest.mark.parametrize(
    ("broken", "check"),
    [
        ({"chunk": {"text": "Run"}}, "exact_chunks"),
        ({"document": {"sha256": "0" * 64}}, "exact_chunks"),
        ({"document": {"original_sha256": "0" * 64}}, "kept_as_written"),
        ({"document": CHANGED}, "kept_as_written"),
        ({"fact": {"quote": "Ran is based on Macbeth."}}, "quote_found"),
        ({"fact": {"start": 1}}, "quote_found"),
        ({"fact": {"document_id": "gone"}}, "quote_found"),
        ({"fact": {"document_sha256": "0" * 64}}, "quote_found"),
        ({"fact": {"relation": "likes"}}, "domain_and_range"),
        ({"fact": {"object_type": "country"}}, "domain_and_range"),
        ({"fact": {"object_id": None}}, "domain_and_range"),
        ({"fact": {"start": None, "end": None}}, "quote_found"),
        ({"fact": {"status": "rejected", "reason": "quote not found in the document"}},
         "well_founded"),
    ],
)  # fmt: skip
def test_one_broken_promise_fails_its_check(tmp_path, broken, check):
    assert not verdicts(tmp_path, **broken)[check]


def state_verdicts(tmp_path, states, facts=()):
    """Passed or not, by name of the check, for contexts "c" and "d" and these states and facts."""
    contexts, table = extraction_contexts("film"), extraction_states("film")
    lake = Lake(Settings(home=tmp_path))
    with lake.step("contexts") as step:
        empty = {"candidates": [], "retrieved_chunks": []}
        plain = {pa.string(): "x", pa.int64(): 0}
        row = {c.name: plain.get(c.type) for c in contexts.schema} | empty
        rows = [row | {"context_id": name} for name in "cd"]
        step.write(contexts, pa.Table.from_pylist(rows, schema=contexts.schema))
    with lake.step("facts") as step:
        made = [filled(table, each) for each in states]
        step.write(table, pa.concat_tables(made))
        told = [filled(FACTS, FACT | each) for each in facts]
        step.write(FACTS, pa.concat_tables(told) if told else FACTS.schema.empty_table())
        return {check.name: check.look(step).passed for check in state_checks("film")}


def test_every_context_has_a_state_and_facts_come_from_answers(tmp_path):
    states = [{"context_id": "c", "state": "answered"}, {"context_id": "d", "state": "empty"}]
    facts = [{"context_id": "c"}]
    assert state_verdicts(tmp_path, states, facts) == {
        "every_context_has_a_state": True,
        "few_failed": True,
    }


@pytest.mark.parametrize(
    ("states", "facts", "check"),
    [
        ([{"context_id": "c", "state": "empty"}], (), "every_context_has_a_state"),
        (
            [{"context_id": name, "state": "empty"} for name in "cde"],
            (),
            "every_context_has_a_state",
        ),
        (
            [{"context_id": "c", "state": "refused"}, {"context_id": "d", "state": "empty"}],
            [{"context_id": "c"}],
            "every_context_has_a_state",
        ),
        (
            [{"context_id": "c", "state": "failed"}, {"context_id": "d", "state": "empty"}],
            (),
            "few_failed",
        ),
    ],
)
def test_a_lost_or_failed_context_is_noticed(tmp_path, states, facts, check):
    assert not state_verdicts(tmp_path, states, facts)[check]
