"""A model or a rule of one type: tried in a namespace, promoted alone, the rest as it was."""

import json

import pytest

from kg_assets.building import build
from kg_assets.matching.tables import entity_members, match_thresholds
from kg_assets.promotion.promoting import promote, promote_types
from kg_assets.sources.landing import land
from resources.errors import PromotionError
from resources.lake import Lake
from resources.settings import Settings
from tests.flow.conftest import lines
from tests.homes import home_at

MORE = [
    {"entity_type": "film", "source_id": "4", "name": "Paprika", "year": 2006},
    {"entity_type": "film", "source_id": "5", "name": "Brazil", "year": 1985},
]


def digests(settings):
    """What a namespace holds: digest of the content of each table."""
    lake = Lake(settings)
    return {
        table: lake.current_digest(table, "*")
        for table, _ in lake.catalog.all_heads(settings.namespace)
    }


def changed(before, after):
    return {table for table in before | after if before.get(table) != after.get(table)}


def rows(settings, table):
    with Lake(settings).step("look") as step:
        return step.read(table, tracked=False).to_arrow_table().to_pylist()


def types(tables):
    """Entity types of tables; empty for those of the sources and of the graph."""
    return {name.partition("/")[0] for name in tables if "/" in name}


@pytest.fixture
def prod(built):
    """Production as the home was built."""
    promote(built, "dev")
    return built.in_namespace("prod")


def test_a_changed_threshold_of_one_type_is_tried_and_promoted_alone(built, prod, monkeypatch):
    before = digests(prod)
    monkeypatch.setenv("KG_NAMESPACE", "ann")
    monkeypatch.setenv("KG_THRESHOLDS", json.dumps({"film": 0.999999999, "person": 0.5}))
    ann = Settings()
    assert build(ann, types=["film"]).failed == []
    assert digests(prod) == before
    # What was tried of films shall not bring what is configured of people.
    with pytest.raises(
        PromotionError, match=r"not only film would change: .*person/match_thresholds"
    ):
        promote_types(ann, "ann", ["film"])
    assert digests(prod) == before
    monkeypatch.setenv("KG_THRESHOLDS", json.dumps({"film": 0.999999999}))
    summary, prospect, done = promote_types(Settings(), "ann", ["film"], accept="as meant")
    assert (summary.failed, done.namespace) == ([], "prod-next")
    assert {row["method"] for row in rows(prod, match_thresholds("film"))} == {"configured"}
    assert digests(prod)["film/entity_members"] == digests(ann)["film/entity_members"]
    # Knives Out of alpha and of beta are two films now.
    assert len({row["entity_id"] for row in rows(prod, entity_members("film"))}) == 5
    assert prospect.comparison.types["film"].split == 1
    assert set(prospect.comparison.examples) == {"film"}
    (split,) = prospect.comparison.examples["film"]["split"]
    assert split.entity.name == "Knives Out"
    # People are told apart by their films.
    touched = changed(before, digests(prod))
    assert "film" in types(touched) <= {"film", "person"}
    assert touched.isdisjoint({"raw_blobs", "source_records", "deliveries"})


def test_a_model_that_was_only_trained_again_is_promoted_alone(built, prod, tmp_path):
    file = lines(tmp_path / "more.jsonl", MORE)
    land(built.landing_path, "alpha", [file], "second")
    assert build(built).failed == []
    promote(built, "dev")
    before = digests(prod)
    with home_at(built.home, KG_NAMESPACE="ann") as ann:
        assert build(ann, types=["film"], retrain=True).failed == []
        tried = digests(ann)
    assert tried["film/match_model"] != before["film/match_model"]
    summary, prospect, done = promote_types(built, "ann", ["film"])
    assert (summary.failed, done.namespace) == ([], "prod-next")
    after = digests(prod)
    assert after["film/match_model"] == tried["film/match_model"]
    assert types(changed(before, after)) == {"film"}
    assert prospect.comparison.types["film"].split == 0
