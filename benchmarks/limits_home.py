"""A home with very many partitions for `benchmarks.limits`: what records of work there are of them.

Tables are empty and recorded as steps record them. Dagster has a run for each partition of a lane,
with the events, previews and checks that steps give it.
"""

from __future__ import annotations

import hashlib
import shutil
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resources.entries import File, Input, Output, digest_of
from resources.files import relative_path, write_file
from resources.journal import Journal, Outcome, Place
from resources.lake import Lake
from resources.table import WHOLE

if TYPE_CHECKING:
    import dagster as dg

    from kg_assets.planning import Lane
    from kg_assets.shell import StepAsset
    from kg_assets.sources.deliveries import Delivery
    from resources.settings import Settings
    from resources.table import Table

_ROWS_SEEN = 10
"""Rows of a preview."""


def make_home(settings: Settings, deliveries: int) -> str:
    """Make a home as a build would leave it.

    Args:
        settings: Its place, and how many shards the entity types have.
        deliveries: How many deliveries it has.

    Returns:
        How many partitions of steps there are, in words.
    """
    from kg_assets.build import assemble
    from kg_assets.current_state import partition_keys
    from kg_assets.instance import open_instance
    from kg_assets.planning import lanes
    from kg_assets.sources.deliveries import Delivery

    found = []
    for number in range(deliveries):
        source, name = f"source{number % 10}", f"d{number:05}"
        folder = settings.landing_path / source / name
        folder.mkdir(parents=True)
        (folder / "records.jsonl").write_text("")
        (folder / "_SUCCESS").touch()
        found.append(Delivery(source, name, folder))
    assembly, maker = assemble(settings), _Maker(settings, found)
    made = 0
    with closing(Journal(settings.catalog_url)) as journal, open_instance(settings) as instance:
        instance.add_dynamic_partitions("deliveries", [delivery.key for delivery in found])
        teller = _Teller(settings, instance)
        for lane in lanes(assembly.steps).values():
            for key in partition_keys(lane, maker.deliveries):
                for step in lane.steps:
                    maker.make(step, key, assembly.fixed)
                    place = Place("dev", step.name, key or WHOLE)
                    journal.start(place, None)
                    journal.done(place, Outcome(1.0, 100_000_000, {"rows": 0}))
                    made += 1
                teller.tell(lane, key)
    _outside(settings)
    return f"{made:,} partitions"


class _Maker:
    """Commits empty tables with the inputs that steps would record."""

    def __init__(self, settings: Settings, deliveries: Sequence[Delivery]) -> None:
        self.deliveries = {delivery.key: delivery for delivery in deliveries}
        self._lake = Lake(settings)
        self._files: dict[str, Path] = {}
        self._digests: dict[str, dict[str, str]] = defaultdict(dict)

    def make(
        self, declared: StepAsset, key: str | None, fixed: Mapping[str, Sequence[str]]
    ) -> None:
        """Commit the outputs of a step's partition."""
        outputs = [
            Output(table.name, key or WHOLE, self._file(table, key or WHOLE))
            for table in declared.outputs
        ]
        self._lake.catalog.commit(
            namespace="dev",
            step=declared.name,
            run_id=None,
            code_version=declared.code_version,
            inputs=self._inputs(declared, key, fixed),
            outputs=outputs,
        )
        for output in outputs:
            self._digests[output.table][output.partition] = output.file.digest

    def _inputs(
        self, declared: StepAsset, key: str | None, fixed: Mapping[str, Sequence[str]]
    ) -> list[Input]:
        from kg_assets.planning import LANDING
        from kg_assets.sources.landing import fingerprint
        from kg_assets.sources.tables import (
            DELIVERIES,
            LANDED_DELIVERIES,
            RAW_BLOBS,
            SOURCE_RECORDS,
        )

        by_delivery = {
            table.name for table in (RAW_BLOBS, LANDED_DELIVERIES, SOURCE_RECORDS, DELIVERIES)
        }
        found = []
        if RAW_BLOBS in declared.outputs:
            delivery = self.deliveries[str(key)]
            found.append(Input(LANDING + delivery.key, "-", fingerprint(delivery)))
        for table in declared.inputs:
            known = self._digests[table.name]
            if key is not None and (table.name in by_delivery or key in fixed.get(table.name, ())):
                found.append(Input(table.name, key, known[key]))
                continue
            found.append(Input(table.name, "*", digest_of(known)))
            if table.name in by_delivery:
                # Records note each delivery by itself, to know later which are new.
                found += [Input(table.name, each, digest) for each, digest in known.items()]
        return found

    def _file(self, table: Table, partition: str) -> File:
        version = f"{table.name}-{partition}"
        relative = relative_path(table.name, partition, "0")
        path = self._lake.root / relative
        if table.name not in self._files:
            write_file(path, table, table.schema.empty_table(), scratch=path.parent)
            self._files[table.name] = path
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self._files[table.name], path)
        content = path.read_bytes()
        sha256 = hashlib.sha256(content).hexdigest()
        return File(version, relative, sha256, 0, len(content), "{}", digest=sha256)


def _outside(settings: Settings) -> None:
    """Put in its place what steps make outside the lake."""
    import duckdb

    from kg_assets.matching.models import MODELS
    from kg_assets.matching.reporting.step import PAGE

    for kind in MODELS:
        page = settings.reports / kind / PAGE
        page.parent.mkdir(parents=True)
        page.touch()
    settings.published.parent.mkdir(parents=True)
    duckdb.connect(str(settings.published)).close()


class _Teller:
    """Tells Dagster of runs that made partitions, as `kg build` executes them."""

    def __init__(self, settings: Settings, instance: dg.DagsterInstance) -> None:
        from kg_assets.build import build_definitions

        self._instance = instance
        self._job = build_definitions(settings=settings).resolve_implicit_global_asset_job_def()
        self._first: dict[str, dg.DagsterRun] = {}
        self._told: dict[str, int | None] = {}

    def tell(self, lane: Lane, key: str | None) -> None:
        """Note a run of all steps of a lane for one partition."""
        import dagster as dg
        from dagster._core.events import DagsterEvent, DagsterEventType
        from dagster._core.utils import make_new_run_id
        from dagster_shared.record import copy

        from kg_assets.running import Task, run_config, run_tags

        tables = [table for step in lane.steps for table in step.outputs]
        task = Task(
            lane.name,
            tuple(step.name for step in lane.steps),
            tuple(table.name for table in tables),
            () if key is None else (key,),
        )
        keys = {dg.AssetKey(table.asset_key) for table in tables}
        first = self._first.get(lane.name)
        if first is None:
            # Dagster notes what it planned, which is the same for all partitions of a lane.
            run = self._first[lane.name] = self._instance.create_run_for_job(
                self._job, run_config=run_config(task), tags=run_tags(task), asset_selection=keys
            )
        else:
            run = self._instance.add_run(
                copy(first, run_id=make_new_run_id(), tags={**first.tags, **run_tags(task)})
            )
        ends = [
            DagsterEvent(event_type_value=kind.value, job_name=run.job_name)
            for kind in (DagsterEventType.RUN_START, DagsterEventType.RUN_SUCCESS)
        ]
        if first is not None:
            planned = [
                _planned(table, key, step, run.job_name)
                for step in lane.steps
                for table in step.outputs
            ]
            self._store(planned, run.run_id)
        self._instance.report_dagster_event(ends[0], run.run_id)
        for step in lane.steps:
            self._store(_events(step, key, run.job_name, self._read(step)), run.run_id)
            last = self._instance.event_log_storage.get_maximum_record_id()
            self._told |= {table.name: last for table in step.outputs}
        self._instance.report_dagster_event(ends[1], run.run_id)

    def _read(self, step: StepAsset) -> Mapping[str, str]:
        """What Dagster notes of a step's code and inputs, by which it tells what is stale."""
        import dagster as dg
        from dagster._core.definitions import data_version as noted

        tags = {
            noted.CODE_VERSION_TAG: step.code_version,
            noted.DATA_VERSION_IS_USER_PROVIDED_TAG: "true",
        }
        for table in step.inputs:
            key, last = dg.AssetKey(table.asset_key), self._told.get(table.name)
            version = noted.DEFAULT_DATA_VERSION.value if last is None else _digest(table)
            tags[noted.get_input_data_version_tag(key)] = version
            pointer = noted.NULL_EVENT_POINTER if last is None else str(last)
            tags[noted.get_input_event_pointer_tag(key)] = pointer
        return tags

    def _store(self, events: Sequence[Any], run_id: str) -> None:
        from dagster._core.events.log import EventLogEntry

        entry: Any = EventLogEntry
        self._instance.event_log_storage.store_event_batch(
            [
                entry(
                    error_info=None,
                    level="INFO",
                    user_message="",
                    run_id=run_id,
                    timestamp=time.time(),
                    step_key=event.step_key,
                    job_name=event.job_name,
                    dagster_event=event,
                )
                for event in events
            ]
        )


def _planned(table: Table, key: str | None, step: StepAsset, job: str) -> Any:
    import dagster as dg
    from dagster._core.events import AssetMaterializationPlannedData, DagsterEvent

    planned = AssetMaterializationPlannedData(dg.AssetKey(table.asset_key), partition=key)
    return DagsterEvent.build_asset_materialization_planned_event(
        job, step.name.replace("/", "__"), planned
    )


def _events(step: StepAsset, key: str | None, job: str, read: Mapping[str, str]) -> list[Any]:
    """What a step tells of a partition that it made."""
    import dagster as dg
    from dagster._core.definitions.data_version import DATA_VERSION_TAG
    from dagster._core.events import DagsterEvent, DagsterEventType, StepMaterializationData
    from dagster._core.execution.plan.objects import StepSuccessData

    name = step.name.replace("/", "__")
    told: list[tuple[DagsterEventType, Any]] = [(DagsterEventType.STEP_START, None)]
    for table in step.outputs:
        made = dg.AssetMaterialization(
            dg.AssetKey(table.asset_key),
            partition=key,
            metadata=_metadata(table, key),
            tags={**read, DATA_VERSION_TAG: _digest(table)},
        )
        told.append((DagsterEventType.ASSET_MATERIALIZATION, StepMaterializationData(made)))
    for check in step.promises:
        found = dg.AssetCheckEvaluation(
            asset_key=dg.AssetKey(check.table.asset_key),
            check_name=check.name,
            passed=True,
            metadata={"rows": dg.MetadataValue.int(0)},
        )
        told.append((DagsterEventType.ASSET_CHECK_EVALUATION, found))
    succeeded: Any = StepSuccessData
    told.append((DagsterEventType.STEP_SUCCESS, succeeded(duration_ms=1_000.0)))
    return [
        DagsterEvent(
            event_type_value=kind.value, job_name=job, step_key=name, event_specific_data=data
        )
        for kind, data in told
    ]


def _metadata(table: Table, key: str | None) -> Mapping[str, Any]:
    import dagster as dg

    names = table.schema.names
    row = f"|{'|'.join(f'{name} of a row' for name in names)}|"
    lines = [f"|{'|'.join(names)}|", f"|{'---|' * len(names)}", *([row] * _ROWS_SEEN)]
    return {
        "dagster/row_count": 1_000,
        "dagster/uri": f"lake/{relative_path(table.name, key or WHOLE, '0')}",
        "preview": dg.MetadataValue.md("\n".join(lines)),
        "pairs": 1_000,
        "largest_blocks": dg.MetadataValue.md("\n".join(lines[:4])),
        "seconds": 1.0,
        "peak_memory_mb": 100.0,
        "duckdb_threads": 2,
        "layers": 0,
        "sha256": _digest(table),
        "digest": _digest(table),
    }


def _digest(table: Table) -> str:
    return hashlib.sha256(table.name.encode()).hexdigest()
