"""A Postgres server of its own for tests, from the package that the project installs."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from kg_assets.cluster.servers import postgres as server

PASSWORD = "test-only"
NUMBERS = itertools.count()


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """Run a server in a folder and give its SQLAlchemy address, without a database."""
    for above in folder.parents:
        # Postgres does not run as root, and pytest's folders are closed to others.
        if above.owner() == "root" and os.getuid() == 0 and above.is_relative_to("/tmp"):
            above.chmod(above.stat().st_mode | 0o011)
    with server(folder, password=PASSWORD, durable=False) as place:
        yield f"postgresql+psycopg://{place}"


def new_database(url: str) -> str:
    """Make an empty database on a server; give its address."""
    name = f"test_{os.getpid()}_{next(NUMBERS)}"
    engine = sa.create_engine(f"{url}/postgres", isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    engine.dispose()
    return f"{url}/{name}"
