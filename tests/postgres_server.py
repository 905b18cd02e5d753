"""A Postgres server of its own for tests, from the package that the project installs."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from kg_assets.cluster.servers import postgres as server
from tests.opened import open_to_others

PASSWORD = "test-only"
NUMBERS = itertools.count()


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """Run a server in a folder and give its SQLAlchemy address, without a database."""
    open_to_others(folder)
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
