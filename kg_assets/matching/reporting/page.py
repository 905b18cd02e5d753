"""A report's charts as a page that needs no network, as one picture, and as files."""

from __future__ import annotations

import html
import json
from typing import TYPE_CHECKING

from kg_assets.matching.reporting.drawing import Drawing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kg_assets.matching.reporting.charts import Spec


WIDTH = 560


_CONFIG: Spec = {
    "font": "Liberation Sans, Arial, sans-serif",
    "background": "white",
    "title": {"anchor": "start", "fontSize": 15, "subtitleColor": "#555", "offset": 12},
    "axis": {"labelFontSize": 11, "titleFontSize": 12, "gridColor": "#e8e8e8", "labelLimit": 340},
    "legend": {"labelFontSize": 11, "titleFontSize": 12, "orient": "bottom"},
    "header": {"labelFontSize": 12, "titleFontSize": 12},
    "view": {"stroke": None},
}


def _whole(spec: Spec) -> Spec:
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "padding": 14,
        "config": _CONFIG,
        **spec,
    }


def together(charts: Sequence[Spec], title: str) -> Spec:
    """Several charts below each other as one picture."""
    return {
        "title": {"text": title, "fontSize": 19},
        "vconcat": list(charts),
        "spacing": 34,
        "resolve": {"scale": {"color": "independent", "x": "independent", "y": "independent"}},
    }


def png(spec: Spec, scale: float = 1.0) -> Drawing:
    """A chart as a PNG to be drawn."""
    return Drawing("png", _whole(spec), scale)


def svg(spec: Spec) -> Drawing:
    """A chart as an SVG to be drawn: lines and text, a tenth of the size of its PNG."""
    return Drawing("svg", _whole(spec))


def page(title: str, lines: Sequence[str], charts: Sequence[Spec], library: str) -> str:
    """A page with charts that can be pointed at; all that it needs is in it.

    Args:
        title: Heading.
        lines: Paragraphs under it, plain text.
        charts: Charts in order.
        library: The JavaScript that draws them (see `library`).

    Returns:
        HTML that reads nothing from a network.
    """
    # A closing tag inside a string of the data would end the script.
    specs = json.dumps([_whole(chart) for chart in charts]).replace("<", "\\u003c")
    body = "\n".join(f"<p>{html.escape(line)}</p>" for line in lines)
    places = "\n".join(f'<div id="chart{number}"></div>' for number in range(len(charts)))
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{html.escape(title)}</title>
<style>
body {{ font-family: sans-serif; margin: 2em; max-width: 75em }}
div {{ margin: 1em 0 }}
</style>
</head>
<body>
<h1>{html.escape(title)}</h1>
{body}
{places}
<script type="module">
{library}
const charts = {specs};
charts.forEach((chart, number) =>
  vegaEmbed("#chart" + number, chart, {{ mode: "vega-lite", actions: false }}));
</script>
</body>
</html>
"""
