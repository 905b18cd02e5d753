"""Why two records were or were not joined: each comparison's weight, the rules, the vetoes."""

# ruff: noqa: S608 - what is put into statements is declared in our own model files.

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from kg_assets.matching.frequencies import lookup_tables
from kg_assets.matching.model import HIDDEN_COLUMNS
from kg_assets.matching.normalise import create_macros
from kg_assets.matching.scorers.classifier import moves
from kg_assets.matching.scoring import score_pairs
from kg_assets.matching.thresholds import DECLARED
from kg_assets.sources.record import RECORD_SCHEMA

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import duckdb

    from kg_assets.matching.model import MatchSpec


class UnknownRecordError(LookupError):
    """A record that is to be explained is not among the current ones."""


@dataclass(frozen=True)
class ComparisonEvidence:
    """What one comparison says of a pair.

    Attributes:
        name: What is compared.
        level: Label of the level that holds, "missing" where a record has nothing to compare, "not
            counted" where both have something that this comparison leaves out, since it is too
            little or another one counts it.
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


def explain_pairs(
    con: duckdb.DuckDBPyConnection,
    spec: MatchSpec,
    model_row: Mapping[str, Any],
    pairs: Sequence[tuple[str, str]],
    *,
    records_view: str = "matching_record",
    frequencies_view: str = "frequency",
    thresholds: pa.Table | None = None,
) -> list[Explanation]:
    """Explain pairs, whether they were ever blocked or not.

    All of them are scored together, which costs hardly more than one; their records lie in
    memory, so they are as many as a person looks at.

    Args:
        con: The connection.
        spec: The type's match model.
        model_row: The row of the table match_model, with ``settings`` and ``threshold``.
        pairs: Two record ids each, ``source:id``.
        records_view: Name of a view of the type's records.
        frequencies_view: Name of a view of the table term_frequencies.
        thresholds: Rows of the table match_thresholds; the model's own threshold where there is
            none for the two sources.

    Returns:
        An explanation a pair, in the same order; the weights of the comparisons and the prior add
        up to the whole.

    Raises:
        UnknownRecordError: One of the records is not a current record of this type.
        ValueError: A record is paired with itself.
    """
    for left, right in pairs:
        if left == right:
            raise ValueError(f"{left} is given twice: name two records")
    create_macros(con)
    ordered = [tuple(sorted(pair)) for pair in pairs]
    ends = pa.schema([(side, pa.string()) for side in ("record_l", "record_r")])
    columns = [[pair[side] for pair in ordered] for side in (0, 1)]
    con.register("explained_given", pa.table(columns, schema=ends))
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE explained_pair AS
        SELECT DISTINCT record_l, record_r, '' AS rule
        FROM explained_given;
        CREATE OR REPLACE TEMP TABLE explained_record AS
        SELECT *
        FROM {records_view}
        WHERE record_id IN (
            SELECT record_l FROM explained_given
            UNION
            SELECT record_r FROM explained_given
        )
        """
    )
    con.unregister("explained_given")
    rows = con.table("explained_record").to_arrow_table().to_pylist()
    values = {row["record_id"]: row for row in rows}
    for one in (record for pair in ordered for record in pair):
        if one not in values:
            raise UnknownRecordError(
                f"{one} is not a current {spec.entity_type} record; records are named "
                "source:id, and must have been built"
            )
    settings = json.loads(model_row["settings"])
    scored = {
        (left, right): rest
        for left, right, *rest in score_pairs(
            con, spec, settings, "explained_pair", "explained_record", frequencies_view
        )
        .project("record_l, record_r, levels, match_weight, match_probability")
        .fetchall()
    }
    frequency = _frequencies(con, spec, frequencies_view)
    rules = _rules(con, spec)
    vetoes = _vetoes(con, spec)
    moved = moves(spec, settings)
    prior = settings["probability_two_random_records_match"]
    canonical = [name for name in RECORD_SCHEMA.names if name not in HIDDEN_COLUMNS]
    found = []
    for left, right in ordered:
        levels, weight, probability = scored[left, right]
        threshold, method = _threshold(thresholds, left, right)
        if threshold is None:
            threshold = float(model_row["threshold"])
        forbidden = {v.name: v.text for v in spec.vetoes if (left, right) in vetoes[v.name]}
        shown = [
            {name: values[one][name] for name in canonical if values[one][name] not in (None, [])}
            for one in (left, right)
        ]
        found.append(
            Explanation(
                record_l=left,
                record_r=right,
                left=shown[0],
                right=shown[1],
                comparisons=_evidence(
                    spec, settings, moved, levels, values[left], values[right], frequency
                ),
                prior_weight=math.log2(prior / (1 - prior)) + moved["intercept"],
                match_weight=weight,
                match_probability=probability,
                threshold=threshold,
                threshold_method=method,
                blocking_rules=tuple(
                    rule.name for rule in spec.blocking if (left, right) in rules[rule.name]
                ),
                vetoes=forbidden,
                edge=probability >= threshold and not forbidden,
            )
        )
    return found


def _evidence(
    spec: MatchSpec,
    settings: Mapping[str, Any],
    moved: Mapping[str, Any],
    levels: Sequence[int],
    left: Mapping[str, Any],
    right: Mapping[str, Any],
    frequency: Mapping[str, Mapping[str, float]],
) -> tuple[ComparisonEvidence, ...]:
    evidence = []
    features = [feature.name for feature in spec.features]
    for described, gamma in zip(settings["comparisons"], levels, strict=True):
        level = described["comparison_levels"][
            0 if gamma < 0 else len(described["comparison_levels"]) - 1 - gamma
        ]
        text = json.dumps(described)
        named = [name for name in features if f"{name}_l" in text]
        is_there = all(side[name] not in (None, "", []) for side in (left, right) for name in named)
        is_left_out = is_there and level.get("is_null_level")
        evidence.append(
            ComparisonEvidence(
                name=described["output_column_name"],
                level="not counted" if is_left_out else level["label_for_charts"],
                weight=_weight(level, left, right, frequency)
                + moved["levels"].get(described["output_column_name"], {}).get(str(gamma), 0.0),
                left={name: left[name] for name in named},
                right={name: right[name] for name in named},
            )
        )
    return tuple(evidence)


def _threshold(
    thresholds: pa.Table | None, record_l: str, record_r: str
) -> tuple[float | None, str]:
    """The threshold of the sources of two records, None where there is none, and its method."""
    sources = sorted(record.partition(":")[0] for record in (record_l, record_r))
    for row in thresholds.to_pylist() if thresholds is not None else ():
        if [row["source_l"], row["source_r"]] == sources:
            return row["threshold"], row["method"]
    return None, DECLARED


def _frequencies(
    con: duckdb.DuckDBPyConnection, spec: MatchSpec, view: str
) -> dict[str, dict[str, float]]:
    """Frequency of the values of the explained records, by column."""
    made = lookup_tables(con, spec, "explained_record", view)
    return {column: dict(con.table(name).fetchall()) for column, name in made.items()}


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


def _rules(con: duckdb.DuckDBPyConnection, spec: MatchSpec) -> dict[str, set[tuple[str, str]]]:
    """Pairs that share a key, by blocking rule."""
    return {
        rule.name: _pairs(
            con,
            f"SELECT *, {rule.keys} AS explained_keys FROM explained_record",
            f"""
            list_has_any(l.explained_keys, r.explained_keys)
            AND (
                l.source <> r.source
                OR NOT ({rule.across_sources} OR l.duplicate_free AND r.duplicate_free)
            )
            """,
        )
        for rule in spec.blocking
    }


def _vetoes(con: duckdb.DuckDBPyConnection, spec: MatchSpec) -> dict[str, set[tuple[str, str]]]:
    """Pairs that a veto forbids, by veto."""
    return {veto.name: _pairs(con, "FROM explained_record", veto.condition) for veto in spec.vetoes}


def _pairs(con: duckdb.DuckDBPyConnection, sides: str, condition: str) -> set[tuple[str, str]]:
    """Explained pairs of which a condition on both sides holds."""
    return set(
        con.sql(
            f"""
            SELECT record_l, record_r
            FROM explained_pair
            JOIN ({sides}) AS l ON l.record_id = record_l
            JOIN ({sides}) AS r ON r.record_id = record_r
            WHERE {condition}
            """
        ).fetchall()
    )
