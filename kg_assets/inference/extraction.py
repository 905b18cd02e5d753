"""Reading a shard's contexts: what stands is kept, what is new or changed is read and judged."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pyarrow as pa

from kg_assets.consistency import contradicted
from kg_assets.inference import evidence
from kg_assets.inference.changes import tell_changes, view_contexts, view_former
from kg_assets.inference.confidence import WEIGHTS, Weights
from kg_assets.inference.contexts import fill, read_contexts
from kg_assets.inference.extractors import Context, Extraction, Extractor
from kg_assets.inference.tables import (
    DOCUMENTS,
    extraction_contexts,
    extraction_states,
    inferred_relations,
)
from ontology.schema import Ontology
from ontology.validation import CARDINALITY, CYCLE

if TYPE_CHECKING:
    import duckdb

    from resources.lake import Step
    from resources.table import Table

_CONTEXTS_AT_ONCE = 64
"""Contexts that are taken from DuckDB at a time; a context can hold 8,000 characters."""

_ROWS_AT_ONCE = 2_048
"""Rows that are collected before they go to DuckDB; a language model takes long for so many, but
what it answered is in the response store."""


def read(
    step: Step,
    entity_type: str,
    extractor: Extractor,
    ontology: Ontology,
    threshold: float,
    *,
    weights: Weights = WEIGHTS,
    keep: bool = True,
) -> int:
    """Find the facts in a shard's contexts, and the state of each context.

    Makes the tables `fact` and `state` on the step's connection, with the columns of
    inferred_relations and extraction_states, and leaves `context`, `change` and `standing` (see
    `changes.decided`).

    Args:
        step: Reads contexts and documents, and its own last version.
        entity_type: Type of the subjects.
        extractor: Reads the contexts.
        ontology: What the gate goes by.
        threshold: Confidence below which a fact is not kept.
        weights: What the signals of a confidence count.
        keep: Whether what the step wrote before stands where the context is what it was.

    Returns:
        How many contexts stand as they were read before.
    """
    con = step.con
    facts, states = inferred_relations(entity_type), extraction_states(entity_type)
    fill(con, "fact", facts.schema, iter(()))
    fill(con, "state", states.schema, iter(()))
    step.view("contexts", extraction_contexts(entity_type), step.partition)
    step.view("documents", DOCUMENTS, entity_type)
    view_contexts(con, extractor)
    con.execute("CREATE TABLE standing (context_id VARCHAR)")
    before = step.previous(states) if keep and step.intact(states) else None
    view_former(con, before)
    # Facts of other code have been judged by other rules, and may have other columns.
    same_code = step.made_from(facts, extraction_contexts(entity_type)) is not None
    if before is not None and same_code:
        _keep(step, facts)
    tell_changes(con, extractor, ontology, same_code=same_code)
    con.execute(
        """
        CREATE TABLE unread AS
        SELECT *
        FROM context
        ANTI JOIN standing USING (context_id)
        """
    )
    cursor = con.cursor()
    unread = _Unread(cursor.sql("SELECT * FROM unread ORDER BY context_id"))
    fact_rows: list[dict[str, object]] = []
    state_rows: list[dict[str, object]] = []
    for extraction in extractor.extract_many(unread):
        document, content = unread.known[extraction.context.context_id]
        if extraction.last:
            del unread.known[extraction.context.context_id]
        fact_rows += evidence.rows(extraction, document, ontology, threshold, weights)
        state_rows.append(_state(extraction, content, ontology))
        if len(fact_rows) + len(state_rows) >= _ROWS_AT_ONCE:
            _insert(con, "fact", fact_rows, facts)
            _insert(con, "state", state_rows, states)
    _insert(con, "fact", fact_rows, facts)
    _insert(con, "state", state_rows, states)
    cursor.close()
    if unread.known:
        raise AssertionError(
            f"the extractor {extractor.name} gave no outcome for {len(unread.known)} contexts, "
            f"such as {min(unread.known)}"
        )
    _reject_contradicted(con, ontology)
    return int(con.sql("SELECT count(*) FROM standing").fetchall()[0][0])


class _Unread:
    """The contexts to read, as they are asked for, and what the gate needs of those in the air."""

    def __init__(self, relation: duckdb.DuckDBPyRelation) -> None:
        self._relation = relation
        self.known: dict[str, tuple[evidence.Document | None, str]] = {}

    def __iter__(self) -> Iterator[Context]:
        for batch in self._relation.to_arrow_reader(_CONTEXTS_AT_ONCE):
            beside = zip(
                batch.column("document_text").to_pylist(),
                batch.column("current_sha256").to_pylist(),
                batch.column("content_sha256").to_pylist(),
                strict=True,
            )
            for context, (text, sha256, content) in zip(read_contexts(batch), beside, strict=True):
                document = evidence.Document(text, sha256) if text is not None else None
                self.known[context.context_id] = (document, content)
                yield context


def _keep(step: Step, facts: Table) -> None:
    """Take over what this code found before in contexts that are what they were."""
    con = step.con
    step.previous(facts).create_view("former_fact", replace=True)
    con.execute(
        """
        INSERT INTO standing
        SELECT context_id
        FROM former_state
        JOIN context USING (context_id)
        GROUP BY context_id
        HAVING bool_and(
            final
            AND former_state.content_sha256 = context.content_sha256
        )
        """
    )
    con.execute(
        "INSERT INTO state SELECT * FROM former_state SEMI JOIN standing USING (context_id)"
    )
    # What fell for another fact may stand now, or that one may have gone.
    con.execute(
        """
        INSERT INTO fact
        SELECT * EXCLUDE (again) REPLACE (
            CASE WHEN again THEN 'accepted' ELSE status END AS status,
            CASE WHEN again THEN NULL ELSE reason END AS reason
        )
        FROM (
            SELECT
                *,
                coalesce(split_part(reason, ':', 1) IN ($cardinality, $cycle), false) AS again
            FROM former_fact
            SEMI JOIN standing USING (context_id)
        )
        """,
        {"cardinality": CARDINALITY, "cycle": CYCLE},
    )


def _state(extraction: Extraction, content: str, ontology: Ontology) -> dict[str, object]:
    context, extractor = extraction.context, extraction.by
    return {
        "context_id": context.context_id,
        "extractor": extractor.name,
        "extractor_version": extractor.version,
        "model": extractor.model,
        "ontology": ontology.hash,
        "entity_id": context.entity_id,
        "document_id": context.document_id,
        "content_sha256": content,
        "state": extraction.state,
        "detail": extraction.detail,
        "final": extraction.final,
        "facts": len(extraction.facts),
        "reasks": extraction.reasks,
        "input_tokens": extraction.input_tokens,
        "output_tokens": extraction.output_tokens,
        "cost": extraction.cost,
    }


def _insert(
    con: duckdb.DuckDBPyConnection, name: str, rows: list[dict[str, object]], table: Table
) -> None:
    """Move rows to a table of the connection; the list is empty then."""
    if rows:
        con.register("rows_to_insert", pa.Table.from_pylist(rows, schema=table.schema))
        con.execute(f"INSERT INTO {name} SELECT * FROM rows_to_insert")  # noqa: S608 - our own name
        con.unregister("rows_to_insert")
        rows.clear()


def _reject_contradicted(con: duckdb.DuckDBPyConnection, ontology: Ontology) -> None:
    refused = contradicted(
        con,
        """
        SELECT
            fact_id AS claim_id,
            relation,
            subject_id,
            object_id,
            confidence
        FROM fact
        WHERE status = 'accepted'
        """,
        ontology,
    )
    if not refused:
        return
    columns = {"fact_id": list(refused), "reason": list(refused.values())}
    con.register("refused", pa.table(columns))
    con.execute(
        """
        UPDATE fact
        SET status = 'rejected', reason = refused.reason
        FROM refused
        WHERE refused.fact_id = fact.fact_id
        """
    )
    con.unregister("refused")
