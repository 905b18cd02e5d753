"""The steps of the inference stage: they read and write the lake; the work is done elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from kg_assets.inference import contexts as texts
from kg_assets.inference import documents as prose
from kg_assets.inference import evidence, extraction
from kg_assets.inference.changes import decided
from kg_assets.inference.choice import Choice, rules_for
from kg_assets.inference.combined import taught
from kg_assets.inference.comparison import compare
from kg_assets.inference.confidence import WEIGHTS, Weights
from kg_assets.inference.deciding import decide_shard
from kg_assets.inference.decision_tables import reading_decisions
from kg_assets.inference.embeddings import DEFAULT_EMBEDDING, Embedding
from kg_assets.inference.extractors import Extractor
from kg_assets.inference.index import open_index, write_index
from kg_assets.inference.llm.examples import ReviewedFact
from kg_assets.inference.policy import POLICIES, Policy
from kg_assets.inference.review.examples import reviewed_facts
from kg_assets.inference.review.tables import FACT_JUDGEMENTS
from kg_assets.inference.stated import unite
from kg_assets.inference.tables import (
    CHUNKS,
    DOCUMENT_INDEX,
    DOCUMENTS,
    GAZETTEER_TYPES,
    ONTOLOGY_VERSIONS,
    current_records,
    extraction_contexts,
    extraction_states,
    extractor_comparison,
    inferred_relations,
)
from kg_assets.inference.text_tables import TEXTS, UNTIED_TEXTS
from kg_assets.matching.tables import entity_members, resolved_entities
from ontology.schema import ONTOLOGY_FILE, Ontology, load_ontology

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

    from resources.lake import Step
    from resources.settings import Settings
    from resources.vectors import VectorReader, VectorStore


def run_documents(step: Step) -> None:
    """Write the documents and chunks of an entity type (the step's partition).

    Args:
        step: Reads members, records and texts; writes documents, chunks and untied texts.
    """
    entity_type = _partition(step)
    step.view("members", entity_members(entity_type))
    step.view("records", current_records(entity_type))
    step.view("texts", TEXTS)
    con = step.con
    prose.tie(con, entity_type)
    prose.described(con).create("described")
    prose.tied(con, entity_type).create("tied")
    texts.fill(con, "cleaned", DOCUMENTS.schema, _cleaned(con.cursor()))
    prose.distinct(con).create("document")
    found = step.write(DOCUMENTS, con.table("document"))
    pieces = prose.chunk_batches(con.cursor().table("document"))
    texts.fill(con, "chunk", CHUNKS.schema, pieces)
    cut = step.write(CHUNKS, con.table("chunk"))
    untied = step.write(UNTIED_TEXTS, prose.untied(con))
    [(from_files, mended, same)] = con.sql(
        """
        SELECT
            count(*) FILTER (file IS NOT NULL),
            count(*) FILTER (original IS NOT NULL),
            (SELECT count(*) FROM cleaned WHERE text <> '') - count(*)
        FROM document
        """
    ).fetchall()
    step.report(
        documents=found,
        chunks=cut,
        from_files=from_files,
        cleaned=mended,
        left_out_as_duplicates=same,
        untied_texts=untied,
    )


def _cleaned(con: duckdb.DuckDBPyConnection) -> Iterator[pa.RecordBatch]:
    yield from prose.cleaned_batches(con.table("described"))
    yield from prose.cleaned_batches(con.table("tied"), at_once=prose.TEXTS_AT_ONCE)


def run_document_index(
    step: Step, vectors: VectorStore, embedding: Embedding = DEFAULT_EMBEDDING
) -> None:
    """Bring the LanceDB table of an entity type (the step's partition) up to date.

    Args:
        step: Reads documents and chunks, writes the manifest.
        vectors: Home of the LanceDB tables.
        embedding: Makes the vectors.
    """
    entity_type = _partition(step)
    step.view("documents", DOCUMENTS, entity_type)
    step.view("chunks", CHUNKS, entity_type)
    [(count,)] = step.con.sql("SELECT count(*) FROM chunks").fetchall()
    rows = [write_index(step.con, vectors, entity_type, embedding)] if count else []
    step.write(DOCUMENT_INDEX, pa.Table.from_pylist(rows, schema=DOCUMENT_INDEX.schema))
    step.report(chunks=count)


def run_extraction_contexts(
    step: Step,
    entity_type: str,
    shards: int,
    vectors: VectorStore,
    embedding: Embedding = DEFAULT_EMBEDDING,
    policy: Policy | None = None,
) -> None:
    """Write what the extractor is given for the entities of a shard (the step's partition).

    Args:
        step: Reads entities, documents and manifests.
        entity_type: Type of the subjects.
        shards: How many shards the type has.
        vectors: Home of the LanceDB tables.
        embedding: What they were made with.
        policy: Whose texts are read; as it is declared where none is given.
    """
    con, policy = step.con, policy or POLICIES[entity_type]
    figures = decide_shard(step, entity_type, shards, policy)
    nameable = _nameable_types(policy, load_ontology())
    unite(
        step,
        "nameable",
        [resolved_entities(kind) for kind in nameable],
        "entity_id, entity_type, name, alternate_names, year",
        # A given name alone names nobody.
        "entity_type <> 'person' OR contains(name, ' ')",
    )
    texts.gather(con, _readers(step, vectors, nameable, embedding), embedding)
    unite(
        step,
        "all_members",
        [entity_members(kind) for kind in nameable],
        "entity_id, entity_type, source, source_id",
    )
    unite(
        step,
        "all_records",
        [current_records(kind) for kind in nameable],
        "entity_type, source, source_id, credits",
        "len(credits) > 0",
    )
    texts.creators(con).create("makers")
    written = step.write(extraction_contexts(entity_type), texts.contexts(con, entity_type))
    step.report(contexts=written, **figures)


def run_inferred_relations(step: Step, entity_type: str, choice: Choice | None = None) -> None:
    """Write the facts in a shard's contexts, the state of each, and why it was read.

    Args:
        step: Reads contexts, documents and what it wrote before.
        entity_type: Type of the subjects.
        choice: Who reads the contexts; the rules unless another is given.
    """
    con, ontology = step.con, load_ontology()
    choice = choice or Choice(rules_for(ontology, entity_type), 0.0)
    if choice.extractor.model is not None:
        # Only a language model learns from examples, so nothing else is read again for them.
        choice = choice.taught(_reviewed(step, entity_type))
    facts, states = inferred_relations(entity_type), extraction_states(entity_type)
    kept = extraction.read(
        step,
        entity_type,
        choice.extractor,
        ontology,
        choice.threshold,
        weights=choice.weights,
    )
    decisions = reading_decisions(entity_type)
    because = step.previous(decisions) if step.intact(decisions) else None
    step.write(decisions, decided(con, choice.extractor, ontology, because))
    read_because = con.sql(
        """
        SELECT reason, count(*)
        FROM change
        ANTI JOIN standing USING (context_id)
        GROUP BY ALL
        ORDER BY ALL
        """
    ).fetchall()
    # Two windows of one document can repeat a sentence, but never a place in it.
    written = step.write(facts, con.sql("SELECT DISTINCT ON (fact_id) * FROM fact ORDER BY ALL"))
    step.write(states, con.table("state"))
    outcome = dict(
        con.sql(
            """
            SELECT
                CASE WHEN reason IS NULL THEN status ELSE split_part(reason, ':', 1) END,
                count(*)
            FROM fact
            GROUP BY ALL
            ORDER BY ALL
            """
        ).fetchall()
    )
    by_state = con.sql("SELECT state, count(*) FROM state GROUP BY ALL ORDER BY ALL").fetchall()
    [(contexts, dollars)] = con.sql(
        "SELECT count(DISTINCT context_id), coalesce(sum(cost), 0) FROM state"
    ).fetchall()
    step.report(
        facts=written,
        accepted=outcome.pop(evidence.ACCEPTED, 0),
        proposed=outcome.pop(evidence.PROPOSED, 0),
        rejected=outcome,
        contexts=contexts,
        contexts_kept=kept,
        contexts_read_because=dict(read_because),
        contexts_by_state=dict(by_state),
        dollars=round(dollars, 4),
        read_by=choice.extractor.name,
        **({"note": choice.note} if choice.note else {}),
    )


def _reviewed(step: Step, entity_type: str) -> list[ReviewedFact]:
    step.view("subject_member", entity_members(entity_type))
    judgements = step.read(FACT_JUDGEMENTS, entity_type)
    return reviewed_facts(step.con, judgements, "subject_member")


def run_extractor_comparison(
    step: Step,
    entity_type: str,
    second: Extractor | None,
    threshold: float,
    weights: Weights = WEIGHTS,
) -> None:
    """Write how a second extractor reads the same contexts; nothing where there is none.

    Args:
        step: Reads contexts, documents, facts and states.
        entity_type: Type of the subjects.
        second: The extractor in the shadow, or None.
        threshold: Confidence below which a fact is not kept.
        weights: What the signals of a confidence count.
    """
    if second is None:
        table = extractor_comparison(entity_type)
        step.write(table, table.schema.empty_table())
        step.report(second="none")
        return
    if second.model is not None:
        second = taught(second, _reviewed(step, entity_type))
    parts = []
    for number, kind in enumerate(GAZETTEER_TYPES):
        step.view(f"judged_members_{number}", entity_members(kind))
        parts.append(
            f"SELECT entity_id, entity_type, source, source_id FROM judged_members_{number}"  # noqa: S608
        )
    step.con.execute(f"CREATE TEMP VIEW judged_members AS {' UNION ALL '.join(parts)}")
    compare(
        step,
        entity_type,
        second,
        load_ontology(),
        threshold,
        judgements=step.read(FACT_JUDGEMENTS, entity_type),
        members="judged_members",
        weights=weights,
    )


def nothing_left(settings: Settings, entity_type: str) -> bool:
    """Whether every context of a type was read as far as it can be.

    Where money ran out, or the endpoint could not be reached, the next build, which has a budget of
    its own, goes on. While the language model is paused (`Settings.llm_paused`) nothing can be.
    """
    return settings.llm_paused or not waiting(settings, entity_type)


def waiting(settings: Settings, entity_type: str) -> int:
    """How many contexts of a type wait for the language model: to be read by the next build."""
    from contextlib import closing

    from resources.duck import session
    from resources.lake import Lake

    scratch = settings.scratch
    scratch.mkdir(parents=True, exist_ok=True)
    with closing(session(threads=1, memory_limit="100MB", scratch=scratch)) as con:
        states = Lake(settings).relation(con, extraction_states(entity_type))
        return int(states.filter("NOT final").aggregate("count(*)").fetchall()[0][0])


def run_ontology_versions(step: Step) -> None:
    """Add the version of the ontology that this build uses to those that were used before."""
    ontology = load_ontology()
    before = step.previous(ONTOLOGY_VERSIONS).filter(f"ontology <> '{ontology.hash}'")
    before.create("version")
    text = ONTOLOGY_FILE.read_text(encoding="utf-8")
    step.con.execute(
        "INSERT INTO version VALUES (?, ?, ?)", [ontology.hash, ontology.version, text]
    )
    versions = step.write(ONTOLOGY_VERSIONS, step.con.table("version"))
    step.report(versions=versions, ontology=ontology.hash)


def _partition(step: Step) -> str:
    if step.partition is None:
        raise ValueError(f"{step.name} is partitioned: say which partition it shall make")
    return step.partition


def _nameable_types(policy: Policy, ontology: Ontology) -> tuple[str, ...]:
    """The types whose names are looked for: in a range of a relation that is looked for."""
    wanted = {kind for name in policy.relations for kind in ontology.relations[name].range}
    return tuple(kind for kind in GAZETTEER_TYPES if kind in wanted)


def _readers(
    step: Step, vectors: VectorStore, kinds: tuple[str, ...], embedding: Embedding
) -> list[VectorReader]:
    found = []
    for kind in kinds:
        for row in step.read(DOCUMENT_INDEX, kind).to_arrow_table().to_pylist():
            found.append(open_index(vectors, row, embedding))
    return found
