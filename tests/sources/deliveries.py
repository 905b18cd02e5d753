"""A landing zone and a lake of their own, through which tests send deliveries."""

from __future__ import annotations

from pathlib import Path

import duckdb

from kg_assets.sources.adapter import Adapter
from kg_assets.sources.steps import run_raw_blobs, run_source_records
from kg_assets.sources.tables import QUARANTINED_BLOBS, SOURCE_RECORDS
from resources.lake import Lake
from resources.settings import Settings
from resources.table import Table


class Stage:
    """The two steps over a landing zone and a lake of their own."""

    def __init__(self, home: Path) -> None:
        self.settings = Settings(home=home, threads=1, memory_limit="300MB")
        self.landing = self.settings.landing_path
        self.lake = Lake(self.settings)
        self.figures: dict = {}

    def deliver(self, source: str = "mine", name: str = "d", **files: bytes | str) -> Path:
        """Write files into the landing zone; two underscores in a name stand for a dot."""
        named = {file.replace("__", "."): content for file, content in files.items()}
        return self.deliver_files(source, named, name)

    def deliver_files(self, source: str, files: dict[str, bytes | str], name: str = "d") -> Path:
        """Write files by their names into the landing zone."""
        folder = self.landing / source / name
        folder.mkdir(parents=True, exist_ok=True)
        for file, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            (folder / file).write_bytes(data)
        return folder

    def run(self, key: str = "mine|d", adapter: Adapter | None = None, **options: int) -> None:
        """Run the two steps over a delivery."""
        with self.lake.step("raw_blobs", partition=key) as step:
            run_raw_blobs(step, self.landing, **options)
        with self.lake.step("source_records", partition=key) as step:
            run_source_records(step, adapter=adapter)
            self.figures = step.figures

    def rows(self, table: Table) -> list[dict]:
        """All rows of a table."""
        with duckdb.connect(config={"threads": 1}) as con:
            return self.lake.relation(con, table).to_arrow_table().to_pylist()

    def names(self) -> list[str]:
        """Names of the records but those of people."""
        return [row["name"] for row in self.rows(SOURCE_RECORDS) if row["entity_type"] != "person"]

    def quarantined(self) -> list[dict]:
        """What is quarantined."""
        return self.rows(QUARANTINED_BLOBS)
