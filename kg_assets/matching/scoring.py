"""Match weight and probability of candidate pairs, computed by Splink, with vetoes."""

# ruff: noqa: S608 - what is put into statements is declared in our own model files.

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from kg_assets.matching.frequencies import lookup_tables
from kg_assets.matching.normalise import create_macros
from kg_assets.matching.records import records
from kg_assets.matching.settings import columns_for_scoring, make_linker
from kg_assets.matching.tables import (
    blocked_pairs,
    match_model,
    match_scores,
    term_frequencies,
)
from kg_assets.matching.vetoes import columns_for_vetoes, veto_expression

if TYPE_CHECKING:
    import duckdb

    from kg_assets.matching.model import MatchSpec
    from resources.lake import Step


class MissingModelError(Exception):
    """Pairs are to be scored and there is no model."""


def run_match_scores(step: Step, spec: MatchSpec) -> None:
    """Score the candidate pairs of one shard.

    Args:
        step: Its partition is the shard; it reads that shard's pairs, the records, the model.
        spec: The type's match model.

    Raises:
        MissingModelError: The type has no trained model.
    """
    con = step.con
    create_macros(con)
    step.view("shard_pair", blocked_pairs(spec.entity_type), step.partition)
    step.view("matching_record", records(spec))
    step.view("frequency", term_frequencies(spec.entity_type))
    found = step.read(match_model(spec.entity_type)).project("settings").fetchall()
    if not found:
        raise MissingModelError(
            f"{spec.entity_type}/match_model is empty: materialise it, then score again"
        )
    scored = score_pairs(
        con, spec, json.loads(found[0][0]), "shard_pair", "matching_record", "frequency"
    )
    step.write(match_scores(spec.entity_type), scored)
    pairs, edges, vetoed = con.sql(
        f"""
        SELECT count(*),
               count(*) FILTER (veto IS NULL AND match_probability >= {spec.threshold}),
               count(veto)
        FROM scored_pair
        """
    ).fetchall()[0]
    step.report(pairs=pairs, edges=edges, vetoed=vetoed)


def score_pairs(
    con: duckdb.DuckDBPyConnection,
    spec: MatchSpec,
    settings: dict[str, Any],
    pairs_view: str,
    records_view: str,
    frequencies_view: str,
) -> duckdb.DuckDBPyRelation:
    """Score pairs, whether they were blocked or not.

    Args:
        con: A connection with the macros of `normalise`.
        spec: The type's match model.
        settings: The trained Splink settings.
        pairs_view: Name of a view with record_l, record_r and rule.
        records_view: Name of a view of the type's records.
        frequencies_view: Name of a view of the table term_frequencies.

    Returns:
        Rows of the table match_scores.
    """
    compared = columns_for_scoring(spec)
    vetoing = [name for name in columns_for_vetoes(spec) if name not in compared]
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE scoring_pair AS
        SELECT record_l AS join_key_l, record_r AS join_key_r, '0' AS match_key, rule
        FROM {pairs_view}
        """
    )
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE paired_record AS
        SELECT {", ".join(("record_id", *compared, *vetoing))}
        FROM {records_view}
        SEMI JOIN (
            SELECT join_key_l AS record_id FROM scoring_pair
            UNION
            SELECT join_key_r FROM scoring_pair
        ) AS paired USING (record_id)
        """
    )
    # Splink carries every column of its input along: it is given those that it compares.
    con.execute(
        f"""
        CREATE OR REPLACE TEMP VIEW scoring_record AS
        SELECT {", ".join(("record_id", *compared))}
        FROM paired_record
        """
    )
    # Splink looks at the input to infer its types and does not like to find none.
    if not con.sql("SELECT 1 FROM scoring_pair LIMIT 1").fetchall():
        con.register("nothing_scored", match_scores(spec.entity_type).schema.empty_table())
        con.execute("CREATE OR REPLACE TEMP TABLE scored_pair AS SELECT * FROM nothing_scored")
        return con.table("scored_pair")
    lookups = lookup_tables(con, spec, "scoring_record", frequencies_view)
    linker = make_linker(con, settings, "scoring_record", lookups)
    linker.table_management.register_blocked_pairs_for_predict(
        linker._db_api.register("scoring_pair")
    )
    predicted = linker.inference.predict(warning_mode="never")
    levels = ", ".join(f"gamma_{one.name}::TINYINT" for one in spec.comparisons)
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE scored_pair AS
        SELECT pair.join_key_l AS record_l,
               pair.join_key_r AS record_r,
               pair.rule,
               round(score.match_weight, 6) AS match_weight,
               round(score.match_probability, 9) AS match_probability,
               [{levels}] AS levels,
               {veto_expression(spec)} AS veto
        FROM {predicted.physical_name} AS score
        JOIN scoring_pair AS pair
          ON pair.join_key_l = score.record_id_l AND pair.join_key_r = score.record_id_r
        JOIN paired_record AS l ON l.record_id = pair.join_key_l
        JOIN paired_record AS r ON r.record_id = pair.join_key_r
        """
    )
    predicted.drop_table_from_database_and_remove_from_cache()
    return con.table("scored_pair")
