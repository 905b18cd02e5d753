"""What an update touches, found once for all shards: the keys and the records near a change.

Near are the records that share a block with one that changed, before or now. With all of their
keys the pairs of what changed are made, as they were and as they are, and with their compared
columns these pairs are scored: no shard looks through all keys or all records for itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from kg_assets.matching.records import records
from kg_assets.matching.settings import columns_for_scoring
from kg_assets.matching.tables import block_keys
from kg_assets.matching.vetoes import columns_for_vetoes
from resources.table import Table

if TYPE_CHECKING:
    from kg_assets.matching.model import MatchSpec
    from resources.lake import Step


def touched_keys(entity_type: str) -> Table:
    """The keys of the records near what the last update of the keys changed."""
    keys = block_keys(entity_type)
    return Table(
        name=f"{entity_type}/touched_keys",
        schema=pa.schema(
            [
                *(field for field in keys.schema if field.name != "origin"),
                pa.field("moved", pa.bool_(), nullable=False),
                pa.field("before", pa.bool_(), nullable=False),
                pa.field("now", pa.bool_(), nullable=False),
                pa.field("since", pa.string(), nullable=False),
            ]
        ),
        # A source that takes back that it is free of duplicates has other keys in this alone.
        key=(*keys.key, "duplicate_free"),
        description="All keys, before and now, of the records near what the last update of the "
        "keys changed, and the digest of the keys that it changed: the pairs of a shard that was "
        "made from these follow from them alone. Empty where all keys were made again.",
    )


def touched_records(spec: MatchSpec) -> Table:
    """The records near what the last update of the keys changed."""
    columns = ("record_id", *columns_for_scoring(spec), *columns_for_vetoes(spec))
    schema = records(spec).schema
    return Table(
        name=f"{spec.entity_type}/touched_records",
        schema=pa.schema([schema.field(name) for name in dict.fromkeys(columns)]),
        key=("record_id",),
        description="What scoring compares of the records near what the last update of the keys "
        "changed. Empty where all keys were made again.",
    )


def forget_touched(step: Step, spec: MatchSpec) -> None:
    """Write that nothing is known to be near a change, since all keys were made again."""
    for table in (touched_keys(spec.entity_type), touched_records(spec)):
        step.write(table, table.schema.empty_table())


def write_touched(step: Step, spec: MatchSpec) -> None:
    """Write what is near the changes of the keys.

    Args:
        step: The step of the keys, not yet committed. On its connection are ``touched_record``
            (record_id, record: those that changed or went), ``replaced_key`` and ``block_key``
            (keys that are replaced, and those in their place), ``own_key`` (keys before of the
            touched records) and ``near_key`` (keys before that share a block with a touched
            record, before or now).
        spec: The type's match model.
    """
    con, keys = step.con, block_keys(spec.entity_type)
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE moved_record AS
        SELECT record_id, record FROM touched_record
        UNION
        SELECT record_id, record
        FROM (FROM replaced_key EXCEPT FROM block_key)
        UNION
        SELECT record_id, record
        FROM (FROM block_key EXCEPT FROM replaced_key);

        CREATE OR REPLACE TEMP TABLE recut_only AS
        SELECT * FROM moved_record ANTI JOIN touched_record USING (record_id);

        CREATE OR REPLACE TEMP TABLE moved_block AS
        SELECT block, rule_number FROM own_key
        UNION
        SELECT block, rule_number FROM replaced_key SEMI JOIN moved_record USING (record_id)
        UNION
        SELECT block, rule_number FROM block_key SEMI JOIN moved_record USING (record_id)
        """
    )
    # Records whose windows alone moved: their other blocks are not among those looked at yet.
    if con.sql("FROM recut_only LIMIT 1").fetchall():
        step.previous(keys, "record IN (SELECT record FROM recut_only)").create_view(
            "other_key", replace=True
        )
        con.execute(
            """
            INSERT INTO moved_block
            SELECT DISTINCT block, rule_number FROM other_key
            EXCEPT
            FROM moved_block
            """
        )
        step.previous(keys, "block IN (SELECT block FROM moved_block)").create_view(
            "partner_key", replace=True
        )
    else:
        con.sql("FROM near_key").create_view("partner_key", replace=True)
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE near_record AS
        SELECT record_id, record FROM partner_key SEMI JOIN moved_block USING (block, rule_number)
        UNION
        SELECT record_id, record FROM block_key SEMI JOIN moved_block USING (block, rule_number)
        UNION
        SELECT record_id, record FROM moved_record
        """
    )
    step.previous(keys, "record IN (SELECT record FROM near_record)").create_view(
        "near_before", replace=True
    )
    since = step.lake.current_digest(keys.name, "all") or ""
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE touched_key AS
        SELECT block,
               rule_number,
               record_id,
               any_value(record) AS record,
               any_value(source) AS source,
               duplicate_free,
               record_id IN (SELECT record_id FROM moved_record) AS moved,
               bool_or(before) AS before,
               bool_or(now) AS now,
               $since AS since
        FROM (
            SELECT near.*,
                   TRUE AS before,
                   replaced.record_id IS NULL AS now
            FROM near_before AS near
            LEFT JOIN replaced_key AS replaced USING (block, rule_number, record_id)
            UNION ALL
            SELECT near.*, FALSE, TRUE
            FROM block_key AS near
            SEMI JOIN near_record USING (record_id)
        )
        GROUP BY block, rule_number, record_id, duplicate_free
        """,
        {"since": since},
    )
    step.write(touched_keys(spec.entity_type), con.table("touched_key"))
    near = step.read(records(spec), where="record_id IN (SELECT record_id FROM near_record)")
    step.write(touched_records(spec), near)
