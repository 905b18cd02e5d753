"""A lake with a few resolved entities and records, and ways to run the inference steps on it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from kg_assets.inference.choice import Choice
from kg_assets.inference.extractors import Extractor
from kg_assets.inference.policy import Policy
from kg_assets.inference.proposals import run_inferred_records
from kg_assets.inference.review.steps import run_reviewed_relations
from kg_assets.inference.steps import (
    run_document_index,
    run_documents,
    run_extraction_contexts,
    run_inferred_relations,
)
from kg_assets.inference.tables import GAZETTEER_TYPES, current_records
from kg_assets.inference.texts import run_texts
from kg_assets.matching.tables import entity_members, resolved_entities
from kg_assets.sources.steps import run_raw_blobs, run_source_records
from resources.lake import Lake, Step
from resources.settings import Settings
from resources.table import Table
from resources.vectors import VectorStore


class World:
    """A small world of entities in a lake of its own."""

    def __init__(self, home: Path) -> None:
        self.settings = Settings(home=home, memory_limit="500MB", threads=1)
        self.lake = Lake(self.settings)
        self.vectors = VectorStore(self.settings)
        self.entities: list[dict[str, Any]] = []
        self._types: set[str] = set()
        self.figures: dict[str, Any] = {}

    def add(
        self,
        entity_type: str,
        name: str,
        description: str | None = None,
        *,
        year: int | None = None,
        by: Iterable[str] = (),
        parent_name: str | None = None,
        entity_id: str | None = None,
        relations: Iterable[dict[str, str]] = (),
    ) -> str:
        """Add an entity with one record and return its id."""
        key = entity_id or f"{entity_type}-{name}-{year}"
        self.entities.append(
            {
                "entity_id": key,
                "entity_type": entity_type,
                "source": "tales",
                "source_id": key,
                "name": name,
                "year": year,
                "description": description,
                "parent_id": parent_name,
                "parent_name": parent_name,
                "credits": [{"name": maker, "role": "writer"} for maker in by],
                "relations": list(relations),
                "records": 1,
                "sources": ["tales"],
            }
        )
        return key

    def deliver(self) -> None:
        """Write what was added as the matching stage would, all in one step."""
        self._types |= {each["entity_type"] for each in self.entities}
        with self.lake.step("fixture") as step:
            for kind in GAZETTEER_TYPES:
                rows = [each for each in self.entities if each["entity_type"] == kind]
                for table in (resolved_entities(kind), entity_members(kind), current_records(kind)):
                    step.write(table, _table(table, rows))

    def land(self, name: str, files: dict[str, str | bytes], *, source: str = "essays") -> None:
        """Land files as a delivery, and read it as the sources stage does."""
        folder = self.settings.landing_path / source / name
        folder.mkdir(parents=True)
        for file, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            (folder / file).write_bytes(data)
        key = f"{source}|{name}"
        self._run("raw_blobs", key, lambda step: run_raw_blobs(step, self.settings.landing_path))
        self._run("source_records", key, run_source_records)

    def infer(
        self,
        kinds: Iterable[str] = ("film",),
        shards: int = 1,
        extractor: Extractor | None = None,
        *,
        policy: Policy | None = None,
        search: bool = True,
    ) -> None:
        """Run the inference stage for all types that ever had an entity.

        Without search, only texts of the kinds are read.
        """
        self._run("texts", None, run_texts)
        found = [kind for kind in GAZETTEER_TYPES if kind in self._types | set(kinds)]
        for kind in found if search else kinds:
            self._run(f"documents {kind}", kind, run_documents)
            if search:
                self._run("index", kind, lambda step: run_document_index(step, self.vectors))
        for kind in kinds:
            for shard in (f"{number:02d}" for number in range(shards)):
                self._run(
                    f"{kind}/contexts",
                    shard,
                    lambda step, kind=kind: run_extraction_contexts(
                        step, kind, shards, self.vectors, policy=policy
                    ),
                )
                self._run(
                    f"{kind}/relations",
                    shard,
                    lambda step, kind=kind: run_inferred_relations(
                        step, kind, None if extractor is None else Choice(extractor, 0.0)
                    ),
                )
            self.review(kind)

    def review(self, kind: str = "film") -> None:
        """Let judgements decide on the facts of a type, and make its queue."""
        self._run(f"{kind}/review", None, lambda step: run_reviewed_relations(step, kind))

    def propose(self) -> None:
        """Write what the source `inferred` says now."""
        landing = self.settings.landing_path
        self._run("proposals", None, lambda step: run_inferred_records(step, landing))

    def rows(self, table: Table, partition: str | None = None) -> list[dict[str, Any]]:
        """Rows of a table in the order of its key."""
        found: list[dict[str, Any]] = []
        with self.lake.step("look") as step:
            keys = ", ".join(f'"{name}"' for name in table.key)
            found += step.read(table, partition).order(keys).to_arrow_table().to_pylist()
        return found

    def _run(self, name: str, partition: str | None, work: Callable[[Step], Any]) -> None:
        with self.lake.step(name, partition=partition) as step:
            work(step)
            self.figures[name] = step.figures


def _table(table: Table, rows: list[dict[str, Any]]) -> pa.Table:
    ordered = sorted(rows, key=lambda row: [row[name] for name in table.key])
    return pa.Table.from_pylist(
        [{name: row.get(name) for name in table.schema.names} for row in ordered],
        schema=table.schema,
    )


@pytest.fixture
def world(tmp_path: Path) -> World:
    """An empty world."""
    return World(tmp_path / "home")
