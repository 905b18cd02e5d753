"""Why two records were or were not joined: each comparison's weight, the rules, the vetoes."""

# ruff: noqa: S608 - what is put into statements is declared in our own model files.

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kg_assets.matching.model import HIDDEN_COLUMNS
from kg_assets.matching.normalise import create_macros
from kg_assets.matching.scoring import score_pairs
from kg_assets.matching.thresholds import DECLARED
from kg_assets.sources.record import RECORD_SCHEMA

if TYPE_CHECKING:
    from collections.abc import Mapping

    import duckdb
    import pyarrow as pa

    from kg_assets.matching.model import MatchSpec


class UnknownRecordError(LookupError):
    """A record that is to be explained is not among the current ones."""


@dataclass(frozen=True)
class ComparisonEvidence:
    """What one comparison says of a pair.

    Attributes:
        name: What is compared.
        level: Label of the level that holds, "missing" where there was nothing to compare.
        weight: Match weight in bits; positive speaks for a match.
        left: What was compared of the first record.
        right: What was compared of the second record.
    """

    name: str
    level: str
    weight: float
    left: Mapping[str, Any]
    right: Mapping[str, Any]


@dataclass(frozen=True)
class Explanation:
    """Why two records were or were not joined.

    Attributes:
        record_l: The smaller record id.
        record_r: The larger record id.
        left: Canonical values of the first record, without empty ones.
        right: Those of the second.
        comparisons: What each comparison says, in the order of the model.
        prior_weight: Match weight of two records drawn at random.
        match_weight: Sum of the prior weight and those of the comparisons.
        match_probability: The probability that belongs to it.
        threshold: Probability from which a pair without veto of these sources is an edge.
        threshold_method: How the threshold was found.
        blocking_rules: Names of the rules under which the two share a key, before blocks over
            the cap are cut; none means that the pair was never scored in a build.
        vetoes: Name and text of each veto that holds.
        edge: Whether the pair joins its records, as far as the pair alone is asked.
    """

    record_l: str
    record_r: str
    left: Mapping[str, Any]
    right: Mapping[str, Any]
    comparisons: tuple[ComparisonEvidence, ...]
    prior_weight: float
    match_weight: float
    match_probability: float
    threshold: float
    threshold_method: str
    blocking_rules: tuple[str, ...]
    vetoes: Mapping[str, str]
    edge: bool


def explain_pair(
    con: duckdb.DuckDBPyConnection,
    spec: MatchSpec,
    model_row: Mapping[str, Any],
    record_l: str,
    record_r: str,
    *,
    records_view: str = "matching_record",
    frequencies_view: str = "frequency",
    thresholds: pa.Table | None = None,
) -> Explanation:
    """Explain a pair, whether it was ever blocked or not.

    Args:
        con: The connection.
        spec: The type's match model.
        model_row: The row of the table match_model, with ``settings`` and ``threshold``.
        record_l: A record id, ``source:id``.
        record_r: Another.
        records_view: Name of a view of the type's records.
        frequencies_view: Name of a view of the table term_frequencies.
        thresholds: Rows of the table match_thresholds; the model's own threshold where there is
            none for the two sources.

    Returns:
        The explanation; the weights of the comparisons and the prior add up to the whole.

    Raises:
        UnknownRecordError: One of the two is not a current record of this type.
        ValueError: Both are the same record.
    """
    if record_l == record_r:
        raise ValueError(f"{record_l} is given twice: name two records")
    create_macros(con)
    record_l, record_r = sorted((record_l, record_r))
    values = {one: _record(con, spec, one, records_view) for one in (record_l, record_r)}
    con.execute(
        "CREATE OR REPLACE TEMP TABLE one_pair (record_l VARCHAR, record_r VARCHAR, rule VARCHAR)"
    )
    con.execute("INSERT INTO one_pair VALUES ($1, $2, '')", [record_l, record_r])
    settings = json.loads(model_row["settings"])
    levels, weight, probability = (
        score_pairs(con, spec, settings, "one_pair", records_view, frequencies_view)
        .project("levels, match_weight, match_probability")
        .fetchall()[0]
    )
    frequency = _frequencies(con, spec)
    # The classifier moves the weights of Splink's model.
    learnt = settings.get("classifier") if spec.scorer == "classifier" else None
    moved = learnt or {"intercept": 0.0, "levels": {}}
    evidence = []
    features = [feature.name for feature in spec.features]
    for place, gamma in enumerate(levels):
        described = settings["comparisons"][place]
        level = described["comparison_levels"][
            0 if gamma < 0 else len(described["comparison_levels"]) - 1 - gamma
        ]
        text = json.dumps(described)
        named = [name for name in features if f"{name}_l" in text]
        evidence.append(
            ComparisonEvidence(
                name=described["output_column_name"],
                level=level["label_for_charts"],
                weight=_weight(level, values[record_l], values[record_r], frequency)
                + moved["levels"].get(described["output_column_name"], {}).get(str(gamma), 0.0),
                left={name: values[record_l][name] for name in named},
                right={name: values[record_r][name] for name in named},
            )
        )
    prior = settings["probability_two_random_records_match"]
    vetoes = _vetoes(con, spec, records_view)
    threshold, method = _threshold(thresholds, record_l, record_r)
    if threshold is None:
        threshold = float(model_row["threshold"])
    canonical = [name for name in RECORD_SCHEMA.names if name not in HIDDEN_COLUMNS]
    left, right = (
        {name: values[one][name] for name in canonical if values[one][name] not in (None, [])}
        for one in (record_l, record_r)
    )
    return Explanation(
        record_l=record_l,
        record_r=record_r,
        left=left,
        right=right,
        comparisons=tuple(evidence),
        prior_weight=math.log2(prior / (1 - prior)) + moved["intercept"],
        match_weight=weight,
        match_probability=probability,
        threshold=threshold,
        threshold_method=method,
        blocking_rules=_rules(con, spec, records_view),
        vetoes=vetoes,
        edge=probability >= threshold and not vetoes,
    )


def _threshold(
    thresholds: pa.Table | None, record_l: str, record_r: str
) -> tuple[float | None, str]:
    """The threshold of the sources of two records, None where there is none, and its method."""
    sources = sorted(record.partition(":")[0] for record in (record_l, record_r))
    for row in thresholds.to_pylist() if thresholds is not None else ():
        if [row["source_l"], row["source_r"]] == sources:
            return row["threshold"], row["method"]
    return None, DECLARED


def _record(
    con: duckdb.DuckDBPyConnection, spec: MatchSpec, record_id: str, view: str
) -> dict[str, Any]:
    found = (
        con.sql(
            f"SELECT * FROM {view} WHERE record_id = $record_id", params={"record_id": record_id}
        )
        .to_arrow_table()
        .to_pylist()
    )
    if not found:
        raise UnknownRecordError(
            f"{record_id} is not a current {spec.entity_type} record; records are named "
            "source:id, and must have been built"
        )
    return dict(found[0])


def _frequencies(con: duckdb.DuckDBPyConnection, spec: MatchSpec) -> dict[str, dict[str, float]]:
    return {
        one.column: dict(con.sql(f"FROM frequency_of_{one.column}").fetchall())
        for one in spec.term_frequencies
    }


def _weight(
    level: Mapping[str, Any],
    left: Mapping[str, Any],
    right: Mapping[str, Any],
    frequency: Mapping[str, Mapping[str, float]],
) -> float:
    """Weight of a level as Splink computes it (its documentation, "match weights").

    log2(m / u), with u moved toward the larger frequency of the two values by the weight of the
    level's term-frequency adjustment.
    """
    if level.get("is_null_level"):
        return 0.0
    weight = math.log2(level["m_probability"] / level["u_probability"])
    column = level.get("tf_adjustment_column")
    if column is not None:
        known = [
            frequency[column][side[column]]
            for side in (left, right)
            if side[column] in frequency[column]
        ]
        if known:
            weight += level["tf_adjustment_weight"] * (
                math.log2(level["u_probability"]) - math.log2(max(known))
            )
    return weight


def _rules(con: duckdb.DuckDBPyConnection, spec: MatchSpec, view: str) -> tuple[str, ...]:
    return tuple(
        rule.name
        for rule in spec.blocking
        if con.sql(
            f"""
            SELECT list_has_any(l.keys, r.keys)
               AND (l.source <> r.source
                    OR NOT ({rule.across_sources} OR l.duplicate_free AND r.duplicate_free))
            FROM one_pair
            JOIN (SELECT record_id, source, duplicate_free, {rule.keys} AS keys FROM {view}) AS l
              ON l.record_id = record_l
            JOIN (SELECT record_id, source, duplicate_free, {rule.keys} AS keys FROM {view}) AS r
              ON r.record_id = record_r
            """
        ).fetchall()[0][0]
    )


def _vetoes(con: duckdb.DuckDBPyConnection, spec: MatchSpec, view: str) -> dict[str, str]:
    return {
        veto.name: veto.text
        for veto in spec.vetoes
        if con.sql(
            f"""
            SELECT {veto.condition}
            FROM one_pair
            JOIN {view} AS l ON l.record_id = record_l
            JOIN {view} AS r ON r.record_id = record_r
            """
        ).fetchall()[0][0]
    }
