"""The step that freezes, with a model's version, thresholds and what its scores looked like."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from kg_assets.matching import tables
from kg_assets.matching.drift import make_profile
from kg_assets.matching.records import records
from kg_assets.matching.thresholds import (
    CONFIGURED,
    Choice,
    Pair,
    choose,
    make_evidence,
    read_evidence,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

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
    that appears later is added. The option ``retrain`` makes all of it anew.

    Args:
        step: Reads records, scores and the model.
        spec: The type's match model.
        configured: Thresholds that outrank what is found, by ``""`` or ``source|source``.
    """
    con, kind = step.con, spec.entity_type
    configured = configured or {}
    thresholds, profile = tables.match_thresholds(kind), tables.score_profile(kind)
    step.view("threshold_record", records(spec))
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
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE threshold_source AS
        SELECT source, bool_or(duplicate_free) AS duplicate_free, count(*) AS records
        FROM threshold_record
        GROUP BY source
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
    new = [pair for pair in pairs if pair not in known]
    if new:
        make_evidence(con, "threshold_score", "threshold_source", declared)
        evidence = {pair: read_evidence(con, *pair) for pair in pairs}
        measured = choose(evidence, declared, spec.prior, trained=trained)
        known |= {pair: measured[pair] for pair in new}
    chosen = {pair: _configured(pair, choice, configured) for pair, choice in known.items()}
    step.write(thresholds, _rows(chosen, known, version, thresholds.schema))
    frozen = step.previous(profile).filter(f"model_version = '{_checked(version)}'")
    if step.options.get("retrain") or not frozen.limit(1).fetchall():
        step.view("threshold_counts", tables.score_counts(kind))
        frozen = make_profile(con, spec, "threshold_counts", "threshold_record", version)
    step.write(profile, frozen)
    unused = sorted(set(configured) - {""} - {"|".join(pair) for pair in known})
    step.report(
        thresholds={"|".join(pair): round(one.threshold, 6) for pair, one in chosen.items()},
        methods={"|".join(pair): one.method for pair, one in chosen.items()},
        new=len(new),
        configured_without_records=unused,
    )


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
