"""A Postgres server of its own for tests, where the programs of one are installed."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def programs() -> Path | None:
    """Folder with initdb and postgres, or None."""
    places = [Path(p).resolve().parent for p in [shutil.which("initdb")] if p]
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((p for p in places if (p / "initdb").exists() and (p / "postgres").exists()), None)


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """Run a server in a folder and give its SQLAlchemy address, without a database."""
    found = programs()
    assert found is not None
    # Postgres refuses to run as root.
    user = "postgres" if os.getuid() == 0 else None
    if user is not None:
        shutil.chown(folder, user)
    data = folder / "data"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "user": user}
    options = ["--auth=trust", "--username=postgres", "--no-sync", "--encoding=UTF8"]
    subprocess.run([found / "initdb", "-D", data, *options], check=True, cwd=folder, **quiet)
    options = ["-p", str(port), "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]
    options += ["-c", f"unix_socket_directories={folder}"]
    server = subprocess.Popen([found / "postgres", "-D", data, *options], cwd=folder, **quiet)
    try:
        ready = [found / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port), "-t", "1"]
        while subprocess.run(ready).returncode != 0:
            assert server.poll() is None, "the Postgres server did not start"
        yield f"postgresql+psycopg://postgres@127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()
