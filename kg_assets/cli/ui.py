"""`kg ui`: the Dagster UI and its daemon, on loopback unless told otherwise."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from kg_assets.cli.render import Exit, complain, console, fail
from kg_assets.instance import prepare_home
from resources.lock import Busy, exclusive
from resources.server_logs import bound

if TYPE_CHECKING:
    from resources.settings import Settings

WORKSPACE = Path(__file__).parents[2] / "workspace.yaml"
_LOOK_SECONDS = 0.5
_END_SECONDS = 20


def serve(settings: Settings) -> int:
    """Run the webserver and the daemon until one of them ends or this process is told to stop.

    Args:
        settings: Address, port, and the namespace whose Dagster instance is shown.

    Returns:
        Exit code: 0 where it was stopped, 1 where a server ended by itself.
    """
    if not WORKSPACE.is_file():
        fail(f"{WORKSPACE.name} is missing: run kg from a checkout of the project")
    _refuse_taken_port(settings)
    # The servers' and the runs' processes start elsewhere: a relative folder would be another.
    os.environ["KG_HOME"] = str(settings.home.absolute())
    home = prepare_home(settings)
    try:
        with exclusive(settings.home / "locks" / f"ui-{settings.namespace}.lock", wait=False):
            console.print(
                f"Dagster UI: http://{settings.host}:{settings.port}  (stop with Ctrl-C)\n"
                f"Logs of its servers: {home / 'servers.log'}"
            )
            return _supervise(settings, home / "servers.log")
    except Busy:
        fail(f"kg ui runs already for the namespace {settings.namespace}; stop that one first")


def _refuse_taken_port(settings: Settings) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            fail(
                f"{settings.host}:{settings.port} cannot be listened on ({error.strerror}); "
                "choose another port with KG_PORT"
            )


def _supervise(settings: Settings, log: Path) -> int:
    workspace = ["-w", str(WORKSPACE)]
    address = ["-h", settings.host, "-p", str(settings.port)]
    commands = [
        [sys.executable, "-m", "dagster_webserver", *workspace, *address],
        [sys.executable, "-m", "dagster._daemon", "run", *workspace],
    ]
    stopped = False

    def stop(_signal: int, _frame: object) -> None:
        nonlocal stopped
        stopped = True

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    with log.open("a") as stream:
        # In sessions of their own, so that Ctrl-C reaches them once, through us.
        servers = [
            subprocess.Popen(command, stdout=stream, stderr=stream, start_new_session=True)
            for command in commands
        ]
        try:
            while not stopped and all(server.poll() is None for server in servers):
                bound([log])
                time.sleep(_LOOK_SECONDS)
        finally:
            _end(servers)
    if not stopped:
        complain(f"a server ended by itself; its last words are in {log}")
        return Exit.NOT_FOUND
    return Exit.OK


def _end(servers: list[subprocess.Popen[bytes]]) -> None:
    for server in servers:
        server.terminate()
    deadline = time.monotonic() + _END_SECONDS
    for server in servers:
        try:
            server.wait(timeout=max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()
