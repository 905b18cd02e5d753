"""What changed between two versions, and which types have to be inferred again for it."""

from __future__ import annotations

import pytest

from ontology.diff import compare
from ontology.linkml import parse_ontology
from ontology.schema import ONTOLOGY_FILE, Ontology, load_ontology

ONTOLOGY = load_ontology()
TEXT = ONTOLOGY_FILE.read_text(encoding="utf-8")
WORKS = ONTOLOGY.relations["sequel_of"].domain


def edited(old: str, new: str) -> Ontology:
    assert TEXT.count(old) == 1, f"{old!r} stands {TEXT.count(old)} times in the file"
    return parse_ontology(TEXT.replace(old, new))


def test_nothing_changes_between_equals() -> None:
    found = compare(ONTOLOGY, parse_ontology("# a remark\n" + TEXT))
    assert (found.changes, found.again) == ((), {})


@pytest.mark.parametrize(
    ("old", "new", "expected", "again"),
    [
        (
            "The later work is the subject. Take it",
            "Take it",
            ("relation", "sequel_of", "changed", "guidance"),
            WORKS,
        ),
        (
            "Toy Story was followed by Toy Story 2.",
            "Toy Story 2 followed Toy Story.",
            ("relation", "sequel_of", "changed", "examples"),
            WORKS,
        ),
        (
            "    range: Series\n    multivalued: false",
            "    range: Series\n    multivalued: true",
            ("relation", "episode_of", "changed", "cardinality"),
            set(),
        ),
        (
            "      matched: false\n    exact_mappings: [wd:Q483394]",
            "      matched: true\n    exact_mappings: [wd:Q483394]",
            ("class", "genre", "changed", "matched"),
            set(),
        ),
        (
            "    range: date\n",
            "    range: string\n",
            ("attribute", "publication_date", "changed", "range"),
            set(),
        ),
        (
            "exact_mappings: [wdt:P674, schema:character]",
            "exact_mappings: [wdt:P674]",
            ("relation", "has_character", "changed", "schema_org"),
            set(),
        ),
    ],
)
def test_only_types_that_see_a_change_are_inferred_again(
    old: str, new: str, expected: tuple[str, ...], again: set[str]
) -> None:
    found = compare(ONTOLOGY, edited(old, new))
    assert expected in {(c.element, c.name, c.change, c.what) for c in found.changes}
    assert set(found.again) == again
    assert all(expected[1] in because for because in found.again.values())


def test_a_change_of_the_ends_of_a_relation_concerns_those_who_have_it() -> None:
    # Characters are no longer what a work can be based on.
    text = TEXT
    for old, new in (
        ("part_of_franchise, derivative_work]\n\n  Franchise", "part_of_franchise]\n\n  Franchise"),
        (
            "      - range: Character\n    multivalued: true\n    asymmetric: true\n"
            "    irreflexive: true\n    inverse: derivative_work",
            "    multivalued: true\n    asymmetric: true\n"
            "    irreflexive: true\n    inverse: derivative_work",
        ),
    ):
        assert text.count(old) == 1
        text = text.replace(old, new)
    found = compare(ONTOLOGY, parse_ontology(text))
    changes = {(each.name, each.what) for each in found.changes}
    assert changes == {("based_on", "range"), ("derivative_work", "domain")}
    assert set(found.again) == ONTOLOGY.relations["based_on"].domain
