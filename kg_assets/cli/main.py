"""The command `kg`: landing, building, looking, measuring; a thin layer over the stages.

Exit codes: 0 done, 1 something failed or nothing was found, 2 the call or its input was wrong.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

import typer

from kg_assets.cli.cluster import app as cluster_app
from kg_assets.cli.configured import Json, settings
from kg_assets.cli.guard import CarefulGroup
from kg_assets.cli.team_commands import teams

app = typer.Typer(
    name="kg",
    cls=CarefulGroup,
    help="An entertainment knowledge graph: from raw source blobs to one published graph.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,  # locals may hold keys
)
export = typer.Typer(help="Write tables for other tools.", no_args_is_help=True)
app.add_typer(export, name="export")
judge = typer.Typer(help="People's judgements as a file.", no_args_is_help=True)
app.add_typer(judge, name="judge")
ontology = typer.Typer(help="What the ontology says, and what changed in it.", no_args_is_help=True)
app.add_typer(ontology, name="ontology")
sources = typer.Typer(help="The sources, and trying an adapter.", invoke_without_command=True)
app.add_typer(sources, name="sources")
app.add_typer(cluster_app, name="cluster")
app.add_typer(teams)


@app.command()
def land(
    source: Annotated[str, typer.Argument(help="Name of the source.")],
    files: Annotated[list[Path], typer.Argument(help="Files as the source gave them.")],
    delivery: Annotated[
        str | None, typer.Option(help="Name of the delivery; by default the time.")
    ] = None,
) -> None:
    """Put files into the landing zone as one delivery."""
    from kg_assets.cli.landing import land_files

    raise typer.Exit(land_files(settings(), source, files, delivery))


@app.command()
def build(
    types: Annotated[
        str | None, typer.Option(help="Only these entity types, separated by commas.")
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(help="Run just this, stale or not: LANE or LANE@PARTITION; may be repeated."),
    ] = None,
    retrain: Annotated[bool, typer.Option(help="Train frozen match models again.")] = False,
    json: Json = False,
) -> None:
    """Bring up to date what is out of date."""
    from kg_assets.cli.building import build_graph

    chosen = [part.strip() for part in (types or "").split(",") if part.strip()]
    raise typer.Exit(build_graph(settings(), chosen, only or [], retrain=retrain, json=json))


@app.command()
def infer(
    types: Annotated[
        str | None, typer.Option(help="Only these entity types, separated by commas.")
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Say what a language model would cost; nothing is sent or written."
        ),
    ] = False,
    why: Annotated[
        str | None,
        typer.Option(metavar="NAME_OR_ID", help="Say why the texts of an entity are (not) read."),
    ] = None,
    json: Json = False,
) -> None:
    """Read texts for relations; or say first what that would cost with a language model."""
    if why is not None:
        from kg_assets.cli.why_read import why_read

        raise typer.Exit(why_read(settings(), why, json=json))
    from kg_assets.cli.infer import infer as run

    chosen = [part.strip() for part in (types or "").split(",") if part.strip()]
    raise typer.Exit(run(settings(), chosen, dry_run=dry_run, json=json))


@app.command()
def status(
    check: Annotated[
        bool, typer.Option("--check", help="End with 1 where a source is late, too.")
    ] = False,
    json: Json = False,
) -> None:
    """Show what is fresh, stale, failed and running, and what a build would do and cost."""
    from kg_assets.cli.status import show_status

    raise typer.Exit(show_status(settings(), check=check, json=json))


@app.command()
def rerun(
    name: Annotated[
        str,
        typer.Argument(metavar="RUN_OR_PARTITION", help="A run's id, or LANE or TABLE@PARTITION."),
    ],
    debug: Annotated[bool, typer.Option("--debug", help="Log all that is done.")] = False,
    stop: Annotated[bool, typer.Option("--pdb", help="Stop at the error in a debugger.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Keep what was written.")] = False,
    json: Json = False,
) -> None:
    """Run one partition again in this process, with its inputs, into a scratch namespace."""
    from kg_assets.cli.rerun import rerun as run

    raise typer.Exit(run(settings(), name, debug=debug, stop=stop, keep=keep, json=json))


@app.command()
def demo() -> None:
    """Land the real data, build the whole graph and say what came out."""
    from kg_assets.cli.demo import MEMORY_LIMIT, run_demo

    # In the environment, where the processes that build find it too.
    os.environ.setdefault("KG_MEMORY_LIMIT", MEMORY_LIMIT)
    raise typer.Exit(run_demo(settings()))


@app.command()
def ui() -> None:
    """Open the Dagster UI with its daemon, on loopback."""
    from kg_assets.cli.ui import serve

    raise typer.Exit(serve(settings()))


@app.command()
def show(
    query: Annotated[str, typer.Argument(metavar="NAME_OR_ID", help="A name or an entity id.")],
    json: Json = False,
) -> None:
    """Show an entity: its records, its attributes with their source, its relations."""
    from kg_assets.cli.show import show as run

    raise typer.Exit(run(settings(), query, json=json))


@app.command()
def explain(
    left: Annotated[str, typer.Argument(metavar="RECORD", help="source:id")],
    right: Annotated[str, typer.Argument(metavar="RECORD", help="source:id")],
    chart: Annotated[
        Path | None, typer.Option(help="Also draw the waterfall into this .html or .png file.")
    ] = None,
    json: Json = False,
) -> None:
    """Say why two records were or were not joined."""
    from kg_assets.cli.explain import explain as run

    raise typer.Exit(run(settings(), left, right, chart=chart, json=json))


@app.command()
def review(
    entity_type: Annotated[
        str | None, typer.Option("--type", help="Only pairs and facts of this entity type.")
    ] = None,
    only: Annotated[
        Literal["pairs", "facts"] | None, typer.Option(help="Only pairs, or only facts.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Questions at most.")] = None,
    page: Annotated[
        Path | None, typer.Option(help="Write the queue into this .html file instead.")
    ] = None,
    json: Json = False,
) -> None:
    """Judge the pairs and facts of the review queues, one after another."""
    from kg_assets.cli.review import review as run

    raise typer.Exit(run(settings(), entity_type, only=only, limit=limit, page=page, json=json))


@app.command()
def report(
    entity_type: Annotated[
        str | None, typer.Option("--type", help="Only the report on this entity type.")
    ] = None,
    show: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    json: Json = False,
) -> None:
    """List the reports on the match models: weights, scores, thresholds, blocking, clusters."""
    from kg_assets.cli.report import report as run

    raise typer.Exit(run(settings(), entity_type, show=show, json=json))


@app.command()
def sql(
    query: Annotated[str, typer.Argument(help="A query over the published graph.")],
    limit: Annotated[int, typer.Option(help="Rows shown at most.")] = 50,
    json: Json = False,
) -> None:
    """Query the published graph, read only."""
    from kg_assets.cli.sql import sql as run

    raise typer.Exit(run(settings(), query, limit=limit, json=json))


@app.command()
def quarantine(
    delivery: Annotated[
        str | None,
        typer.Argument(metavar="DELIVERY", help="source|delivery, or a source; all without it."),
    ] = None,
    limit: Annotated[int, typer.Option(help="Blobs shown at most; JSON holds all.")] = 50,
    json: Json = False,
) -> None:
    """List what did not become a record: file, position and reason."""
    from kg_assets.cli.quarantine import quarantine as run

    raise typer.Exit(run(settings(), delivery, limit=limit, json=json))


@app.command()
def evaluate(
    links: Annotated[Path | None, typer.Argument(help="TSV of two columns of source:id.")] = None,
    judgements: Annotated[
        bool, typer.Option("--judgements", help="Score against what people judged, too or alone.")
    ] = False,
    json: Json = False,
) -> None:
    """Score the matching against true links or judgements: precision, recall, F1, B-cubed."""
    from kg_assets.cli.evaluate import evaluate as run

    raise typer.Exit(run(settings(), links, judgements=judgements, json=json))


@app.command()
def extract(
    source: Annotated[Path, typer.Option("--input", help="JSON lines with id, text, subject.")],
    target: Annotated[Path, typer.Option("--output", help="JSON lines with id, status, facts.")],
    extractor: Annotated[str, typer.Option(help="Name of the extractor.")] = "rules",
    precise: Annotated[bool, typer.Option(help="Keep only what it is surer of.")] = False,
) -> None:
    """Run an extractor over texts: what each states, with the quote that says so."""
    from kg_assets.cli.extract import extract as run

    raise typer.Exit(run(settings(), extractor, source, target, precise=precise))


@app.command()
def calibrate(
    target: Annotated[
        Path | None, typer.Option("--output", help="Write the fitted weights into this file.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="Draw the reliability curve into this .html file.")
    ] = None,
    json: Json = False,
) -> None:
    """Fit the confidence of facts to what people judged, and show how far it is off."""
    from kg_assets.cli.calibrate import calibrate as run

    raise typer.Exit(run(settings(), target, report, json=json))


@judge.command("export")
def judge_export(
    file: Annotated[Path, typer.Argument(help="JSON lines to write.")],
    force: Annotated[bool, typer.Option(help="Overwrite the file.")] = False,
) -> None:
    """Write all judgements, also those that were taken back."""
    from kg_assets.cli.judge import export_judgements as run

    raise typer.Exit(run(settings(), file, force=force))


@judge.command("import")
def judge_import(
    file: Annotated[Path, typer.Argument(help="JSON lines, as `kg judge export` writes them.")],
) -> None:
    """Add the judgements of a file: all of them, or none where one line cannot be."""
    from kg_assets.cli.judge import import_judgements as run

    raise typer.Exit(run(settings(), file))


@ontology.command("show")
def ontology_show(
    name: Annotated[
        str | None, typer.Argument(help="A type of entity or a relation; all without it.")
    ] = None,
    json: Json = False,
) -> None:
    """Show the types and relations, or all that is said of one."""
    from kg_assets.cli.ontology import show as run

    raise typer.Exit(run(name, json=json))


@ontology.command("diff")
def ontology_diff(
    before: Annotated[str, typer.Argument(help="A LinkML file, or the hash that facts carry.")],
    after: Annotated[
        str | None, typer.Argument(help="The same; by default the ontology of today.")
    ] = None,
    json: Json = False,
) -> None:
    """Say what changed, and which types and partitions have to be inferred again."""
    from kg_assets.cli.ontology import diff as run

    raise typer.Exit(run(settings(), before, after, json=json))


@ontology.command("write")
def ontology_write(
    output: Annotated[Path, typer.Option(help="Folder to write to.")] = Path("docs/ontology"),
) -> None:
    """Write the published schema, the JSON-LD context and the pages."""
    from kg_assets.cli.ontology import write as run

    raise typer.Exit(run(output))


@sources.callback()
def sources_list(context: typer.Context, json: Json = False) -> None:
    """List the sources: licence, deliveries, records by type, what is quarantined, how fresh."""
    if context.invoked_subcommand is not None:
        return
    from kg_assets.cli.sources import list_sources as run

    raise typer.Exit(run(settings(), json=json))


@sources.command("check")
def sources_check(
    source: Annotated[str, typer.Argument(help="Name of the source.")],
    files: Annotated[list[Path], typer.Argument(help="Files as the source gives them.")],
    sample: Annotated[int, typer.Option(min=1, help="Blobs of each file to look at.")] = 1_000,
    json: Json = False,
) -> None:
    """Try a source's adapter on files: what it understands and what it does not."""
    from kg_assets.cli.trial import check_source as run

    raise typer.Exit(run(settings(), source, files, sample=sample, json=json))


@export.command("members")
def export_members(
    output: Annotated[Path, typer.Option(help="Folder to write to.")],
    force: Annotated[bool, typer.Option(help="Overwrite what is there.")] = False,
) -> None:
    """Write which record belongs to which entity, as Parquet."""
    from kg_assets.cli.export import export_members as run

    raise typer.Exit(run(settings(), output, force=force))


if __name__ == "__main__":
    app()
