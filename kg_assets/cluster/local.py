"""A cluster on one machine: its servers, and its processes, which end together."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from kg_assets.cluster.configuration import Takes, queue, queues_of
from kg_assets.cluster.servers import broker, postgres
from kg_assets.instance import prepare_home
from kg_assets.running import ALLOCATORS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from resources.settings import Settings

_END_SECONDS = 60.0
_LOG_LINES = 20


def worker_command(settings: Settings, name: str, takes: Takes = Takes.ANY) -> list[str]:
    """The command line of a worker.

    Args:
        settings: The namespace.
        name: Name of the worker; its machine is added.
        takes: Which runs it executes.
    """
    os.environ["KG_HOME"] = str(settings.home.absolute())
    prepare_home(settings)
    for variable, value in ALLOCATORS.items():
        os.environ.setdefault(variable, value)
    options = {
        "--app": "kg_assets.cluster.worker",
        "--loglevel": "INFO",
        # A process of its own executes runs: that one is told apart from the one that listens to
        # the broker, so a run can be stopped, and one that is killed is noticed at once.
        "--pool": "prefork",
        "--concurrency": "1",
        "--queues": ",".join(queues_of(settings, takes)),
        "--hostname": f"{queue(settings)}-{name}@{socket.gethostname()}",
    }
    words = [word for option in options.items() for word in option]
    celery = [sys.executable, "-m", "celery"]
    return [*celery, *words[:2], "worker", *words[2:], "--without-gossip", "--without-mingle"]


@contextmanager
def local_servers(folder: Path, *, durable: bool = True) -> Iterator[dict[str, str]]:
    """Run Postgres and a broker while the block runs.

    Args:
        folder: Where they keep what they hold, the password, and their logs.
        durable: Whether a commit waits for the disk.

    Yields:
        The variables with which `kg` uses them; they are also in the file settings.sh.
    """
    import sqlalchemy as sa

    folder.mkdir(parents=True, exist_ok=True)
    password = _password(folder / "password")
    with ExitStack() as running:
        place = running.enter_context(
            postgres(folder / "postgres", password=password, durable=durable)
        )
        address = running.enter_context(broker(folder / "broker", password=password))
        engine = sa.create_engine(
            f"postgresql+psycopg://{place}/postgres", isolation_level="AUTOCOMMIT"
        )
        with engine.connect() as connection:
            known = connection.exec_driver_sql("SELECT datname FROM pg_database").scalars()
            for name in sorted({"catalog", "dagster", "llm"} - set(known)):
                connection.exec_driver_sql(f"CREATE DATABASE {name}")
        engine.dispose()
        yield {
            "KG_LAUNCHER": "celery",
            "KG_BROKER": address,
            "KG_CATALOG": f"postgresql+psycopg://{place}/catalog",
            "KG_LLM_STORE": f"postgresql+psycopg://{place}/llm",
            "KG_DAGSTER_STORAGE": f"postgresql://{place}/dagster",
        }


@contextmanager
def running(
    commands: Mapping[str, list[str]], folder: Path
) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """Run processes while the block runs, and end them in the end.

    Args:
        commands: Command line of each, by its name.
        folder: Each writes to ``<name>.log`` in it.

    Yields:
        The processes by name.
    """
    parts: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name, command in commands.items():
            with (folder / f"{name}.log").open("ab") as log:
                # In sessions of their own, so that Ctrl-C reaches them once, through us.
                parts[name] = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
        yield parts
    finally:
        for part in parts.values():
            part.terminate()
        deadline = time.monotonic() + _END_SECONDS
        for part in parts.values():
            try:
                part.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                os.killpg(part.pid, signal.SIGKILL)
                part.wait()


def last_words(log: Path) -> str:
    """The last lines of a log."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-_LOG_LINES:])


def _password(file: Path) -> str:
    if not file.exists():
        draft = file.with_name(f"{file.name}.{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(24))
        draft.rename(file)
    return file.read_text()
