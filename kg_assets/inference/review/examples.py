"""What people decided as examples for a language model: passages that state a fact, or do not."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from kg_assets.inference.llm.examples import ReviewedFact
from kg_assets.inference.review.binding import resolve
from kg_assets.inference.review.tables import FACT_JUDGEMENTS
from kg_assets.inference.review.values import FactJudgement
from kg_assets.judging import log
from ontology.prompts import WorkedExample

if TYPE_CHECKING:
    import duckdb


def reviewed_facts(
    con: duckdb.DuckDBPyConnection, judgements: duckdb.DuckDBPyRelation, members: str
) -> list[ReviewedFact]:
    """Make examples of the judgements that stand.

    An accepted fact is an example of a passage that states it, a rejected one of a passage that
    does not, and a corrected one of both. Judgements without a passage teach nothing.

    Args:
        con: The connection.
        judgements: Rows of the table fact_judgements of one entity type.
        members: Name of a view of the members of the subjects' entities.
    """
    standing = log.stand(con, judgements, FactJudgement.about)
    names = ", ".join(FACT_JUDGEMENTS.schema.names)
    rows = standing.project(names).to_arrow_table().to_pylist()
    said = {row["id"]: FactJudgement(**row) for row in rows}
    resolve(con, list(said.values()), members)
    subjects = con.sql(
        "SELECT id, coalesce(subject_id, record) FROM resolved_judgement ORDER BY id"
    ).fetchall()
    return [
        example
        for found, subject in subjects
        if said[found].passage
        for example in _examples(said[found], subject)
    ]


def _examples(one: FactJudgement, subject_id: str) -> Iterator[ReviewedFact]:
    if one.verdict != "reject":
        relation, _, kind, name = one.claimed
        yield _example(one, subject_id, relation, kind, name, holds=True)
    if one.verdict != "accept":
        yield _example(one, subject_id, one.relation, one.object_type, one.object_name, holds=False)


def _example(
    one: FactJudgement, subject_id: str, relation: str, kind: str | None, name: str, *, holds: bool
) -> ReviewedFact:
    # The order of examples is that of a hash of this id. It is of what was judged, not of when and
    # by whom, so that a second person who says the same moves no example and the prompt stays.
    known = "\x1f".join([one.record, relation, name, one.quote, str(holds)])
    return ReviewedFact(
        review_id=hashlib.sha256(known.encode()).hexdigest(),
        subject_id=subject_id,
        subject_type=one.entity_type,
        quote=one.quote,
        example=WorkedExample(
            subject=one.subject_name or one.record,
            text=one.passage,
            relation=relation,
            object=name,
            object_type=kind,
            holds=holds,
            reason=None if holds or not one.why else one.why,
        ),
    )
