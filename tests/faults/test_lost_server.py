"""A database that is killed while `kg build` runs: a line says which, where and what to do."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import sqlalchemy as sa

from kg_assets.cluster.servers import postgres
from tests.flow.conftest import ALPHA, lines
from tests.homes import ENVIRONMENT
from tests.opened import open_to_others

SECONDS = 900


def until_committed(url, building):
    """Wait until the build has committed something."""
    engine = sa.create_engine(url)
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline and building.poll() is None:
        try:
            with engine.connect() as connection:
                if connection.exec_driver_sql("SELECT count(*) FROM commits").scalar():
                    break
        except sa.exc.ProgrammingError:  # the tables are not made yet
            pass
        time.sleep(0.05)
    engine.dispose()


def test_a_build_that_loses_its_catalog_says_so_in_a_line(tmp_path):
    open_to_others(tmp_path)
    (data := tmp_path / "postgres").mkdir()
    open_to_others(data)
    landing = tmp_path / "home" / "landing" / "alpha" / "first"
    landing.mkdir(parents=True)
    lines(landing / "films.jsonl", ALPHA)
    with postgres(data, password="a-secret-word", durable=False) as place:
        url = f"postgresql+psycopg://{place}/postgres"
        variables = {**ENVIRONMENT, "KG_HOME": str(tmp_path / "home"), "KG_CATALOG": url}
        building = subprocess.Popen(
            [str(Path(sys.executable).with_name("kg")), "build"],
            env={**os.environ, **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        until_committed(url, building)
        os.kill(int((data / "data/postmaster.pid").read_text().split()[0]), signal.SIGKILL)
        _, said = building.communicate(timeout=SECONDS)
    assert building.returncode == 1
    (line,) = said.splitlines()
    address = sa.make_url(url)
    assert line.startswith(
        f"the catalog (KG_CATALOG) at {address.host}:{address.port}/postgres cannot be used: "
    )
    assert "see that it runs and can be reached" in line
    assert "a-secret-word" not in line
