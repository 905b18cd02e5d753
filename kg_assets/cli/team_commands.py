"""The commands of working side by side: promotion, rollback, rebase, history, namespaces."""

from __future__ import annotations

from typing import Annotated

import typer

from kg_assets.cli.configured import Json, settings

teams = typer.Typer()
namespace = typer.Typer(help="Who works on this lake.", no_args_is_help=True)
teams.add_typer(namespace, name="namespace")


@teams.command()
def promote(
    name: Annotated[str, typer.Argument(metavar="NAMESPACE", help="What shall be production.")],
    types: Annotated[
        str | None,
        typer.Option(help="Only what it made of these entity types, separated by commas."),
    ] = None,
    accept: Annotated[
        str | None, typer.Option(metavar="REASON", help="Why gates that are shut are passed.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Why, for the record.")] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Compare, and change nothing.")
    ] = False,
    json: Json = False,
) -> None:
    """Compare a namespace with production, and make it production."""
    from kg_assets.cli.teams import promote as run

    chosen = [part.strip() for part in (types or "").split(",") if part.strip()]
    raise typer.Exit(
        run(
            settings(),
            name,
            types=chosen,
            accept=accept,
            reason=reason,
            dry_run=dry_run,
            json=json,
        )
    )


@teams.command()
def rollback(
    to: Annotated[
        int | None, typer.Option(help="Number of the promotion; by default the one before.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Why, for the record.")] = "",
    json: Json = False,
) -> None:
    """Take production back to what an earlier promotion made of it."""
    from kg_assets.cli.teams import rollback as run

    raise typer.Exit(run(settings(), to=to, reason=reason, json=json))


@teams.command()
def promotions(json: Json = False) -> None:
    """List the promotions and rollbacks of production."""
    from kg_assets.cli.teams import list_promotions as run

    raise typer.Exit(run(settings(), json=json))


@teams.command()
def rebase(
    name: Annotated[str, typer.Argument(metavar="NAMESPACE", help="Which namespace.")],
    release: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TABLE",
            help="Give up a table of its own for production's; may be repeated; all: every one.",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Let a namespace start from today's production; what it built itself stays its own."""
    from kg_assets.cli.teams import rebase as run

    raise typer.Exit(run(settings(), name, release=release or [], json=json))


@teams.command()
def history(
    label: Annotated[str, typer.Argument(metavar="TABLE", help="TABLE or TABLE@PARTITION.")],
    limit: Annotated[int, typer.Option(min=1, help="Last versions to show.")] = 20,
    json: Json = False,
) -> None:
    """List the versions of a table: when, by what code and with which settings each was made."""
    from kg_assets.cli.history import history as run

    raise typer.Exit(run(settings(), label, limit=limit, json=json))


@namespace.command("list")
def namespace_list(json: Json = False) -> None:
    """List the namespaces, and how far production has moved on from each."""
    from kg_assets.cli.teams import list_namespaces as run

    raise typer.Exit(run(settings(), json=json))


@namespace.command("remove")
def namespace_remove(
    name: Annotated[str, typer.Argument(metavar="NAMESPACE", help="Which namespace.")],
) -> None:
    """Forget a namespace, and remove what only it has."""
    from kg_assets.cli.teams import remove_namespace as run

    raise typer.Exit(run(settings(), name))
