"""The door of the inference stage: documents, their index, and the facts that texts state."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import partial

import dagster as dg

from kg_assets.inference import thing_types
from kg_assets.inference.checks import document_checks, fact_checks, state_checks
from kg_assets.inference.choice import choose, choose_shadow
from kg_assets.inference.cleaning import CLEANING
from kg_assets.inference.decision_tables import inference_decisions, reading_decisions
from kg_assets.inference.embeddings import Embedding, configured_embedding
from kg_assets.inference.extractors import Extractor, identity
from kg_assets.inference.policy import policy_of
from kg_assets.inference.proposals import run_inferred_records
from kg_assets.inference.review.checks import review_checks
from kg_assets.inference.review.steps import run_reviewed_relations
from kg_assets.inference.review.tables import (
    FACT_JUDGEMENTS,
    fact_queue,
    reviewed_relations,
)
from kg_assets.inference.steps import (
    nothing_left,
    run_document_index,
    run_documents,
    run_extraction_contexts,
    run_extractor_comparison,
    run_inferred_relations,
    run_ontology_versions,
)
from kg_assets.inference.tables import (
    CHUNKS,
    DOCUMENT_INDEX,
    DOCUMENTS,
    GAZETTEER_TYPES,
    INFERENCE_TYPES,
    INFERRED_RECORDS,
    INFERRED_TYPES,
    ONTOLOGY_VERSIONS,
    current_records,
    extraction_contexts,
    extraction_states,
    extractor_comparison,
    inferred_relations,
)
from kg_assets.inference.text_tables import TEXTS, UNTIED_TEXTS, WAITING_TEXTS
from kg_assets.inference.texts import run_texts
from kg_assets.inference.things import run_inferred_types
from kg_assets.inference.waiting import run_waiting_texts
from kg_assets.matching.models import MODELS
from kg_assets.matching.tables import entity_members, resolved_entities
from kg_assets.partitions import shards
from kg_assets.policies import resource_tags
from kg_assets.shell import StepAsset
from kg_assets.sources.tables import DELIVERIES, SOURCE_RECORDS, SOURCE_TEXTS
from ontology.schema import load_ontology
from resources.facets import place_of
from resources.settings import Settings
from resources.table import Table
from resources.vectors import VectorStore

CODE = "4"
THINGS_CODE = "3"
SHADOW_CODE = "3"
CONTEXTS_CODE = "2"
RECORDS_CODE = "2"
INDEX_POOL = "document_index"
"""The index has one writer at a time; runs that are launched side by side queue for it."""

SHARDS = 1
"""Shards of a type's inference; the rules read about two thousand sentences a second."""


def inference_steps(settings: Settings) -> Sequence[StepAsset]:
    """The steps from resolved entities to inferred relations.

    Args:
        settings: Where the vector tables lie.
    """
    types = dg.StaticPartitionsDefinition(list(MODELS))
    vectors = VectorStore(settings)
    key = settings.embedding_key
    embedding = configured_embedding(settings.embedding, key.get_secret_value() if key else None)
    members = tuple(table for kind in MODELS for table in _entity_tables(kind))
    steps = [
        StepAsset(
            outputs=(ONTOLOGY_VERSIONS,),
            inputs=(),
            run=run_ontology_versions,
            group="inference",
            lane="ontology",
            code_version=f"{CODE}-{load_ontology().hash}",
            light=True,
            lasting=(ONTOLOGY_VERSIONS,),
            tags=resource_tags(heavy=False),
        ),
        StepAsset(
            outputs=(DOCUMENTS, CHUNKS, UNTIED_TEXTS),
            inputs=(*members, TEXTS),
            run=run_documents,
            group="inference",
            lane="documents",
            code_version=f"{CODE}-{CLEANING}",
            partitions=types,
            light=True,
            checks=document_checks(),
            tags=resource_tags(heavy=False),
        ),
        StepAsset(
            outputs=(DOCUMENT_INDEX,),
            inputs=(DOCUMENTS, CHUNKS),
            run=partial(run_document_index, vectors=vectors, embedding=embedding),
            group="inference",
            lane="documents",
            kinds=frozenset({"lancedb"}),
            code_version=f"{CODE}-{embedding.name}",
            pool=INDEX_POOL,
            partitions=types,
            light=True,
            tags=resource_tags(heavy=False),
        ),
    ]
    for kind in INFERENCE_TYPES:
        steps += _chain(settings, kind, vectors, embedding)
    return [*steps, *_inferred(settings)]


def _inferred(settings: Settings) -> Sequence[StepAsset]:
    """The steps to the source `inferred`, of which the next round of a build reads a delivery."""
    facts = tuple(reviewed_relations(kind) for kind in INFERENCE_TYPES)
    named = tuple(
        table
        for kind in GAZETTEER_TYPES
        for table in (resolved_entities(kind), entity_members(kind))
    )
    common = {"group": "inference", "tags": resource_tags(heavy=False)}
    return (
        StepAsset(
            outputs=(TEXTS,),
            inputs=(SOURCE_TEXTS, SOURCE_RECORDS, DELIVERIES),
            run=run_texts,
            lane="texts",
            code_version=CODE,
            **common,
        ),
        StepAsset(
            outputs=(INFERRED_TYPES,),
            inputs=(SOURCE_RECORDS, DELIVERIES, TEXTS),
            run=run_inferred_types,
            lane="types",
            code_version=f"{CODE}-{thing_types.VERSION}-{THINGS_CODE}",
            kinds=frozenset({"python", "duckdb"}),
            **common,
        ),
        StepAsset(
            outputs=(WAITING_TEXTS,),
            inputs=(TEXTS, INFERRED_TYPES, DOCUMENTS),
            run=run_waiting_texts,
            lane="waiting",
            code_version=CODE,
            light=True,
            **common,
        ),
        StepAsset(
            outputs=(INFERRED_RECORDS,),
            inputs=(SOURCE_RECORDS, DELIVERIES, INFERRED_TYPES, *facts, *named),
            run=partial(run_inferred_records, landing=settings.landing_path),
            lane="proposals",
            code_version=f"{CODE}-{RECORDS_CODE}",
            kinds=frozenset({"python", "duckdb"}),
            **common,
        ),
    )


def _entity_tables(kind: str) -> tuple[object, ...]:
    return (resolved_entities(kind), entity_members(kind), current_records(kind))


def _taught_by(kind: str, extractor: Extractor) -> tuple[Table, ...]:
    """What an extractor learns from: a language model takes its examples from reviewed facts."""
    return () if extractor.model is None else (FACT_JUDGEMENTS, entity_members(kind))


def _short(version: str) -> str:
    return hashlib.sha256(version.encode()).hexdigest()[:12]


def _chain(
    settings: Settings, kind: str, vectors: VectorStore, embedding: Embedding
) -> Sequence[StepAsset]:
    ontology = load_ontology()
    choice, policy = choose(settings, ontology, kind), policy_of(settings, kind)
    shadow = choose_shadow(settings, ontology, kind)
    shadowed_by = (
        _short(f"{SHADOW_CODE}{identity(shadow)}-{choice.weights_version}")
        if shadow
        else f"none{SHADOW_CODE}"
    )
    # The rules look for the relations of the policy, and keep no others.
    read_by = _short(f"{choice.version} {policy.relations}")
    contexts, relations = extraction_contexts(kind), inferred_relations(kind)
    states = extraction_states(kind)
    named = tuple(table for other in GAZETTEER_TYPES for table in _entity_tables(other))
    others = tuple(entity_members(other) for other in MODELS if other not in GAZETTEER_TYPES)
    # Documents are partitioned by entity type: a chain reads those of its own type, and the
    # index of every type that can be an object.
    own = dg.SpecificPartitionsPartitionMapping([kind])
    common = {
        "group": "inference",
        "lane": f"{kind}/inference",
        # What a change of the ontology leaves as it was need not be read again.
        "code_version": f"{CODE}-{ontology.sight(kind)}",
        "partitions": shards(SHARDS) if SHARDS > 1 else None,
        "entity_type": kind,
        "tags": resource_tags(heavy=False),
        "only_with": ((SOURCE_RECORDS, place_of([kind])), (FACT_JUDGEMENTS, kind)),
    }
    return (
        StepAsset(
            outputs=(contexts, inference_decisions(kind)),
            inputs=(*named, *others, DOCUMENTS, DOCUMENT_INDEX),
            run=partial(
                run_extraction_contexts,
                entity_type=kind,
                shards=SHARDS,
                vectors=vectors,
                embedding=embedding,
                policy=policy,
            ),
            kinds=frozenset({"duckdb", "lancedb"}),
            mappings={DOCUMENTS.name: own, DOCUMENT_INDEX.name: dg.AllPartitionMapping()},
            **common
            | {"code_version": f"{common['code_version']}-{policy.version}-{CONTEXTS_CODE}"},
        ),
        StepAsset(
            outputs=(relations, states, reading_decisions(kind)),
            inputs=(contexts, DOCUMENTS, *_taught_by(kind, choice.extractor)),
            run=partial(run_inferred_relations, entity_type=kind, choice=choice),
            kinds=frozenset({"python", "duckdb"}),
            checks=(*fact_checks(kind), *state_checks(kind)),
            mappings={DOCUMENTS.name: own},
            stands=partial(nothing_left, settings, kind) if choice.extractor.model else None,
            **common | {"code_version": f"{common['code_version']}-{read_by}"},
        ),
        StepAsset(
            outputs=(reviewed_relations(kind), fact_queue(kind)),
            inputs=(
                relations,
                DOCUMENTS,
                resolved_entities(kind),
                *(entity_members(other) for other in GAZETTEER_TYPES),
                FACT_JUDGEMENTS,
            ),
            run=partial(run_reviewed_relations, entity_type=kind),
            mappings={DOCUMENTS.name: own},
            checks=review_checks(kind),
            **common,
        ),
        StepAsset(
            outputs=(extractor_comparison(kind),),
            inputs=(
                contexts,
                relations,
                states,
                DOCUMENTS,
                FACT_JUDGEMENTS,
                *(entity_members(other) for other in GAZETTEER_TYPES),
            ),
            run=partial(
                run_extractor_comparison,
                entity_type=kind,
                second=shadow,
                threshold=choice.threshold,
                weights=choice.weights,
            ),
            mappings={DOCUMENTS.name: own},
            **common | {"code_version": f"{common['code_version']}-{shadowed_by}"},
        ),
    )
