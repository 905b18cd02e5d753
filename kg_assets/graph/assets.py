"""The door of the graph stage: nodes and edges with their evidence, and the published graph."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from kg_assets.graph.checks import edge_checks
from kg_assets.graph.publication import is_database
from kg_assets.graph.steps import (
    EDGES_INPUTS,
    KNOWLEDGE_GRAPH_INPUTS,
    NODES_INPUTS,
    run_edges,
    run_knowledge_graph,
    run_nodes,
)
from kg_assets.graph.tables import EDGE_PROBLEMS, EDGES, EVIDENCE, KNOWLEDGE_GRAPH, NODES
from kg_assets.policies import resource_tags
from kg_assets.shell import StepAsset
from ontology.schema import load_ontology
from resources.settings import Settings

CODE = "4"


def graph_steps(settings: Settings) -> Sequence[StepAsset]:
    """The steps from entities and facts to the published graph.

    Args:
        settings: Where the graph is published.
    """
    version = f"{CODE}-{load_ontology().hash}"
    tags = resource_tags(heavy=True)
    return (
        StepAsset(
            outputs=(NODES,),
            inputs=NODES_INPUTS,
            run=run_nodes,
            group="graph",
            lane="graph",
            code_version=version,
            tags=tags,
        ),
        StepAsset(
            outputs=(EDGES, EVIDENCE, EDGE_PROBLEMS),
            inputs=EDGES_INPUTS,
            run=run_edges,
            group="graph",
            lane="graph",
            code_version=version,
            checks=edge_checks(),
            tags=tags,
        ),
        StepAsset(
            outputs=(KNOWLEDGE_GRAPH,),
            inputs=KNOWLEDGE_GRAPH_INPUTS,
            run=partial(run_knowledge_graph, published=settings.published),
            group="graph",
            lane="graph",
            code_version=version,
            resources=frozenset({"database"}),
            stands=partial(is_database, settings.published),
            tags=tags,
        ),
    )
