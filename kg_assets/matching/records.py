"""The current version of each record of a type, with the features that matching needs."""

# ruff: noqa: S608 - what is put into statements is declared in our own model files.

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from kg_assets.matching.context import moved_members, touched_people
from kg_assets.matching.features import add_features
from kg_assets.matching.live import (
    duplicate_free_sources,
    later_deliveries,
    live_deliveries,
    partition_numbers,
    read_deliveries,
)
from kg_assets.matching.model import PARENT, WORKS
from kg_assets.matching.normalise import create_macros
from kg_assets.matching.settings import columns_for_scoring
from kg_assets.matching.tables import entity_members
from kg_assets.matching.vetoes import columns_for_vetoes
from kg_assets.sources.record import RECORD_SCHEMA
from kg_assets.sources.tables import SOURCE_RECORDS
from resources.table import Table
from resources.taking import take

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


def compared_fields(spec: MatchSpec) -> list[pa.Field]:
    """What scoring compares of a record, with its id."""
    names = ("record_id", *columns_for_scoring(spec), *columns_for_vetoes(spec))
    schema = records(spec).schema
    return [schema.field(name) for name in dict.fromkeys(names)]


def columns_for_blocking(spec: MatchSpec) -> set[str]:
    """Columns that blocks are made of and cut by.

    A word of a rule that is none but reads like one only makes them one more.
    """
    told = {"record_id", "source", "duplicate_free", "name"}
    for rule in spec.blocking:
        for part in (rule.keys, rule.refine, *rule.orders):
            told.update(re.findall(r"\w+", part))
    told |= {one.of for one in spec.features if one.of is not None and one.name in told}
    return told.intersection(records(spec).schema.names)


def replaced_records(spec: MatchSpec) -> Table:
    """The records that the last update changed or removed, as they were."""
    others = columns_for_blocking(spec) | {one.column for one in spec.term_frequencies}
    others -= {field.name for field in compared_fields(spec)}
    return Table(
        name=f"{spec.entity_type}/replaced_records",
        schema=pa.schema(
            [
                *compared_fields(spec),
                *(field for field in records(spec).schema if field.name in others),
                pa.field("since", pa.string(), nullable=False),
            ]
        ),
        key=("record_id",),
        description="What blocks are made of, scoring compares and terms are counted of in records "
        "that the last update changed or removed, as they were in the records of the digest named. "
        "Empty where all records were made again.",
    )


def run_records(step: Step, spec: MatchSpec) -> None:
    """Write the current records of a type with their features.

    Where deliveries only came after those that were read before, the records that they touch are
    made again: those that they speak of, people whom their works credit now or credited before,
    and records whose parent or work came to another entity. Else all are made again, and what
    differs is written.

    Args:
        step: Reads the deliveries and their records, and the members of the types before.
        spec: The type's match model.
    """
    con, table = step.con, records(spec)
    since = step.digest_of(table)
    numbered = live_deliveries(con, read_deliveries(step, spec.reads))
    if not numbered.num_rows:
        differing = step.update(table, con.from_arrow(table.schema.empty_table()))
        _write_replaced(step, spec, None)
        step.report(records=0, records_changed=differing, doubtful_duplicates={})
        return
    create_macros(con)
    con.register("delivery", numbered)
    con.register("own_type", pa.table({"entity_type": [spec.entity_type]}))
    # Whether an id may be used depends on all records that have it, so then all are made again.
    news = None if spec.shared_ids else later_deliveries(step, spec, table, numbered)
    members = _view_members(step, spec)
    whole = news is None or members is None
    if news is not None and members is not None:
        if WORKS in spec.contexts:
            _view_delivered(step, numbered)
            moved_members(con, members)
            touched_people(con, news)
            make_current(con, spec, "delivered_part", "delivery", "current_record")
            take(step, "replaced_record", table, "record_id", "touched_person")
        else:
            _view_delivered(step, numbered.filter(pc.is_in(numbered.column("number"), news)))
            make_current(con, spec, "delivered", "delivery", "delivered_record")
            moved_members(con, members)
            _add_moved(step, spec)
        found = add_features(con, spec, "current_record", "entity_member")
        differing = step.patch(table, con.table("replaced_record"), found)
    else:
        _view_delivered(step, numbered)
        make_current(con, spec, "delivered", "delivery", "current_record")
        found = add_features(con, spec, "current_record", "entity_member")
        differing = step.update(table, found)
    _write_replaced(step, spec, None if whole else since)
    step.report(records=step.rows(table), records_changed=differing)
    step.report(doubtful_duplicates=_repeated(step, spec, whole=whole))


def _view_members(step: Step, spec: MatchSpec) -> dict[str, Changes] | None:
    """Make the view ``entity_member`` of the types before, and tell what changed in each."""
    con, output = step.con, records(spec)
    parts = [f"SELECT * FROM members_{number}" for number in range(len(spec.depends_on))]
    known: dict[str, Changes] = {}
    for number, other in enumerate(spec.depends_on):
        step.view(f"members_{number}", entity_members(other))
        changed = step.changes(output, entity_members(other))
        if changed is not None:
            known[other] = changed
    if not parts:
        con.register("no_members", entity_members(spec.entity_type).schema.empty_table())
        parts.append("SELECT * FROM no_members")
    con.execute(
        "CREATE OR REPLACE TEMP VIEW entity_member AS " + "\nUNION ALL BY NAME\n".join(parts)
    )
    return known if len(known) == len(spec.depends_on) else None


def _view_delivered(step: Step, numbered: pa.Table) -> None:
    """Make the view ``delivered``: the records of some deliveries, with the delivery's number."""
    step.view_partitions("delivered", SOURCE_RECORDS, partition_numbers(numbered))


def _write_replaced(step: Step, spec: MatchSpec, since: str | None) -> None:
    """Write which of ``replaced_record`` are other than they were, or gone.

    Args:
        step: It has written the records.
        spec: The type's match model.
        since: Digest of the records before; None where all were made again.
    """
    con, table = step.con, replaced_records(spec)
    if since == step.staged_digest(records(spec)) and step.intact(table):
        # Nothing came since the last update.
        step.keep(table)
        return
    change = step.staged_change(records(spec))
    if since is None or change is None:
        step.write(table, table.schema.empty_table())
        return
    change.create_view("record_change", replace=True)
    columns = ", ".join(f'"{name}"' for name in table.schema.names if name != "since")
    rows = con.sql(
        f"""
        SELECT {columns}, $since AS since
        FROM replaced_record
        SEMI JOIN record_change USING (record_id)
        """,
        params={"since": since},
    )
    step.write(table, rows)


def _add_moved(step: Step, spec: MatchSpec) -> None:
    """Make ``current_record`` of all that may differ, and ``replaced_record``: what they were.

    A record whose parent came to another entity is the same with another context.

    Args:
        step: On its connection are ``delivered``, what `make_current` makes of it in
            ``delivered_record``, and ``moved_member``.
        spec: The type's match model.
    """
    con, table = step.con, records(spec)
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE replaced_key AS
        SELECT DISTINCT source || ':' || source_id AS record_id
        FROM delivered
        WHERE entity_type IN (SELECT entity_type FROM own_type);

        CREATE OR REPLACE TEMP TABLE delivered_key AS
        FROM replaced_key
        """
    )
    if PARENT in spec.contexts and con.sql("FROM moved_member LIMIT 1").fetchall():
        moved = "(source, parent_id) IN (SELECT (source, source_id) FROM moved_member)"
        step.previous(table, moved).create_view("moved_record", replace=True)
        con.execute(
            """
            INSERT INTO replaced_key
            SELECT record_id FROM moved_record
            EXCEPT
            FROM delivered_key
            """
        )
    columns = ", ".join(f'"{name}"' for name in RECORD_SCHEMA.names)
    take(step, "replaced_record", table, "record_id", "replaced_key")
    con.execute(
        f"""
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


def _repeated(step: Step, spec: MatchSpec, *, whole: bool) -> dict[str, object]:
    """How many records of sources that are declared free of duplicates have a twin.

    A twin has the same name, year and parent and the same credits: the declaration is doubtful.
    After an update those are counted that are named as one of the records made again.
    """
    con, where = step.con, "duplicate_free"
    if not whole:
        con.execute(
            """
            CREATE OR REPLACE TEMP TABLE name_again AS
            SELECT DISTINCT lower(name) AS name FROM featured WHERE duplicate_free
            """
        )
        if not con.sql("FROM name_again LIMIT 1").fetchall():
            return {}
        where = "duplicate_free AND lower(name) IN (SELECT name FROM name_again)"
    step.staged(records(spec), where).create_view("staged_record", replace=True)
    found = con.sql(
        """
        SELECT source, sum(twins - 1)::BIGINT AS repeated
        FROM (
            SELECT source, count(*) AS twins
            FROM staged_record
            GROUP BY source, lower(name), year, season, episode, parent_id,
                     list_transform(credits, lambda credit: credit.name)
            HAVING count(*) > 1
        )
        GROUP BY source
        ORDER BY source
        """
    ).fetchall()
    return dict(found)
