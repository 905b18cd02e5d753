"""The table of the reports on match models."""

from __future__ import annotations

import pyarrow as pa

from kg_assets.matching.column_meanings import required
from resources.table import Table

REPORT = "/match_report"
"""End of the name of each table whose step draws."""


def match_report(entity_type: str) -> Table:
    """Files of the report on the match model."""
    return Table(
        name=f"{entity_type}{REPORT}",
        schema=pa.schema(
            [
                required("file", pa.string()),
                required("sha256", pa.string()),
                required("bytes", pa.int64()),
            ]
        ),
        key=("file",),
        description="The report on the match model, a page and a picture: match weights, m and u, "
        "score histograms with thresholds, unlinkable records, blocking, sizes and quality of "
        "clusters.",
    )
