"""Inferred types on records whose type is hidden: accuracy, and the share left undecided.

Run as ``python -m benchmarks.types``. Takes 500 records of the demonstration's data, as many of
each source and type as there are up to an equal share, and 500 of MovieGraphBenchmark where that
is there (KG_MOVIEGRAPH_DIR). The rules were written with the records of `stories` in view, and
after a look at five errors on MovieGraphBenchmark and two on later texts of `stories`. ``bare``
leaves only name, year, texts and genres, as a source that knows little would give. ``a name and a
text`` leaves the name alone and gives a text about it: the introductions of `stories`, and the
descriptions of the demonstration's records as if others had written them.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from benchmarks import moviegraph
from kg_assets.inference.thing_texts import Told, text_signals
from kg_assets.inference.thing_types import judge_kind
from kg_assets.sources.demo import EXAMPLES, demo_files
from kg_assets.sources.landing import land
from kg_assets.sources.steps import run_raw_blobs, run_source_records
from kg_assets.sources.tables import SOURCE_RECORDS
from resources.lake import Lake
from resources.settings import Settings

WANTED = 500
_BARE = ("name", "alternate_names", "year", "description", "genres")


def read(sources: Mapping[str, Iterable[Path]], home: Path) -> list[dict[str, Any]]:
    """Land and read sources as a build does, and give their records."""
    settings = Settings(home=home)
    lake = Lake(settings)
    found = []
    for source, files in sources.items():
        key = land(settings.landing_path, source, list(files), "first").delivery.key
        with lake.step("raw_blobs", partition=key) as step:
            run_raw_blobs(step, settings.landing_path)
        with lake.step("source_records", partition=key) as step:
            run_source_records(step)
            # An order that has nothing to do with what a record is.
            sampled = step.staged(SOURCE_RECORDS).order("md5(source_id || name)")
            counts: Counter[str] = Counter()
            for batch in sampled.to_arrow_reader(4_096):
                for row in batch.to_pylist():
                    counts[row["entity_type"]] += 1
                    if counts[row["entity_type"]] <= WANTED:
                        found.append(row)
    return found


def sample(records: list[dict[str, Any]], wanted: int = WANTED) -> list[dict[str, Any]]:
    """Take records so that each source and type gives an equal share, or all that it has."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for record in records:
        groups[record["source"], record["entity_type"]].append(record)
    for group in groups.values():
        group.sort(key=lambda r: hashlib.sha256(r["source_id"].encode()).hexdigest())
    chosen: list[dict[str, Any]] = []
    while len(chosen) < wanted and any(groups.values()):
        for key in sorted(groups):
            if groups[key] and len(chosen) < wanted:
                chosen.append(groups[key].pop(0))
    return chosen


def score(records: list[dict[str, Any]], *, bare: bool) -> Counter[tuple[str, str]]:
    """Count right, wrong and undecided for each type and for all."""
    counts: Counter[tuple[str, str]] = Counter()
    for record in records:
        shown = {key: value for key, value in record.items() if key != "entity_type"}
        if bare:
            shown = {key: shown.get(key) for key in _BARE}
        found = judge_kind(shown).entity_type
        true = record["entity_type"]
        outcome = "undecided" if found is None else "right" if found == true else "wrong"
        counts[true, outcome] += 1
        counts["all", outcome] += 1
    return counts


def score_texts(told: Iterable[tuple[str, str, str]]) -> Counter[tuple[str, str]]:
    """Count the same for things of which there is a name and a text.

    Args:
        told: Name, text and true type of each.
    """
    counts: Counter[tuple[str, str]] = Counter()
    for name, text, true in told:
        signals = text_signals([name], [Told("texts", name, None, text, alone=True)])
        found = judge_kind({"name": name}, signals).entity_type
        outcome = "undecided" if found is None else "right" if found == true else "wrong"
        counts[true, outcome] += 1
        counts["all", outcome] += 1
    return counts


def introductions() -> list[tuple[str, str, str]]:
    """Name, text and type of the subjects of the introductions."""
    lines = (EXAMPLES / "introductions" / "texts.jsonl").read_text("utf-8").splitlines()
    return [
        (row["subject"]["name"], row["text"], row["subject"]["type"])
        for row in map(json.loads, lines)
    ]


def show(title: str, counts: Counter[tuple[str, str]]) -> None:
    """Print a table."""
    print(f"\n{title}")
    print(f"{'type':14} {'records':>7} {'right':>6} {'wrong':>6} {'undecided':>9}  accuracy")
    for kind in sorted({kind for kind, _ in counts}, key=lambda name: (name == "all", name)):
        right, wrong, open_ = (counts[kind, o] for o in ("right", "wrong", "undecided"))
        accuracy = f"{right / (right + wrong):.4f}" if right + wrong else "-"
        print(f"{kind:14} {right + wrong + open_:7} {right:6} {wrong:6} {open_:9}  {accuracy}")


def main() -> None:
    """Print accuracy among the decided, and how many are left undecided."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        chosen = sample(read(demo_files(), Path(folder) / "demo"))
        show("demonstration", score(chosen, bare=False))
        show("demonstration, bare", score(chosen, bare=True))
        texts = [
            (row["name"], row["description"], row["entity_type"])
            for row in chosen
            if row["description"]
        ]
        show("demonstration, a name and a text", score_texts(texts))
        show("introductions, a name and a text", score_texts(introductions()))
        try:
            data = moviegraph.folder()
        except moviegraph.MissingDataError as error:
            print(json.dumps(str(error)))
            return
        files = moviegraph.write_canonical(data, Path(folder))
        chosen = sample(
            read({name: [path] for name, path in files.items()}, Path(folder) / "graph")
        )
        show("MovieGraphBenchmark", score(chosen, bare=False))
        show("MovieGraphBenchmark, bare", score(chosen, bare=True))


if __name__ == "__main__":
    main()
