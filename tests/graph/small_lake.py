"""A lake with the tables that the graph stage reads, from the records of `small_graph`."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import pyarrow as pa
from dagster_duckdb import DuckDBResource

from kg_assets.graph.steps import EDGES_INPUTS, run_edges, run_knowledge_graph, run_nodes
from kg_assets.inference.review.tables import reviewed_relations
from kg_assets.inference.tables import DOCUMENTS
from kg_assets.matching.tables import entity_members, identity_events, resolved_entities
from kg_assets.sources.tables import DELIVERIES, SOURCE_RECORDS
from resources.lake import Lake
from resources.settings import Settings
from resources.table import Table
from tests.graph.small_graph import connection

RECORDS = {table.name: table for table in EDGES_INPUTS if table.name.endswith("/records")}


def write(
    lake: Lake, table: Table, rows: list[dict[str, Any]], partition: str | None = None
) -> None:
    """Write one table in a step of its own."""
    with lake.step(f"test {table.name}", partition=partition) as step:
        step.write(table, _in_order(table, rows))


def _in_order(table: Table, rows: list[dict[str, Any]]) -> pa.Table:
    rows = sorted(rows, key=lambda row: [str(row[name]) for name in table.key])
    return pa.Table.from_pylist(rows, schema=table.schema)


def fill(
    home: Path,
    records: list[dict[str, Any]],
    entities: dict[str, list[str]],
    facts: list[dict[str, Any]] | None = None,
    events: list[dict[str, Any]] | None = None,
) -> Settings:
    """Write what the graph is made from; the arguments are those of `small_graph.connection`."""
    settings = Settings(home=home, threads=1)
    con = connection(records, entities, facts)
    # In one step: one for each table takes ten times as long.
    with Lake(settings).step("test") as step:
        for (source, name), rows in _deliveries(records).items():
            place = {"source": source, "delivery": name, "sequence": 1, "mode": "partial"}
            counts = {"files": 1, "blobs": len(rows), "bytes": 1, "fingerprint": "x"}
            step.write(DELIVERIES, _in_order(DELIVERIES, [place | counts]), f"{source}|{name}")
            step.write(SOURCE_RECORDS, _in_order(SOURCE_RECORDS, rows), f"{source}|{name}")
        for entity_type in sorted({each["entity_type"] for each in records}):
            known = RECORDS[f"{entity_type}/records"]
            mine = [each for each in records if each["entity_type"] == entity_type]
            step.write(known, _in_order(known, mine))
            for view, table, partition in (
                ("members", entity_members(entity_type), None),
                ("entities", resolved_entities(entity_type), None),
                ("documents", DOCUMENTS, entity_type),
            ):
                found = con.table(view).filter(f"entity_type = '{entity_type}'").to_arrow_table()
                step.write(table, _in_order(table, found.to_pylist()), partition)
        told = con.table("reviewed_relations").to_arrow_table().to_pylist()
        defaults = {
            "subject_type": "film", "document_sha256": "", "extractor_version": "1",
            "ontology": "x", "negated": False, "context_id": "c",
        }  # fmt: skip
        facts = [row | {k: v for k, v in defaults.items() if row[k] is None} for row in told]
        step.write(reviewed_relations("film"), _in_order(reviewed_relations("film"), facts))
        step.write(identity_events("film"), _in_order(identity_events("film"), events or []))
    return settings


def _deliveries(records: list[dict[str, Any]]) -> dict[tuple[str, str], list[dict[str, Any]]]:
    found = defaultdict(list)
    for each in records:
        found[each["source"], each["delivery"]].append(each)
    return found


def run(settings: Settings) -> dict[str, dict[str, Any]]:
    """Run the steps of the graph stage; gives what each reported."""
    lake = Lake(settings)
    database = DuckDBResource(database=str(settings.published))
    figures = {}
    with lake.step("nodes") as step:
        run_nodes(step)
        figures["nodes"] = step.figures
    with lake.step("edges") as step:
        run_edges(step)
        figures["edges"] = step.figures
    with lake.step("knowledge_graph") as step:
        run_knowledge_graph(step, database, settings.published)
        figures["knowledge_graph"] = step.figures
    return figures
