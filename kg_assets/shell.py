"""The Dagster shell around a step: one way to make assets of a function over the lake.

A stage says what its steps read, write and promise (`StepAsset`); here that becomes Dagster
assets with metadata and checks. The checks of a step look at what it wrote before it is
committed: where a blocking check fails, nothing is committed and nothing downstream can read it.

Annotations are evaluated here, not postponed: Dagster reads them to find configuration and
resources.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import dagster as dg
import pyarrow as pa

from kg_assets.checks import Check, Verdict, contract
from kg_assets.execution import BrokenPromises, Made, make
from kg_assets.preview import Markdown
from resources.errors import CorruptFileError, InputError
from resources.journal import Journal
from resources.lake import Lake
from resources.logs import redact
from resources.progress import heard_by
from resources.settings import Settings
from resources.table import Table

DAMAGED = "damaged"
"""Metadata of a failure: table and partition whose file in the lake is not as it was committed."""

REFUSED = "refused"
"""Metadata of a failure: what was given is not as it must be, so that another run fails as well."""


@dataclass(frozen=True)
class StepAsset:
    """A step, and the assets that it makes.

    Attributes:
        outputs: Tables that it writes; an asset each. The first names the step.
        inputs: Tables that it reads.
        run: What it does; called with the `Step`, and with its resources by name.
        group: Stage: sources, matching, inference or graph.
        kinds: What it is made with, shown as tags in the UI.
        code_version: Raised when the step's code would give another result.
        partitions: Its partitions, None where there is one.
        lane: Steps of one lane follow each other and share runs.
        checks: Promises about its outputs, besides those that every table makes.
        mappings: Partition mappings of inputs that are partitioned otherwise.
        settled: Whether outputs, once made, stay until they are asked for (a frozen model). Such a
            step follows from what it recorded as an input alone, as while it lacked data.
        light: Whether a build makes all of its partitions in one run.
        entity_type: The entity type that it belongs to, None for all.
        tags: Resource needs and the like.
        resources: Names of the resources, besides the lake, that `run` is given.
        stands: Whether what it makes outside the lake, such as the published file, is there.
        pool: Dagster pool of which it takes a slot, None for no limit.
        nothing_of: Inputs without whose rows there is nothing to do, each with its partition or
            None for all: where none has any, and the outputs had none, these are made empty and
            `run` is not called.
        only_with: Tables, each with a partition or what `resources.facets.place_of` names. While
            nothing is there of any, a build leaves the step out until its outputs were made once;
            who reads them finds nothing.
        lasting: Outputs that carry on from their own version before, as entities do from their
            ids. A namespace that moves to another production goes on from production's.
    """

    outputs: tuple[Table, ...]
    inputs: tuple[Table, ...]
    run: Callable[..., None]
    group: str
    lane: str
    kinds: frozenset[str] = frozenset({"duckdb", "parquet"})
    code_version: str = "1"
    partitions: dg.PartitionsDefinition[str] | None = None
    checks: tuple[Check, ...] = ()
    mappings: Mapping[str, dg.PartitionMapping] = field(default_factory=dict)
    settled: bool = False
    light: bool = False
    entity_type: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    resources: frozenset[str] = frozenset()
    stands: Callable[[], bool] | None = None
    pool: str | None = None
    nothing_of: tuple[tuple[Table, str | None], ...] = ()
    only_with: tuple[tuple[Table, str], ...] = ()
    lasting: tuple[Table, ...] = ()

    @property
    def promises(self) -> tuple[Check, ...]:
        """All checks: schema and key of each output, and those of the step."""
        return (*(check for table in self.outputs for check in contract(table)), *self.checks)

    @property
    def name(self) -> str:
        """Name of the step, which is that of its first output."""
        return self.outputs[0].name


class LakeResource(dg.ConfigurableResource[Lake]):
    """Gives a step the lake of the settings in the environment."""

    def lake(self) -> Lake:
        """The lake, opened anew: a resource is shared between processes, a catalog is not."""
        return Lake(Settings())


class StepConfig(dg.Config):
    """What can be asked of one run in the launchpad."""

    retrain: bool = False
    """Whether a frozen model is trained again."""
    threads: int | None = None
    """Threads of the step's DuckDB session, instead of KG_THREADS."""
    memory_limit: str | None = None
    """Memory of that session, above which it spills, instead of KG_MEMORY_LIMIT."""
    memory_cap: str | None = None
    """Memory of the whole process (such as 4GB) above which the run is stopped; none by default."""


def step_assets(
    declared: StepAsset, *, fixed: Mapping[str, Sequence[str]], owner: str
) -> dg.AssetsDefinition:
    """Make Dagster assets of a step.

    Args:
        declared: The step.
        fixed: Partition keys of each table that has a fixed set of them.
        owner: Who answers for the assets.

    Returns:
        One definition with an asset for each output.
    """
    code = dg.CodeReferencesMetadataValue(code_references=[_reference(declared.run)])
    specs = [
        dg.AssetSpec(
            key=table.asset_key,
            deps=[
                dg.AssetDep(source.asset_key, partition_mapping=declared.mappings.get(source.name))
                for source in declared.inputs
            ],
            description=table.description,
            group_name=declared.group,
            kinds=set(declared.kinds),
            owners=[owner],
            code_version=declared.code_version,
            tags=dict(declared.tags),
            metadata={
                "dagster/table_name": table.name,
                "dagster/column_schema": _column_schema(table.schema),
                "dagster/code_references": code,
                "key": ", ".join(table.key),
            },
        )
        for table in declared.outputs
    ]

    @dg.multi_asset(
        name=declared.name.replace("/", "__"),
        specs=specs,
        partitions_def=declared.partitions,
        backfill_policy=None if declared.partitions is None else dg.BackfillPolicy.multi_run(8),
        check_specs=[
            dg.AssetCheckSpec(
                name=check.name,
                asset=check.table.asset_key,
                description=check.description,
                blocking=check.blocking,
            )
            for check in declared.promises
        ],
        can_subset=False,
        # The launcher of a cluster sees the plan of a run, and in it the tags of its ops.
        op_tags=dict(declared.tags),
        pool=declared.pool,
        required_resource_keys={"lake", *declared.resources},
    )
    def compute(
        context: dg.AssetExecutionContext, config: StepConfig
    ) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
        yield from _execute(context, config, context.resources.lake.lake(), declared, fixed)

    return compute


def external_asset(table: Table, group: str, owner: str) -> dg.AssetSpec:
    """Describe a table of the lake that no step makes, but people through the command.

    Args:
        table: The table.
        group: Stage that reads it.
        owner: Who answers for it.
    """
    return dg.AssetSpec(
        key=table.asset_key,
        description=table.description,
        group_name=group,
        owners=[owner],
        metadata={
            "dagster/table_name": table.name,
            "dagster/column_schema": _column_schema(table.schema),
            "key": ", ".join(table.key),
        },
    )


def _execute(
    context: dg.AssetExecutionContext,
    config: StepConfig,
    lake: Lake,
    declared: StepAsset,
    fixed: Mapping[str, Sequence[str]],
) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
    keys: Sequence[str | None] = context.partition_keys if declared.partitions else [None]
    promises = declared.promises
    verdicts: list[list[tuple[str | None, Verdict]]] = [[] for _ in promises]
    results: dict[str, Mapping[str, Any]] = {}
    resources = {name: getattr(context.resources, name) for name in declared.resources}
    with closing(Journal(lake.settings.catalog_url)) as journal:
        for key in keys:
            context.log.info("%s %s starts", declared.name, key or "")
            try:
                with heard_by(partial(context.log.info, "%s %s %s", declared.name, key or "")):
                    made = make(
                        declared,
                        lake,
                        key,
                        run_id=context.run.run_id,
                        fixed=fixed,
                        options=config.model_dump(),
                        resources=resources,
                        journal=journal,
                    )
            except BrokenPromises as broken:
                for found, verdict in zip(verdicts, broken.verdicts, strict=True):
                    found.append((key, verdict))
                yield from _check_results(promises, verdicts)
                raise dg.Failure(redact(str(broken)), metadata={REFUSED: True}) from None
            except InputError as error:
                raise dg.Failure(redact(str(error)), metadata={REFUSED: True}) from error
            except CorruptFileError as damaged:
                # So that a build can tell which partition to make again.
                place = {"table": damaged.table, "partition": damaged.partition}
                raise dg.Failure(redact(str(damaged)), metadata={DAMAGED: place}) from damaged
            for found, verdict in zip(verdicts, made.verdicts, strict=True):
                found.append((key, verdict))
            for table in declared.outputs:
                metadata = _metadata(table, made, config.threads or lake.settings.threads)
                results[table.name] = metadata
                if len(keys) > 1:
                    context.add_asset_metadata(metadata, table.asset_key, partition_key=key)
    yield from _check_results(promises, verdicts)
    for table in declared.outputs:
        metadata = results[table.name]
        yield dg.MaterializeResult(
            asset_key=table.asset_key,
            metadata=metadata if len(keys) == 1 else {"partitions_in_run": len(keys)},
            data_version=dg.DataVersion(metadata["digest"]) if len(keys) == 1 else None,
        )


def _metadata(table: Table, made: Made, threads: int) -> dict[str, Any]:
    head = made.heads[table.name]
    file = head.file
    return {
        "dagster/row_count": file.rows,
        "dagster/uri": f"lake/{file.path}",
        # The UI keeps this order: what is in the table, what the step says, how it ran.
        "preview": dg.MetadataValue.md(made.previews[table.name]),
        **{name: _shown(value) for name, value in made.figures.items()},
        "seconds": round(made.seconds, 3),
        "peak_memory_mb": round(made.peak_bytes / 1e6, 1),
        "duckdb_threads": threads,
        "layers": len(head.below),
        "sha256": file.sha256,
        "digest": file.digest,
    }


def _check_results(
    promises: Sequence[Check], verdicts: Sequence[Sequence[tuple[str | None, Verdict]]]
) -> Iterator[dg.AssetCheckResult]:
    for check, found in zip(promises, verdicts, strict=True):
        # The first that fails stands for a run over several partitions, else the last.
        failed = [(key, verdict) for key, verdict in found if not verdict.passed]
        key, verdict = (failed or list(found))[0 if failed else -1]
        yield dg.AssetCheckResult(
            asset_key=check.table.asset_key,
            check_name=check.name,
            passed=verdict.passed,
            severity=(
                dg.AssetCheckSeverity.ERROR if check.blocking else dg.AssetCheckSeverity.WARN
            ),
            metadata={
                **{name: _shown(value) for name, value in verdict.figures.items()},
                **({"partition": key} if key else {}),
            },
        )


def _shown(value: Any) -> Any:
    if isinstance(value, Markdown):
        return dg.MetadataValue.md(value)
    if isinstance(value, bool | int | float | str) or value is None:
        return value if value is not None else dg.MetadataValue.null()
    return dg.MetadataValue.json(value)


def _column_schema(schema: pa.Schema) -> dg.TableSchema:
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name=column.name,
                type=str(column.type),
                description=(column.metadata or {}).get(b"description", b"").decode() or None,
                constraints=dg.TableColumnConstraints(nullable=column.nullable),
            )
            for column in schema
        ]
    )


def _reference(function: Any) -> dg.LocalFileCodeReference:
    while hasattr(function, "func"):  # a functools.partial
        function = function.func
    source = inspect.unwrap(function)
    return dg.LocalFileCodeReference(
        file_path=inspect.getsourcefile(source) or "",
        # To look for the function's end, as inspect would, takes a fifth of all definitions' time.
        line_number=source.__code__.co_firstlineno,
        label=f"{source.__module__}.{source.__qualname__}",
    )
