"""Charts of a match model as Vega-Lite specifications."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kg_assets.matching.reporting.page import WIDTH

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Spec = dict[str, Any]

FOR, AGAINST, GREY = "#2f7d4f", "#b5483a", "#8a8f98"
_FATES = {"edge": FOR, "below the threshold": GREY, "vetoed": AGAINST}


def match_weights(rows: Sequence[Mapping[str, Any]]) -> Spec:
    """Bars of each level's weight, with m and u beside them."""
    named = _named(rows)
    height = {"step": 17}
    level = {
        "field": "name",
        "type": "nominal",
        "sort": [row["name"] for row in named],
        "axis": {"title": None, "ticks": False},
    }
    shares = [
        {"name": row["name"], "comparison": row["comparison"], "share": row[which], "of": label}
        for row in named
        for which, label in (("m", "m, matches"), ("u", "u, others"))
    ]
    said = [
        "Weight = log2(m / u) in bits, above 0 for a match. * less for frequent values. Shares on "
        "a logarithmic scale."
    ]
    if any(row["moved"] for row in rows):
        said.append("Judgements have moved the weights (the classifier), and not the shares.")
    return {
        "title": {
            "text": "Match weights, and the shares that they come from",
            "subtitle": said,
        },
        "hconcat": [
            {
                "data": {"values": named},
                "width": 300,
                "height": height,
                "mark": {"type": "bar", "tooltip": True},
                "encoding": {
                    "y": level,
                    "x": {
                        "field": "weight",
                        "type": "quantitative",
                        "axis": {"title": "match weight, bits"},
                    },
                    "color": {
                        "condition": {"test": "datum.weight >= 0", "value": FOR},
                        "value": AGAINST,
                    },
                },
            },
            {
                "data": {"values": shares},
                "width": 240,
                "height": height,
                "mark": {"type": "point", "filled": True, "size": 55, "tooltip": True},
                "encoding": {
                    "y": level | {"axis": None},
                    "x": {
                        "field": "share",
                        "type": "quantitative",
                        "scale": {"type": "log"},
                        "axis": {"title": "share of pairs", "format": "~g", "tickCount": 5},
                    },
                    "color": {
                        "field": "of",
                        "type": "nominal",
                        "title": None,
                        "scale": {"range": [FOR, "#3b6fb5"]},
                    },
                },
            },
        ],
    }


def _named(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [
        {**row, "name": f"{row['comparison']}: {row['level']}" + " *" * bool(row["frequency"])}
        for row in rows
    ]


def scores(rows: Sequence[Mapping[str, Any]], thresholds: Sequence[Mapping[str, Any]]) -> Spec:
    """Histograms of match weights by pair of sources, each with its threshold as a line."""
    sources = list(dict.fromkeys(row["sources"] for row in rows))
    sources.sort(key=lambda one: -sum(r["pairs"] for r in rows if r["sources"] == one))
    lines = {row["sources"]: row for row in thresholds}
    panels = []
    for place, one in enumerate(sources):
        layers: list[Spec] = [
            {
                "data": {"values": [row for row in rows if row["sources"] == one]},
                "mark": {"type": "bar", "tooltip": True, "opacity": 0.8},
                "encoding": {
                    "x": {
                        "field": "weight",
                        "type": "quantitative",
                        "bin": "binned",
                        "scale": {"domain": _reach(rows)},
                        "axis": {
                            "title": "match weight, bits" if place + 1 == len(sources) else None
                        },
                    },
                    "x2": {"field": "until"},
                    # Few matches beside many non-matches would not be seen on a linear scale.
                    "y": {
                        "field": "pairs",
                        "type": "quantitative",
                        "stack": None,
                        "scale": {"type": "symlog"},
                        "axis": {
                            "title": "pairs",
                            "values": [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000],
                            "format": ",d",
                        },
                    },
                    "color": {
                        "field": "fate",
                        "type": "nominal",
                        "title": None,
                        "scale": {"domain": list(_FATES), "range": list(_FATES.values())},
                    },
                },
            }
        ]
        if one in lines:
            line = lines[one]
            text = f"{line['weight']:+.1f} bits = {line['threshold']:.3f}, {line['method']}"
            layers += [
                {
                    "data": {"values": [line]},
                    "mark": {"type": "rule", "color": "black", "strokeDash": [4, 3]},
                    "encoding": {"x": {"field": "weight", "type": "quantitative"}},
                },
                {
                    "data": {"values": [line]},
                    "mark": {
                        "type": "text",
                        "align": "left",
                        "dx": -2,
                        "y": -7,
                        "text": text,
                        "fontSize": 11,
                    },
                    "encoding": {"x": {"field": "weight", "type": "quantitative"}},
                },
            ]
        panels.append({"title": one, "width": WIDTH, "height": 110, "layer": layers})
    return {
        "title": {
            "text": "Match weights of candidate pairs, with the threshold of each pair of sources",
            "subtitle": "Pairs on a logarithmic scale; the outermost bars hold all beyond them.",
        },
        "vconcat": panels,
        "resolve": {"scale": {"y": "independent"}},
    }


def _reach(rows: Sequence[Mapping[str, Any]]) -> list[int]:
    return [min(row["weight"] for row in rows) - 1, max(row["until"] for row in rows) + 1]


def unlinkable(rows: Sequence[Mapping[str, Any]], declared: float) -> Spec:
    """The greatest weight that records could reach, and the threshold."""
    total = sum(row["records"] for row in rows)
    below = sum(row["records"] for row in rows if row["until"] <= declared)
    return {
        "title": {
            "text": f"Unlinkable records: {below:,} of {total:,} ({below / max(1, total):.1%})",
            "subtitle": [
                "The greatest weight that a record reaches, compared with itself, without "
                "frequencies;",
                "left of the line (the declared threshold) it can be linked with nothing.",
            ],
        },
        "width": WIDTH,
        "height": 140,
        "layer": [
            {
                "data": {"values": list(rows)},
                "mark": {"type": "bar", "tooltip": True},
                "encoding": {
                    "x": {
                        "field": "weight",
                        "type": "quantitative",
                        "bin": "binned",
                        "axis": {"title": "greatest match weight, bits"},
                    },
                    "x2": {"field": "until"},
                    "y": {
                        "field": "records",
                        "type": "quantitative",
                        "axis": {"title": "records", "format": ",d", "tickCount": 5},
                    },
                    "color": {
                        "field": "source",
                        "type": "nominal",
                        "scale": {"scheme": "tableau10"},
                    },
                },
            },
            {
                "data": {"values": [{"weight": declared}]},
                "mark": {"type": "rule", "color": "black", "strokeDash": [4, 3]},
                "encoding": {"x": {"field": "weight", "type": "quantitative"}},
            },
        ],
    }


def blocking(rules: Sequence[Mapping[str, Any]], blocks: Sequence[Mapping[str, Any]]) -> Spec:
    """Pairs by blocking rule, and the largest blocks."""
    named = [
        {
            **row,
            "name": f"{short(row['key'].replace(chr(31), ' / '), 28)} ({short(row['rule'], 24)})",
        }
        for row in blocks
    ]
    return {
        "title": {
            "text": "Blocking: candidate pairs by rule, and the largest blocks",
            "subtitle": "A pair counts with the first rule that makes it. Blocks before those "
            "over the cap are cut.",
        },
        "hconcat": [
            bars(rules, "rule", "pairs", "candidate pairs", [row["rule"] for row in rules], 200),
            bars(named, "name", "records", "records", [row["name"] for row in named], 160),
        ],
    }


def short(text: str, length: int) -> str:
    """A text cut to so many characters."""
    return text if len(text) <= length else text[: length - 1] + "…"


def bars(
    rows: Sequence[Mapping[str, Any]],
    label: str,
    value: str,
    title: str,
    order: Sequence[str],
    width: int,
    number: str = ",d",
) -> Spec:
    """Bars of a value, each with its number behind it.

    Args:
        rows: The data.
        label: Field of the name of each bar.
        value: Field of its length.
        title: What the values are.
        order: The names from top to bottom.
        width: Points.
        number: Format of the numbers, as D3 writes it.
    """
    encoding: Spec = {
        "y": {
            "field": label,
            "type": "nominal",
            "sort": list(order),
            "axis": {"title": None, "ticks": False, "labelLimit": 300},
        },
        "x": {
            "field": value,
            "type": "quantitative",
            "axis": {"title": title, "format": "~s", "tickCount": 4},
        },
    }
    return {
        "data": {"values": list(rows)},
        "width": width,
        "height": {"step": 17},
        "layer": [
            {"mark": {"type": "bar", "color": "#3b6fb5", "tooltip": True}, "encoding": encoding},
            {
                "mark": {"type": "text", "align": "left", "dx": 3, "fontSize": 10},
                "encoding": encoding
                | {"text": {"field": value, "type": "quantitative", "format": number}},
            },
        ],
    }


def waterfall(
    steps: Sequence[tuple[str, str, float]], threshold: float, title: str, subtitle: str
) -> Spec:
    """How the weights of a pair's comparisons add up.

    Args:
        steps: Name, level and weight in bits, the prior first.
        threshold: Threshold in bits.
        title: Title.
        subtitle: Line under it.
    """
    rows: list[dict[str, Any]] = []
    total = 0.0
    for name, level, weight in steps:
        label = f"{name}: {level}"
        rows.append(
            {"name": label, "start": total, "end": total + weight, "text": f"{weight:+.2f}"}
        )
        total += weight
    rows.append({"name": "total", "start": 0.0, "end": total, "text": f"{total:+.2f}"})
    order = [row["name"] for row in rows]
    y = {
        "field": "name",
        "type": "nominal",
        "sort": order,
        "axis": {"title": None, "ticks": False, "labelLimit": 320},
    }
    ends = [0.0, threshold, *(row["end"] for row in rows)]
    room = 0.12 * (max(ends) - min(ends))
    x = {
        "type": "quantitative",
        "scale": {"domain": [min(ends) - room, max(ends) + room], "nice": False},
        "axis": {"title": "match weight, bits"},
    }
    text_at = [{**row, "at": max(row["start"], row["end"])} for row in rows]
    return {
        "title": {"text": title, "subtitle": subtitle},
        "width": 460,
        "height": {"step": 24},
        "layer": [
            {
                "data": {"values": rows},
                "mark": {"type": "bar", "tooltip": True},
                "encoding": {
                    "y": y,
                    "x": x | {"field": "start"},
                    "x2": {"field": "end"},
                    "color": {
                        "condition": [
                            {"test": "datum.name == 'total'", "value": "#3b6fb5"},
                            {"test": "datum.end >= datum.start", "value": FOR},
                        ],
                        "value": AGAINST,
                    },
                },
            },
            {
                "data": {"values": text_at},
                "mark": {"type": "text", "align": "left", "dx": 4, "fontSize": 11},
                "encoding": {"y": y, "x": x | {"field": "at"}, "text": {"field": "text"}},
            },
            {
                "data": {"values": [{"bits": 0.0}]},
                "mark": {"type": "rule", "color": "#999"},
                "encoding": {"x": x | {"field": "bits"}},
            },
            {
                "data": {"values": [{"bits": threshold}]},
                "mark": {"type": "rule", "color": "black", "strokeDash": [4, 3]},
                "encoding": {"x": x | {"field": "bits"}},
            },
        ],
    }
