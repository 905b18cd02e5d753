"""Scores inside components, kept beside the entities: an update looks at no others.

Clusters come from components of accepted edges. Of all scores those count whose two records are in
one component; most pairs lie between components and are far below the threshold. So what counts is
kept apart from the rest. After a change, what is needed of the components that it touches is:

- what was kept of them, and the scores that changed;
- where components of before are joined, the scores between them, which were of no account then.
  They alone are looked for among all scores.

A pair with a record outside is doubtful as it was, unless its score changed: neither threshold nor
weight is another, and its records were and are in different entities.
"""

# ruff: noqa: S608 - values in statements are constants of ours.

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kg_assets.matching import tables
from kg_assets.matching.components import connected
from kg_assets.matching.review import VETO_REASON, VETOED
from kg_assets.matching.thresholds import with_thresholds
from resources.table import Table

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection, DuckDBPyRelation

    from kg_assets.matching.clustering import Clusters
    from kg_assets.matching.components import Ints
    from kg_assets.matching.model import MatchSpec
    from resources.lake import Step

_COLUMNS = "record_l, record_r, match_weight, match_probability, veto"


def component_scores(entity_type: str) -> Table:
    """Scores of the pairs inside components."""
    scores = tables.match_scores(entity_type).schema
    return Table(
        name=f"{entity_type}/component_scores",
        schema=pa.schema([scores.field(name) for name in _COLUMNS.split(", ")]),
        key=("record_l", "record_r"),
        description="The match scores that clusters come from: those of pairs whose records "
        "accepted edges and judgements join into one component, and of accepted edges that are "
        "judged different. An update looks at these and at what changed, not at all scores.",
    )


def scores_inside(
    con: DuckDBPyConnection, scores_view: str, clusters: Clusters, *, part: bool
) -> DuckDBPyRelation:
    """The scores that are kept: those inside components, and accepted edges judged different.

    Args:
        con: The connection; it keeps them as the temporary table ``score_inside``.
        scores_view: Name of a view of scores with their threshold.
        clusters: What the clustering found.
        part: Whether scores may have a record that was not clustered; then ``judged_different`` and
            ``affected_record``, those that were, are on the connection.

    Returns:
        Columns of `component_scores` and threshold.
    """
    con.register("pair_inside_found", clusters.inside())
    con.execute(
        f"""
        -- Of a table it is known that these are few beside the scores.
        CREATE OR REPLACE TEMP TABLE pair_inside AS
        FROM pair_inside_found;

        CREATE OR REPLACE TEMP TABLE score_inside AS
        SELECT {_COLUMNS}, threshold
        FROM {scores_view}
        SEMI JOIN pair_inside USING (record_l, record_r);

        DROP TABLE pair_inside
        """
    )
    con.unregister("pair_inside_found")
    if part:
        con.execute(
            f"""
            INSERT INTO score_inside
            SELECT {_COLUMNS}, threshold
            FROM {scores_view}
            SEMI JOIN judged_different USING (record_l, record_r)
            WHERE veto IS NULL
                AND match_probability >= threshold
                AND (record_l NOT IN (FROM affected_record)
                  OR record_r NOT IN (FROM affected_record))
            """
        )
    return con.table("score_inside")


def scores_known(step: Step, spec: MatchSpec, threshold: float) -> None:
    """Make tables of the scores that matter for what changes affect, without a look at all scores.

    Args:
        step: The step of the entities, which has what `kg_assets.matching.affected` found: the
            tables ``affected_record``, ``resolution_before``, ``kept_apart_before``,
            ``changed_score``, ``removed_score``, ``judged_same`` and ``judged_different``.
        spec: The match model.
        threshold: As for `kg_assets.matching.affected.gather_affected`.

    Leaves ``resolution_scores`` (pairs of two affected records that are in one component, and
    others of which more is known), ``resolution_touching`` (these, and all pairs with an affected
    record that may be doubtful), and the rows that they stand for in the versions before,
    ``component_before`` and ``doubtful_before``.
    """
    con, kind = step.con, spec.entity_type
    affected = "record_l IN (FROM affected_record) OR record_r IN (FROM affected_record)"
    step.previous(component_scores(kind), affected).create_view("component_found", replace=True)
    step.previous(tables.doubtful_pairs(kind), affected).create_view("doubtful_found", replace=True)
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE component_before AS
        SELECT {_COLUMNS}
        FROM component_found;

        CREATE OR REPLACE TEMP TABLE doubtful_before AS
        FROM doubtful_found;

        CREATE OR REPLACE TEMP TABLE rescored_pair AS
        SELECT record_l, record_r FROM changed_score
        UNION ALL
        SELECT record_l, record_r FROM removed_score;

        CREATE OR REPLACE TEMP VIEW component_still AS
        SELECT *
        FROM component_before
        ANTI JOIN rescored_pair USING (record_l, record_r);

        CREATE OR REPLACE TEMP VIEW doubtful_still AS
        SELECT
            record_l,
            record_r,
            match_weight,
            match_probability,
            CASE WHEN kind = '{VETOED}' THEN substr(reason, {len(VETO_REASON) + 1}) END AS veto
        FROM doubtful_before
        ANTI JOIN rescored_pair USING (record_l, record_r)
        """
    )

    def with_bar(view: str) -> DuckDBPyRelation:
        found = with_thresholds(con, view, "resolution_threshold", threshold)
        return found.project(f"{_COLUMNS}, threshold")

    with_bar("component_still").create_view("component_still_score", replace=True)
    with_bar("doubtful_still").create_view("doubtful_still_score", replace=True)
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE known_score AS
        SELECT {_COLUMNS}, threshold
        FROM changed_score
        UNION ALL
        FROM component_still_score
        """
    )
    joined = _joined_components(con)
    step.report(records_of_joined_components=joined.num_rows)
    if joined.num_rows:
        con.register("joined_component", joined)
        step.view(
            "score_between",
            tables.match_scores(kind),
            where="record_l IN (SELECT record_id FROM joined_component) "
            "AND record_r IN (SELECT record_id FROM joined_component)",
        )
        with_bar("score_between").create_view("score_between_components", replace=True)
        con.execute(
            """
            INSERT INTO known_score
            SELECT score.*
            FROM score_between_components AS score
            JOIN joined_component AS l ON l.record_id = score.record_l
            JOIN joined_component AS r
              ON r.record_id = score.record_r
             AND r.component = l.component
            ANTI JOIN known_score AS known
              ON known.record_l = score.record_l
             AND known.record_r = score.record_r
            """
        )
    con.execute(
        """
        CREATE OR REPLACE TEMP VIEW resolution_scores AS
        SELECT *
        FROM known_score
        WHERE record_l IN (FROM affected_record)
          AND record_r IN (FROM affected_record);

        CREATE OR REPLACE TEMP TABLE resolution_touching AS
        FROM known_score
        UNION ALL
        SELECT *
        FROM doubtful_still_score
        ANTI JOIN known_score USING (record_l, record_r)
        """
    )


def _joined_components(con: DuckDBPyConnection) -> pa.Table:
    """Records of components of before that are now one with another: record_id, component.

    All scores inside a component of before are known, and all of records that are new. What is
    not known lies between two components of before.
    """
    records = con.sql("SELECT record_id FROM affected_record ORDER BY record_id").to_arrow_table()
    ids = records["record_id"].combine_chunks()

    def ends(query: str, values: pa.Array) -> tuple[Ints, Ints]:
        found = con.sql(query).to_arrow_table()
        sides = [pc.index_in(column, values) for column in found.columns]
        both = pc.and_(*(side.is_valid() for side in sides))
        left, right = (side.filter(both).to_numpy().astype(np.int64) for side in sides)
        return left, right

    held = con.sql(
        "SELECT source || ':' || source_id AS record_id, entity_id FROM resolution_before"
    ).to_arrow_table()
    entities = held["entity_id"].unique()
    record, entity = (
        pc.index_in(held[name], values).to_numpy().astype(np.int64)
        for name, values in (("record_id", ids), ("entity_id", entities))
    )
    one, other = ends("SELECT entity_l, entity_r FROM kept_apart_before", entities)
    before = connected(
        len(ids) + len(entities),
        np.concatenate([record, len(ids) + one]),
        np.concatenate([len(ids) + entity, len(ids) + other]),
    )[record]
    now = connected(
        len(ids),
        *ends(
            """
            SELECT record_l, record_r
            FROM known_score
            ANTI JOIN judged_different USING (record_l, record_r)
            WHERE veto IS NULL
                AND match_probability >= threshold
            UNION ALL
            SELECT record_l, record_r
            FROM judged_same
            """,
            ids,
        ),
    )[record]
    component, met = np.unique(np.unique(np.stack([now, before]), axis=1)[0], return_counts=True)
    several = np.isin(now, component[met > 1])
    return pa.table({"record_id": ids.take(pa.array(record[several])), "component": now[several]})
