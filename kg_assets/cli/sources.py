"""`kg sources`: which sources there are, and how they stand."""

# ruff: noqa: S608 - names in statements are our own, values are bound.

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from kg_assets.cli.declared import expectations, print_declared
from kg_assets.cli.reading import reading_session
from kg_assets.cli.render import Exit, clean, console, print_json, print_list
from kg_assets.matching.live import live_deliveries, with_records
from kg_assets.sources.deliveries import SUCCESS, delivery_key
from kg_assets.sources.freshness import DECLARED, in_words, sources_now
from kg_assets.sources.landing import list_deliveries
from kg_assets.sources.registry import ADAPTERS, adapter_for
from kg_assets.sources.tables import DELIVERIES, QUARANTINED_BLOBS, SOURCE_RECORDS
from resources.lake import Lake

if TYPE_CHECKING:
    import duckdb

    from kg_assets.sources.adapter import Adapter
    from resources.settings import Settings


@dataclass
class SourceState:
    """One source: what is declared of it, and what came.

    Attributes:
        source: Its name.
        title: What it is.
        adapter: Whether an adapter of its own reads it; else it delivers canonical records.
        licence: Licence of its data.
        rank: Its rank for golden records; the lowest wins.
        duplicate_free: By type, whether its adapter says that no two records are one thing.
        expects: By type, what its adapter expects of a delivery: limits of the number of records
            and of the share of filled fields, and of which files they hold.
        landed: Deliveries in the landing zone.
        read: Deliveries that were read into the lake.
        sequence: The highest sequence of those that were read; 0 where none says.
        last_landed: When the newest delivery was landed, ISO 8601 in UTC.
        last_read: When the last delivery that counts was read.
        expected_days: Days within which the next delivery is expected, None: never.
        expected_by: Who says so: KG_EXPECTED_EVERY_DAYS, delivery.json or its adapter.
        expected_since: Why its adapter says so; empty where somebody else does.
        records: Current records by type, people of credits among them.
        quarantined: Quarantined blobs of all deliveries that were read.
        unread: Names of deliveries that are landed and not read, in order.
    """

    source: str
    title: str
    adapter: bool
    licence: str
    rank: int
    duplicate_free: dict[str, bool]
    expects: dict[str, dict[str, Any]]
    landed: int = 0
    read: int = 0
    sequence: int = 0
    last_landed: str | None = None
    last_read: str | None = None
    expected_days: float | None = None
    expected_by: str = ""
    expected_since: str = ""
    records: dict[str, int] = field(default_factory=dict)
    quarantined: int = 0
    unread: list[str] = field(default_factory=list)


def list_sources(settings: Settings, *, json: bool = False) -> int:
    """Print the sources: those that have an adapter, and those that delivered.

    Returns:
        Exit code 0.
    """
    states = source_states(settings)
    if json:
        print_json([asdict(state) for state in states])
        return Exit.OK
    print_list(
        ["source", "rank", "landed", "read", "sequence", "last landed", "records", "quarantined"],
        [
            (
                state.source,
                state.rank,
                state.landed,
                state.read,
                state.sequence or None,
                _age(state.last_landed),
                sum(state.records.values()) or None,
                state.quarantined or None,
            )
            for state in states
        ],
        may_fold=("source", "last landed"),
    )
    if any(state.records for state in states):
        console.print("Records by type:")
    for state in states:
        if state.records:
            parts = ", ".join(f"{kind} {number:,}" for kind, number in state.records.items())
            console.print(f"  {clean(state.source)}: {parts}", soft_wrap=True)
    console.print("Licences:")
    for state in states:
        console.print(f"  {clean(state.source)}: {clean(state.licence)}", soft_wrap=True)
    print_declared(states)
    if any(state.expected_days for state in states):
        console.print("Deliveries expected:")
    for state in states:
        if state.expected_days is not None:
            why = ": ".join(filter(None, (state.expected_by, state.expected_since)))
            within = in_words(state.expected_days)
            console.print(f"  {clean(state.source)}: within {within} ({why})", soft_wrap=True)
    for state in states:
        if state.unread:
            console.print(
                f"{clean(state.source)}: {len(state.unread):,} deliveries are landed and not read "
                f"({clean(', '.join(state.unread[:3]))}); read them with: kg build"
            )
    return Exit.OK


def _age(time: str | None) -> str | None:
    if time is None:
        return None
    hours = (datetime.now(UTC) - datetime.fromisoformat(time)).total_seconds() / 3600
    if hours < 1:
        return "under 1 h ago"
    return f"{hours:.0f} h ago" if hours < 48 else f"{hours / 24:.0f} days ago"


def source_states(settings: Settings) -> list[SourceState]:
    """How each source stands, in order of the names."""
    lake = Lake(settings)
    deliveries, _ = list_deliveries(settings.landing_path, settings.namespace)
    heads = lake.heads(SOURCE_RECORDS)
    quarantine = lake.heads(QUARANTINED_BLOBS)
    names = {*ADAPTERS, *(one.source for one in deliveries), *(key.split("|")[0] for key in heads)}
    states = {name: _declared(adapter_for(name), name) for name in sorted(names)}
    for delivery in deliveries:
        state = states[delivery.source]
        state.landed += 1
        time = _landed_at(delivery.path)
        state.last_landed = max(filter(None, (state.last_landed, time)), default=None)
        if delivery.key not in heads:
            state.unread.append(delivery.name)
    for key in heads:
        states[key.split("|")[0]].read += 1
    for one in sources_now(settings, datetime.now(UTC)):
        if one.source in states:
            state = states[one.source]
            state.last_read = one.read
            state.expected_days, state.expected_by = one.expected_days, one.expected_by
            state.expected_since = one.reason
    for key, head in quarantine.items():
        states[key.split("|")[0]].quarantined += head.file.rows
    with reading_session(settings) as con:
        told = lake.relation(con, DELIVERIES)
        for source, sequence in told.aggregate("source, max(sequence)", "source").fetchall():
            states[source].sequence = sequence
        live = live_deliveries(con, with_records(con, told, lake.heads(SOURCE_RECORDS)))
        for source, kind, number in _current(lake, con, live):
            states[source].records[kind] = number
    return list(states.values())


def _declared(adapter: Adapter, source: str) -> SourceState:
    return SourceState(
        source,
        adapter.title,
        source in ADAPTERS,
        adapter.licence,
        adapter.rank,
        dict(adapter.duplicate_free),
        expectations(adapter),
        expected_days=adapter.rhythm.days,
        expected_by=DECLARED,
        expected_since=adapter.rhythm.reason,
    )


def _landed_at(folder: Path) -> str | None:
    marked = folder / SUCCESS
    try:
        changed = (marked if marked.exists() else folder).lstat().st_mtime
    except FileNotFoundError:
        return None
    return datetime.fromtimestamp(changed, UTC).isoformat(timespec="seconds")


def _current(
    lake: Lake, con: duckdb.DuckDBPyConnection, live: pa.Table
) -> list[tuple[str, str, int]]:
    """Source, type and number of the records that are current: the last delivery's word counts."""
    views = []
    for number, source, name, mode in zip(
        *(live.column(column).to_pylist() for column in ("number", "source", "delivery", "mode")),
        strict=True,
    ):
        relation = lake.relation(con, SOURCE_RECORDS, delivery_key(source, name))
        relation.project("entity_type, source, source_id").create_view(f"told_{number}")
        views.append(
            f"SELECT {number} AS number, {mode == 'delete'} AS is_gone, * FROM told_{number}"
        )
    if not views:
        return []
    return con.sql(
        f"""
        SELECT source, entity_type, count(*)
        FROM (
            SELECT entity_type, source, source_id, arg_max(is_gone, number) AS is_gone
            FROM ({" UNION ALL ".join(views)})
            GROUP BY ALL
        )
        WHERE NOT is_gone
        GROUP BY ALL
        ORDER BY ALL
        """
    ).fetchall()
