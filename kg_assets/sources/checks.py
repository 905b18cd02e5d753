"""Promises of the sources stage: nothing is lost between a blob and a record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kg_assets.checks import Check, Verdict
from kg_assets.sources.judging import judged
from kg_assets.sources.places import places
from kg_assets.sources.tables import DELIVERIES, QUARANTINED_BLOBS, RAW_BLOBS, SOURCE_RECORDS

if TYPE_CHECKING:
    from resources.lake import Step


def record_checks() -> tuple[Check, ...]:
    """Promises about the records of a delivery."""
    return (
        Check(
            name="no_lost_blobs",
            table=SOURCE_RECORDS,
            description="Every blob was read and became a record, part of one, or a text, or "
            "stands in quarantine, or is declared by the adapter to hold none: read = kept + "
            "joined + texts + quarantined + skipped.",
            look=_no_lost_blobs,
        ),
        Check(
            name="not_all_quarantined",
            table=SOURCE_RECORDS,
            description="A full delivery of which everything stands in quarantine does not replace "
            "what its source delivered before; one that is empty on purpose is [] in a .json file.",
            look=_not_all_quarantined,
        ),
        Check(
            name="few_quarantined",
            table=QUARANTINED_BLOBS,
            description="Less than one blob in a hundred stands in quarantine.",
            look=_few_quarantined,
            blocking=False,
        ),
        Check(
            name="enough",
            table=SOURCE_RECORDS,
            description="The delivery has as many records of each type, and their fields are "
            "filled as often, as its source is known to deliver at least.",
            look=_enough,
        ),
        Check(
            name="as_usual",
            table=SOURCE_RECORDS,
            description="Numbers of records and shares of filled fields are what is usual for the "
            "source.",
            look=_as_usual,
            blocking=False,
        ),
    )


def _enough(step: Step) -> Verdict:
    figures = judged(step)
    broken = [str(figure) for figure in figures if figure.is_broken]
    return Verdict(not broken, {"too few": broken} if broken else {"figures": len(figures)})


def _as_usual(step: Step) -> Verdict:
    figures = judged(step)
    unusual = [str(figure) for figure in figures if figure.is_unusual]
    return Verdict(
        not unusual,
        {"unusual": unusual} if unusual else {"figures": [str(figure) for figure in figures]},
    )


def _not_all_quarantined(step: Step) -> Verdict:
    step.staged(DELIVERIES).create_view("own_delivery", replace=True)
    step.staged(SOURCE_RECORDS).create_view("kept_records", replace=True)
    step.staged(QUARANTINED_BLOBS).create_view("refused_blobs", replace=True)
    modes, kept, quarantined = step.con.sql(
        """
        SELECT (SELECT list(mode) FROM own_delivery),
               (SELECT count(*) FROM kept_records),
               (SELECT count(*) FROM refused_blobs)
        """
    ).fetchall()[0]
    passed = "full" not in (modes or []) or kept > 0 or quarantined == 0
    return Verdict(passed, {"kept": kept, "quarantined": quarantined})


def _no_lost_blobs(step: Step) -> Verdict:
    step.view("read_blobs", RAW_BLOBS, step.partition)
    step.staged(SOURCE_RECORDS).create_view("kept_records", replace=True)
    step.staged(QUARANTINED_BLOBS).create_view("refused_blobs", replace=True)
    [(read,)] = step.con.sql("SELECT count(*) FROM read_blobs").fetchall()
    kept, quarantined = places(step.con, "kept_records", "refused_blobs")
    others: dict[str, int] = {
        name: int(step.figures[name])
        for name in ("skipped", "joined", "texts")
        if name in step.figures
    }
    return Verdict(
        read == kept + quarantined + sum(others.values()),
        {"read": read, "kept": kept, "quarantined": quarantined, **others},
    )


def _few_quarantined(step: Step) -> Verdict:
    step.staged(QUARANTINED_BLOBS).create_view("refused_blobs", replace=True)
    step.view("read_blobs", RAW_BLOBS, step.partition)
    read, quarantined = step.con.sql(
        "SELECT (SELECT count(*) FROM read_blobs), (SELECT count(*) FROM refused_blobs)"
    ).fetchall()[0]
    return Verdict(quarantined * 100 < max(read, 1), {"read": read, "quarantined": quarantined})
