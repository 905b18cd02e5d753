"""The door of the sources stage: deliveries become blobs, and blobs become records."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from kg_assets.partitions import DELIVERIES as DELIVERY_PARTITIONS
from kg_assets.policies import resource_tags
from kg_assets.shell import StepAsset
from kg_assets.sources.checks import record_checks
from kg_assets.sources.steps import run_raw_blobs, run_source_records
from kg_assets.sources.tables import (
    DELIVERIES,
    LANDED_DELIVERIES,
    QUARANTINED_BLOBS,
    RAW_BLOBS,
    SOURCE_RECORDS,
    SOURCE_TEXTS,
)
from resources.settings import Settings

BLOBS_CODE = "6"
RECORDS_CODE = "6"


def sources_steps(settings: Settings) -> Sequence[StepAsset]:
    """The steps from the landing zone to canonical records.

    Args:
        settings: Where the landing zone is, and how large a blob may be.
    """
    return (
        StepAsset(
            outputs=(RAW_BLOBS, LANDED_DELIVERIES),
            inputs=(),
            run=partial(
                run_raw_blobs,
                landing=settings.landing_path,
                max_blob_bytes=settings.max_blob_bytes,
                max_file_bytes=settings.max_decompressed_bytes,
            ),
            group="sources",
            lane="sources",
            kinds=frozenset({"python", "parquet", "json"}),
            code_version=BLOBS_CODE,
            partitions=DELIVERY_PARTITIONS,
            tags=resource_tags(heavy=False),
        ),
        StepAsset(
            outputs=(SOURCE_RECORDS, SOURCE_TEXTS, QUARANTINED_BLOBS, DELIVERIES),
            inputs=(RAW_BLOBS, LANDED_DELIVERIES),
            run=run_source_records,
            group="sources",
            lane="sources",
            code_version=RECORDS_CODE,
            partitions=DELIVERY_PARTITIONS,
            checks=record_checks(),
            tags=resource_tags(heavy=False),
        ),
    )
