"""The current version of each record of a type, with the features that matching needs."""

# ruff: noqa: S608 - what is put into statements is declared in our own model files.

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from kg_assets.matching.context import add_context
from kg_assets.matching.live import duplicate_free_sources, later_deliveries, live_deliveries
from kg_assets.matching.model import HIDDEN_COLUMNS, WORKS
from kg_assets.matching.normalise import create_macros
from kg_assets.matching.tables import entity_members
from kg_assets.sources.record import RECORD_SCHEMA
from kg_assets.sources.tables import DELIVERIES, SOURCE_RECORDS
from resources.table import Table

if TYPE_CHECKING:
    import duckdb

    from kg_assets.matching.model import MatchSpec
    from resources.lake import Step
    from resources.layers import Changes


def records(spec: MatchSpec) -> Table:
    """The table of a type's current records: canonical columns, origin and features."""
    return Table(
        name=f"{spec.entity_type}/records",
        schema=pa.schema(
            [
                *RECORD_SCHEMA,
                pa.field("delivery", pa.string(), nullable=False),
                pa.field("record_id", pa.string(), nullable=False),
                pa.field("duplicate_free", pa.bool_(), nullable=False),
                *spec.feature_fields(),
            ]
        ),
        key=("record_id",),
        description="The current version of each record of the sources, with what matching "
        "compares computed once. External ids are kept here and seen by no feature.",
    )


def run_records(step: Step, spec: MatchSpec) -> None:
    """Write the current records of a type with their features.

    Where deliveries only came after those that were read before, the records that they speak of
    are made again, and those whose parent came to another entity. Else, and for people, whose
    works may be in any delivery, all records are made again, and what differs is written.

    Args:
        step: Reads the deliveries and their records, and the members of the types before.
        spec: The type's match model.
    """
    con = step.con
    create_macros(con)
    numbered = live_deliveries(con, step.read(DELIVERIES))
    con.register("delivery", numbered)
    news = later_deliveries(step, spec, records(spec), numbered)
    members = _view_members(step, spec)
    if news is None or members is None or WORKS in spec.contexts:
        _view_delivered(step, numbered)
        make_current(con, spec, "delivered", "delivery", "current_record")
        found = add_features(con, spec, "current_record", "entity_member")
        differing = step.update(records(spec), found)
    else:
        _view_delivered(step, numbered.filter(pc.is_in(numbered.column("number"), news)))
        make_current(con, spec, "delivered", "delivery", "delivered_record")
        _add_moved(con, spec, members)
        found = add_features(con, spec, "current_record", "entity_member")
        differing = step.patch(records(spec), con.table("replaced_record"), found)
    step.report(records=step.rows(records(spec)), records_changed=differing)
    step.report(**_repeated(con, spec, step))


def _view_members(step: Step, spec: MatchSpec) -> list[Changes] | None:
    """Make the view ``entity_member`` of the types before, and tell what changed in it."""
    con, output = step.con, records(spec)
    parts = [f"SELECT * FROM members_{number}" for number in range(len(spec.depends_on))]
    changes = []
    for number, other in enumerate(spec.depends_on):
        step.view(f"members_{number}", entity_members(other))
        changes.append(step.changes(output, entity_members(other)))
    if not parts:
        con.register("no_members", entity_members(spec.entity_type).schema.empty_table())
        parts.append("SELECT * FROM no_members")
    con.execute(
        "CREATE OR REPLACE TEMP VIEW entity_member AS " + "\nUNION ALL BY NAME\n".join(parts)
    )
    known = [one for one in changes if one is not None]
    return known if len(known) == len(changes) else None


def _view_delivered(step: Step, numbered: pa.Table) -> None:
    """Make the view ``delivered``: the records of some deliveries, with the delivery's number."""
    con = step.con
    views = []
    for number, source, name in zip(
        *(numbered.column(column).to_pylist() for column in ("number", "source", "delivery")),
        strict=True,
    ):
        step.view(f"delivery_{number}", SOURCE_RECORDS, f"{source}|{name}")
        views.append(f"SELECT {number} AS number, * FROM delivery_{number}")
    if not views:
        con.register("nothing_delivered", SOURCE_RECORDS.schema.empty_table())
        views.append("SELECT 0 AS number, * FROM nothing_delivered")
    con.execute("CREATE OR REPLACE TEMP VIEW delivered AS " + "\nUNION ALL BY NAME\n".join(views))


def _add_moved(con: duckdb.DuckDBPyConnection, spec: MatchSpec, members: list[Changes]) -> None:
    """Make ``current_record`` of all that may differ, and ``replaced_record`` of what it replaces.

    Args:
        con: A connection with ``delivered``, what `make_current` makes of it in
            ``delivered_record``, and ``record_before``.
        spec: The type's match model.
        members: What changed in the members of the types before: a record whose parent came to
            another entity is the same with another context.
    """
    con.register("no_member", entity_members(spec.entity_type).schema.empty_table())
    moved = "SELECT source, source_id FROM no_member"
    for number, changed in enumerate(members):
        changed.rows.create_view(f"moved_member_{number}", replace=True)
        changed.removed.create_view(f"removed_member_{number}", replace=True)
        moved += f"""
            UNION SELECT source, source_id FROM moved_member_{number}
            UNION SELECT source, source_id FROM removed_member_{number}"""
    columns = ", ".join(f'"{name}"' for name in RECORD_SCHEMA.names)
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE moved_member AS
        {moved};

        CREATE OR REPLACE TEMP TABLE delivered_key AS
        SELECT DISTINCT source || ':' || source_id AS record_id
        FROM delivered
        WHERE entity_type IN (SELECT entity_type FROM own_type);

        CREATE OR REPLACE TEMP TABLE replaced_record AS
        SELECT *
        FROM record_before
        WHERE record_id IN (FROM delivered_key)
           OR (source, parent_id) IN (SELECT (source, source_id) FROM moved_member);

        CREATE OR REPLACE TEMP TABLE current_record AS
        SELECT {columns}, delivery, record_id, duplicate_free
        FROM delivered_record
        UNION ALL
        SELECT {columns}, delivery, record_id, duplicate_free
        FROM replaced_record
        WHERE record_id NOT IN (FROM delivered_key)
        """
    )


def make_current(
    con: duckdb.DuckDBPyConnection, spec: MatchSpec, delivered: str, delivery: str, name: str
) -> None:
    """Make the table ``name``: the current version of each record that the model needs.

    A person record that was made from a work's credit lives only as long as a current work of
    its source credits it, and gives way to a record that the source has of that person.

    Args:
        con: The connection.
        spec: The type's match model; only its type is kept, or all where it has a context.
        delivered: Name of a view of source records with the column number of their delivery.
        delivery: Name of a view of what `live_deliveries` gives.
        name: Name of the table made: canonical columns, delivery, record_id, duplicate_free, and
            derived (whether it is a person that was made from a credit).
    """
    deliveries = con.table(delivery).to_arrow_table()
    con.register(
        "duplicate_free_source",
        pa.table(
            {"source": pa.array(sorted(duplicate_free_sources(deliveries, spec)), pa.string())}
        ),
    )
    wanted = "TRUE" if spec.contexts else "entity_type IN (SELECT entity_type FROM own_type)"
    con.register("own_type", pa.table({"entity_type": [spec.entity_type]}))
    derived = "FALSE"
    if spec.entity_type == "person":
        con.execute(
            f"""
            CREATE OR REPLACE TEMP TABLE made_from_work AS
            SELECT DISTINCT number, file, "table", position
            FROM {delivered}
            WHERE entity_type <> 'person'
            """
        )
        derived = """record.entity_type = 'person' AND EXISTS (
                SELECT 1
                FROM made_from_work AS origin
                WHERE origin.number = record.number
                  AND origin.file = record.file
                  AND origin."table" IS NOT DISTINCT FROM record."table"
                  AND origin.position = record.position)"""
    # The later of two records counts, and a person's own before one made from a credit, whichever
    # was delivered later. That a work is deleted deletes nobody whom it credits.
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE {name} AS
        WITH told AS (
            SELECT record.*, delivery.delivery, delivery.mode, {derived} AS derived
            FROM {delivered} AS record
            JOIN {delivery} AS delivery USING (number)
            WHERE {wanted}
        ),
        latest AS (
            SELECT *
            FROM told
            WHERE NOT (derived AND mode = 'delete')
            QUALIFY row_number() OVER (
                PARTITION BY entity_type, source, source_id, derived
                ORDER BY number DESC, file, position
            ) = 1
        )
        SELECT latest.* EXCLUDE (mode),
               source || ':' || source_id AS record_id,
               source IN (SELECT source FROM duplicate_free_source) AS duplicate_free
        FROM latest
        WHERE mode <> 'delete'
        QUALIFY row_number() OVER (
            PARTITION BY entity_type, source, source_id
            ORDER BY derived
        ) = 1
        """
    )
    if spec.entity_type == "person":
        con.execute(
            f"""
            CREATE OR REPLACE TEMP TABLE credited_person AS
            SELECT DISTINCT source, unnest(credits).person_id AS source_id
            FROM {name}
            WHERE entity_type <> 'person'
            """
        )
        con.execute(
            f"""
            DELETE FROM {name} AS person
            WHERE derived
              AND NOT EXISTS (
                  SELECT 1
                  FROM credited_person AS credited
                  WHERE credited.source = person.source
                    AND credited.source_id = person.source_id)
            """
        )


def add_features(
    con: duckdb.DuckDBPyConnection, spec: MatchSpec, current: str, members: str
) -> duckdb.DuckDBPyRelation:
    """Compute the features of a type's records.

    Args:
        con: A connection with the macros of `normalise`.
        spec: The type's match model.
        current: Name of the table that `make_current` made.
        members: Name of a view of the members of the types that this one depends on.

    Returns:
        Rows of the table `records`.
    """
    con.register("own_type", pa.table({"entity_type": [spec.entity_type]}))
    add_context(con, spec.entity_type, spec.contexts, current, members, "record_context")
    hidden = ", ".join(HIDDEN_COLUMNS)
    # Features read a view that lacks the hidden columns, so none can name them.
    con.execute(
        f"""
        CREATE OR REPLACE TEMP VIEW visible AS
        SELECT record.* EXCLUDE ({hidden}), context.* EXCLUDE (record_id)
        FROM {current} AS record
        JOIN record_context AS context ON context.record_id = record.record_id
        WHERE record.entity_type IN (SELECT entity_type FROM own_type)
        """
    )
    joins = "".join(f" LEFT JOIN {table} USING ({column})" for column, table in _shared(con, spec))
    features = "".join(
        f",\n       {one.sql} AS {one.name}" for one in spec.features if one.of is None
    )
    names = "".join(f", {one.name}" for one in spec.features)
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE featured AS
        SELECT record_id{names}
        FROM (SELECT *{features} FROM visible{joins})
        """
    )
    columns = ", ".join(f'record."{column}"' for column in RECORD_SCHEMA.names)
    return con.sql(
        f"""
        SELECT {columns},
               record.delivery,
               record.record_id,
               record.duplicate_free,
               featured.* EXCLUDE (record_id)
        FROM {current} AS record
        JOIN featured USING (record_id)
        WHERE record.entity_type IN (SELECT entity_type FROM own_type)
        """
    )


def _shared(con: duckdb.DuckDBPyConnection, spec: MatchSpec) -> list[tuple[str, str]]:
    """Compute the features of a column's values, once for each value of the view ``visible``.

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
            FROM visible
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


def _repeated(con: duckdb.DuckDBPyConnection, spec: MatchSpec, step: Step) -> dict[str, object]:
    """How many records of sources that are declared free of duplicates have a twin.

    A twin has the same name, year and parent and the same credits: the declaration is doubtful.
    """
    step.staged(records(spec)).create_view("staged_record", replace=True)
    found = con.sql(
        """
        SELECT source, sum(twins - 1)::BIGINT AS repeated
        FROM (
            SELECT source, count(*) AS twins
            FROM staged_record
            WHERE duplicate_free
            GROUP BY source, lower(name), year, season, episode, parent_id,
                     list_transform(credits, lambda credit: credit.name)
            HAVING count(*) > 1
        )
        GROUP BY source
        ORDER BY source
        """
    ).fetchall()
    return {"doubtful_duplicates": dict(found)}
