"""The entity types of records, match models and ontology are the same."""

from kg_assets.matching.models import MODELS
from kg_assets.sources.record import ENTITY_TYPES
from ontology.schema import load_ontology


def test_each_entity_type_has_a_match_model():
    assert sorted(ENTITY_TYPES) == sorted(MODELS)


def test_each_entity_type_that_the_ontology_matches_can_be_delivered():
    matched = [name for name, each in load_ontology().entity_types.items() if each.matched]
    assert sorted(ENTITY_TYPES) == sorted(matched)
