"""Match weight and probability of candidate pairs, by the scorer of their type, with vetoes."""

# ruff: noqa: S608 - what is put into statements is declared in our own model files.

from __future__ import annotations

import json
import math
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from kg_assets.matching.current_model import current_model
from kg_assets.matching.drift import counted_scores
from kg_assets.matching.near import tell_apart, view_near
from kg_assets.matching.normalise import create_macros
from kg_assets.matching.records import records
from kg_assets.matching.scorers import scorer
from kg_assets.matching.scorers.interface import Scoring, kept
from kg_assets.matching.scorers.shadow import (
    CANNOT_SCORE,
    compare_scorers,
    nothing_compared,
    silent,
)
from kg_assets.matching.tables import (
    blocked_pairs,
    match_model,
    match_scores,
    match_thresholds,
    score_counts,
    scorer_comparison,
    term_frequencies,
)
from kg_assets.matching.thresholds import with_thresholds
from kg_assets.matching.touched import touched_records
from resources.table import WHOLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

    from kg_assets.matching.model import MatchSpec
    from kg_assets.matching.scorers.interface import Rows, Shared
    from resources.lake import Step
    from resources.layers import Changes
    from resources.table import Table


EXACT_FROM = -4.5
"""Match weights from here on (odds of 1 to 23) are exact in match_scores; a pair that cannot reach
it is not looked at further. Thresholds lie above."""

DOUBT = 3.0
"""Bits below the threshold within which weights are exact at least: the review margin and one."""


def run_match_scores(step: Step, spec: MatchSpec) -> None:
    """Score the candidate pairs of one shard, or those of them that changed.

    The model and its frequencies are frozen, so a pair whose records did not change keeps its
    score.

    Args:
        step: Its partition is the shard; it reads that shard's pairs, the records, the model.
        spec: The type's match model.

    Raises:
        MissingModelError: The type has no trained model.
        OutdatedModelError: It was trained for another version of the specification.
    """
    con, kind = step.con, spec.entity_type
    scores, frequencies = match_scores(kind), term_frequencies(kind)
    step.view("frequency", frequencies)
    model = current_model(step, spec)
    compared = spec.comparisons, spec.vetoes, spec.term_frequencies
    create_macros(con, (*compared, model["settings"]))
    limit, settings = exact_from(spec.threshold), json.loads(model["settings"])
    beside, why_silent = spec.shadow, silent(spec, settings)
    if why_silent is not None:
        spec = replace(spec, shadow=None)
    asked, views = (spec, settings), ("matching_record", "frequency")
    shared = _shared(step, spec)
    frozen = [step.changes(scores, table) for table in (match_model(kind), frequencies)]
    changed_pairs = step.changes(scores, blocked_pairs(kind), step.partition or WHOLE)
    changed_records = step.changes(scores, records(spec))
    if (
        # Two scorers are compared on all pairs of the shard.
        spec.shadow is not None
        or changed_pairs is None
        or changed_records is None
        or any(one is None or one.count for one in frozen)
    ):
        step.view("shard_pair", blocked_pairs(kind), step.partition)
        step.view("matching_record", records(spec))
        if spec.shadow is not None:
            try:
                score_pairs(
                    con, *asked, "shard_pair", *views, exact=limit, by=spec.shadow, shared=shared
                )
                con.execute("ALTER TABLE scored_pair RENAME TO shadow_pair")
            except CANNOT_SCORE as error:
                why_silent, spec = nothing_compared(spec, error), replace(spec, shadow=None)
        with scored_pairs(con, *asked, "shard_pair", *views, exact=limit, shared=shared) as scored:
            differing = step.write(scores, scored)
        step.staged(scores).create_view("pair_scored", replace=True)
    else:
        near = view_near(step, spec, changed_pairs)
        step.report(scores_before="computed again" if near else "looked for among all")
        if near:
            shared = _shared(step, spec, touched_records(kind))
            score_pairs(con, *asked, "touched_pair", *views, exact=limit, shared=shared)
            tell_apart(con)
        else:
            _touched_pairs(step, spec, changed_pairs, changed_records)
            step.view("matching_record", records(spec))
            score_pairs(con, *asked, "touched_pair", *views, exact=limit)
        scored = con.table("scored_pair")
        differing = step.patch(scores, con.table("replaced_score"), scored)
        scored.create_view("pair_scored", replace=True)
    _write_counts(step, spec)
    # Thresholds are frozen after the first scores; until then the declared one tells the edges.
    chosen = step.read(match_thresholds(kind), tracked=False).to_arrow_table()
    con.register("frozen_threshold", chosen)
    compared, counted = compare_scorers(
        con, spec, "pair_scored", "shadow_pair", limit, "frozen_threshold"
    )
    step.write(scorer_comparison(kind), compared)
    with_thresholds(con, "pair_scored", "frozen_threshold", spec.threshold).create_view("judged")
    edges, vetoed, pruned = con.sql(
        """
        SELECT count(*) FILTER (veto IS NULL AND match_probability >= threshold),
               count(veto),
               count(*) FILTER (list_contains(levels, -2))
        FROM judged
        """
    ).fetchall()[0]
    step.report(
        pairs=step.rows(scores),
        scores_changed=differing,
        edges_scored=edges,
        vetoes_scored=vetoed,
        not_needed=pruned,
        scorer=spec.scorer,
        exact_from=limit,
        shadow=beside or "none configured (KG_SHADOW_SCORERS)",
        shadow_silent=why_silent,
        shadow_counts=counted,
    )


def _write_counts(step: Step, spec: MatchSpec) -> None:
    """Write how many scores look alike: those counted before, with what changed, or all anew."""
    con, scores, counts = step.con, match_scores(spec.entity_type), score_counts(spec.entity_type)
    if step.staged_change(scores) is not None and step.intact(counts):
        step.previous(counts).create_view("counted_before", replace=True)
        con.execute(
            f"""
            CREATE OR REPLACE TEMP TABLE counted AS
            SELECT levels, bucket, sum(pairs)::BIGINT AS pairs
            FROM (
                FROM counted_before
                UNION ALL
                {counted_scores("scored_pair")}
                UNION ALL
                {counted_scores("replaced_score", -1)}
            )
            GROUP BY levels, bucket
            HAVING sum(pairs) <> 0
            """
        )
        step.write(counts, con.table("counted"))
        return
    step.staged(scores).create_view("score_staged", replace=True)
    step.write(counts, con.sql(counted_scores("score_staged")))


def _shared(step: Step, spec: MatchSpec, *read: Table) -> Shared | None:
    """Where all shards on a machine find what the first of them reads of the records.

    Args:
        step: The step of one of the shards.
        spec: The type's match model.
        read: Tables that tell the records.

    Returns:
        None where the type has one shard.
    """
    if step.partition is None:
        return None
    told = "\n".join(step.digest_of(table) for table in (term_frequencies(spec.entity_type), *read))
    return lambda name, make: step.derived(records(spec), f"{told}\n{name}", make)


def exact_from(threshold: float) -> float:
    """The match weight from which weights are exact, in bits.

    Args:
        threshold: Match probability from which a pair is an edge.
    """
    return min(EXACT_FROM, math.log2(threshold / (1 - threshold)) - DOUBT)


def _touched_pairs(
    step: Step, spec: MatchSpec, changed_pairs: Changes, changed_records: Changes
) -> None:
    """Make ``touched_pair``, to be scored again, and ``replaced_score``, their scores before.

    Those are the pairs that are new, gone or made by another rule, and the pairs of records that
    changed. The scores before say which pairs there were, so that they are read once.
    """
    con = step.con
    changed_pairs.rows.create_view("changed_pair", replace=True)
    changed_pairs.removed.create_view("removed_pair", replace=True)
    changed_records.rows.create_view("changed_record", replace=True)
    changed_records.removed.create_view("removed_record", replace=True)
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE touched_record AS
        SELECT record_id FROM changed_record
        UNION
        SELECT record_id FROM removed_record;

        CREATE OR REPLACE TEMP TABLE changed_key AS
        SELECT record_l, record_r FROM changed_pair
        UNION
        SELECT record_l, record_r FROM removed_pair;

        -- Pairs change where their records do, but for those of blocks that were cut otherwise.
        CREATE OR REPLACE TEMP TABLE other_key AS
        SELECT *
        FROM changed_key
        WHERE record_l NOT IN (FROM touched_record) AND record_r NOT IN (FROM touched_record)
        """
    )
    before, parts = match_scores(spec.entity_type), []
    if con.sql("FROM touched_record LIMIT 1").fetchall():
        parts.append("record_l IN (FROM touched_record) OR record_r IN (FROM touched_record)")
    if con.sql("FROM other_key LIMIT 1").fetchall():
        parts.append("(record_l, record_r) IN (SELECT (record_l, record_r) FROM other_key)")
    con.register("no_score", before.schema.empty_table())
    con.execute("CREATE OR REPLACE TEMP TABLE replaced_score AS FROM no_score")
    for part in parts:
        step.previous(before, part).create_view("score_found", replace=True)
        con.execute("INSERT INTO replaced_score FROM score_found")
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE touched_pair AS
        SELECT record_l, record_r, rule FROM changed_pair
        UNION ALL
        SELECT record_l, record_r, rule
        FROM replaced_score
        ANTI JOIN changed_key USING (record_l, record_r)
        """
    )


@contextmanager
def scored_pairs(
    con: duckdb.DuckDBPyConnection,
    spec: MatchSpec,
    settings: dict[str, Any],
    pairs_view: str,
    records_view: str,
    frequencies_view: str,
    *,
    exact: float | None = None,
    by: str | None = None,
    shared: Shared | None = None,
) -> Iterator[Rows]:
    """Score pairs, whether they were blocked or not, while their rows are read.

    Args:
        con: A connection with the macros of `normalise`.
        spec: The type's match model.
        settings: The trained Splink settings.
        pairs_view: Name of a view with record_l, record_r and rule.
        records_view: Name of a view of the type's records.
        frequencies_view: Name of a view of the table term_frequencies.
        exact: Match weight from which weights must be exact, in bits; None: all are.
        by: Name of the scorer; None: the one that the model names.
        shared: Where to keep what follows from the records; see `Scoring`.

    Yields:
        Rows of the table match_scores, to be read inside the context.
    """
    views = pairs_view, records_view, frequencies_view
    asked = Scoring(spec, settings, *views, exact, shared=shared)
    # Splink looks at the input to infer its types and does not like to find none.
    if not con.sql(f"SELECT 1 FROM {pairs_view} LIMIT 1").fetchall():
        yield match_scores(spec.entity_type).schema.empty_table().to_reader()
        return
    with scorer(by or spec.scorer).scored(con, asked) as rows:
        yield rows


def score_pairs(con: duckdb.DuckDBPyConnection, *asked: Any, **how: Any) -> duckdb.DuckDBPyRelation:
    """Score pairs and keep their rows as the table ``scored_pair``; as `scored_pairs`."""
    with scored_pairs(con, *asked, **how) as rows:
        return kept(con, rows, "scored_pair")
