"""Servers from packages: Postgres runs where its programs lie in a folder that is closed to it."""

import os
import shutil

import pytest
import sqlalchemy as sa

from kg_assets.cluster import servers
from tests.opened import open_to_others


@pytest.mark.skipif(os.getuid() != 0, reason="only root hands Postgres to another user")
def test_programs_that_the_user_of_postgres_cannot_reach_are_copied(tmp_path, monkeypatch):
    package = servers.postgres_programs().parents[1]
    closed, data = tmp_path / "closed", tmp_path / "data"
    shutil.copytree(package, closed / package.name)
    shutil.copytree(package.with_name(f"{package.name}.libs"), closed / f"{package.name}.libs")
    closed.chmod(0o700)
    data.mkdir()
    open_to_others(data)
    monkeypatch.syspath_prepend(str(closed))
    assert servers.postgres_programs().is_relative_to(closed)
    with servers.postgres(data, password="some-password", durable=False) as place:
        engine = sa.create_engine(f"postgresql+psycopg://{place}/postgres")
        with engine.connect() as connection:
            assert connection.exec_driver_sql("SELECT 1").scalar() == 1
        engine.dispose()
    assert (data / "programs").is_dir()


@pytest.mark.skipif(os.getuid() != 0, reason="only root hands Postgres to another user")
def test_data_in_a_folder_that_is_closed_to_the_user_of_postgres_are_refused(tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with (
        pytest.raises(servers.ServerError, match="the user nobody cannot enter"),
        servers.postgres(closed / "data", password="some-password"),
    ):
        pass


def test_a_broker_asks_for_its_password(tmp_path):
    from redis import Redis
    from redis.exceptions import AuthenticationError

    with servers.broker(tmp_path / "broker", password="some-password") as address:
        assert Redis.from_url(address).ping()
        with pytest.raises(AuthenticationError):
            Redis.from_url(address.replace("some-password@", "@").replace(":@", "")).ping()
