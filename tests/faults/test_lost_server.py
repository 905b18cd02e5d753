"""A database that is killed while `kg build` runs: a line says which, where and what to do."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from kg_assets.cluster.servers import postgres
from tests.flow.conftest import ALPHA, lines
from tests.homes import ENVIRONMENT
from tests.opened import open_to_others

SECONDS = 900


def until_written(url, table, building):
    """Wait until the build has written something to a table."""
    engine = sa.create_engine(url)
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline and building.poll() is None:
        try:
            with engine.connect() as connection:
                if connection.execute(sa.select(sa.func.count()).select_from(table)).scalar():
                    break
        except sa.exc.ProgrammingError:  # the tables are not made yet
            pass
        time.sleep(0.05)
    engine.dispose()


@pytest.mark.parametrize(
    ("variable", "driver", "table", "workers"),
    [
        ("KG_CATALOG", "postgresql+psycopg", sa.table("commits"), "1"),
        ("KG_CATALOG", "postgresql+psycopg", sa.table("commits"), "2"),
        ("KG_DAGSTER_STORAGE", "postgresql", sa.table("runs", schema="dagster_dev"), "2"),
    ],
)
def test_a_build_that_loses_a_database_says_so_in_a_line(
    tmp_path, variable, driver, table, workers
):
    open_to_others(tmp_path)
    (data := tmp_path / "postgres").mkdir()
    open_to_others(data)
    landing = tmp_path / "home" / "landing" / "alpha" / "first"
    landing.mkdir(parents=True)
    lines(landing / "films.jsonl", ALPHA)
    with postgres(data, password="a-secret-word", durable=False) as place:
        url = f"{driver}://{place}/postgres"
        asked = {"KG_HOME": str(tmp_path / "home"), "KG_WORKERS": workers, variable: url}
        building = subprocess.Popen(
            [str(Path(sys.executable).with_name("kg")), "build"],
            env={**os.environ, **ENVIRONMENT, **asked},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        until_written(f"postgresql+psycopg://{place}/postgres", table, building)
        os.kill(int((data / "data/postmaster.pid").read_text().split()[0]), signal.SIGKILL)
        _, said = building.communicate(timeout=SECONDS)
    assert building.returncode == 1
    told = [one for one in said.splitlines() if f"({variable}) at " in one]
    assert told, said
    assert "Traceback" not in said, said
    line = told[-1]
    address = sa.make_url(url)
    assert f"({variable}) at {address.host}:{address.port}/postgres cannot be used: " in line
    assert "see that it runs and can be reached" in line
    assert "a-secret-word" not in line
