"""Of many facts only those that can contradict each other are compared, and the answer is that of
comparing all of them."""

from __future__ import annotations

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kg_assets.consistency import contradicted
from ontology.schema import load_ontology
from ontology.validation import Claim, contradictions

ONTOLOGY = load_ontology()
RELATIONS = (
    "sequel_of", "has_sequel", "based_on", "episode_of", "has_episode", "part_of_franchise",
    "directed_by", "main_subject",
)  # fmt: skip
COLUMNS = "claim_id, relation, subject_id, object_id, confidence"


def claim(relation: str, subject: str, object_: str, confidence: float) -> Claim:
    # Episodes and people are no series and no works: large letters are other things than small.
    if relation in ("episode_of", "directed_by"):
        object_ = object_.upper()
    if relation == "has_episode":
        subject = subject.upper()
    return Claim(f"{relation} {subject} {object_}", relation, subject, object_, confidence)


ENTITIES = st.sampled_from("abcdef")
CLAIMS = st.lists(
    st.builds(
        claim, st.sampled_from(RELATIONS), ENTITIES, ENTITIES, st.sampled_from([0.2, 0.5, 0.9])
    ),
    max_size=14,
    unique_by=lambda each: each.claim_id,
)


@pytest.fixture(scope="module")
def con() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(config={"threads": 1})


@given(CLAIMS)
@settings(max_examples=60, deadline=None)
def test_what_is_left_out_of_the_comparison_changes_nothing(
    con: duckdb.DuckDBPyConnection, claims: list[Claim]
) -> None:
    names = COLUMNS.split(", ")
    kinds = [pa.string()] * 4 + [pa.float64()]
    schema = pa.schema(list(zip(names, kinds, strict=True)))
    con.register("claims", pa.Table.from_pylist([vars(each) for each in claims], schema=schema))
    found = contradicted(con, f"SELECT {COLUMNS} FROM claims", ONTOLOGY)  # noqa: S608 - our own
    assert found == contradictions(claims, ONTOLOGY)
