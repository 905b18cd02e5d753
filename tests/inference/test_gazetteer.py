"""The gazetteer finds names by their words, and everyday words only where they are names."""

from __future__ import annotations

import duckdb
import pytest

from kg_assets.inference.contexts import fill
from kg_assets.inference.gazetteer import NAMES_SCHEMA, mentions, name_batches

ENTITIES = """
    SELECT * FROM (VALUES
        ('b:it', 'book', 'It', NULL::VARCHAR[], 1986),
        ('f:alien', 'film', 'Alien', NULL, 1979),
        ('f:nation', 'film', 'Alien Nation', NULL, 1988),
        ('f:amelie', 'film', 'Amélie', ['The Fabulous Destiny'], 2001),
        ('f:oz', 'film', 'The Wizard of Oz', NULL, 1939),
        ('x:bond', 'franchise', 'James Bond film series', NULL, 1962),
        ('f:list', 'film', 'Schindler''s List', NULL, 1993)
    ) AS entity (entity_id, entity_type, name, alternate_names, year)
"""


def _found(text: str) -> list[tuple[str, str]]:
    con = duckdb.connect(config={"threads": 1})
    fill(con, "name", NAMES_SCHEMA, name_batches(con.cursor().sql(ENTITIES)))
    [(_, hits)] = list(mentions(con, "name", [("t", text)]))
    return [(hit.entity_id, text[hit.start : hit.end]) for hit in hits]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("They saw Alien twice.", [("f:alien", "Alien")]),
        ("They saw Alien Nation twice.", [("f:nation", "Alien Nation")]),
        ("An alien came.", []),
        ("The Aliens came.", []),
        ("It is a film.", []),
        ("The novel It is long.", [("b:it", "It")]),
        ("He likes “it” and quotes.", [("b:it", "it")]),
        ("Amelie is shy.", [("f:amelie", "Amelie")]),
        ("The Fabulous Destiny was its name.", [("f:amelie", "The Fabulous Destiny")]),
        ("He filmed the Wizard of Oz.", [("f:oz", "Wizard of Oz")]),
        ("A James Bond film.", [("x:bond", "James Bond")]),
        ("It is Schindler’s List.", [("f:list", "Schindler’s List")]),
        ("", []),
    ],
)
def test_names_in_a_text(text: str, expected: list[tuple[str, str]]) -> None:
    assert _found(text) == expected
