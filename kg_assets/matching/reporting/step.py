"""The step that writes the report on a type's match model: a page, and a picture for the UI."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from kg_assets.matching import tables
from kg_assets.matching.current_model import current_model
from kg_assets.matching.normalise import create_macros
from kg_assets.matching.records import records
from kg_assets.matching.reporting import charts, cluster_charts, figures, page
from kg_assets.matching.reporting.drawing import draw
from kg_assets.matching.reporting.library import library
from kg_assets.matching.reporting.tables import match_report
from kg_assets.matching.thresholds import weight_of, with_thresholds
from kg_assets.preview import Markdown

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from kg_assets.matching.model import MatchSpec
    from resources.lake import Step

PAGE, PICTURE = "report.html", "report.png"
"""Files of a type's folder of reports."""

_SHOWN_CHARTS = 2
"""Charts of the picture in the UI, which the event log keeps for each materialisation."""


def run_match_report(step: Step, spec: MatchSpec) -> None:
    """Write the report on a type's match model.

    Args:
        step: Reads all tables of the type's matching; writes the list of the files, and the files
            beside the lake.
        spec: The type's match model.

    Raises:
        MissingModelError: The type has no trained model.
        OutdatedModelError: It was trained for another version of the specification.
    """
    con, kind = step.con, spec.entity_type
    create_macros(con)
    step.view("report_record", records(spec))
    step.view("report_pair", tables.blocked_pairs(kind))
    step.view("report_any_score", tables.match_scores(kind))
    step.view("report_threshold", tables.match_thresholds(kind))
    step.view("report_member", tables.entity_members(kind))
    step.view("report_entity", tables.resolved_entities(kind))
    step.view("report_cluster", tables.cluster_quality(kind))
    model = current_model(step, spec)
    with_thresholds(con, "report_any_score", "report_threshold", model["threshold"]).create_view(
        "report_score", replace=True
    )
    folder = step.lake.settings.reports / kind
    folder.mkdir(parents=True, exist_ok=True)
    count = int(con.table("report_record").aggregate("count(*)").fetchall()[0][0])
    drawn = _charts(step, spec, model) if count else []
    title = f"Match model of the entity type {kind}"
    drawing = library(step.lake.settings.reports)
    files = {PAGE: page.page(title, _lines(model, count), drawn, drawing).encode()}
    if drawn:
        small = page.together(drawn[:_SHOWN_CHARTS], title)
        files[PICTURE], picture = draw([page.png(page.together(drawn, title)), page.svg(small)])
        shown = base64.b64encode(picture).decode()
        step.report(report=Markdown(f"![{title}](data:image/svg+xml;base64,{shown})"))
    else:
        (folder / PICTURE).unlink(missing_ok=True)
    for name, content in files.items():
        _replace(folder / name, content)
    step.report(
        page=f"reports/{step.lake.namespace}/{kind}/{PAGE}", shows="kg report --type " + kind
    )
    step.write(
        match_report(kind),
        pa.Table.from_pylist(
            [
                {
                    "file": f"{kind}/{name}",
                    "sha256": hashlib.sha256(content).hexdigest(),
                    "bytes": len(content),
                }
                for name, content in sorted(files.items())
            ],
            schema=match_report(kind).schema,
        ),
    )


def report_stands(folder: Path) -> bool:
    """Whether a type's page is where the step put it."""
    return (folder / PAGE).is_file()


def _charts(step: Step, spec: MatchSpec, model: Mapping[str, Any]) -> list[charts.Spec]:
    con, settings = step.con, figures.settings_of(model)
    histogram = figures.histogram(con, "report_score")
    chosen = figures.thresholds(con, "report_threshold")
    reached = figures.unlinkable(settings, spec, con, "report_record")
    drawn = [charts.match_weights(figures.weights(spec, settings))]
    if histogram:
        drawn.append(charts.scores(histogram, chosen))
    drawn.append(charts.unlinkable(reached, weight_of(model["threshold"])))
    drawn.append(
        charts.blocking(
            figures.rules(con, spec, "report_pair"), figures.blocks(con, spec, "report_record")
        )
    )
    drawn.append(cluster_charts.cluster_sizes(figures.clusters(con, "report_member")))
    drawn.append(
        cluster_charts.cluster_quality(
            figures.cluster_grid(con, "report_cluster"),
            figures.worst_clusters(con, "report_cluster", "report_entity"),
            figures.cluster_totals(con, "report_cluster"),
        )
    )
    return drawn


def _lines(model: Mapping[str, Any], count: int) -> list[str]:
    lines = [f"{count:,} records. Model {model['version']}. {model['notes']}."]
    if model["untrained"]:
        lines.append("Never seen in training: " + "; ".join(model["untrained"]) + ".")
    return lines


def _replace(path: Path, content: bytes) -> None:
    """Write a file so that a reader has the old one or the new one."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_bytes(content)
    partial.replace(path)
