"""Lasting ids: which entity of the version before each cluster is, and what happened to ids.

All of it is a pure function of the version before and of the new clusters:

- An entity keeps its id in the cluster that holds most of its records, if it brings that cluster
  more records than any other entity does. Pairs of entity and cluster are taken by number of
  shared records, ties by the smaller id, then by the smaller founding record; each entity and
  each cluster is taken once.
- A cluster that no entity took gets a new id, a hash of its founding record: the smallest
  (source, source_id) among its records. If that id is taken, the hash with #1, #2 ... is tried.
- An id that ended comes back if its founding record comes back to found a cluster, and the id
  never lost records to another entity by a split. Then nobody else can mean something else by it:
  links to it are right again. This is how a wrong merge is undone without a trace in other
  people's links. An ended id that was once split is never used again.

Events, one generation for each version in which any happened:

| event | entity_id | other_id | members |
|---|---|---|---|
| born | the new id, or one that came back | empty | records it is born with |
| merged | the id that ended | the entity that took most of its records | records it took |
| split | an id, alive or just merged | an entity that took some of its records | records it took |
| retired | an id none of whose records remain | empty | records it had |

A record that comes, or goes while others remain, changes members and is no event.
"""

# ruff: noqa: S608 - names in statements are constants of this package.

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection, DuckDBPyRelation

ID_DIGITS = 16
"""Hexadecimal digits of an id: 64 bits, so that ten million ids collide once in 370,000 builds."""

_ATTEMPTS = 10_000


@dataclass(frozen=True)
class Identities:
    """Ids of the new version.

    Attributes:
        members: entity_id, entity_type, source, source_id, one row a record, sorted by
            (source, source_id).
        events: generation, event, entity_id, other_id, members; only what happened now, sorted.
        born: Number of born ids, and so on.
        merged: Number of merged ids.
        split: Number of ids that lost records to another entity.
        retired: Number of retired ids.
    """

    members: pa.Table
    events: pa.Table
    born: int
    merged: int
    split: int
    retired: int


def assign_ids(
    con: DuckDBPyConnection,
    entity_type: str,
    clusters: DuckDBPyRelation,
    previous_members: DuckDBPyRelation,
    previous_events: DuckDBPyRelation,
    *,
    taken: DuckDBPyRelation | None = None,
    digits: int = ID_DIGITS,
) -> Identities:
    """Give each cluster the id of the entity that it is, or a new one.

    Args:
        con: The connection of the relations; temporary tables are made on it and dropped.
        entity_type: Prefix of new ids.
        clusters: source, source_id, cluster; one row a record, cluster any label.
        previous_members: entity_id, source, source_id of the version before.
        previous_events: generation, event, entity_id, other_id of all versions before.
        taken: entity_id of entities that are not among the previous members because nothing of
            them changed; no new id may be one of these.
        digits: Hexadecimal digits of a new id.

    Returns:
        Members and events of the new version; the events are empty if nothing happened.

    Raises:
        ValueError: A record occurs twice in the clusters or in the previous members.
    """
    _prepare(con, clusters, previous_members, previous_events)
    _keep(con)
    _name_new(con, entity_type, digits, taken)
    members = con.sql(
        """
        SELECT i.entity_id, n.source, n.source_id
        FROM identity_new AS n
        JOIN identity_ids AS i USING (number)
        ORDER BY n.source, n.source_id
        """
    ).to_arrow_table()
    members = members.add_column(
        1, "entity_type", pa.repeat(pa.scalar(entity_type, pa.string()), members.num_rows)
    )
    events = con.sql(_EVENTS).to_arrow_table()
    ids_by_event = dict(
        con.sql(
            f"SELECT event, count(DISTINCT entity_id) FROM ({_EVENTS}) GROUP BY event"
        ).fetchall()
    )
    for table in ("new", "old", "split", "generation", "founders", "overlaps", "ids"):
        con.execute(f"DROP TABLE identity_{table}")
    counts = {
        name: int(ids_by_event.get(name, 0)) for name in ("born", "merged", "split", "retired")
    }
    return Identities(members, events, **counts)


def _prepare(
    con: DuckDBPyConnection,
    clusters: DuckDBPyRelation,
    previous_members: DuckDBPyRelation,
    previous_events: DuckDBPyRelation,
) -> None:
    """Temporary tables: records new and old, events, founders (numbered), overlaps."""
    clusters.create_view("identity_given_clusters", replace=True)
    previous_members.create_view("identity_given_members", replace=True)
    previous_events.create_view("identity_given_events", replace=True)
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE identity_old AS
        SELECT entity_id, source, source_id
        FROM identity_given_members;

        CREATE OR REPLACE TEMP TABLE identity_split AS
        SELECT DISTINCT entity_id
        FROM identity_given_events
        WHERE event = 'split';

        CREATE OR REPLACE TEMP TABLE identity_generation AS
        SELECT 1 + coalesce(max(generation), 0) AS generation
        FROM identity_given_events;

        -- Clusters are numbered by founding record, so that their labels do not matter.
        CREATE OR REPLACE TEMP TABLE identity_founders AS
        WITH founders AS (
            SELECT cluster, min({'source': source, 'source_id': source_id}) AS founder
            FROM identity_given_clusters
            GROUP BY cluster
        )
        SELECT
            cluster,
            founder.source AS source,
            founder.source_id AS source_id,
            row_number() OVER (ORDER BY founder) AS number
        FROM founders;

        CREATE OR REPLACE TEMP TABLE identity_new AS
        SELECT f.number, c.source, c.source_id
        FROM identity_given_clusters AS c
        JOIN identity_founders AS f USING (cluster);

        CREATE OR REPLACE TEMP TABLE identity_overlaps AS
        SELECT o.entity_id, n.number, count(*) AS shared
        FROM identity_old AS o
        JOIN identity_new AS n USING (source, source_id)
        GROUP BY o.entity_id, n.number;

        DROP VIEW identity_given_clusters;
        DROP VIEW identity_given_members;
        DROP VIEW identity_given_events;
        """
    )
    for table, what in (("new", "clusters"), ("old", "members of the version before")):
        doubled = con.sql(
            f"""
            SELECT source, source_id
            FROM identity_{table}
            GROUP BY source, source_id
            HAVING count(*) > 1
            ORDER BY source, source_id
            LIMIT 3
            """
        ).fetchall()
        if doubled:
            names = ", ".join(f"{source}:{source_id}" for source, source_id in doubled)
            raise ValueError(f"identity: records occur twice among the {what}: {names}")


def _keep(con: DuckDBPyConnection) -> None:
    """Make ``identity_ids`` (number, entity_id) of the clusters that keep an entity's id."""
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE identity_ids AS
        SELECT number, entity_id
        FROM identity_overlaps
        QUALIFY count(*) OVER (PARTITION BY entity_id) = 1
            AND count(*) OVER (PARTITION BY number) = 1
        """
    )
    # Only what several clusters or entities contend for is left: usually little.
    contended = con.sql(
        """
        SELECT entity_id, number
        FROM identity_overlaps
        ANTI JOIN identity_ids USING (number)
        ORDER BY shared DESC, entity_id, number
        """
    ).to_arrow_table()
    kept: dict[int, str] = {}
    taken: set[str] = set()
    for batch in contended.to_batches(max_chunksize=65_536):
        for entity_id, number in zip(
            batch["entity_id"].to_pylist(), batch["number"].to_pylist(), strict=True
        ):
            if number not in kept and entity_id not in taken:
                kept[number] = entity_id
                taken.add(entity_id)
    _append_ids(con, list(kept.items()))


def _append_ids(con: DuckDBPyConnection, ids: list[tuple[int, str]]) -> None:
    table = pa.table(
        {
            "number": pa.array([number for number, _ in ids], pa.int64()),
            "entity_id": pa.array([entity_id for _, entity_id in ids], pa.string()),
        }
    )
    con.register("identity_more", table)
    con.execute("INSERT INTO identity_ids SELECT number, entity_id FROM identity_more")
    con.unregister("identity_more")


def _name_new(
    con: DuckDBPyConnection, entity_type: str, digits: int, taken: DuckDBPyRelation | None
) -> None:
    """Give the clusters that kept no id one of their founding record."""
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE identity_unnamed AS
        SELECT number, source, source_id
        FROM identity_founders
        ANTI JOIN identity_ids USING (number);

        -- No new cluster takes an id that was alive just now, or ended after a split.
        CREATE OR REPLACE TEMP TABLE identity_used AS
        SELECT entity_id FROM identity_old
        UNION
        SELECT entity_id FROM identity_split;
        """
    )
    if taken is None:
        taken = con.sql("SELECT entity_id FROM identity_used LIMIT 0")
    taken.create_view("identity_taken", replace=True)
    for attempt in range(_ATTEMPTS):
        con.execute(
            """
            CREATE OR REPLACE TEMP TABLE identity_named AS
            WITH candidates AS (
                SELECT
                    number,
                    $1 || ':' || substr(
                        sha256(length(source) || ':' || source || ':' || source_id || $2), 1, $3
                    ) AS entity_id
                FROM identity_unnamed
            )
            SELECT number, entity_id
            FROM candidates
            ANTI JOIN identity_used USING (entity_id)
            ANTI JOIN identity_taken USING (entity_id)
            QUALIFY row_number() OVER (PARTITION BY entity_id ORDER BY number) = 1
            """,
            [entity_type, f"#{attempt}" if attempt else "", digits],
        )
        con.execute(
            """
            INSERT INTO identity_ids SELECT number, entity_id FROM identity_named;
            INSERT INTO identity_used SELECT entity_id FROM identity_named;
            DELETE FROM identity_unnamed
            WHERE number IN (SELECT number FROM identity_named);
            """
        )
        left = con.sql("SELECT count(*) FROM identity_unnamed").fetchall()[0][0]
        if not left:
            break
    else:
        raise ValueError(
            f"identity: {left} clusters of type {entity_type} found no free id in {_ATTEMPTS} "
            f"attempts; ids of {digits} digits are too short"
        )
    con.execute("DROP TABLE identity_unnamed; DROP TABLE identity_used; DROP TABLE identity_named")
    con.execute("DROP VIEW identity_taken")


_EVENTS = """
WITH happened AS (
    SELECT 'born' AS event, i.entity_id, '' AS other_id, count(*) AS members
    FROM identity_ids AS i
    JOIN identity_new AS n USING (number)
    ANTI JOIN (SELECT DISTINCT entity_id FROM identity_old) AS o USING (entity_id)
    GROUP BY i.entity_id

    UNION ALL
    SELECT
        CASE
            WHEN o.entity_id NOT IN (SELECT entity_id FROM identity_ids)
                AND row_number() OVER (
                    PARTITION BY o.entity_id
                    ORDER BY o.shared DESC, i.entity_id
                ) = 1
            THEN 'merged'
            ELSE 'split'
        END AS event,
        o.entity_id,
        i.entity_id AS other_id,
        o.shared AS members
    FROM identity_overlaps AS o
    JOIN identity_ids AS i USING (number)
    WHERE o.entity_id <> i.entity_id

    UNION ALL
    SELECT 'retired' AS event, entity_id, '' AS other_id, count(*) AS members
    FROM identity_old
    ANTI JOIN (SELECT DISTINCT entity_id FROM identity_overlaps) AS o USING (entity_id)
    GROUP BY entity_id
)
SELECT
    (SELECT generation FROM identity_generation) AS generation,
    event,
    entity_id,
    other_id,
    members
FROM happened
ORDER BY entity_id, event, other_id
"""


def redirects(
    con: DuckDBPyConnection, members: DuckDBPyRelation, events: DuckDBPyRelation
) -> DuckDBPyRelation:
    """Where every id that was ever given leads now.

    Each redirect leads to an id that was alive in its generation and ended, if at all, in a later
    one: so every chain of redirects ends.

    Args:
        con: The connection of the relations; it keeps views of them.
        members: entity_id of the current version.
        events: All events up to it.

    Returns:
        entity_id, current_id: itself if it is alive, NULL if its way ends in a retired id.
    """
    members.create_view("redirect_members", replace=True)
    events.create_view("redirect_events", replace=True)
    return con.sql(
        """
        WITH RECURSIVE ids AS (
            SELECT entity_id FROM redirect_members
            UNION
            SELECT entity_id FROM redirect_events
        ),
        ended AS (
            SELECT e.entity_id, arg_max(e.other_id, e.generation) AS other_id
            FROM redirect_events AS e
            ANTI JOIN redirect_members AS m USING (entity_id)
            WHERE e.event IN ('merged', 'retired')
            GROUP BY e.entity_id
        ),
        ways AS (
            SELECT entity_id, entity_id AS reached FROM ids
            UNION ALL
            SELECT w.entity_id, e.other_id
            FROM ways AS w
            JOIN ended AS e ON e.entity_id = w.reached
            WHERE e.other_id <> ''
        )
        SELECT i.entity_id, max(w.reached) AS current_id
        FROM ids AS i
        LEFT JOIN (
            SELECT entity_id, reached
            FROM ways
            SEMI JOIN redirect_members AS m ON m.entity_id = reached
        ) AS w USING (entity_id)
        GROUP BY i.entity_id
        ORDER BY i.entity_id
        """,
    )
