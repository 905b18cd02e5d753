"""What an update touched, found once for all shards: the pairs and the records near a change.

Near are the records that make a pair with one that changed, before or now. The pairs of what
changed are made of all blocks of these, as they were and as they are, and scored by what is
compared of both, as it was and as it is: no shard looks through all keys, records or scores.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from kg_assets.matching.records import compared_fields
from resources.table import Table

if TYPE_CHECKING:
    from kg_assets.matching.model import MatchSpec
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


def touched_records(spec: MatchSpec) -> Table:
    """The records near what the last update of the keys changed."""
    return Table(
        name=f"{spec.entity_type}/touched_records",
        schema=pa.schema(
            [
                *compared_fields(spec),
                pa.field("before", pa.bool_(), nullable=False),
                pa.field("now", pa.bool_(), nullable=False),
                pa.field("keys_since", pa.string(), nullable=False),
                pa.field("records_since", pa.string(), nullable=False),
                pa.field("shards", pa.int32(), nullable=False),
            ]
        ),
        key=("record_id", "now"),
        description="What scoring compares of the records near what the last update of the keys "
        "changed, before and now, and the digests of the keys and records that it led on from. "
        "Empty where all keys were made again.",
    )


def leads_on_from(step: Step, spec: MatchSpec, shards: int | None = None) -> tuple[str, str]:
    """Digests of the keys and of the records from which the touched pairs and records lead on.

    Args:
        step: Reads the touched records; that it does makes nothing stale.
        spec: The type's match model.
        shards: Number of shards that the pairs must have been told apart for.

    Returns:
        The digests, empty where they are not known.
    """
    near = step.read(touched_records(spec), tracked=False)
    found = near.project("keys_since, records_since, shards").distinct().fetchall()
    if len(found) != 1 or shards not in (None, found[0][2]):
        return "", ""
    return str(found[0][0]), str(found[0][1])
