"""What an update touched, found once for all shards: the records, and the pairs near them.

Near are the records that make a pair with one that was touched, before or now. The pairs are made
of all blocks of these, as they were and as they are. So no shard looks through all keys.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from resources.table import Table

if TYPE_CHECKING:
    from resources.lake import Step


def touched_pairs(entity_type: str) -> Table:
    """The candidate pairs of the records that the last update of the keys touched."""
    return Table(
        name=f"{entity_type}/touched_pairs",
        schema=pa.schema(
            [
                pa.field("record_l", pa.string(), nullable=False),
                pa.field("record_r", pa.string(), nullable=False),
                pa.field("rule", pa.string(), nullable=False),
                pa.field("shard", pa.int32(), nullable=False),
                pa.field("before", pa.bool_(), nullable=False),
                pa.field("now", pa.bool_(), nullable=False),
            ]
        ),
        # Of a pair that is made otherwise there is one row for before and one for now.
        key=("record_l", "record_r", "now"),
        description="All candidate pairs, before and now, of the records that the last update of "
        "the keys touched, with the shard that holds them; of others those that came or went. "
        "Empty where all keys were made again.",
    )


def touched_records(entity_type: str) -> Table:
    """The records that the last update of the keys touched."""
    return Table(
        name=f"{entity_type}/touched_records",
        schema=pa.schema(
            [
                pa.field("record_id", pa.string(), nullable=False),
                pa.field("keys_since", pa.string(), nullable=False),
                pa.field("records_since", pa.string(), nullable=False),
                pa.field("shards", pa.int32(), nullable=False),
            ]
        ),
        key=("record_id",),
        description="The records that the last update of the keys found changed, new or gone, with "
        "the digests of the keys and records that it led on from. Empty where all keys were made "
        "again.",
    )


def leads_on_from(step: Step, entity_type: str, shards: int | None = None) -> tuple[str, str]:
    """Digests of the keys and of the records from which the touched pairs and records lead on.

    Args:
        step: Reads the touched records; that it does makes nothing stale.
        entity_type: The type.
        shards: Number of shards that the pairs must have been told apart for.

    Returns:
        The digests, empty where they are not known.
    """
    touched = step.read(touched_records(entity_type), tracked=False)
    found = touched.project("keys_since, records_since, shards").distinct().fetchall()
    if len(found) != 1 or shards not in (None, found[0][2]):
        return "", ""
    return str(found[0][0]), str(found[0][1])
