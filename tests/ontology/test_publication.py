"""What is published of the ontology is current, and holds what the ontology says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ontology.publication import json_schema, jsonld_context, published_files
from ontology.schema import load_ontology

ONTOLOGY = load_ontology()
FOLDER = Path(__file__).parents[2] / "docs" / "ontology"
FILES = published_files(ONTOLOGY)


@pytest.mark.parametrize("name", FILES)
def test_the_published_files_are_those_of_the_ontology(name: str) -> None:
    written = (FOLDER / name).read_text(encoding="utf-8")
    assert written == FILES[name], "write them anew with: kg ontology write"


def test_nothing_else_lies_beside_them() -> None:
    assert {each.name for each in FOLDER.iterdir()} == set(FILES)


def test_every_type_and_relation_has_a_part_of_its_page() -> None:
    for name in ONTOLOGY.entity_types:
        assert f"\n## {name}\n" in FILES["types.md"]
    for relation in (*ONTOLOGY.relations.values(), *ONTOLOGY.attributes.values()):
        page = FILES["relations.md"].partition(f"\n## {relation.name}\n")[2].partition("\n## ")[0]
        assert relation.definition in page
        assert relation.guidance in page
        assert all(example.sentence in page for example in relation.examples)


def test_the_schema_gives_a_type_its_relations_and_their_ends() -> None:
    schema = json_schema(ONTOLOGY)
    film = schema["$defs"]["film"]["properties"]
    assert film["based_on"] == {"$ref": "#/$defs/links.based_on"}
    assert "episode_of" not in film
    ends = schema["$defs"]["links.remake_of"]["items"]["properties"]["type"]["enum"]
    assert ends == ["dramatis:film", "dramatis:series", "dramatis:episode", "dramatis:game"]
    assert schema["$defs"]["links.episode_of"]["maxItems"] == 1
    assert json.loads(FILES["schema.json"]) == schema


def test_the_context_claims_of_wikidata_only_what_means_the_same() -> None:
    terms = jsonld_context(ONTOLOGY)["@context"]
    assert terms["based_on"]["@id"] == "http://www.wikidata.org/prop/direct/P144"
    assert terms["sequel_of"]["@id"] == "urn:dramatis:entertainment#sequel_of"
    assert set(terms) > set(ONTOLOGY.relations)
