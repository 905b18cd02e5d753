"""What facts must not say together: order in time, cardinality, and cycles by any path."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ontology.linkml import parse_ontology
from ontology.schema import load_ontology
from ontology.validation import Claim, contradictions, forward, order_in_time
from tests.ontology.test_ontology import changed

ONTOLOGY = load_ontology()


def claim(relation: str, subject: str, object_: str, confidence: float = 0.9) -> Claim:
    return Claim(f"{relation} {subject} {object_}", relation, subject, object_, confidence)


@pytest.mark.parametrize(
    "claims",
    [
        [claim("sequel_of", "a", "b"), claim("sequel_of", "b", "a", 0.5)],
        [claim("sequel_of", "a", "b"), claim("has_sequel", "a", "b", 0.5)],
        [claim("sequel_of", "a", "b"), claim("prequel_of", "b", "a", 0.5)],
        [claim("sequel_of", "a", "b"), claim("has_prequel", "a", "b", 0.5)],
        [claim("based_on", "a", "b"), claim("remake_of", "b", "a", 0.5)],
        [
            claim("sequel_of", "a", "b"),
            claim("has_remake", "c", "b"),
            claim("spin_off_of", "c", "a", 0.5),
        ],
        [
            claim("part_of_franchise", "a", "b"),
            claim("franchise_includes", "c", "b"),
            claim("part_of_franchise", "c", "a", 0.5),
        ],
    ],
    ids=lambda claims: ", ".join(each.claim_id for each in claims),
)
def test_no_work_leads_back_to_itself_by_any_path(claims: list[Claim]) -> None:
    refused = contradictions(reversed(claims), ONTOLOGY)
    assert list(refused) == [claims[-1].claim_id], "the least sure one goes"
    assert refused[claims[-1].claim_id].startswith("cycle: ")


@pytest.mark.parametrize(
    "claims",
    [
        [claim("sequel_of", "a", "b"), claim("prequel_of", "a", "b")],
        [claim("sequel_of", "a", "b"), claim("sequel_of", "a", "b", 0.1)],
        [claim("sequel_of", "a", "b"), claim("has_sequel", "b", "a")],
        [claim("sequel_of", "a", "b"), claim("main_subject", "b", "a")],
        [claim("part_of_franchise", "a", "b"), claim("based_on", "b", "a")],
        [claim("based_on", "a", "b"), claim("based_on", "a", "c"), claim("based_on", "c", "b")],
    ],
    ids=lambda claims: ", ".join(each.claim_id for each in claims),
)
def test_what_goes_together_stays(claims: list[Claim]) -> None:
    assert contradictions(claims, ONTOLOGY) == {}


def test_the_reason_of_a_cycle_names_the_way_back() -> None:
    claims = [claim("sequel_of", "a", "b"), claim("sequel_of", "b", "c")]
    closing = claim("sequel_of", "c", "a", 0.1)
    refused = contradictions([*claims, closing], ONTOLOGY)
    assert refused[closing.claim_id].endswith("(a -> b -> c)")


def test_of_two_objects_where_one_is_allowed_the_surer_stays() -> None:
    sure, unsure = claim("episode_of", "e", "s", 0.9), claim("episode_of", "e", "t", 0.8)
    again = claim("has_episode", "s", "e", 0.1)
    other = claim("episode_of", "f", "t", 0.1)
    refused = contradictions([unsure, again, sure, other], ONTOLOGY)
    assert list(refused) == [unsure.claim_id]
    assert refused[unsure.claim_id].startswith("cardinality: episode_of has one object, and s is")


def test_a_fact_that_falls_for_its_cardinality_closes_no_cycle() -> None:
    text = changed(
        "    description: Tells again.\n", "    description: Tells again.\n    multivalued: true\n"
    )
    ontology = parse_ontology(text)  # a tale is retold in one tale only
    claims = [
        claim("retells", "a", "b", 0.9),
        claim("retells", "c", "b", 0.8),
        claim("retells", "b", "c", 0.7),
    ]
    assert list(contradictions(claims, ontology)) == ["retells c b"]


@pytest.mark.parametrize(
    ("relation", "subject_year", "object_year", "holds"),
    [
        ("based_on", 1990, 1950, True),
        ("based_on", 1990, 1991, True),  # sources differ by festival and release
        ("based_on", 1990, 1992, False),
        ("derivative_work", 1950, 1990, True),
        ("derivative_work", 1992, 1990, False),
        ("prequel_of", 1977, 1999, False),
        ("has_prequel", 1977, 1999, True),
        ("main_subject", 1990, 2001, True),
        ("based_on", None, 1992, True),
        ("based_on", 1990, None, True),
    ],
)
def test_no_work_is_older_than_its_source(
    relation: str, subject_year: int | None, object_year: int | None, holds: bool
) -> None:
    reason = order_in_time(ONTOLOGY, relation, subject_year, object_year)
    assert (reason is None) == holds
    assert holds or str(reason).startswith("order in time: ")


def test_a_derived_relation_is_turned_round() -> None:
    assert forward(ONTOLOGY, "has_sequel", "a", "b") == ("sequel_of", "b", "a")
    assert forward(ONTOLOGY, "sequel_of", "b", "a") == ("sequel_of", "b", "a")


ENTITIES = st.sampled_from("abcde")
CLAIMS = st.lists(
    st.builds(
        claim,
        st.sampled_from(["sequel_of", "has_sequel", "prequel_of", "based_on", "episode_of"]),
        ENTITIES,
        ENTITIES,
        st.sampled_from([0.2, 0.5, 0.9]),
    ),
    max_size=12,
    unique_by=lambda each: each.claim_id,
)


@given(CLAIMS, st.randoms())
def test_what_stays_is_free_of_contradictions_in_whatever_order_it_came(
    claims: list[Claim], random: object
) -> None:
    refused = contradictions(claims, ONTOLOGY)
    left = [each for each in claims if each.claim_id not in refused]
    assert contradictions(left, ONTOLOGY) == {}
    shuffled = list(claims)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert contradictions(shuffled, ONTOLOGY) == refused
