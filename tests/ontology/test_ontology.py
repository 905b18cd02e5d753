"""The ontology: what the file promises, what the reader refuses, and what counts as a change."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ontology.linkml import parse_ontology
from ontology.schema import (
    HOW_INFERRED,
    HOW_INVERSE,
    HOW_SOURCE,
    ONTOLOGY_FILE,
    OntologyError,
    Relation,
    UnknownNameError,
    load_ontology,
)

ONTOLOGY = load_ontology()
RELATIONS = list(ONTOLOGY.relations.values())
RELATION_NAMES = [relation.name for relation in RELATIONS]
TEXT = ONTOLOGY_FILE.read_text(encoding="utf-8")

SMALL = """
id: urn:test:small
name: small
version: 0.0.1
prefixes: {linkml: https://w3id.org/linkml/, t: "urn:test:"}
default_prefix: t
imports: [linkml:types]
classes:
  Work:
    abstract: true
    description: A work.
    annotations: {entity_type: work}
    slots: [retells, retold_in]
  Film:
    is_a: Work
    description: A film.
    annotations: {entity_type: film, matched: true}
  Tale:
    is_a: Work
    description: A tale.
    annotations: {entity_type: tale, matched: false}
slots:
  retells:
    description: Tells again.
    range: Work
    inverse: retold_in
    annotations: {how: inferred, acyclic: true, guidance: Look for it.}
  retold_in:
    description: Is told again in.
    range: Work
    inverse: retells
    annotations: {how: inverse, acyclic: true, guidance: Derived.}
"""


def changed(old: str, new: str, text: str = SMALL) -> str:
    """Return the text with one passage replaced, which it must hold exactly once."""
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in the text"
    return text.replace(old, new)


def test_the_kinds_of_entity_are_those_that_the_graph_is_built_for() -> None:
    assert set(ONTOLOGY.entity_types) == {
        "film", "series", "episode", "person", "character", "book", "play", "comic", "game",
        "event", "organisation", "franchise", "country", "genre", "concept",
    }  # fmt: skip


def test_all_but_country_genre_and_concept_are_matched() -> None:
    unmatched = {each.name for each in ONTOLOGY.entity_types.values() if not each.matched}
    assert unmatched == {"country", "genre", "concept"}


def test_the_relations_that_the_stages_name_are_there() -> None:
    assert set(ONTOLOGY.relations) >= {
        "based_on", "main_subject", "sequel_of", "prequel_of", "part_of_franchise", "remake_of",
        "spin_off_of", "directed_by", "written_by", "performed_in", "country_of_origin", "genre",
        "episode_of",
    }  # fmt: skip


@pytest.mark.parametrize("name", ONTOLOGY.entity_types)
def test_an_entity_type_is_described_and_mapped(name: str) -> None:
    found = ONTOLOGY.entity_types[name]
    assert found.definition.endswith(".")
    assert re.fullmatch(r"Q[1-9]\d*", found.wikidata or "")
    assert found.parents[-1] == "entity"
    assert not set(found.parents) & set(ONTOLOGY.entity_types), "an abstract parent is no type"


def test_no_two_entity_types_share_a_wikidata_item() -> None:
    items = Counter(each.wikidata for each in ONTOLOGY.entity_types.values())
    assert max(items.values()) == 1


@pytest.mark.parametrize("relation", RELATIONS, ids=RELATION_NAMES)
def test_a_relation_is_described_for_people_and_extractors(relation: Relation) -> None:
    assert relation.definition.endswith(".")
    assert relation.guidance.endswith(".")
    assert {example.holds for example in relation.examples} == {True, False}
    assert all(example.reason for example in relation.examples if not example.holds)
    assert re.fullmatch(r"P[1-9]\d*", relation.wikidata or "P1")


@pytest.mark.parametrize("relation", RELATIONS, ids=RELATION_NAMES)
def test_a_relation_joins_declared_entity_types(relation: Relation) -> None:
    assert relation.domain
    assert relation.range
    assert relation.domain | relation.range <= set(ONTOLOGY.entity_types)


@pytest.mark.parametrize("relation", RELATIONS, ids=RELATION_NAMES)
def test_an_inverse_leads_back_with_domain_and_range_swapped(relation: Relation) -> None:
    assert relation.inverse is not None
    inverse = ONTOLOGY.relations[relation.inverse]
    assert inverse.inverse == relation.name
    assert (inverse.domain, inverse.range) == (relation.range, relation.domain)
    assert inverse.acyclic == relation.acyclic
    assert inverse.symmetric == relation.symmetric
    assert {relation.how, inverse.how} > {HOW_INVERSE}, "exactly one end gets facts of its own"


@pytest.mark.parametrize("relation", RELATIONS, ids=RELATION_NAMES)
def test_a_relation_says_where_its_facts_come_from(relation: Relation) -> None:
    assert (
        bool(relation.stated_by)
        == {
            HOW_SOURCE: True,
            HOW_INFERRED: relation.name == "part_of_franchise",
            HOW_INVERSE: False,
        }[relation.how]
    )


def test_what_records_state_is_named_by_fields_of_the_canonical_record() -> None:
    from kg_assets.sources.record import RECORD_SCHEMA

    fields = {field.partition(".")[0] for each in RELATIONS for field in each.stated_by}
    assert fields <= set(RECORD_SCHEMA.names)


def test_a_credit_role_states_one_relation_only() -> None:
    roles = Counter(
        field for each in RELATIONS for field in each.stated_by if field.startswith("credits.")
    )
    assert max(roles.values()) == 1
    assert set(roles) >= {"credits.director", "credits.writer", "credits.actor"}


@pytest.mark.parametrize(
    ("relation", "property_id"),
    [
        ("based_on", "P144"),
        ("derivative_work", "P4969"),
        ("main_subject", "P921"),
        ("sequel_of", "P155"),
        ("has_sequel", "P156"),
        ("part_of_franchise", "P8345"),
        ("episode_of", "P179"),
        ("directed_by", "P57"),
        ("written_by", "P58"),
        ("has_performer", "P161"),
        ("performed_in", None),
        ("country_of_origin", "P495"),
        ("genre", "P136"),
        ("has_spin_off", "P2512"),
        ("spin_off_of", None),
        ("prequel_of", None),
    ],
)
def test_a_relation_maps_to_the_property_that_runs_its_way(
    relation: str, property_id: str | None
) -> None:
    assert ONTOLOGY.relations[relation].wikidata == property_id


def test_a_prequel_is_not_the_other_end_of_a_sequel() -> None:
    assert ONTOLOGY.relations["sequel_of"].inverse == "has_sequel"
    assert ONTOLOGY.relations["prequel_of"].inverse == "has_prequel"


@pytest.mark.parametrize(
    ("relation", "subject", "object_"),
    [
        ("based_on", "film", "book"),
        ("based_on", "series", "comic"),
        ("sequel_of", "film", "episode"),
        ("main_subject", "book", "person"),
        ("performed_in", "person", "episode"),
        ("produced_by", "film", "organisation"),
        ("part_of_franchise", "franchise", "franchise"),
    ],
)
def test_check_accepts_what_domain_and_range_allow(
    relation: str, subject: str, object_: str
) -> None:
    assert ONTOLOGY.check(relation, subject, object_) is None


@pytest.mark.parametrize(
    ("relation", "subject", "object_", "words"),
    [
        ("based_on", "film", "person", "its object is a person"),
        ("based_on", "person", "book", "its subject is a person"),
        ("directed_by", "book", "person", "its subject is a book"),
        ("performed_in", "film", "person", "its subject is a film and must be one of person"),
        ("performed_in", "film", "person", "its object is a person"),
        ("remake_of", "film", "book", "its object is a book"),
    ],
)
def test_check_says_which_end_is_wrong(
    relation: str, subject: str, object_: str, words: str
) -> None:
    assert words in (ONTOLOGY.check(relation, subject, object_) or "")


@given(
    st.sampled_from(RELATION_NAMES),
    st.sampled_from(list(ONTOLOGY.entity_types)),
    st.sampled_from(list(ONTOLOGY.entity_types)),
)
def test_a_fact_is_allowed_where_its_inverse_is(relation: str, subject: str, object_: str) -> None:
    inverse = ONTOLOGY.relations[relation].inverse
    assert inverse is not None
    forward = ONTOLOGY.check(relation, subject, object_)
    backward = ONTOLOGY.check(inverse, object_, subject)
    assert (forward is None) == (backward is None)


@given(st.sampled_from(list(ONTOLOGY.entity_types)))
def test_relations_for_gives_those_that_check_accepts_for_some_object(subject: str) -> None:
    allowed = {
        relation
        for relation in ONTOLOGY.relations
        for object_ in ONTOLOGY.entity_types
        if ONTOLOGY.check(relation, subject, object_) is None
    }
    assert {relation.name for relation in ONTOLOGY.relations_for(subject)} == allowed


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match=r"no relation 'based_upon'.*based_on"):
        ONTOLOGY.check("based_upon", "film", "book")
    with pytest.raises(UnknownNameError, match=r"no entity type 'movie'.*film"):
        ONTOLOGY.relations_for("movie")
    with pytest.raises(UnknownNameError, match=r"no entity type 'work'"):
        ONTOLOGY.check("based_on", "film", "work")


def test_the_ontology_is_read_once_and_cannot_be_changed() -> None:
    assert load_ontology() is ONTOLOGY
    with pytest.raises(TypeError):
        ONTOLOGY.relations["invented"] = RELATIONS[0]  # type: ignore[index]
    with pytest.raises(AttributeError):
        ONTOLOGY.version = "9"  # type: ignore[misc]


def test_the_hash_is_that_of_the_content_and_has_sixteen_digits() -> None:
    assert re.fullmatch(r"[0-9a-f]{16}", ONTOLOGY.hash)
    assert parse_ontology(TEXT).hash == ONTOLOGY.hash


@pytest.mark.parametrize(
    "text",
    [
        "# a remark\n" + SMALL,
        SMALL.replace("\n", "\n\n"),
        SMALL.replace(": Tells again.", ":   Tells again.   # said twice"),
        changed("    description: Tells again.", "    description: >-\n      Tells\n      again."),
        changed("{entity_type: film, matched: true}", "{matched: true, entity_type: film}"),
    ],
    ids=["comment", "empty lines", "spaces and a comment", "folded text", "order of keys"],
)
def test_the_hash_stays_where_only_the_writing_changes(text: str) -> None:
    assert parse_ontology(text).hash == parse_ontology(SMALL).hash


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Tells again.", "Tells anew."),
        ("version: 0.0.1", "version: 0.0.2"),
        ("Look for it.", "Look twice for it."),
        ("entity_type: tale, matched: false", "entity_type: tale, matched: true"),
    ],
)
def test_the_hash_changes_with_the_content(old: str, new: str) -> None:
    assert parse_ontology(changed(old, new)).hash != parse_ontology(SMALL).hash


def test_an_abstract_domain_stands_for_the_kinds_below_it() -> None:
    small = parse_ontology(SMALL)
    assert small.relations["retells"].domain == {"film", "tale"}
    assert list(small.entity_types) == ["film", "tale"]


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("    range: Work\n    inverse: retold_in", "    range: Wok\n    any_of: [range: Wok, "
         "range: Film]\n    inverse: retold_in", "Wok is not a declared class"),
        ("slots: [retells, retold_in]", "slots: [retells, retold_in, retolds]", "retolds"),
        ("slots: [retells, retold_in]", "slots: [retold_in]", "no domain"),
        ("inverse: retold_in", "inverse: retold", "its inverse retold is no relation"),
        ("inverse: retells", "inverse: retold_in", "whose inverse is retold_in"),
        ("    range: Work\n    inverse: retells", "    range: Film\n    inverse: retells",
         "the other way round"),
        ("how: inferred", "how: guessed", "must be one of source, inferred, inverse"),
        ("how: inferred", "how: inverse", "each is only the other's end"),
        ("how: inferred, acyclic: true", "how: inferred", "acyclic must be true or false"),
        (", guidance: Look for it.", "", "no annotation guidance"),
        ("    description: Tells again.\n", "", "no description"),
        ("entity_type: tale", "entity_type: film", "share the entity_type film"),
        ("version: 0.0.1\n", "", "no version"),
    ],
)  # fmt: skip
def test_a_file_that_contradicts_itself_is_refused(old: str, new: str, reason: str) -> None:
    with pytest.raises(OntologyError, match=re.escape(reason)):
        parse_ontology(changed(old, new))


def test_a_key_that_stands_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="range"):
        parse_ontology(changed("    description: A tale.\n", "    range: x\n    range: y\n"))
