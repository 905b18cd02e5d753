"""Judgements of facts bind whatever the order of extraction, review, merges and redelivery."""

from __future__ import annotations

from typing import Any

import duckdb
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from kg_assets.inference.review import binding, decisions
from kg_assets.inference.review.tables import FACT_JUDGEMENTS
from kg_assets.inference.review.values import FactJudgement
from kg_assets.inference.tables import DOCUMENTS, inferred_relations
from ontology.schema import load_ontology

ONTOLOGY = load_ontology()
BOOKS = ("b1", "b2", "b3")
QUOTES = ("It is based on a book.", "The book is its source.")


def judged(number: int, book: str, quote: str, verdict: str, target: str) -> FactJudgement:
    new = target if verdict == "correct" else None
    return FactJudgement(
        id=str(number),
        entity_type="film",
        record="s:f",
        relation="based_on",
        object=f"s:{book}",
        object_type="book",
        object_name=book,
        quote=quote,
        verdict=verdict,  # type: ignore[arg-type]
        new_object=None if new is None else f"s:{new}",
        new_object_type=None if new is None else "book",
        new_object_name=new,
        who="ann",
        time=f"2026-01-01T00:00:{number:02}.000000Z",
    )


JUDGEMENT = st.tuples(
    st.sampled_from(BOOKS),
    st.sampled_from(QUOTES),
    st.sampled_from(["accept", "reject", "correct"]),
    st.sampled_from(BOOKS),
).filter(lambda each: each[2] != "correct" or each[0] != each[3])
FOUND = st.tuples(st.sampled_from(BOOKS), st.sampled_from(QUOTES), st.floats(0.1, 0.9))


def stands(
    said: list[FactJudgement],
    found: list[tuple[str, str, float]],
    merged: bool,
    extractor: str,
) -> set[str]:
    """The books that a text with both quotes is taken to name, after judgements."""
    con = duckdb.connect(config={"threads": 1})
    text = " ".join(QUOTES)
    entity = {book: book for book in BOOKS} | ({"b2": "b1"} if merged else {})
    members = [("film:1", "film", "s", "f")]
    members += [(f"book:{entity[book]}", "book", "s", book) for book in BOOKS]
    names = ("entity_id", "entity_type", "source", "source_id")
    con.register(
        "members", pa.Table.from_pylist([dict(zip(names, m, strict=True)) for m in members])
    )
    document = {
        "document_id": "d", "entity_id": "film:1", "entity_type": "film", "source": "s",
        "source_id": "f", "title": "F", "text": text, "sha256": "x", "characters": len(text),
    }  # fmt: skip
    con.register("documents", pa.Table.from_pylist([document], schema=DOCUMENTS.schema))
    facts = [fact(number, *each, entity, text, extractor) for number, each in enumerate(found)]
    con.register("given", pa.Table.from_pylist(facts, schema=inferred_relations("film").schema))
    con.execute("CREATE TABLE fact AS FROM given")
    judgements = pa.Table.from_pylist(
        [{name: getattr(one, name) for name in FACT_JUDGEMENTS.schema.names} for one in said],
        schema=FACT_JUDGEMENTS.schema,
    )
    binding.bind(con, con.from_arrow(judgements), "fact", "documents", "members")
    decisions.decide(con, "film", ONTOLOGY)
    kept = con.sql("SELECT DISTINCT object_id FROM reviewed WHERE status = 'accepted'").fetchall()
    return {book for (book,) in kept}


def fact(
    number: int,
    book: str,
    quote: str,
    sure: float,
    entity: dict[str, str],
    text: str,
    extractor: str,
) -> dict[str, Any]:
    start = text.index(quote)
    return {
        "fact_id": f"{extractor} {number}", "context_id": "c", "relation": "based_on",
        "subject_id": "film:1", "subject_type": "film", "object_id": f"book:{entity[book]}",
        "object_type": "book", "object_name": book, "document_id": "d", "document_sha256": "x",
        "quote": quote, "quote_match": "exact", "start": start, "end": start + len(quote),
        "extractor": extractor, "extractor_version": "1", "ontology": "o", "confidence": sure,
        "negated": False, "status": "accepted", "reason": None,
    }  # fmt: skip


def expected(
    said: list[FactJudgement], found: list[tuple[str, str, float]], merged: bool
) -> set[str]:
    """The same by hand: of each claim the newest judgement of the text counts."""
    entity = {book: f"book:{book}" for book in BOOKS} | ({"b2": "book:b1"} if merged else {})
    newest: dict[str, FactJudgement] = {}
    standing = {one.thing: one for one in said}.values()
    for one in sorted(standing, key=lambda each: (each.time, each.id)):
        newest[entity[one.object_name]] = one
    claims = {entity[book] for book, _, _ in found}
    kept = {each for each in claims if each not in newest}
    kept |= {each for each, one in newest.items() if one.verdict == "accept"}
    for one in newest.values():
        if one.verdict == "correct":
            target = entity[str(one.new_object_name)]
            later = newest.get(target)
            later_refuses = (
                later is not None
                and later.verdict != "accept"
                and ((later.time, later.id) > (one.time, one.id))
            )
            if not later_refuses:
                kept.add(target)
    return kept


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    given_judgements=st.lists(JUDGEMENT, max_size=5),
    found=st.lists(FOUND, max_size=4),
    merged=st.booleans(),
    data=st.data(),
)
def test_decisions_bind_whatever_the_order_of_extraction_and_review(
    given_judgements: list[Any], found: list[Any], merged: bool, data: st.DataObject
) -> None:
    said = [judged(number, *each) for number, each in enumerate(given_judgements)]
    one = stands(said, found, merged, "rules")
    assert one == expected(said, found, merged)
    # The rows come in another order, and another extractor finds the same.
    shuffled = data.draw(st.permutations(said))
    again = data.draw(st.permutations(found))
    assert stands(list(shuffled), list(again), merged, "other") == one
