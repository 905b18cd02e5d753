"""How fresh each source is: when what counts of it was read first, and when the next is due.

The landing zone decides nothing here. A delivery that fails leaves its source as old as it was,
and one that was read stays read when its folder is gone. The catalog knows both: what a delivery
says is committed together with its records, and the first commit of that content is when it was
read, whatever was made of it again since, by whom, and whenever it was promoted.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from kg_assets.sources.landing import list_deliveries
from kg_assets.sources.registry import adapter_for
from kg_assets.sources.tables import DELIVERIES, SOURCE_RECORDS
from resources.lake import Lake

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kg_assets.sources.deliveries import Manifest
    from resources.entries import Head
    from resources.settings import Settings

CONFIGURED, SAID, DECLARED = "KG_EXPECTED_EVERY_DAYS", "delivery.json", "its adapter"
"""Who says within which time a source delivers, who comes first outranks who comes after."""

_SEQUENCE, _MODE, _DAYS = "sequence=", "mode=", "expected_every_days="


@dataclass(frozen=True)
class Freshness:
    """How fresh a source is.

    Attributes:
        source: The source.
        last: The delivery that was read last of those that count, None where none was read.
        read: When it was read, ISO 8601 in UTC.
        age_days: How long ago that was.
        expected_days: How old it may become, None where no delivery is expected.
        expected_by: Who says so: KG_EXPECTED_EVERY_DAYS, delivery.json or its adapter.
        reason: Why the adapter says what it says; empty where somebody else does.
    """

    source: str
    last: str | None
    read: str | None
    age_days: float | None
    expected_days: float | None
    expected_by: str
    reason: str

    @property
    def is_late(self) -> bool:
        """Whether a delivery was expected and none was read in time."""
        if self.expected_days is None:
            return False
        return self.age_days is None or self.age_days > self.expected_days

    @property
    def says(self) -> str:
        """In a line what was read and what was expected."""
        read = (
            "nothing was read of it yet"
            if self.age_days is None
            else f"{self.last} was read {in_words(self.age_days)} ago"
        )
        if self.expected_days is None:
            return f"{read}, and no delivery is expected"
        why = f": {self.reason}" if self.reason else ""
        expected = in_words(self.expected_days)
        return f"{read}, one is expected within {expected} ({self.expected_by}{why})"


def in_words(days: float) -> str:
    """A time in days, hours or minutes, whichever is the largest that it fills."""
    if days >= 1:
        return f"{days:.1f}".removesuffix(".0") + " d"
    hours = days * 24
    return f"{hours:.0f} h" if hours >= 1 else f"{hours * 60:.0f} min"


def words_of(manifest: Manifest) -> set[str]:
    """What the catalog notes of a delivery, so that no table is opened to tell how fresh it is.

    Args:
        manifest: What its delivery.json says.
    """
    words = {f"{_SEQUENCE}{manifest.sequence or 0}", f"{_MODE}{manifest.mode}"}
    if manifest.expected_every_days is not None:
        words.add(f"{_DAYS}{manifest.expected_every_days}")
    return words


def sources_now(settings: Settings, now: datetime) -> list[Freshness]:
    """How fresh each source is, as a namespace sees it.

    Args:
        settings: Where things lie, the namespace, and when deliveries are expected.
        now: The time.
    """
    lake = Lake(settings)
    heads = {
        (table.name, key): head
        for table in (DELIVERIES, SOURCE_RECORDS)
        for key, head in lake.heads(table).items()
    }
    deliveries, _ = list_deliveries(settings.landing_path, settings.namespace)
    return freshness(
        heads,
        lake.catalog.first_times(DELIVERIES.name),
        {delivery.source for delivery in deliveries},
        settings.expected_every_days,
        now,
    )


def freshness(
    heads: Mapping[tuple[str, str], Head],
    first: Mapping[tuple[str, str], str],
    landed: Iterable[str],
    expected: Mapping[str, float | None],
    now: datetime,
) -> list[Freshness]:
    """How fresh each source is, by name.

    Args:
        heads: What is current of the tables deliveries and source_records, and maybe of others.
        first: `Catalog.first_times` of the table deliveries.
        landed: Sources with deliveries in the landing zone, which may not have been read yet.
        expected: `Settings.expected_every_days`.
        now: The time.
    """
    read: dict[str, list[_Read]] = {name: [] for name in (*landed, *expected)}
    for (table, key), records in heads.items():
        told = heads.get((DELIVERIES.name, key))
        if table == SOURCE_RECORDS.name and told is not None:
            source, _, name = key.partition("|")
            # A catalog that names no such content was made by hand.
            time = datetime.fromisoformat(first.get((key, told.file.digest), records.time))
            read.setdefault(source, []).append(_Read.of(name, time, told.facets or ()))
    return [_freshness(source, read[source], expected, now) for source in sorted(read)]


@dataclass(frozen=True, order=True)
class _Read:
    """A delivery that was read; in the order in which deliveries replace each other."""

    sequence: int
    name: str
    time: datetime
    is_full: bool
    days: float | None

    @classmethod
    def of(cls, name: str, time: datetime, words: Iterable[str]) -> _Read:
        told = {word.partition("=")[0] + "=": word.partition("=")[2] for word in words}
        return cls(
            sequence=int(told.get(_SEQUENCE, 0)),
            name=name,
            time=time,
            is_full=told.get(_MODE) == "full",
            days=float(told[_DAYS]) if _DAYS in told else None,
        )


def _freshness(
    source: str, read: list[_Read], configured: Mapping[str, float | None], now: datetime
) -> Freshness:
    ordered = sorted(read)
    full = [place for place, one in enumerate(ordered) if one.is_full]
    live = ordered[full[-1] if full else 0 :]
    last = max(live, key=lambda one: (one.time, one), default=None)
    rhythm = adapter_for(source).rhythm
    said = [one.days for one in ordered if one.days is not None]
    if source in configured:
        days, by, reason = configured[source], CONFIGURED, ""
    elif said:
        days, by, reason = said[-1], SAID, ""
    else:
        days, by, reason = rhythm.days, DECLARED, rhythm.reason
    return Freshness(
        source=source,
        last=None if last is None else last.name,
        read=None if last is None else last.time.astimezone(UTC).isoformat(timespec="seconds"),
        age_days=None if last is None else max(0.0, (now - last.time).total_seconds() / 86_400),
        expected_days=days,
        expected_by=by,
        reason=reason,
    )
