"""How things stand: what is fresh, stale, failed or running, and what a build would do and cost.

All of it is read from the catalog, the journal and the names of what lies in the landing zone. No
table is opened and nothing is written, so it is quick, and works while a build runs.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from kg_assets.build import assemble
from kg_assets.current_state import partition_keys, state_of
from kg_assets.inference.standing import Inference, inference_of, waiting_texts
from kg_assets.matching.standing import ShadowScorer, shadow_scorers
from kg_assets.planning import MISSING, lanes
from kg_assets.sources.freshness import freshness
from kg_assets.sources.landing import is_complete, list_deliveries
from kg_assets.sources.tables import DELIVERIES, QUARANTINED_BLOBS, RAW_BLOBS, SOURCE_RECORDS
from resources.catalog import Catalog
from resources.journal import FAILED, RUNNING, BuildEntry, Entry, Journal
from resources.llm.spending import Spending, spending
from resources.storage import open_storage
from resources.table import WHOLE

if TYPE_CHECKING:
    from kg_assets.build import Assembly
    from kg_assets.sources.freshness import Freshness
    from kg_assets.sources.landing import Delivery
    from resources.entries import Head
    from resources.settings import Settings

FRESH, STALE, NEVER = "fresh", "stale", "missing"

STAGES = ("sources", "matching", "inference", "graph")

_EVERY_TYPE = "all"
_SLOWEST = 8
"""Partitions that are named as the slowest."""


@dataclass(frozen=True)
class Partition:
    """A partition of a step.

    Attributes:
        lane: Its lane, by which `kg build --only` and `kg rerun` know it.
        step: The step.
        stage: sources, matching, inference or graph.
        entity_type: Its entity type, ``all`` where it belongs to none alone.
        key: The partition, None where there is one.
        state: fresh, stale, missing, failed or running.
        why: Why it is not fresh.
        seconds: How long its last run took, None: not known.
        peak_memory: Most bytes that the process held then.
        run_id: Its last run.
    """

    lane: str
    step: str
    stage: str
    entity_type: str
    key: str | None
    state: str
    why: str | None
    seconds: float | None
    peak_memory: int | None
    run_id: str | None

    @property
    def label(self) -> str:
        """What `kg rerun` and `kg build --only` take."""
        return self.step if self.key is None else f"{self.step}@{self.key}"


@dataclass(frozen=True)
class Source:
    """How a source stands.

    Attributes:
        name: The source.
        deliveries: How many lie in the landing zone.
        waiting: Those of them that were not read yet, or changed since.
        incomplete: Those that are still being written.
        freshness: When what counts of it was read, and when the next is due.
        records: Records in all deliveries that were read.
        quarantined: Blobs of them that became no record.
    """

    name: str
    deliveries: int
    waiting: int
    incomplete: int
    freshness: Freshness
    records: int
    quarantined: int


@dataclass(frozen=True)
class Next:
    """What a build would do now.

    Attributes:
        runs: Runs that are sure.
        may_follow: Partitions of later lanes, which run only where content changed.
        seconds: Of the sure steps, by their last runs; those that never ran are not counted.
        may_follow_seconds: The same of what may follow.
        unknown: Sure steps of which it is not known how long they take.
        dollars: For the language model, low and high.
    """

    runs: int = 0
    may_follow: int = 0
    seconds: float = 0.0
    may_follow_seconds: float = 0.0
    unknown: int = 0
    dollars: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True)
class Status:
    """All of it.

    Attributes:
        namespace: Whose status it is.
        partitions: Each partition of each step.
        build: The last build.
        sources: The sources, and how fresh they are.
        refused: What in the landing zone is not read, and why.
        warnings: Checks that warn: step with partition, table, check and figures.
        failures: Why partitions failed, by their labels.
        inference: How far texts are read, by entity type.
        waiting_texts: Texts about things of no known type: waiting, about, named.
        shadow_scorers: How scorers in the shadow do beside those that count.
        queues: Pairs or facts that wait for a person, by table.
        spending: What the language model has cost.
        next: What a build would do.
    """

    namespace: str
    partitions: Sequence[Partition] = ()
    build: BuildEntry | None = None
    sources: Sequence[Source] = ()
    refused: Sequence[tuple[str, str]] = ()
    warnings: Sequence[tuple[str, str, str, Mapping[str, Any]]] = ()
    failures: Mapping[str, str] = field(default_factory=dict)
    inference: Sequence[Inference] = ()
    waiting_texts: Mapping[str, Any] = field(default_factory=dict)
    shadow_scorers: Sequence[ShadowScorer] = ()
    queues: Mapping[str, int] = field(default_factory=dict)
    spending: Spending = field(default_factory=Spending)
    next: Next = field(default_factory=Next)

    @property
    def late(self) -> list[Freshness]:
        """The sources of which a delivery was expected and none was read in time."""
        return [one.freshness for one in self.sources if one.freshness.is_late]

    def slowest(self) -> list[Partition]:
        """The partitions whose last runs took longest."""
        timed = [one for one in self.partitions if one.seconds is not None]
        return sorted(timed, key=lambda one: (-(one.seconds or 0), one.label))[:_SLOWEST]

    def by_stage(self) -> dict[tuple[str, str], list[Partition]]:
        """Partitions by stage and entity type, in the order in which data flow."""
        found: dict[tuple[str, str], list[Partition]] = {
            (stage, kind): []
            for stage in dict.fromkeys((*STAGES, *(one.stage for one in self.partitions)))
            for kind in dict.fromkeys(one.entity_type for one in self.partitions)
        }
        for one in self.partitions:
            found[one.stage, one.entity_type].append(one)
        return {place: members for place, members in found.items() if members}

    def reasons(self) -> list[tuple[str, str, int]]:
        """Step, why it is not fresh, and how many of its partitions are so."""
        counted = Counter(
            (one.step, one.why) for one in self.partitions if one.state == STALE and one.why
        )
        return [(step, why, count) for (step, why), count in counted.items()]


def status(settings: Settings, now: datetime | None = None) -> Status:
    """Look how things stand.

    Args:
        settings: Where things lie, and the namespace.
        now: The time by which sources are fresh or late; by default that of the clock.
    """
    now = now or datetime.now(UTC)
    deliveries, refused = list_deliveries(settings.landing_path, settings.namespace)
    found = {delivery.key: delivery for delivery in deliveries}
    heads: Mapping[tuple[str, str], Head] = {}
    own: set[str] = set()
    first: Mapping[tuple[str, str], str] = {}
    if _is_there(settings.catalog_url):
        catalog = Catalog(settings.catalog_url, create=False)
        heads = catalog.all_heads(settings.namespace)
        own = catalog.own_tables(settings.namespace)
        first = catalog.first_times(DELIVERIES.name)
    with closing(Journal(settings.catalog_url, create=False)) as journal:
        entries = journal.entries(settings.namespace)
        build = journal.last_build(settings.namespace)
    known = {(entry.place.step, entry.place.partition): entry for entry in entries}
    assembly = assemble(settings)
    plan = _Plan(settings, assembly, heads, own, found, known)
    reading = inference_of(settings, known, plan.stale_steps)
    landed = {delivery.source for delivery in deliveries}
    fresh = freshness(heads, first, landed, settings.expected_every_days, now)
    return Status(
        namespace=settings.namespace,
        partitions=plan.partitions,
        build=build,
        sources=_sources(settings, deliveries, heads, plan.unread, fresh, now),
        refused=[(entry.name, entry.reason) for entry in refused],
        warnings=[
            (_label(entry), table, check, figures)
            for entry in entries
            for table, check, figures in entry.warnings
            if entry.place.step in plan.names
        ],
        failures={
            one.label: known[one.step, one.key or WHOLE].error or ""
            for one in plan.partitions
            if one.state == FAILED
        },
        inference=reading,
        waiting_texts=waiting_texts(known),
        shadow_scorers=shadow_scorers(settings, known),
        queues={
            table: head.file.rows
            for (table, _), head in sorted(heads.items())
            if table.endswith(("review_queue", "fact_queue"))
        },
        spending=spending(settings.llm_store_url),
        next=plan.next(reading),
    )


def _is_there(url: str) -> bool:
    """Whether there is a catalog; a reader makes none."""
    parsed = sa.make_url(url)
    return parsed.get_backend_name() != "sqlite" or Path(parsed.database or "").exists()


def _label(entry: Entry) -> str:
    place = entry.place
    return place.step if place.partition == WHOLE else f"{place.step}@{place.partition}"


class _Plan:
    """What is stale, and what follows.

    Attributes:
        partitions: Every partition of every step.
        names: Names of the steps.
        stale_steps: Names of steps that have to run, or follow from such, in any partition.
        unread: Keys of deliveries that were not read, or have changed since.
    """

    def __init__(
        self,
        settings: Settings,
        assembly: Assembly,
        heads: Mapping[tuple[str, str], Head],
        own: Collection[str],
        deliveries: Mapping[str, Delivery],
        known: Mapping[tuple[str, str], Entry],
    ) -> None:
        state = state_of(heads, assembly, open_storage(settings), deliveries, own=own)
        self.partitions: list[Partition] = []
        self.names = {step.name for step in assembly.steps}
        self.stale_steps: set[str] = set()
        self.unread: set[str] = set()
        self._sure: list[Entry | None] = []
        self._following: list[Entry | None] = []
        self._runs = 0
        moved: set[str] = set()
        for lane in lanes(assembly.steps).values():
            follows = bool(lane.upstream & moved)
            keys = partition_keys(lane, deliveries)
            stale = {key: state.reasons(lane, key) for key in keys}
            waiting = [key for key, reasons in stale.items() if reasons]
            self._runs += 1 if lane.light and len(waiting) == len(keys) else len(waiting)
            if waiting or follows:
                moved.add(lane.name)
            if any(table == RAW_BLOBS for step in lane.steps for table in step.outputs):
                self.unread = {str(key) for key in waiting}
            for key, reasons in stale.items():
                for step in lane.steps:
                    if state.is_left_out(step):
                        continue
                    entry = known.get((step.name, key or WHOLE))
                    why = reasons.get(step.name)
                    if why is not None:
                        self._sure.append(entry)
                    elif follows and not state.is_frozen(step, key):
                        self._following.append(entry)
                    if why is not None or follows:
                        self.stale_steps.add(step.name)
                    self.partitions.append(
                        Partition(
                            lane=lane.name,
                            step=step.name,
                            stage=step.group,
                            entity_type=step.entity_type or _EVERY_TYPE,
                            key=key,
                            state=_state(why, entry),
                            why=why,
                            seconds=entry.seconds if entry else None,
                            peak_memory=entry.peak_memory if entry else None,
                            run_id=entry.run_id if entry else None,
                        )
                    )

    def next(self, reading: Sequence[Inference]) -> Next:
        """What a build would do."""
        return Next(
            runs=self._runs,
            may_follow=len(self._following),
            seconds=sum(entry.seconds or 0 for entry in self._sure if entry),
            may_follow_seconds=sum(entry.seconds or 0 for entry in self._following if entry),
            unknown=sum(entry is None or entry.seconds is None for entry in self._sure),
            dollars=(
                sum(one.dollars_next[0] for one in reading),
                sum(one.dollars_next[1] for one in reading),
            ),
        )


def _state(why: str | None, entry: Entry | None) -> str:
    if entry is not None and entry.state == RUNNING:
        return RUNNING
    if why is None:
        return FRESH
    if entry is not None and entry.state == FAILED:
        return FAILED
    return NEVER if why == MISSING else STALE


def _sources(
    settings: Settings,
    deliveries: Sequence[Delivery],
    heads: Mapping[tuple[str, str], Head],
    unread: set[str],
    fresh: Sequence[Freshness],
    now: datetime,
) -> list[Source]:
    landed: dict[str, list[Delivery]] = defaultdict(list)
    for delivery in deliveries:
        landed[delivery.source].append(delivery)
    rows: Counter[tuple[str, str]] = Counter()
    for (table, key), head in heads.items():
        rows[table, key.partition("|")[0]] += head.file.rows
    found = []
    for one in fresh:
        given = landed[one.source]
        waiting = [delivery for delivery in given if delivery.key in unread]
        found.append(
            Source(
                name=one.source,
                deliveries=len(given),
                waiting=len(waiting),
                # What was read was complete; of the others some may not be.
                incomplete=sum(
                    not is_complete(each, now.timestamp(), settings.quiet_seconds)
                    for each in waiting
                ),
                freshness=one,
                records=rows[SOURCE_RECORDS.name, one.source],
                quarantined=rows[QUARANTINED_BLOBS.name, one.source],
            )
        )
    return found
