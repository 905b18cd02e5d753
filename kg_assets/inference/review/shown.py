"""What a person sees of a fact before judging it: both ends, the words in context, both sides."""

# ruff: noqa: S608 - what is put into statements are names of views of ours.

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from kg_assets.inference.chunking import sentences
from kg_assets.inference.review.binding import bind
from kg_assets.inference.review.log import view_members
from kg_assets.inference.review.tables import FACT_JUDGEMENTS, fact_queue, reviewed_relations
from kg_assets.inference.review.things import Thing, things_of
from kg_assets.inference.review.values import FactJudgement
from kg_assets.inference.tables import DOCUMENTS, extraction_contexts
from kg_assets.judging import log

if TYPE_CHECKING:
    import duckdb

    from resources.lake import Lake

BESIDE = 2
"""Sentences that are shown before and after a quote."""

WIDEST = 1_500
"""Characters that are shown before and after a quote at most."""

_ROWS = """
    SELECT
        fact.*,
        document.source || ':' || document.source_id AS record,
        document.text AS document_text
    FROM fact_now AS fact
    JOIN document_now AS document USING (document_id, entity_id)
"""


@dataclass(frozen=True)
class FactAsked:
    """A question of the queue of facts.

    Attributes:
        entity_type: Type of the subject.
        fact_id: The fact.
        kind: What makes it worth asking.
        reason: Why it is asked.
        rivals: Facts of the other side.
        thing: What a judgement of it would be of, see `FactJudgement.about`.
        judgement: The judgement that decided on it when it was put into the queue, if any.
    """

    entity_type: str
    fact_id: str
    kind: str
    reason: str
    rivals: tuple[str, ...]
    thing: tuple[str | None, ...]
    judgement: str | None = None


@dataclass(frozen=True)
class Told:
    """One side: what a text is taken to state.

    Attributes:
        subject: The subject.
        relation: The relation.
        object: The object.
        before: The sentences before the quote.
        quote: The words that are taken to state it.
        after: The sentences after it.
        extractor: Who found it.
        confidence: How sure it is, between 0 and 1.
        status: accepted, proposed or rejected.
        why: Why it does not stand, or None.
        negated: Whether the text is taken to deny it.
        reviewer: Who accepted or corrected it, or None.
    """

    subject: Thing
    relation: str
    object: Thing
    before: str
    quote: str
    after: str
    extractor: str
    confidence: float
    status: str
    why: str | None
    negated: bool
    reviewer: str | None


@dataclass(frozen=True)
class FactShown:
    """A question with all that is shown of it.

    Attributes:
        fact: The fact.
        rivals: The other sides of a conflict.
        candidates: What else the text may be naming.
    """

    fact: Told
    rivals: tuple[Told, ...] = ()
    candidates: tuple[Thing, ...] = field(default=())


def open_questions(lake: Lake, con: duckdb.DuckDBPyConnection, entity_type: str) -> list[FactAsked]:
    """Facts of a type's queue that no judgement since then decides, in the order of the queue.

    A fact whose text is another one now leaves the queue with the next build.
    """
    asked = lake.relation(con, fact_queue(entity_type))
    if not asked.limit(1).fetchall():
        return []
    asked.create_view("asked_now", replace=True)
    _facts(lake, con, entity_type, "SELECT fact_id FROM asked_now")
    _register_objects(lake, con)
    given = lake.relation(con, FACT_JUDGEMENTS, entity_type)
    if given.limit(1).fetchall():
        view_members(lake, con)
        bind(con, given, "fact_now", "document_now", "every_member")
    else:
        con.execute("CREATE OR REPLACE TEMP TABLE binding (fact_id VARCHAR, judgement VARCHAR)")
    rows = con.sql(
        f"""
        SELECT
            fact.fact_id,
            asked.kind,
            asked.reason,
            asked.rivals,
            fact.record,
            fact.relation,
            object_record.record AS object,
            fact.object_type,
            fact.object_name,
            fact.quote,
            fact.judgement
        FROM ({_ROWS}) AS fact
        JOIN asked_now AS asked USING (fact_id)
        LEFT JOIN object_record
            ON object_record.entity_id = fact.object_id
        LEFT JOIN binding USING (fact_id)
        WHERE binding.judgement IS NOT DISTINCT FROM fact.judgement
        ORDER BY asked.turn
        """
    ).fetchall()
    return [
        FactAsked(
            entity_type,
            fact_id,
            kind,
            reason,
            tuple(rivals),
            (entity_type, *thing),
            judgement,
        )
        for fact_id, kind, reason, rivals, *thing, judgement in rows
    ]


def standing_things(
    lake: Lake, con: duckdb.DuckDBPyConnection, entity_type: str
) -> dict[tuple[str | None, ...], str]:
    """What judgements of a type are of, with the id of the one that stands."""
    given = lake.relation(con, FACT_JUDGEMENTS, entity_type)
    columns = ", ".join(FactJudgement.about)
    rows = log.stand(con, given, FactJudgement.about).project(f"{columns}, id").fetchall()
    return {tuple(thing): found for *thing, found in rows}


def shown(
    lake: Lake, con: duckdb.DuckDBPyConnection, queue: Sequence[FactAsked]
) -> Iterator[tuple[FactAsked, FactShown]]:
    """Questions of one entity type with all that is shown of them, in their order."""
    if not queue:
        return
    entity_type = queue[0].entity_type
    wanted = sorted({each for one in queue for each in (one.fact_id, *one.rivals)})
    con.register("wanted_now", pa.table({"fact_id": pa.array(wanted, pa.string())}))
    _facts(lake, con, entity_type, "SELECT fact_id FROM wanted_now")
    rows = {row["fact_id"]: row for row in con.sql(_ROWS).to_arrow_table().to_pylist()}
    candidates = _candidates(lake, con, entity_type)
    ids = {row[end] for row in rows.values() for end in ("subject_id", "object_id")}
    ids |= {each for found in candidates.values() for each in found}
    things = things_of(lake, con, sorted(each for each in ids if each is not None))
    for one in queue:
        fact = _told(rows[one.fact_id], things)
        yield (
            one,
            FactShown(
                fact,
                tuple(_told(rows[each], things) for each in one.rivals if each in rows),
                tuple(
                    things[each]
                    for each in candidates.get(rows[one.fact_id]["context_id"], ())
                    if each in things and each != fact.subject.entity_id
                ),
            ),
        )
    con.unregister("wanted_now")


def _facts(lake: Lake, con: duckdb.DuckDBPyConnection, entity_type: str, wanted: str) -> None:
    """Make the tables fact_now and document_now: facts by id, and the texts that they are from."""
    lake.relation(con, reviewed_relations(entity_type)).create_view("reviewed_now", replace=True)
    lake.relation(con, DOCUMENTS, entity_type).create_view("documents_now", replace=True)
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE fact_now AS
        SELECT *, subject_id AS entity_id
        FROM reviewed_now
        WHERE fact_id IN ({wanted})
        """
    )
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE document_now AS
        SELECT document_id, entity_id, source, source_id, text, sha256
        FROM documents_now
        WHERE document_id IN (SELECT document_id FROM fact_now)
        """
    )


def _register_objects(lake: Lake, con: duckdb.DuckDBPyConnection) -> None:
    """Make the table object_record: of each object of fact_now the record that stands for it."""
    view_members(lake, con)
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE object_record AS
        SELECT
            entity_id,
            min(source || ':' || source_id) AS record
        FROM every_member
        WHERE entity_id IN (SELECT object_id FROM fact_now)
        GROUP BY entity_id
        """
    )


def _candidates(
    lake: Lake, con: duckdb.DuckDBPyConnection, entity_type: str
) -> dict[str, list[str]]:
    """Ids of the candidates of the contexts that facts of fact_now are from."""
    lake.relation(con, extraction_contexts(entity_type)).create_view("context_now", replace=True)
    rows = con.sql(
        """
        SELECT context_id, [each.entity_id FOR each IN candidates] AS candidates
        FROM context_now
        WHERE context_id IN (SELECT context_id FROM fact_now)
        """
    ).fetchall()
    return {context: list(found or ()) for context, found in rows}


def _told(row: dict[str, Any], things: dict[str, Thing]) -> Told:
    text, start, end = row["document_text"], row["start"], row["end"]
    before, after = around(text, start, end) if start is not None else ("", "")
    return Told(
        subject=things.get(
            row["subject_id"], Thing(row["subject_id"], row["subject_type"], row["subject_id"])
        ),
        relation=row["relation"],
        object=things.get(
            row["object_id"], Thing(row["object_name"], row["object_type"], row["object_id"])
        ),
        before=before,
        quote=row["quote"],
        after=after,
        extractor=row["extractor"],
        confidence=row["confidence"],
        status=row["status"],
        why=row["reason"],
        negated=row["negated"],
        reviewer=row["reviewer"],
    )


def around(text: str, start: int, end: int) -> tuple[str, str]:
    """The sentences before and after a quote, as the text has them.

    Args:
        text: The text.
        start: Where the quote starts, in code points.
        end: One past its last character.
    """
    spans = sentences(text)
    first = [span.start for span in spans if span.end <= start][-BESIDE:]
    inside = [span.start for span in spans if span.start <= start]
    begin = first[0] if first else (inside[-1] if inside else start)
    last = [span.end for span in spans if span.start >= end][:BESIDE]
    open_end = [span.end for span in spans if span.end >= end]
    finish = last[-1] if last else (open_end[0] if open_end else end)
    begin, finish = max(begin, start - WIDEST), min(finish, end + WIDEST)
    return text[min(begin, start) : start], text[end : max(finish, end)]
