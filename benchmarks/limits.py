"""What planning, a tick of the sensor, `kg status` and the UI take with very many partitions.

The lake has as many deliveries and shards of films as are asked for. Its tables are empty but
recorded as steps record them, since what is measured looks at records of work and not at rows.

With ``--pages``: what the pages of the UI take in a browser, from the webserver.

With ``--two-films``: what a build takes after a delivery of two films, in a home that holds records
of every entity type.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.limits_home import make_home
from benchmarks.limits_pages import measure_pages, needs_browser
from resources.settings import Settings

PARTITIONS_QUERY = """
    query AssetNodeDefinition($key: AssetKeyInput!) {
      assetNodeOrError(assetKey: $key) {
        ... on AssetNode {
          partitionKeysByDimension { name partitionKeys type }
          partitionStats { numMaterialized numMaterializing numPartitions numFailed }
          assetPartitionStatuses {
            ... on DefaultPartitionStatuses {
              materializedPartitions materializingPartitions
              failedPartitions unmaterializedPartitions
            }
          }
        }
      }
    }
"""
"""What the page of an asset asks for its tab Partitions, as dagster-webserver 1.13 does."""

GRAPH_QUERY = """
    query AssetGraphQuery {
      assetNodes {
        id groupName opNames isPartitioned isMaterializable assetKey { path }
        dependencyKeys { path } dependedByKeys { path } kinds tags { key value }
        partitionDefinition { name type }
      }
    }
"""
"""What the page Lineage asks for all assets."""

LIVE_QUERY = """
    query AssetGraphLiveQuery($keys: [AssetKeyInput!]!) {
      assetNodes(assetKeys: $keys) {
        id opNames assetKey { path }
        assetMaterializations(limit: 1) { timestamp runId }
        partitionStats { numMaterialized numMaterializing numPartitions numFailed }
        assetChecksOrError { ... on AssetChecks { checks { name executionForLatestMaterialization {
          status evaluation { severity } } } } }
      }
      assetsLatestInfo(assetKeys: $keys) {
        id unstartedRunIds inProgressRunIds latestRun { status }
      }
    }
"""
"""What it asks every few seconds of those that are seen."""

STALE_QUERY = """
    query AssetStaleStatusDataQuery($keys: [AssetKeyInput!]!) {
      assetNodes(assetKeys: $keys) {
        id assetKey { path } staleStatus
        staleCauses { key { path } reason category dependency { path } }
      }
    }
"""
"""What it asks of all of them, ten at a time."""
_AT_ONCE = 10


def main() -> None:
    """Make the lake, measure, and print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deliveries", type=int, default=1_000)
    parser.add_argument("--shards", type=int, default=1_024)
    parser.add_argument("--home", type=Path, help="kept, and used again if it is there")
    parser.add_argument("--two-films", action="store_true", help="measure such a delivery instead")
    parser.add_argument("--pages", action="store_true", help="measure the UI in a browser instead")
    parser.add_argument("--pictures", type=Path, help="folder for pictures of the pages")
    options = parser.parse_args()
    if options.pages:
        needs_browser()
    with tempfile.TemporaryDirectory() as folder:
        home = options.home or Path(folder) / "home"
        if options.two_films:
            _measure_two_films(home, Path(folder))
            return
        os.environ |= {
            "KG_HOME": str(home),
            "KG_NAMESPACE": "dev",
            "KG_SHARDS": json.dumps({"film": options.shards}),
        }
        settings = Settings()
        if not home.exists():
            _measured("making the lake", lambda: make_home(settings, options.deliveries))
        if options.pages:
            measure_pages(settings, Path(folder), options.pictures)
        else:
            _measure(settings)


def _measure_two_films(home: Path, folder: Path) -> None:
    """Build a few records of every type, let two films come, and build again."""
    from kg_assets.building import build
    from kg_assets.matching.models import MODELS
    from kg_assets.sources.landing import land

    # In this process, so that its processor time is all there is.
    os.environ |= {"KG_HOME": str(home), "KG_NAMESPACE": "dev", "KG_WORKERS": "1"}
    os.environ |= {"KG_SHARDS": "1", "KG_THREADS": "1"}
    settings = Settings()

    def delivered(source: str, name: str, records: Sequence[Mapping[str, object]]) -> None:
        file = folder / "records.jsonl"
        file.write_text("".join(json.dumps(record) + "\n" for record in records))
        land(settings.landing_path, source, [file], name)

    def built() -> str:
        summary = build(settings)
        failed = f", {len(summary.failed)} failed" if summary.failed else ""
        return f"{len(summary.results)} runs{failed}"

    for source in ("one", "two"):
        records = [_record(kind, number) for kind in MODELS for number in range(20)]
        delivered(source, "first", records)
    _measured("kg build, records of every type", built)
    delivered("one", "second", [_record("film", number) for number in (20, 21)])
    _measured("kg build, two films delivered", built)
    _measured("kg build, nothing to do", built)


def _record(kind: str, number: int) -> dict[str, object]:
    return {
        "entity_type": kind,
        "source_id": f"{kind}{number}",
        "name": f"The {hashlib.sha256(f'{kind}{number}'.encode()).hexdigest()[:8]}",
        "year": 1950 + number,
        "credits": [{"name": f"Ann Lee {number}", "role": "director", "position": 1}],
    }


def _measure(settings: Settings) -> None:
    import dagster as dg

    from kg_assets.building import build
    from kg_assets.cli.status import as_json
    from kg_assets.instance import open_instance
    from kg_assets.sensors import new_deliveries
    from kg_assets.status import status

    def states() -> str:
        found = status(settings)
        as_json(found)
        fresh = sum(one.state == "fresh" for one in found.partitions)
        return f"{fresh:,} of {len(found.partitions):,} partitions fresh"

    def tick() -> str:
        with open_instance(settings) as instance:
            answer = new_deliveries(dg.build_sensor_context(instance=instance))
        return str(getattr(answer, "skip_message", answer))

    _measured("kg status", states)
    _measured("a tick of the sensor", tick)
    _measured("kg build, nothing to do", lambda: f"{len(build(settings).results)} runs")
    _measure_ui(settings)


def _measure_ui(settings: Settings) -> None:
    """Ask what the UI asks, without the HTTP around it."""
    from dagster._core.workspace.context import WorkspaceProcessContext
    from dagster._core.workspace.load_target import WorkspaceFileTarget
    from dagster_graphql.schema import create_schema

    from kg_assets.cli.ui import WORKSPACE
    from kg_assets.instance import open_instance

    schema = create_schema()
    seen = [{"path": path} for path in (["film", "match_scores"], ["raw_blobs"], ["nodes"])]
    asked: list[tuple[str, str, dict[str, object]]] = [
        ("UI: graph of all assets", GRAPH_QUERY, {}),
        ("UI: state of assets", LIVE_QUERY, {"keys": seen}),
        ("UI: partitions of film/match_scores", PARTITIONS_QUERY, {"key": seen[0]}),
        ("UI: partitions of raw_blobs", PARTITIONS_QUERY, {"key": seen[1]}),
    ]
    with (
        open_instance(settings) as instance,
        WorkspaceProcessContext(instance, WorkspaceFileTarget([str(WORKSPACE)])) as process,
    ):

        def answer(query: str, variables: dict[str, object]) -> dict[str, Any]:
            context = process.create_request_context()
            found = asyncio.run(schema.execute_async(query, context=context, variables=variables))
            if found.errors or found.data is None:
                raise RuntimeError(f"the UI's query failed: {found.errors}")
            return dict(found.data)

        def size(query: str, variables: dict[str, object]) -> str:
            return f"{len(json.dumps(answer(query, variables))):,} bytes"

        def stale() -> str:
            keys = [node["assetKey"] for node in answer(GRAPH_QUERY, {})["assetNodes"]]
            shown: Counter[str] = Counter()
            slowest = 0.0
            for first in range(0, len(keys), _AT_ONCE):
                began = time.perf_counter()
                found = answer(STALE_QUERY, {"keys": keys[first : first + _AT_ONCE]})
                slowest = max(slowest, time.perf_counter() - began)
                shown.update(node["staleStatus"] for node in found["assetNodes"])
            return f"{dict(shown)}, slowest answer {slowest:.2f} s of wall"

        for again in ("", ", again"):
            for name, query, variables in asked:
                _measured(name + again, partial(size, query, variables))
            _measured(f"UI: what is stale, ten at a time{again}", stale)


def _measured(what: str, work: Callable[[], str]) -> None:
    wall, own = time.perf_counter(), time.process_time()
    said = work()
    wall, own = time.perf_counter() - wall, time.process_time() - own
    print(f"{what:<46} {own:8.2f} s of processor {wall:8.2f} s of wall   {said}", flush=True)


if __name__ == "__main__":
    main()
