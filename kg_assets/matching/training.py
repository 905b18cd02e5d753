"""Training of a match model without labels: u from a sample of all pairs, m by EM."""

# ruff: noqa: S608 - what is put into statements is declared in our own model files.

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from kg_assets.matching.expectation import count_pairs, expect
from kg_assets.matching.frequencies import count_terms, lookup_tables
from kg_assets.matching.normalise import create_macros
from kg_assets.matching.records import records
from kg_assets.matching.scorers.classifier import ClassifierScorer, train_classifier
from kg_assets.matching.scorers.shadow import CANNOT_SCORE
from kg_assets.matching.settings import (
    columns_for_scoring,
    make_linker,
    prior_settings,
    rounded,
)
from kg_assets.matching.tables import JUDGEMENTS, match_model, term_frequencies
from kg_assets.matching.telling import tell
from kg_assets.matching.vetoes import columns_for_vetoes
from kg_assets.matching.want_of_data import FEWEST_PAIRS, enough, lacking
from kg_assets.matching.weight_order import levels_of, make_weights_fall

if TYPE_CHECKING:
    from collections.abc import Mapping

    import duckdb

    from kg_assets.matching.expectation import Found
    from kg_assets.matching.model import Comparison, MatchSpec
    from resources.lake import Step

SAMPLE_RECORDS = 1_500
"""Records of the sample whose 1.1 million pairs give the u probabilities."""

PRIOR_PAIRS = 20.0
"""How many pairs the declared u probabilities count for beside those of the sample."""

UNSEEN_PAIRS = 0.5
"""Pairs that a level counts for which no pair of the u sample reached, unless less is declared.

The declared share of so few pairs would be next to none, and its match weight without bounds.
"""


REVISION = 4
"""Raised when training would give another model for the same records: part of its version."""


def run_match_model(step: Step, spec: MatchSpec) -> None:
    """Write the model of a type: the one it had, or a newly trained one.

    A model stays as it is while its specification does, so that new deliveries change no old
    score; the option ``retrain`` makes a new one. What was declared for want of data is made again
    by itself once there is enough.

    Args:
        step: Reads the records, which are an input while the model lacks some.
        spec: The type's match model.
    """
    model, frequencies = match_model(spec.entity_type), term_frequencies(spec.entity_type)
    before = step.previous(model).to_arrow_table()
    version = f"{spec.version}-{REVISION}-"
    standing = [one for one in before.to_pylist() if one["version"].startswith(version)]
    asked = not standing or step.options.get("retrain")
    waits = bool(standing) and lacking(spec, standing[0]) is not None
    if asked or waits:
        create_macros(step.con)
        step.read(records(spec), tracked=False).create_view("training_record", replace=True)
    again = enough(step.con, spec, standing[0], "training_record") if waits else None
    if not asked and again is None:
        step.write(model, before)
        step.write(frequencies, step.previous(frequencies))
        step.report(trained=standing[0]["trained"], kept=True)
        _wait_for_more(step, spec, standing[0])
        return
    row = train(step.con, spec, "training_record")
    if ClassifierScorer.name in (spec.scorer, spec.shadow):
        judged = step.read(JUDGEMENTS, spec.entity_type, tracked=False)
        judged.create_view("judgement", replace=True)
        row = taught(step.con, spec, row, "judgement", "training_record", "counted_term")
    step.write(model, row)
    step.write(frequencies, step.con.table("counted_term"))
    step.report(
        trained=row.column("trained")[0].as_py(),
        kept=False,
        notes=row.column("notes")[0].as_py(),
        untrained=row.column("untrained")[0].as_py(),
    )
    if again is not None:
        step.report(made_again=f"{again}; all scores and thresholds follow, and ids stay")
    _wait_for_more(step, spec, row.to_pylist()[0])


def _wait_for_more(step: Step, spec: MatchSpec, row: Mapping[str, Any]) -> None:
    """Make the records an input of a model that lacks some, so that it is looked at again."""
    missing = lacking(spec, row)
    if missing is not None:
        step.read(records(spec))
        step.report(lacking=missing)


def train(con: duckdb.DuckDBPyConnection, spec: MatchSpec, view: str) -> pa.Table:
    """Train a model.

    Args:
        con: A connection with the macros of `normalise`; the table ``counted_term`` is made.
        spec: The type's match model.
        view: Name of a view of the type's records.

    Returns:
        The row of the table match_model.
    """
    counted = count_terms(con, spec, view)
    counted.create_view("counting", replace=True)
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE counted_term AS
        SELECT * REPLACE (round(frequency, 12) AS frequency) FROM counting
        """
    )
    settings = prior_settings(spec)
    notes: list[str] = []
    unseen: list[str] = []
    trained = False
    if any(one.train for one in spec.comparisons):
        trained = _estimate(con, spec, settings, notes, unseen, view)
        notes += make_weights_fall(spec, settings)
    else:
        notes.append("all probabilities as declared")
    text = json.dumps(settings, sort_keys=True)
    count = int(con.sql(f"SELECT count(*) FROM {view}").fetchall()[0][0])
    return pa.table(
        {
            "entity_type": [spec.entity_type],
            "version": [model_version(spec, text, count)],
            "settings": [text],
            "threshold": [spec.threshold],
            "trained": [trained],
            "untrained": [unseen],
            "notes": ["; ".join(notes)],
            "records": [count],
        },
        schema=match_model(spec.entity_type).schema,
    )


def model_version(spec: MatchSpec, text: str, count: int) -> str:
    """Version of a model: that of its specification, and a hash of what was made of the records.

    Args:
        spec: The type's match model.
        text: The settings' JSON.
        count: Of how many records it is: where all is declared, its frequencies alone change.
    """
    made = hashlib.sha256(f"{count}\n{text}".encode()).hexdigest()
    return f"{spec.version}-{REVISION}-{made[:12]}"


def taught(
    con: duckdb.DuckDBPyConnection,
    spec: MatchSpec,
    row: pa.Table,
    judgements: str,
    view: str,
    frequencies: str,
) -> pa.Table:
    """A trained model with the classifier that judgements teach.

    What a shadow lacks is said in the notes and stops no training. Whether the model counts as
    trained stays as it is: judged pairs are no sample of all pairs, so they do not say how many
    match.

    Args:
        con: A connection with the macros of `normalise`.
        spec: The type's match model.
        row: What `train` gave.
        judgements: Name of a view of the judgements.
        view: Name of a view of the type's records.
        frequencies: Name of a view of the table term_frequencies.

    Returns:
        The row of the table match_model.

    Raises:
        UntrainedClassifierError: The classifier is pinned, and too few judgements stand.
    """
    (made,) = row.to_pylist()
    settings = json.loads(made["settings"])
    try:
        learnt = train_classifier(con, spec, settings, judgements, view, frequencies)
    except CANNOT_SCORE as error:
        if spec.scorer == ClassifierScorer.name:
            raise
        made["notes"] += f"; nothing taught: {error}"
    else:
        text = json.dumps(learnt, sort_keys=True)
        said = learnt["classifier"]["judgements"]
        made |= {"settings": text, "version": model_version(spec, text, made["records"])}
        made["notes"] += (
            f"; classifier: {said['same']} pairs judged same, {said['different']} different"
        )
    return pa.Table.from_pylist([made], schema=row.schema)


def _estimate(
    con: duckdb.DuckDBPyConnection,
    spec: MatchSpec,
    settings: dict[str, Any],
    notes: list[str],
    unseen: list[str],
    view: str,
) -> bool:
    needed = {*columns_for_scoring(spec), *columns_for_vetoes(spec)} - {"source", "record_id"}
    columns = "".join(f", {name}" for name in sorted(needed))
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE training_input AS
        SELECT record_id, source, duplicate_free{columns}
        FROM {view}
        ORDER BY record_id
        """
    )
    threads = con.sql("SELECT current_setting('threads')").fetchall()[0][0]
    # Sums of fractions depend on the order in which threads finish; the order of one does not.
    con.execute("SET threads = 1")
    try:
        _estimate_u(con, spec, settings, notes, unseen)
        return _estimate_m(con, spec, settings, notes, unseen)
    finally:
        con.execute(f"SET threads = {int(threads)}")


def _estimate_u(
    con: duckdb.DuckDBPyConnection,
    spec: MatchSpec,
    settings: dict[str, Any],
    notes: list[str],
    unseen: list[str],
) -> None:
    # md5 and not DuckDB's own hash: the sample stays the same when DuckDB's hash changes.
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE u_sample AS
        SELECT * EXCLUDE (source, duplicate_free), source
        FROM training_input
        ORDER BY md5(record_id), record_id
        LIMIT {SAMPLE_RECORDS}
        """
    )
    size = con.sql("SELECT count(*) FROM u_sample").fetchall()[0][0]
    if size * (size - 1) // 2 < FEWEST_PAIRS:
        notes.append(f"u as declared: only {size} records")
        unseen += [one for each in spec.comparisons for one in _untrained(each, "u")]
        return
    tell(con, spec, "u_sample", "counted_term")
    lookups = lookup_tables(con, spec, "u_sample", "counted_term")
    linker = make_linker(con, settings, "u_sample", lookups)
    # A number of pairs that no sample has: Splink then takes all of it.
    linker.training.estimate_u_using_random_sampling(
        max_pairs=1e15, min_count_per_level=None, num_chunks=1
    )
    pairs = size * (size - 1) / 2
    for place, comparison in enumerate(spec.comparisons):
        if "u" not in comparison.train:
            continue
        found = linker._settings_obj.comparisons[place]._comparison_levels_excluding_null
        if not any(level._trained_u_median for level in found):
            notes.append(f"u of {comparison.name} as declared")
            unseen += _untrained(comparison, "u")
            continue
        for level, declared, trained in zip(
            levels_of(settings, place), comparison.levels, found, strict=True
        ):
            seen = trained._trained_u_median
            share = 0.0 if seen is None else seen
            if not share:
                unseen.append(f"{comparison.name}: {declared.label}: u")
            counted = share * pairs + declared.u * PRIOR_PAIRS
            least = min(declared.u * pairs, UNSEEN_PAIRS)
            level["u_probability"] = rounded(max(counted, least) / (pairs + PRIOR_PAIRS))


def _untrained(comparison: Comparison, which: str) -> list[str]:
    """What to name where nothing was learnt of a comparison that asks to be trained.

    Args:
        comparison: The comparison.
        which: ``m`` or ``u``.
    """
    if which not in comparison.train:
        return []
    return [f"{comparison.name}: {level.label}: {which}" for level in comparison.levels]


def _estimate_m(
    con: duckdb.DuckDBPyConnection,
    spec: MatchSpec,
    settings: dict[str, Any],
    notes: list[str],
    unseen: list[str],
) -> bool:
    found: list[Found] = []
    for rule in spec.training_rules:
        pairs = count_pairs(con, rule)
        if pairs < FEWEST_PAIRS:
            notes.append(f"EM on {rule} left out: {pairs} pairs")
            continue
        one = expect(con, spec, settings, rule)
        notes.append(f"EM on {rule}: {pairs} pairs, {one.matches:.0f} taken for matches")
        found.append(one)
    for place, comparison in enumerate(spec.comparisons):
        # Where all of a rule's pairs lack the values, nothing was learnt of them.
        told = [one for one in found if place in one.m and one.seen[place].sum() >= 1]
        if not told:
            if missed := _untrained(comparison, "m"):
                notes.append(f"m of {comparison.name} as declared")
                unseen += missed
            continue
        seen = np.sum([one.seen[place] for one in told], axis=0)
        # Rules count by their matches; those that are declared are in each of them.
        shares = np.sum([one.m[place] * one.matches for one in told], axis=0)
        total = sum(one.matches for one in told)
        for number, (level, declared) in enumerate(
            zip(levels_of(settings, place), comparison.levels, strict=True)
        ):
            if seen[number] < 0.5:
                unseen.append(f"{comparison.name}: {declared.label}: m")
            level["m_probability"] = rounded(float(shares[number] / total))
    return bool(found)
