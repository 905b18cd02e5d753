"""Homes for the language model: a server on loopback, and a store in SQLite or Postgres."""

import pytest

from resources.llm.model import LanguageModel
from resources.settings import Settings
from tests.llm_server import LlmServer
from tests.postgres_server import new_database, postgres

KEY = "sk-test-7d1f0c-secret"


@pytest.fixture
def server():
    with LlmServer() as running:
        yield running


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory):
    with postgres(tmp_path_factory.mktemp("postgres")) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def store_url(request, tmp_path):
    """An empty store in each of the two homes."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'llm.sqlite'}"
    return new_database(request.getfixturevalue("postgres_url"))


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
