"""How well people are matched where films could not use their directors' names.

Run with ``python -m benchmarks.people``. The films of wikidata_films and cannes_films are matched
by a model that sees no person, then people are matched with the shipped model. Labels are made
from shared IMDb ids, which no model sees: the directors of a film with one id are the same people
(`kg_assets.sources.demo` says how those of a film with several are paired, and how the pairs are
closed over films). All pairs of directors of labelled films are judged.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table as Grid

from benchmarks.chain import resolve
from kg_assets.matching.evaluation import Scores, score_complete
from kg_assets.matching.models import MODELS
from kg_assets.matching.models.film import film_spec
from kg_assets.matching.tables import entity_members
from kg_assets.sources.demo import demo_files, imdb_links, same_director_links
from kg_assets.sources.landing import land
from kg_assets.sources.steps import run_raw_blobs, run_source_records
from kg_assets.sources.tables import SOURCE_RECORDS
from resources.lake import Lake
from resources.settings import Settings


def main() -> None:
    """Match films without people, then people; print the scores."""
    console = Console()
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder), namespace="people")
        lake = Lake(settings)
        files = demo_files()
        for source in ("wikidata_films", "cannes_films"):
            delivery = land(settings.landing_path, source, files[source], "demo").delivery
            with lake.step("raw_blobs", partition=delivery.key) as step:
                run_raw_blobs(step, settings.landing_path)
            with lake.step("source_records", partition=delivery.key) as step:
                run_source_records(step)
        specs = (film_spec(use_people=False), MODELS["person"])
        seconds = {spec.entity_type: resolve(lake, spec) for spec in specs}
        with lake.step("score") as step:
            records = step.read(SOURCE_RECORDS)
            films = step.read(entity_members("film"))
            people = step.read(entity_members("person"))
            rows: list[tuple[str, Scores]] = [
                (
                    "films, matched without people",
                    score_complete(step.con, imdb_links(records), films),
                ),
                (
                    "directors of all labelled films",
                    score_complete(
                        step.con, same_director_links(records), people, among_labelled=True
                    ),
                ),
            ]
    grid = Grid("labels", "links", "precision", "recall", "F1")
    for label, found in rows:
        grid.add_row(
            label,
            f"{found.links:,}",
            f"{found.precision:.4f}",
            f"{found.recall:.4f}",
            f"{found.f1:.4f}",
        )
    console.print(grid)
    console.print(", ".join(f"{name} {value:.1f} s" for name, value in seconds.items()))


if __name__ == "__main__":
    main()
