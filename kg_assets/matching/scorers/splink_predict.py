"""The scorer `splink`: Splink's own predict, the reference for the compiled one."""

# ruff: noqa: S608 - what is put into statements is declared in our own model files.

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from kg_assets.matching.frequencies import lookup_tables
from kg_assets.matching.settings import columns_for_scoring, make_linker
from kg_assets.matching.tables import match_scores
from kg_assets.matching.telling import tell
from kg_assets.matching.vetoes import columns_for_vetoes, veto_expression

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

    from kg_assets.matching.model import MatchSpec
    from kg_assets.matching.scorers.interface import Scoring


class SplinkScorer:
    """Scores with ``linker.inference.predict``; every weight is exact.

    Args:
        at_once: Pairs that Splink is given at once: what it joins to more of them needs more
            memory than a step has.
    """

    name = "splink"

    def __init__(self, at_once: int = 1_000_000) -> None:
        self._at_once = at_once

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
            CREATE OR REPLACE TEMP TABLE asked_pair AS
            SELECT record_l AS join_key_l,
                   record_r AS join_key_r,
                   rule AS match_key,
                   (row_number() OVER () - 1) // {self._at_once} AS part
            FROM {asked.pairs_view};

            CREATE OR REPLACE TEMP TABLE paired_record AS
            SELECT {", ".join(("record_id", *compared, *vetoing))}
            FROM {asked.records_view}
            SEMI JOIN (
                SELECT join_key_l AS record_id FROM asked_pair
                UNION
                SELECT join_key_r FROM asked_pair
            ) AS paired USING (record_id)
            """
        )
        tell(con, spec, "paired_record", asked.frequencies_view)
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
        con.register("no_score", match_scores(spec.entity_type).schema.empty_table())
        con.execute("CREATE OR REPLACE TEMP TABLE splink_score AS FROM no_score")
        con.unregister("no_score")
        parts = con.sql("SELECT coalesce(max(part), -1) + 1 FROM asked_pair").fetchall()[0][0]
        for part in range(parts):
            _score(con, spec, linker, part)
        con.execute(
            """
            DROP VIEW scoring_record;
            DROP TABLE asked_pair;
            DROP TABLE paired_record
            """
        )
        try:
            yield con.table("splink_score")
        finally:
            con.execute("DROP TABLE splink_score")


def _score(con: duckdb.DuckDBPyConnection, spec: MatchSpec, linker: Any, part: int) -> None:
    """Score a part of the pairs and add it to ``splink_score``."""
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE scoring_pair AS
        SELECT * EXCLUDE (part) FROM asked_pair WHERE part = {part}
        """
    )
    blocked = linker._db_api.register("scoring_pair")
    linker.table_management.register_blocked_pairs_for_predict(blocked)
    predicted = linker.inference.predict(warning_mode="never")
    levels = ", ".join(f"gamma_{one.name}::TINYINT" for one in spec.comparisons)
    con.execute(
        f"""
        INSERT INTO splink_score
        SELECT score.record_id_l,
               score.record_id_r,
               score.match_key,
               round(score.match_weight, 6),
               round(score.match_probability, 9),
               [{levels}],
               {veto_expression(spec)}
        FROM {predicted.physical_name} AS score
        JOIN paired_record AS l ON l.record_id = score.record_id_l
        JOIN paired_record AS r ON r.record_id = score.record_id_r
        """
    )
    predicted.drop_table_from_database_and_remove_from_cache()
