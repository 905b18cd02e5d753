"""Freshness in the UI: an asset check of what arrives, and the sensor that looks at it.

A source is late because nothing happens, so no run of ours could notice: the daemon looks. Dagster
has freshness policies of its own. They count the materializations of a whole asset; ours are of
one asset with a partition for each delivery of each source, a source that is daily stands beside
one that never delivers again, and what was made again by newer code is no newer for it.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime

import dagster as dg

from kg_assets.policies import OWNER
from kg_assets.sources.freshness import Freshness, in_words, sources_now
from resources.settings import Settings

LANDING_ZONE = dg.AssetKey("landing")
CHECK = "fresh"

landing_zone = dg.AssetSpec(
    key=LANDING_ZONE,
    description="The landing zone: what the sources deliver, before anything is read of it.",
    group_name="sources",
    owners=[OWNER],
)
"""What no run makes, and of which it is checked whether it still comes."""


@dg.asset_check(
    asset=LANDING_ZONE,
    name=CHECK,
    description="Of each source the last delivery that counts was read within the days that "
    "KG_EXPECTED_EVERY_DAYS, its delivery.json or its adapter says.",
)
def sources_are_fresh() -> dg.AssetCheckResult:
    """Look at the sources now; the sensor does so by itself."""
    found = sources_now(Settings(), datetime.now(UTC))
    return dg.AssetCheckResult(
        passed=not _late(found), severity=dg.AssetCheckSeverity.WARN, metadata=_metadata(found)
    )


@dg.sensor(
    minimum_interval_seconds=300,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Checks whether each source still delivers, also while nothing arrives, and notes "
    "it at the asset landing once a day and whenever something is read or late.",
)
def source_freshness(
    context: dg.SensorEvaluationContext,
) -> dg.SensorResult | dg.SkipReason:
    """Evaluate the check where it would say something else than last time, or said it yesterday.

    A cursor that is lost costs one evaluation more.
    """
    now = datetime.now(UTC)
    found = sources_now(Settings(), now)
    late = _late(found)
    said = json.dumps([now.date().isoformat(), [(one.source, one.read) for one in found], late])
    state = hashlib.sha256(said.encode()).hexdigest()
    if state == context.cursor:
        return dg.SkipReason(_summary(found))
    evaluation = dg.AssetCheckEvaluation(
        asset_key=LANDING_ZONE,
        check_name=CHECK,
        passed=not late,
        severity=dg.AssetCheckSeverity.WARN,
        metadata=_metadata(found),
        description=_summary(found),
    )
    return dg.SensorResult(asset_events=[evaluation], cursor=state, skip_reason=_summary(found))


def _late(found: list[Freshness]) -> list[str]:
    return [one.source for one in found if one.is_late]


def _summary(found: list[Freshness]) -> str:
    late = _late(found)
    if late:
        return f"{len(late)} of {len(found)} sources are late: {', '.join(late)[:200]}"
    return f"{len(found)} sources, none is late"


def _metadata(
    found: list[Freshness],
) -> dict[str, dg.JsonMetadataValue | dg.TableMetadataValue]:
    table = dg.MetadataValue.table(
        records=[
            dg.TableRecord(
                {
                    "source": one.source,
                    "late": one.is_late,
                    "last": one.last,
                    "read": one.read,
                    "due within": _days(one.expected_days),
                    "says": one.expected_by,
                }
            )
            for one in found
        ],
        schema=dg.TableSchema(
            columns=[
                dg.TableColumn("source"),
                dg.TableColumn("late", "bool", "Whether a delivery was expected and none was read"),
                dg.TableColumn(
                    "last", description="Delivery that was read last of those that count"
                ),
                dg.TableColumn("read", description="When it was read first (UTC)"),
                dg.TableColumn("due within", description="Within which time one is expected"),
                dg.TableColumn("says", description="Who says so"),
            ]
        ),
    )
    return {
        "late": dg.MetadataValue.json({one.source: one.says for one in found if one.is_late}),
        "sources": table,
    }


def _days(days: float | None) -> str | None:
    return None if days is None else in_words(days)
