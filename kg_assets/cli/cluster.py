"""`kg cluster`: a worker, or a whole cluster on this machine from packages."""

from __future__ import annotations

import os
import shlex
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kg_assets.cli.render import Exit, complain, console, fail
from kg_assets.cluster.configuration import Takes
from resources.server_logs import bound

if TYPE_CHECKING:
    from resources.settings import Settings

app = typer.Typer(help="Workers on many machines; or a cluster on this one.", no_args_is_help=True)

_LOOK_SECONDS = 0.5


@app.command()
def worker(
    name: Annotated[
        str, typer.Option(help="Name of the worker, its own on this machine.")
    ] = "worker",
    takes: Annotated[
        Takes,
        typer.Option(
            help="Runs that it takes: any; the small or the large ones alone, by their tag "
            "kg/machine; or the builds that the daemon starts."
        ),
    ] = Takes.ANY,
) -> None:
    """Execute runs of this namespace, one after another, until it is told to stop."""
    from kg_assets.cli.configured import settings as checked
    from kg_assets.cluster.local import worker_command

    found = checked()
    if found.launcher != "celery":
        fail("a worker needs KG_LAUNCHER=celery, KG_BROKER, KG_DAGSTER_STORAGE and KG_CATALOG")
    command = worker_command(found, name, takes)
    # Celery takes over this process: signals are for it.
    os.execv(command[0], command)


@app.command()
def up(
    workers: Annotated[
        int, typer.Option(min=0, max=64, help="Workers; each executes a run at a time.")
    ] = 2,
    ui: Annotated[bool, typer.Option(help="Also the webserver and the daemon.")] = True,
) -> None:
    """Run broker, Postgres, workers, daemon and webserver on loopback until it is stopped."""
    from kg_assets.cli.configured import settings as checked

    raise typer.Exit(run_cluster(checked(), workers=workers, ui=ui))


@app.command()
def files(
    output: Annotated[Path, typer.Option(help="Folder to write to.")] = Path("deploy"),
) -> None:
    """Write the compose file, the values of Dagster's chart and the workers' manifests."""
    from kg_assets.cli.configured import settings as checked
    from kg_assets.cluster.deployment import write_files

    for path in write_files(checked(), output):
        console.print(str(path))


def run_cluster(settings: Settings, *, workers: int, ui: bool) -> int:
    """Run a cluster until one of its parts ends or this process is told to stop.

    Args:
        settings: Home and namespace; what they say of catalog, broker and storage is replaced.
        workers: How many workers.
        ui: Whether the webserver and the daemon run too.

    Returns:
        Exit code: 0 where it was stopped, 1 where a part ended by itself or did not start.
    """
    from kg_assets.cluster.local import local_servers
    from kg_assets.cluster.servers import ServerError
    from resources.lock import Busy, exclusive

    folder = settings.home.absolute() / "cluster"
    stopped = _Stopped()
    try:
        with exclusive(folder / "up.lock", wait=False), local_servers(folder) as variables:
            console.print(_told(settings, folder, variables, workers, ui))
            os.environ.update(variables)
            return _supervise(type(settings)(), folder, workers, ui, stopped)
    except Busy:
        fail(f"a cluster runs already in {settings.home}; stop that one first")
    except ServerError as error:
        complain(str(error))
        return Exit.NOT_FOUND
    finally:
        (folder / "settings.sh").unlink(missing_ok=True)


class _Stopped:
    """Whether this process was told to stop."""

    def __init__(self) -> None:
        self.now = False
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._stop)

    def _stop(self, _signal: int, _frame: object) -> None:
        self.now = True


def _supervise(settings: Settings, folder: Path, workers: int, ui: bool, stopped: _Stopped) -> int:
    from kg_assets.cluster.local import last_words, running, worker_command

    commands = {
        f"worker-{number}": worker_command(settings, f"worker-{number}")
        for number in range(1, workers + 1)
    }
    if ui:
        commands["builds"] = worker_command(settings, "builds", Takes.BUILDS)
        commands["ui"] = [sys.executable, "-m", "kg_assets.cli.main", "ui"]
    with running(commands, folder) as parts:
        console.print("Everything has started. Stop with Ctrl-C.")
        while not stopped.now:
            # Those of the processes here, and those of Postgres and the broker in their folders.
            bound([*folder.glob("*.log"), *folder.glob("*/*.log")])
            for name, part in parts.items():
                if part.poll() is not None:
                    complain(f"{name} ended by itself; its last words are:")
                    complain(last_words(folder / f"{name}.log"))
                    return Exit.NOT_FOUND
            time.sleep(_LOOK_SECONDS)
    return Exit.OK


def _told(
    settings: Settings, folder: Path, variables: dict[str, str], workers: int, ui: bool
) -> str:
    script = folder / "settings.sh"
    script.touch(mode=0o600)
    lines = {"KG_HOME": str(settings.home.absolute()), "KG_NAMESPACE": settings.namespace}
    lines |= variables
    script.write_text("".join(f"export {k}={shlex.quote(v)}\n" for k, v in lines.items()))
    places = {
        "broker": variables["KG_BROKER"].rpartition("@")[2],
        "Postgres": variables["KG_CATALOG"].rpartition("@")[2].partition("/")[0],
        "workers": f"{workers}, namespace {settings.namespace}",
    }
    if ui:
        places["Dagster UI"] = f"http://{settings.host}:{settings.port}"
    places |= {"logs": str(folder), "for other shells": f". {script}"}
    return "\n".join(f"{name}: {place}" for name, place in places.items())
