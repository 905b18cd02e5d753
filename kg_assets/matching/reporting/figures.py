"""What a report on a match model shows, counted in DuckDB: each figure is a small table."""

# ruff: noqa: S608 - names of views are ours.

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from kg_assets.matching.quality import IN_DOUBT
from kg_assets.matching.scorers.classifier import moves

if TYPE_CHECKING:
    from collections.abc import Mapping

    import duckdb

    from kg_assets.matching.model import MatchSpec

WEIGHT_STEP = 1
"""Bits of match weight of a bar of the histogram."""

REACH = 40
"""Bits beyond which weights count with the outermost bar."""

PAIRS_OF_SOURCES = 6
"""Pairs of sources with a histogram of their own, those with most pairs."""

BLOCKS = 12
"""Largest blocks shown."""

WORST = 10
"""Clusters most in doubt that are shown."""

SIZES = ("1", "2", "3", "4", "5-9", "10-19", "20-49", "50 and more")
"""Cluster sizes that are told apart."""

Rows = list[dict[str, Any]]


def weights(spec: MatchSpec, settings: Mapping[str, Any]) -> Rows:
    """Each level of each comparison: weight in bits, m and u, in the order of the model.

    A pinned classifier moves weights, by ``moved`` bits, and neither m nor u.
    """
    rows: Rows = []
    for comparison in settings["comparisons"]:
        name = comparison["output_column_name"]
        learnt = moves(spec, settings)["levels"].get(name, {})
        levels = [one for one in comparison["comparison_levels"] if not one.get("is_null_level")]
        for place, level in enumerate(levels):
            m, u = level["m_probability"], level["u_probability"]
            moved = learnt.get(str(len(levels) - 1 - place), 0.0)
            rows.append(
                {
                    "comparison": name,
                    "level": level["label_for_charts"],
                    "place": place,
                    "weight": round(math.log2(m / u) + moved, 3),
                    "moved": moved,
                    "m": m,
                    "u": u,
                    "frequency": "tf_adjustment_column" in level,
                }
            )
    trained = {one.name: bool(one.train) for one in spec.comparisons}
    return [row | {"trained": trained[row["comparison"]]} for row in rows]


def histogram(con: duckdb.DuckDBPyConnection, scores_view: str) -> Rows:
    """Pairs by pair of sources, bits of match weight and fate, of the sources with most pairs.

    Args:
        con: The connection.
        scores_view: Name of a view of match_scores with the column ``threshold``.
    """
    return _rows(
        con,
        f"""
        WITH binned AS (
            SELECT least(split_part(record_l, ':', 1), split_part(record_r, ':', 1)) || ' | '
                       || greatest(split_part(record_l, ':', 1), split_part(record_r, ':', 1))
                       AS sources,
                   (least(greatest(floor(match_weight / {WEIGHT_STEP}), -{REACH}), {REACH - 1})
                       * {WEIGHT_STEP})::INTEGER AS weight,
                   CASE WHEN veto IS NOT NULL THEN 'vetoed'
                        WHEN match_probability >= threshold THEN 'edge'
                        ELSE 'below the threshold' END AS fate,
                   count(*) AS pairs
            FROM {scores_view}
            GROUP BY ALL
        ),
        largest AS (
            SELECT sources
            FROM binned
            GROUP BY sources
            ORDER BY sum(pairs) DESC, sources
            LIMIT {PAIRS_OF_SOURCES}
        )
        SELECT sources, weight, weight + {WEIGHT_STEP} AS until, fate, pairs
        FROM binned
        SEMI JOIN largest USING (sources)
        ORDER BY ALL
        """,
    )


def thresholds(con: duckdb.DuckDBPyConnection, thresholds_view: str) -> Rows:
    """Threshold of each pair of sources in bits and as a probability, with its method."""
    return _rows(
        con,
        f"""
        SELECT source_l || ' | ' || source_r AS sources,
               threshold,
               round(log2(threshold / (1 - threshold)), 2) AS weight,
               method,
               notes
        FROM {thresholds_view}
        ORDER BY sources
        """,
    )


def unlinkable(settings: Mapping[str, Any], spec: MatchSpec, con: Any, view: str) -> Rows:
    """Records by the greatest weight that they could reach, were they met by their like.

    A record compared with itself reaches the first level of each comparison of which it has a
    value. What even then stays below the threshold can be linked with nothing.

    Args:
        settings: Trained Splink settings.
        spec: The type's match model.
        con: The connection.
        view: Name of a view of the type's records.

    Returns:
        source, weight (in steps of two bits), records.
    """
    prior, learnt = settings["probability_two_random_records_match"], moves(spec, settings)
    total = [repr(math.log2(prior / (1 - prior)) + float(learnt["intercept"]))]
    columns: dict[str, None] = {}
    for described in settings["comparisons"]:
        cases, levels = [], described["comparison_levels"]
        moved = learnt["levels"].get(described["output_column_name"], {})
        for place, level in enumerate(levels):
            condition = level["sql_condition"]
            weight = (
                0.0
                if level.get("is_null_level")
                else math.log2(level["m_probability"] / level["u_probability"])
                + float(moved.get(str(len(levels) - 1 - place), 0.0))
            )
            cases.append(
                f"ELSE {weight!r}" if condition == "ELSE" else f"WHEN {condition} THEN {weight!r}"
            )
        total.append("CASE " + " ".join(cases) + " END")
    names = [feature.name for feature in spec.features]
    columns = dict.fromkeys(("source", *names))
    both = ", ".join(f"{name} AS {name}_l, {name} AS {name}_r" for name in columns)
    return _rows(
        con,
        f"""
        SELECT source_l AS source,
               (least(greatest(floor(({" + ".join(total)}) / 2), -20), 19) * 2)::INTEGER AS weight,
               weight + 2 AS until,
               count(*) AS records
        FROM (SELECT {both} FROM {view})
        GROUP BY ALL
        ORDER BY ALL
        """,
    )


def rules(con: duckdb.DuckDBPyConnection, spec: MatchSpec, pairs_view: str) -> Rows:
    """Candidate pairs by the blocking rule that made them, none left out."""
    counted = {
        row["rule"]: row["pairs"]
        for row in _rows(con, f"SELECT rule, count(*) AS pairs FROM {pairs_view} GROUP BY rule")
    }
    return [{"rule": rule.name, "pairs": counted.get(rule.name, 0)} for rule in spec.blocking]


def blocks(con: duckdb.DuckDBPyConnection, spec: MatchSpec, view: str) -> Rows:
    """The largest blocks of all rules, as they are before those over the cap are cut."""
    keys = "\nUNION ALL\n".join(
        f"""
        SELECT {place} AS rule,
               unnest(list_distinct(list_filter(
                   {rule.keys}, lambda one_key: one_key IS NOT NULL AND one_key <> ''))) AS key
        FROM {view}
        """
        for place, rule in enumerate(spec.blocking)
    )
    found = _rows(
        con,
        f"""
        SELECT rule, key, count(*) AS records
        FROM ({keys})
        GROUP BY ALL
        ORDER BY records DESC, rule, key
        LIMIT {BLOCKS}
        """,
    )
    return [row | {"rule": spec.blocking[row["rule"]].name} for row in found]


_SIZE = """CASE WHEN records < 5 THEN records::VARCHAR
                        WHEN records < 10 THEN '5-9'
                        WHEN records < 20 THEN '10-19'
                        WHEN records < 50 THEN '20-49'
                        ELSE '50 and more' END"""
"""SQL of which of `SIZES` a cluster is, from its ``records``."""


def clusters(con: duckdb.DuckDBPyConnection, members_view: str) -> Rows:
    """Entities by how many records they hold."""
    counted = {
        row["size"]: row["entities"]
        for row in _rows(
            con,
            f"""
            SELECT {_SIZE} AS size,
                   count(*) AS entities
            FROM (SELECT count(*) AS records FROM {members_view} GROUP BY entity_id)
            GROUP BY size
            """,
        )
    }
    return [
        {"size": size, "place": place, "entities": counted.get(size, 0)}
        for place, size in enumerate(SIZES)
    ]


def cluster_grid(con: duckdb.DuckDBPyConnection, quality_view: str) -> Rows:
    """Clusters of three records or more by size and density, in steps of a tenth."""
    found = _rows(
        con,
        f"""
        SELECT {_SIZE} AS size,
               least(floor(density * 10), 9)::INTEGER * 10 AS low,
               count(*) AS entities
        FROM {quality_view}
        WHERE records > 2
        GROUP BY ALL
        ORDER BY ALL
        """,
    )
    return [
        {
            "size": row["size"],
            "density": f"{row['low']}-{row['low'] + 10} %",
            "entities": row["entities"],
        }
        for row in found
    ]


def worst_clusters(con: duckdb.DuckDBPyConnection, quality_view: str, entities_view: str) -> Rows:
    """The clusters with most pairs that are expected to be false, the worst first."""
    return _rows(
        con,
        f"""
        SELECT q.entity_id, e.name, q.records, q.density, q.bridges, q.denied_pairs, q.score
        FROM (
            FROM {quality_view}
            WHERE score >= {IN_DOUBT!r}
            ORDER BY score DESC, entity_id
            LIMIT {WORST}
        ) AS q
        JOIN {entities_view} AS e USING (entity_id)
        ORDER BY q.score DESC, q.entity_id
        """,
    )


def cluster_totals(con: duckdb.DuckDBPyConnection, quality_view: str) -> dict[str, Any]:
    """How many clusters there are, hang by a bridge and are in doubt."""
    (found,) = _rows(
        con,
        f"""
        SELECT count(*) AS clusters,
               count(*) FILTER (records > 2 AND bridges > 0) AS bridged,
               count(*) FILTER (score >= {IN_DOUBT!r}) AS in_doubt
        FROM {quality_view}
        """,
    )
    return found


def settings_of(model: Mapping[str, Any]) -> dict[str, Any]:
    """The Splink settings of a row of the table match_model."""
    found: dict[str, Any] = json.loads(model["settings"])
    return found


def _rows(con: duckdb.DuckDBPyConnection, query: str) -> Rows:
    found: Rows = con.sql(query).to_arrow_table().to_pylist()
    return found
