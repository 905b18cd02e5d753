"""The scorer `splink`: Splink's own predict, the reference for the compiled one."""

# ruff: noqa: S608 - what is put into statements is declared in our own model files.

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from kg_assets.matching.frequencies import lookup_tables
from kg_assets.matching.settings import columns_for_scoring, make_linker
from kg_assets.matching.vetoes import columns_for_vetoes, veto_expression

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

    from kg_assets.matching.scorers.interface import Scoring


class SplinkScorer:
    """Scores with ``linker.inference.predict``; every weight is exact."""

    name = "splink"

    @contextmanager
    def scored(
        self, con: duckdb.DuckDBPyConnection, asked: Scoring
    ) -> Iterator[duckdb.DuckDBPyRelation]:
        """Score pairs; see `kg_assets.matching.scorers.interface.Scorer`."""
        spec = asked.spec
        compared = columns_for_scoring(spec)
        vetoing = [name for name in columns_for_vetoes(spec) if name not in compared]
        con.execute(
            f"""
            CREATE OR REPLACE TEMP TABLE scoring_pair AS
            SELECT record_l AS join_key_l, record_r AS join_key_r, '0' AS match_key, rule
            FROM {asked.pairs_view}
            """
        )
        con.execute(
            f"""
            CREATE OR REPLACE TEMP TABLE paired_record AS
            SELECT {", ".join(("record_id", *compared, *vetoing))}
            FROM {asked.records_view}
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
        lookups = lookup_tables(con, spec, "scoring_record", asked.frequencies_view)
        # Splink does not know what the classifier learnt.
        settings = {key: part for key, part in asked.settings.items() if key != "classifier"}
        linker = make_linker(con, settings, "scoring_record", lookups)
        linker.table_management.register_blocked_pairs_for_predict(
            linker._db_api.register("scoring_pair")
        )
        predicted = linker.inference.predict(warning_mode="never")
        levels = ", ".join(f"gamma_{one.name}::TINYINT" for one in spec.comparisons)
        try:
            yield con.sql(
                f"""
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
        finally:
            predicted.drop_table_from_database_and_remove_from_cache()
