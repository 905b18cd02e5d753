"""Charts of clusters: their sizes, their density, and the worst of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kg_assets.matching.reporting.charts import FOR, Spec, bars, short
from kg_assets.matching.reporting.figures import SIZES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def cluster_sizes(rows: Sequence[Mapping[str, Any]]) -> Spec:
    """Entities by number of records."""
    chart = bars(rows, "size", "entities", "entities", [row["size"] for row in rows], 420)
    return {"title": {"text": "Cluster sizes: entities by number of records"}, **chart}


def cluster_quality(
    grid: Sequence[Mapping[str, Any]],
    worst: Sequence[Mapping[str, Any]],
    total: Mapping[str, Any],
) -> Spec:
    """Clusters by size and density, and those with most pairs that are expected to be false.

    Args:
        grid: What `figures.cluster_grid` gives.
        worst: What `figures.worst_clusters` gives.
        total: What `figures.cluster_totals` gives.
    """
    sizes = list(SIZES[2:])
    densities = [f"{low}-{low + 10} %" for low in range(90, -10, -10)]
    axes: Spec = {
        "x": {
            "field": "size",
            "type": "ordinal",
            "sort": sizes,
            "scale": {"domain": sizes},
            "axis": {
                "title": "records",
                "labelAngle": 0,
                "labelExpr": "replace(datum.label, ' and more', '+')",
            },
        },
        "y": {
            "field": "density",
            "type": "ordinal",
            "sort": densities,
            "scale": {"domain": densities},
            "axis": {"title": "density"},
        },
    }
    drawn: Spec = {
        "data": {"values": list(grid)},
        "width": {"step": 44},
        "height": {"step": 19},
        "layer": [
            {
                "mark": {"type": "rect", "tooltip": True},
                "encoding": axes
                | {
                    # Few sparse clusters beside many dense ones would not be seen otherwise.
                    "color": {
                        "field": "entities",
                        "type": "quantitative",
                        "scale": {"type": "symlog", "range": ["#eaf3ec", FOR]},
                        "legend": None,
                    }
                },
            },
            {
                "mark": {"type": "text", "fontSize": 10},
                "encoding": axes
                | {"text": {"field": "entities", "type": "quantitative", "format": ",d"}},
            },
        ],
    }
    named = [
        {
            **row,
            "label": f"{place}. {short(row['name'], 22)}: {row['records']:,} records, "
            f"{row['density']:.0%}, bridges: {row['bridges']:,}",
        }
        for place, row in enumerate(worst, start=1)
    ]
    shown = [drawn] if grid else []
    if named:
        order = [row["label"] for row in named]
        title = "pairs expected to be false"
        shown.append(bars(named, "label", "score", title, order, 130, ",.1f"))
    return {
        "title": {
            "text": "Cluster quality: size and density, and the clusters most in doubt",
            "subtitle": [
                f"{total['clusters']:,} clusters of two records or more, {total['bridged']:,} of "
                f"three or more hang by a bridge, in {total['in_doubt']:,} a pair or more is "
                "expected to be false.",
                "Density is the share of a cluster's pairs that are edges, of clusters of three "
                "records or more.",
            ],
        },
        "hconcat": shown or [{"data": {"values": []}, "mark": "point"}],
    }
