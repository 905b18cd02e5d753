"""The step that freezes, with a model's version, thresholds and what its scores looked like."""

# ruff: noqa: S608 - names of views are ours.

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from kg_assets.matching import tables
from kg_assets.matching.drift import FEWEST, make_profile
from kg_assets.matching.record_counts import (
    DUPLICATE_FREE,
    SOURCE,
    count_records,
    frequent_terms,
    record_counts,
)
from kg_assets.matching.records import records
from kg_assets.matching.thresholds import (
    CONFIGURED,
    DECLARED,
    FEWEST_PAIRS,
    Choice,
    Pair,
    choose,
    make_evidence,
    read_evidence,
)
from kg_assets.matching.want_of_data import ENOUGH

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    import duckdb

    from kg_assets.matching.model import MatchSpec
    from resources.lake import Step


class ThresholdsError(ValueError):
    """A threshold is configured for an entity type that does not exist."""


def check_configured(configured: Iterable[str], entity_types: Collection[str]) -> None:
    """Refuse configured thresholds of unknown entity types.

    Args:
        configured: Keys of the setting ``thresholds``.
        entity_types: Those that there are.

    Raises:
        ThresholdsError: A key names another one.
    """
    unknown = sorted({key for key in configured if key.partition("|")[0] not in entity_types})
    if unknown:
        raise ThresholdsError(
            f"KG_THRESHOLDS: {', '.join(map(repr, unknown))} names no entity type; there are "
            f"{', '.join(entity_types)}"
        )


def configured_for(configured: Mapping[str, float], entity_type: str) -> dict[str, float]:
    """The configured thresholds of one entity type, by ``""`` or ``source|source``."""
    return {
        rest: threshold
        for key, threshold in configured.items()
        for kind, _, rest in [key.partition("|")]
        if kind == entity_type
    }


def run_match_thresholds(
    step: Step, spec: MatchSpec, configured: Mapping[str, float] | None = None
) -> None:
    """Write the thresholds of a type, and what its scores looked like when they were found.

    What was found under a version of the model stays while that version does; a pair of sources
    that appears later is added. What could not be found for want of pairs is looked for again once
    there are enough. The option ``retrain`` makes all of it anew.

    Args:
        step: Reads records, scores and the model.
        spec: The type's match model.
        configured: Thresholds that outrank what is found, by ``""`` or ``source|source``.
    """
    con, kind = step.con, spec.entity_type
    configured = configured or {}
    thresholds = tables.match_thresholds(kind)
    step.view("threshold_score", tables.match_scores(kind))
    found = step.read(tables.match_model(kind)).project("version, threshold, trained").fetchall()
    version, declared, trained = found[0] if found else ("", spec.threshold, False)
    kept = step.previous(thresholds).filter(f"model_version = '{_checked(version)}'")
    known = (
        {}
        if step.options.get("retrain")
        else {
            (row["source_l"], row["source_r"]): Choice(
                row["measured"], row["measured_method"], row["notes"]
            )
            for row in kept.to_arrow_table().to_pylist()
        }
    )
    _write_profile(step, spec, version)
    step.staged(record_counts(kind)).create_view("threshold_record_count", replace=True)
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE threshold_source AS
        SELECT bucket AS source,
               bool_or(kind = '{DUPLICATE_FREE}') AS duplicate_free,
               sum(count) FILTER (kind = '{SOURCE}') AS records
        FROM threshold_record_count
        WHERE kind IN ('{SOURCE}', '{DUPLICATE_FREE}')
        GROUP BY bucket
        """
    )
    # Inside a source that is free of duplicates no pair is ever made.
    pairs = con.sql(
        """
        SELECT l.source, r.source
        FROM threshold_source AS l
        JOIN threshold_source AS r
          ON l.source < r.source
          OR l.source = r.source AND NOT l.duplicate_free
        ORDER BY ALL
        """
    ).fetchall()
    declared_yet = {pair for pair in pairs if pair in known and known[pair].method == DECLARED}
    found_now = _with_enough_pairs(step, kind, declared_yet)
    new = [pair for pair in pairs if pair not in known or pair in found_now]
    if new:
        make_evidence(con, "threshold_score", "threshold_source", declared)
        evidence = {pair: read_evidence(con, *pair) for pair in pairs}
        measured = choose(evidence, declared, spec.prior, trained=trained)
        known |= {pair: measured[pair] for pair in new}
    chosen = {pair: _configured(pair, choice, configured) for pair, choice in known.items()}
    step.write(thresholds, _rows(chosen, known, version, thresholds.schema))
    unused = sorted(set(configured) - {""} - {"|".join(pair) for pair in known})
    step.report(
        thresholds={"|".join(pair): round(one.threshold, 6) for pair, one in chosen.items()},
        methods={"|".join(pair): one.method for pair, one in chosen.items()},
        new=len(new),
        measured_after_all=sorted("|".join(pair) for pair in found_now),
        configured_without_records=unused,
    )


def _write_profile(step: Step, spec: MatchSpec, version: str) -> None:
    """Write what scores and terms looked like under a version of the model, and count records."""
    con, kind = step.con, spec.entity_type
    profile = tables.score_profile(kind)
    frozen = step.previous(profile).filter(f"model_version = '{_checked(version)}'")
    anew = bool(step.options.get("retrain")) or _to_be_counted(step, kind, frozen)
    if anew:
        step.view("threshold_record", records(spec))
        step.view("threshold_counts", tables.score_counts(kind))
        head = step.head_of(records(spec))
        terms = frequent_terms(spec, "threshold_record", head.file.rows if head else 0)
        made = make_profile(con, spec, "threshold_counts", terms)
        frozen = made.project(f"*, '{version}' AS model_version")
    step.write(profile, frozen)
    step.staged(profile).create_view("frozen_profile", replace=True)
    count_records(step, spec, "frozen_profile", anew=anew)


def _with_enough_pairs(step: Step, kind: str, declared: Collection[Pair]) -> set[Pair]:
    """Pairs of sources whose threshold was declared for want of pairs, and that have enough now.

    All scores are counted only where some between such sources changed.
    """
    if not declared:
        return set()
    changed = step.changes(tables.match_thresholds(kind), tables.match_scores(kind))
    asked = pa.table(
        [[pair[side] for pair in sorted(declared)] for side in (0, 1)],
        schema=pa.schema([(name, pa.string()) for name in ("source_l", "source_r")]),
    )
    step.con.register("declared_threshold", asked)
    if changed is not None:
        changed.rows.create_view("threshold_changed", replace=True)
        if not _counted(step, "threshold_changed", 1):
            return set()
    return _counted(step, "threshold_score", ENOUGH * FEWEST_PAIRS)


def _counted(step: Step, scores_view: str, least: int) -> set[Pair]:
    """Pairs of sources of ``declared_threshold`` with so many scores without veto."""
    found = step.con.sql(
        f"""
        WITH sourced AS (
            SELECT split_part(record_l, ':', 1) AS of_l,
                   split_part(record_r, ':', 1) AS of_r
            FROM {scores_view}
            WHERE veto IS NULL
        )
        SELECT source_l, source_r
        FROM (SELECT least(of_l, of_r) AS source_l, greatest(of_l, of_r) AS source_r FROM sourced)
        SEMI JOIN declared_threshold USING (source_l, source_r)
        GROUP BY ALL
        HAVING count(*) >= $least
        """,
        params={"least": least},
    )
    return {(left, right) for left, right in found.fetchall()}


def _to_be_counted(step: Step, kind: str, frozen: duckdb.DuckDBPyRelation) -> bool:
    """Whether there is no profile, or one of so few pairs that many have come since."""
    ((rows, pairs),) = frozen.aggregate(
        "count(*), coalesce(sum(count) FILTER (kind = 'weight'), 0)"
    ).fetchall()
    now = sum(head.file.rows for head in step.lake.heads(tables.match_scores(kind)).values())
    return not rows or (pairs < FEWEST and now >= ENOUGH * FEWEST)


def _checked(version: str) -> str:
    """The version of a model, which goes into a statement: hexadecimal digits and dashes."""
    if version.strip("0123456789abcdef-"):
        raise ValueError(f"{version!r} is no version of a match model: materialise it again")
    return version


def _configured(pair: Pair, choice: Choice, configured: Mapping[str, float]) -> Choice:
    for key in ("|".join(pair), ""):
        if key in configured:
            return Choice(configured[key], CONFIGURED, choice.notes)
    return choice


def _rows(
    chosen: Mapping[Pair, Choice], known: Mapping[Pair, Choice], version: str, schema: pa.Schema
) -> pa.Table:
    return pa.Table.from_pylist(
        [
            {
                "source_l": pair[0],
                "source_r": pair[1],
                "threshold": round(chosen[pair].threshold, 9),
                "method": chosen[pair].method,
                "notes": choice.notes,
                "measured": round(choice.threshold, 9),
                "measured_method": choice.method,
                "model_version": version,
            }
            for pair, choice in sorted(known.items())
        ],
        schema=schema,
    )
