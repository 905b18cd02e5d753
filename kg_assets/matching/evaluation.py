"""How well resolved entities agree with labelled links: pairwise and B-cubed scores.

What is judged: a link joins a record of the left side with one of the right side. The left side is
all records of the sources that occur in the left column, the right side likewise; only pairs
across the two sides count, so duplicates inside a source that nobody labelled are neither right
nor wrong. If a source occurs in both columns, its records are on both sides, and pairs among them
count once.

A predicted pair is a pair across the sides whose records are in the same entity. It is judged if
at least one of its records is labelled (occurs in a link): a labelled record that is joined with a
record that is not its partner is a false positive. Where the labels are complete for both sides,
``closed=True`` judges every predicted pair. Links are taken as given, one to many and many to
many too: nothing is added by transitivity.

A link with a record that is in no entity is a miss (a false negative) unless ``skip_unknown``;
such records are counted and named either way.

B-cubed: for each labelled record, its predicted neighbours are the record itself and the records
across that share its entity; its true neighbours are itself and its partners. Precision is the
mean share of predicted neighbours that are true, recall the mean share of true ones that are
predicted (Bagga and Baldwin, 1998, on neighbourhoods instead of clusters, because links may be
many to many).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from kg_assets.matching.links import _SHOWN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from duckdb import DuckDBPyConnection, DuckDBPyRelation


@dataclass(frozen=True)
class Scores:
    """Agreement with labelled links; shares from 0 to 1, the rest are numbers of pairs or records.

    Precision without a judged prediction and recall without a link are 1: nothing was wrong.

    Attributes:
        true_positives: Links whose records share an entity.
        false_positives: Judged predicted pairs that are no links.
        false_negatives: Links whose records do not share an entity.
        precision: Share of judged predicted pairs that are links.
        recall: Share of links that were found.
        f1: Harmonic mean of both.
        b_cubed_precision: Mean over labelled records.
        b_cubed_recall: Mean over labelled records.
        b_cubed_f1: Harmonic mean of both.
        links: Distinct links that were scored.
        labelled_records: Records that occur in them.
        unknown_records: Labelled records that are in no entity.
        unknown_examples: The first few of these.
        links_with_unknown: Links that name such a record.
    """

    true_positives: int
    false_positives: int
    false_negatives: int
    precision: float
    recall: float
    f1: float
    b_cubed_precision: float
    b_cubed_recall: float
    b_cubed_f1: float
    links: int
    labelled_records: int
    unknown_records: int
    unknown_examples: tuple[str, ...]
    links_with_unknown: int

    def as_dict(self) -> dict[str, object]:
        """All figures by name."""
        return asdict(self)


def evaluate(
    con: DuckDBPyConnection,
    links: pa.Table,
    members: DuckDBPyRelation,
    *,
    closed: bool = False,
    skip_unknown: bool = False,
    undecided: pa.Table | None = None,
) -> Scores:
    """Score entities against labelled links; the module says what is judged.

    Args:
        con: The connection of the members; temporary tables are made on it and dropped.
        links: left, right: record ids (source:source_id).
        members: entity_id, source, source_id.
        closed: The links are all there are between the two sides.
        skip_unknown: Leave links that name an unknown record out of the scores, for example
            where the links speak of several entity types and one is scored.
        undecided: left, right: pairs that are no links and count neither way.

    Returns:
        Scores.
    """
    con.register("evaluation_given_links", links.select(["left", "right"]))
    members.create_view("evaluation_given_members", replace=True)
    con.execute(_PREPARE)
    con.unregister("evaluation_given_links")
    con.execute("DROP VIEW evaluation_given_members")
    unknown = [
        record
        for (record,) in con.sql(
            """
            SELECT DISTINCT record_id
            FROM (SELECT unnest([l, r]) AS record_id FROM evaluation_links)
            ANTI JOIN evaluation_members USING (record_id)
            ORDER BY record_id
            """
        ).fetchall()
    ]
    with_unknown = _number(con, "SELECT count(*) FROM evaluation_links WHERE NOT known")
    if skip_unknown:
        con.execute("DELETE FROM evaluation_links WHERE NOT known")
    con.execute(_NEIGHBOURS)
    if undecided is not None:
        _set_aside(con, undecided)
    found = _number(con, "SELECT count(*) FROM evaluation_links WHERE together")
    linked = _number(con, "SELECT count(*) FROM evaluation_links")
    predicted = _number(con, _PREDICTED.format(records="evaluation_members"))
    if not closed:
        unlabelled = "evaluation_members ANTI JOIN evaluation_labelled USING (record_id)"
        predicted -= _number(con, _PREDICTED.format(records=unlabelled))
    if undecided is not None:
        predicted -= _number(con, _SET_ASIDE.format(judged="true" if closed else "labelled"))
        con.execute("DROP TABLE evaluation_aside")
    ((labelled, b_precision, b_recall),) = con.sql(
        """
        SELECT
            count(*),
            coalesce(avg((1 + hits) / (1 + predicted)), 1.0),
            coalesce(avg((1 + hits) / (1 + partners)), 1.0)
        FROM evaluation_labelled
        """
    ).fetchall()
    for table in ("links", "members", "labelled"):
        con.execute(f"DROP TABLE evaluation_{table}")
    precision = found / predicted if predicted else 1.0
    recall = found / linked if linked else 1.0
    return Scores(
        true_positives=found,
        false_positives=predicted - found,
        false_negatives=linked - found,
        precision=precision,
        recall=recall,
        f1=_f1(precision, recall),
        b_cubed_precision=b_precision,
        b_cubed_recall=b_recall,
        b_cubed_f1=_f1(b_precision, b_recall),
        links=linked,
        labelled_records=labelled,
        unknown_records=len(unknown),
        unknown_examples=tuple(unknown[:_SHOWN]),
        links_with_unknown=with_unknown,
    )


def score_complete(
    con: DuckDBPyConnection,
    links: Sequence[tuple[str, str]],
    members: DuckDBPyRelation,
    *,
    among_labelled: bool = False,
) -> Scores:
    """Score against links that are all there are.

    Args:
        con: The connection of the members.
        links: Pairs of record ids (source:source_id).
        members: entity_id, source, source_id.
        among_labelled: The links are all there are between the records that they name, and
            other records are left out; else they are all there are between the two sides.
    """
    table = pa.table({"left": [left for left, _ in links], "right": [right for _, right in links]})
    if not among_labelled:
        return evaluate(con, table, members, closed=True)
    con.register("evaluation_universe", table)
    try:
        labelled = members.filter(
            """
            source || ':' || source_id IN (
                SELECT "left" FROM evaluation_universe
                UNION ALL
                SELECT "right" FROM evaluation_universe
            )
            """
        )
        return evaluate(con, table, labelled, closed=True)
    finally:
        con.unregister("evaluation_universe")


def _set_aside(con: DuckDBPyConnection, undecided: pa.Table) -> None:
    """Take undecided pairs out of what was predicted of each labelled record."""
    con.register("evaluation_undecided", undecided.select(["left", "right"]))
    con.execute(_ASIDE)
    con.unregister("evaluation_undecided")
    con.execute(
        """
        UPDATE evaluation_labelled AS n
        SET predicted = n.predicted - aside.pairs
        FROM (
            SELECT record_id, count(*) AS pairs
            FROM (
                SELECT l AS record_id FROM evaluation_aside
                UNION ALL
                SELECT r AS record_id FROM evaluation_aside
            )
            GROUP BY record_id
        ) AS aside
        WHERE aside.record_id = n.record_id
        """
    )


def _f1(precision: float, recall: float) -> float:
    total = precision + recall
    return 2 * precision * recall / total if total else 0.0


def _number(con: DuckDBPyConnection, query: str) -> int:
    return int(con.sql(query).fetchall()[0][0] or 0)


_PREPARE = """
CREATE OR REPLACE TEMP TABLE evaluation_members AS
WITH sides AS (
    SELECT
        list(DISTINCT split_part("left", ':', 1)) AS left_sources,
        list(DISTINCT split_part("right", ':', 1)) AS right_sources
    FROM evaluation_given_links
)
SELECT
    m.source || ':' || m.source_id AS record_id,
    m.entity_id,
    coalesce(list_contains(s.left_sources, m.source), false) AS is_left,
    coalesce(list_contains(s.right_sources, m.source), false) AS is_right
FROM evaluation_given_members AS m
CROSS JOIN sides AS s;

CREATE OR REPLACE TEMP TABLE evaluation_links AS
SELECT DISTINCT
    least(g."left", g."right") AS l,
    greatest(g."left", g."right") AS r,
    a.entity_id IS NOT NULL AND b.entity_id IS NOT NULL AS known,
    coalesce(a.entity_id = b.entity_id, false) AS together
FROM evaluation_given_links AS g
LEFT JOIN evaluation_members AS a ON a.record_id = g."left"
LEFT JOIN evaluation_members AS b ON b.record_id = g."right";
"""

_NEIGHBOURS = """
CREATE OR REPLACE TEMP TABLE evaluation_labelled AS
WITH ends AS (
    SELECT l AS record_id, together FROM evaluation_links
    UNION ALL
    SELECT r AS record_id, together FROM evaluation_links
),
labelled AS (
    SELECT record_id, count(*) AS partners, count(*) FILTER (together) AS hits
    FROM ends
    GROUP BY record_id
),
held AS (
    SELECT
        entity_id,
        count(*) FILTER (is_left) AS lefts,
        count(*) FILTER (is_right) AS rights,
        count(*) FILTER (is_left OR is_right) AS either
    FROM evaluation_members
    GROUP BY entity_id
)
SELECT
    n.record_id,
    n.partners,
    n.hits,
    CASE
        WHEN m.is_left AND m.is_right THEN h.either - 1
        WHEN m.is_left THEN h.rights
        WHEN m.is_right THEN h.lefts
        ELSE 0
    END AS predicted
FROM labelled AS n
LEFT JOIN evaluation_members AS m USING (record_id)
LEFT JOIN held AS h USING (entity_id)
"""

_ASIDE = """
CREATE OR REPLACE TEMP TABLE evaluation_aside AS
SELECT
    p.l,
    p.r,
    p.l IN (SELECT record_id FROM evaluation_labelled)
        OR p.r IN (SELECT record_id FROM evaluation_labelled) AS labelled
FROM (
    SELECT DISTINCT least("left", "right") AS l, greatest("left", "right") AS r
    FROM evaluation_undecided
) AS p
ANTI JOIN evaluation_links AS k ON k.l = p.l AND k.r = p.r
JOIN evaluation_members AS a ON a.record_id = p.l
JOIN evaluation_members AS b ON b.record_id = p.r
WHERE a.entity_id = b.entity_id
"""

_SET_ASIDE = "SELECT count(*) FROM evaluation_aside WHERE {judged}"

# Pairs are counted from the records on one side only (a, b) and on both (c) of each entity: an
# entity of thousands of records would have millions of pairs.
_PREDICTED = """
WITH held AS (
    SELECT
        entity_id,
        count(*) FILTER (is_left AND NOT is_right) AS a,
        count(*) FILTER (is_right AND NOT is_left) AS b,
        count(*) FILTER (is_left AND is_right) AS c
    FROM {records}
    GROUP BY entity_id
)
SELECT sum(a * b + a * c + b * c + c * (c - 1) // 2)
FROM held
"""
