"""Promises of the sources stage: nothing is lost between a blob and a record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kg_assets.checks import Check, Verdict
from kg_assets.sources.tables import QUARANTINED_BLOBS, RAW_BLOBS, SOURCE_RECORDS

if TYPE_CHECKING:
    from resources.lake import Step


def record_checks() -> tuple[Check, ...]:
    """Promises about the records of a delivery."""
    return (
        Check(
            name="no_lost_blobs",
            table=SOURCE_RECORDS,
            description="Every blob was read and became a record, or stands in quarantine, or is "
            "declared by the adapter to hold none: read = kept + quarantined + skipped.",
            look=_no_lost_blobs,
        ),
        Check(
            name="few_quarantined",
            table=QUARANTINED_BLOBS,
            description="Less than one blob in a hundred stands in quarantine.",
            look=_few_quarantined,
            blocking=False,
        ),
    )


def _no_lost_blobs(step: Step) -> Verdict:
    step.view("read_blobs", RAW_BLOBS, step.partition)
    step.staged(SOURCE_RECORDS).create_view("kept_records", replace=True)
    step.staged(QUARANTINED_BLOBS).create_view("refused_blobs", replace=True)
    read, kept, quarantined = step.con.sql(
        """
        SELECT
            (SELECT count(*) FROM read_blobs),
            (SELECT count(DISTINCT (file, "table", position)) FROM kept_records),
            (
                SELECT count(*)
                FROM (
                    SELECT file, "table", position FROM refused_blobs
                    EXCEPT
                    SELECT file, "table", position FROM kept_records
                )
            )
        """
    ).fetchall()[0]
    skipped = int(step.figures.get("skipped", 0))
    return Verdict(
        read == kept + quarantined + skipped,
        {"read": read, "kept": kept, "quarantined": quarantined, "skipped": skipped},
    )


def _few_quarantined(step: Step) -> Verdict:
    step.staged(QUARANTINED_BLOBS).create_view("refused_blobs", replace=True)
    step.view("read_blobs", RAW_BLOBS, step.partition)
    read, quarantined = step.con.sql(
        "SELECT (SELECT count(*) FROM read_blobs), (SELECT count(*) FROM refused_blobs)"
    ).fetchall()[0]
    return Verdict(quarantined * 100 < max(read, 1), {"read": read, "quarantined": quarantined})
