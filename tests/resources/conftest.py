"""Homes for the language model: a server on loopback, and a store in SQLite or Postgres."""

import itertools
import os

import pytest
import sqlalchemy as sa

from resources.llm.model import LanguageModel
from resources.settings import Settings
from tests.llm_server import LlmServer
from tests.postgres_server import postgres, programs

KEY = "sk-test-7d1f0c-secret"
NUMBERS = itertools.count()


@pytest.fixture
def server():
    with LlmServer() as running:
        yield running


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory):
    if programs() is None:
        pytest.skip("no Postgres server is installed")
    folder = tmp_path_factory.mktemp("postgres")
    for above in (folder, *folder.parents):
        if above.owner() == "root" and os.getuid() == 0 and above.is_relative_to("/tmp"):
            above.chmod(above.stat().st_mode | 0o055)
    with postgres(folder) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def store_url(request, tmp_path):
    """An empty store in each of the two homes."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'llm.sqlite'}"
    base = request.getfixturevalue("postgres_url")
    name = f"test_{next(NUMBERS)}"
    engine = sa.create_engine(f"{base}/postgres", isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    engine.dispose()
    return f"{base}/{name}"


@pytest.fixture
def settings(server, tmp_path):
    """Settings for the server; keyword arguments change them."""

    def make(**changes):
        values = {
            "home": tmp_path,
            "llm_key": KEY,
            "llm_base_url": server.url,
            "llm_backoff": 0.01,
            "llm_timeout": 5.0,
            "llm_budget": "test",
            "llm_batch_poll_seconds": 0.01,
        }
        return Settings(**{**values, **changes})

    return make


@pytest.fixture
def model(settings):
    """A language model of the settings; keyword arguments change them."""
    made = []

    def make(**changes):
        made.append(LanguageModel.from_settings(settings(**changes)))
        return made[-1]

    yield make
    for each in made:
        each.close()
