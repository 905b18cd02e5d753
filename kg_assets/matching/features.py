"""The features of records, computed once for all that compares them."""

# ruff: noqa: S608 - what is put into statements is declared in our own model files.

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from kg_assets.matching.context import add_context
from kg_assets.matching.model import ALLOWED_IDS, HIDDEN_COLUMNS
from kg_assets.sources.record import RECORD_SCHEMA

if TYPE_CHECKING:
    import duckdb

    from kg_assets.matching.model import MatchSpec

PART_RECORDS = 100_000
"""Records whose features are computed at once."""

_BATCH = 8_192
"""Records of a part that one thread takes at a time. A table of DuckDB's own is scanned by 122,880
rows a thread, more than a part has."""


def add_features(
    con: duckdb.DuckDBPyConnection,
    spec: MatchSpec,
    current: str,
    members: str,
    *,
    part_records: int = PART_RECORDS,
) -> duckdb.DuckDBPyRelation:
    """Compute the features of a type's records.

    Args:
        con: A connection with the macros of `normalise`.
        spec: The type's match model.
        current: Name of the table that `make_current` made.
        members: Name of a view of the members of the types that this one depends on.
        part_records: Records whose features are computed at once, about; the result is the same.

    Returns:
        Rows of the table `records`.
    """
    con.register("own_type", pa.table({"entity_type": [spec.entity_type]}))
    add_context(con, spec.entity_type, spec.contexts, current, members, "record_context")
    con.execute(
        f"""
        CREATE OR REPLACE TEMP VIEW own_record AS
        SELECT *
        FROM {current}
        WHERE entity_type IN (SELECT entity_type FROM own_type)
        """
    )
    shared = _shared(con, spec)
    if spec.shared_ids:
        _allow_ids(con, spec)
    number = con.sql("SELECT count(*) FROM own_record").fetchall()[0][0]
    # Features are wide: those of a part at a time, so that the memory of joins does not grow.
    parts = 1 + number // part_records
    for part in range(parts):
        query = _featured(con, spec, shared, f"hash(record_id) % {parts} = {part}")
        con.execute(
            f"INSERT INTO featured {query}"
            if part
            else f"CREATE OR REPLACE TEMP TABLE featured AS {query}"
        )
    con.unregister("part_record")
    return con.table("featured")


def _featured(
    con: duckdb.DuckDBPyConnection, spec: MatchSpec, shared: list[tuple[str, str]], part: str
) -> str:
    """The query that gives the rows of ``own_record`` for which a condition holds their features.

    Features read a view that lacks the hidden columns, so none can name them.
    """
    hidden = ", ".join(HIDDEN_COLUMNS)
    allowed = f", allowed.{ALLOWED_IDS}" if spec.shared_ids else ""
    join = (
        "LEFT JOIN allowed_id AS allowed ON allowed.record_id = record.record_id"
        if spec.shared_ids
        else ""
    )
    con.register(
        "part_record", con.sql(f"FROM own_record WHERE {part}").to_arrow_table(batch_size=_BATCH)
    )
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE part_context AS
        SELECT * FROM record_context WHERE {part};

        CREATE OR REPLACE TEMP VIEW visible_part AS
        SELECT record.* EXCLUDE ({hidden}), context.* EXCLUDE (record_id){allowed}
        FROM part_record AS record
        JOIN part_context AS context ON context.record_id = record.record_id
        {join}
        """
    )
    joins = "".join(f" LEFT JOIN {table} USING ({column})" for column, table in shared)
    features = "".join(
        f",\n       {one.sql} AS {one.name}" for one in spec.features if one.of is None
    )
    names = "".join(f", {one.name}" for one in spec.features)
    columns = ", ".join(f'record."{column}"' for column in RECORD_SCHEMA.names)
    return f"""
        SELECT {columns},
               record.delivery,
               record.record_id,
               record.duplicate_free,
               made.* EXCLUDE (record_id)
        FROM part_record AS record
        JOIN (
            SELECT record_id{names}
            FROM (SELECT *{features} FROM visible_part{joins})
        ) AS made USING (record_id)
        """


def _allow_ids(con: duckdb.DuckDBPyConnection, spec: MatchSpec) -> None:
    """Make the table ``allowed_id``: of each record the ids of the model's systems.

    An id that two records of one source have is none of one thing, whichever of them is right, and
    is left out for all. All records of the type have to be in ``own_record`` for that.
    """
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE id_of_record AS
        SELECT DISTINCT record_id, source, entry.key || ':' || trim(entry.value) AS id
        FROM (SELECT record_id, source, unnest(map_entries(external_ids)) AS entry FROM own_record)
        WHERE list_contains($systems, entry.key)
          AND trim(entry.value) <> ''
        """,
        {"systems": list(spec.shared_ids)},
    )
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE allowed_id AS
        SELECT record_id, list(id ORDER BY id) AS {ALLOWED_IDS}
        FROM id_of_record
        ANTI JOIN (
            SELECT DISTINCT id
            FROM id_of_record
            GROUP BY id, source
            HAVING count(*) > 1
        ) AS ambiguous USING (id)
        GROUP BY record_id
        """
    )


def _shared(con: duckdb.DuckDBPyConnection, spec: MatchSpec) -> list[tuple[str, str]]:
    """Compute the features of a column's values, once for each value of the view ``own_record``.

    Returns:
        The columns, and for each the name of a table with its values and their features.
    """
    made = []
    for column in dict.fromkeys(one.of for one in spec.features if one.of is not None):
        table = f"features_of_{column}"
        con.execute(
            f"""
            CREATE OR REPLACE TEMP TABLE {table} AS
            SELECT DISTINCT {column}
            FROM own_record
            """
        )
        # One after the other: a feature that names another would repeat its expression.
        for one in spec.features:
            if one.of == column:
                con.execute(
                    f"""
                    CREATE OR REPLACE TEMP TABLE {table} AS
                    SELECT *, {one.sql} AS {one.name}
                    FROM {table}
                    """
                )
        made.append((column, table))
    return made
