"""The Dagster instance of a namespace: written for the settings, without a secret in it."""

import hashlib
import os

import dagster as dg
import pytest
import sqlalchemy as sa
import yaml

from kg_assets.cluster.configuration import Takes, queues_of, schema
from kg_assets.instance import InstanceError, open_instance, prepare_home
from resources.settings import Settings
from tests.postgres_server import postgres

SECRET = "4f1d-secret"


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    with postgres(tmp_path_factory.mktemp("postgres")) as url:
        yield f"{url}/postgres"


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for name in ("DAGSTER_HOME", "KG_DAGSTER_SCHEMA"):
        monkeypatch.setenv(name, "")


def settings(tmp_path, database=None, **changes):
    if database is not None:
        changes |= {
            "launcher": "celery",
            "broker": f"redis://:{SECRET}@127.0.0.1:1/0",
            "dagster_storage": database,
            "catalog": database,
        }
    return Settings(home=tmp_path, **changes)


def written(settings):
    return yaml.safe_load((settings.dagster_home / "dagster.yaml").read_text())


def test_an_instance_of_one_machine_has_no_launcher_and_can_be_moved(tmp_path):
    one = settings(tmp_path)
    prepare_home(one)
    assert "run_launcher" not in written(one)
    assert written(one)["storage"]["custom"]["class"] == "WarmSqliteStorage"
    assert str(tmp_path) not in (one.dagster_home / "dagster.yaml").read_text()


@pytest.mark.parametrize(
    ("left", "right"),
    [("a-b", "a_b"), ("a", "a-large"), ("a", "a-builds"), ("a-_b", "a_-b"), ("a--b", "a_b")],
)
def test_namespaces_of_like_names_share_neither_queue_nor_tables(tmp_path, left, right):
    one, other = (settings(tmp_path, namespace=name) for name in (left, right))
    queues = [{*queues_of(each, takes)} for each in (one, other) for takes in Takes]
    of_one, of_other = set().union(*queues[: len(Takes)]), set().union(*queues[len(Takes) :])
    assert len(of_one) == len(of_other) == 3
    assert not of_one & of_other
    assert schema(one) != schema(other)


def test_an_instance_of_a_cluster_launches_on_workers_and_keeps_no_secret(tmp_path, database):
    many = settings(tmp_path, database, namespace="ann-b")
    prepare_home(many)
    found = written(many)
    assert found["run_launcher"]["class"] == "ClusterRunLauncher"
    assert found["run_launcher"]["config"]["default_queue"] == "kg-ann-b"
    text = (many.dagster_home / "dagster.yaml").read_text()
    assert SECRET not in text
    assert "test-only" not in text  # the password of the database
    assert "search_path%3Ddagster_ann_b" in os.environ["KG_DAGSTER_SCHEMA"]


def test_a_file_that_nobody_has_changed_follows_the_settings(tmp_path, database):
    prepare_home(settings(tmp_path))
    prepare_home(settings(tmp_path, database))
    assert "run_launcher" in written(settings(tmp_path))
    prepare_home(settings(tmp_path))
    assert "run_launcher" not in written(settings(tmp_path))


EARLIER = """\
# Written by kg where there is none; change it as you like.
telemetry:
  enabled: false
nux:
  enabled: false
concurrency:
  runs:
    max_concurrent_runs: 2
"""
"""What the first version wrote."""


def test_a_file_of_an_earlier_version_is_given_what_it_lacks(tmp_path):
    one = settings(tmp_path, workers=2)
    path = one.dagster_home / "dagster.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(EARLIER)
    prepare_home(one)
    assert written(one)["retention"]["schedule"]["purge_after_days"]["success"] == 90
    again = path.read_bytes()
    prepare_home(one)
    assert path.read_bytes() == again


def test_a_later_file_that_nobody_changed_is_given_what_it_lacks(tmp_path):
    one = settings(tmp_path)
    prepare_home(one)
    path = one.dagster_home / "dagster.yaml"
    body = yaml.safe_dump({k: v for k, v in written(one).items() if k != "retention"})
    sha256 = hashlib.sha256(body.encode()).hexdigest()[:16]
    path.write_text(f"{path.read_text().split('Hash: ')[0]}Hash: {sha256}\n{body}")
    prepare_home(one)
    assert "retention" in written(one)


@pytest.mark.parametrize(
    "change",
    [
        ("max_concurrent_runs: 2", "max_concurrent_runs: 7"),
        ("nux:", "# Ours.\nnux:"),
        ("telemetry:", "python_logs: {python_log_level: INFO}\ntelemetry:"),
        ("# Written by kg where there is none; change it as you like.\n", ""),
    ],
    ids=["a value", "a comment", "a section", "a file of one's own"],
)
def test_a_file_of_an_earlier_version_that_was_changed_is_told_of_once_and_stays(
    tmp_path, caplog, change
):
    one = settings(tmp_path, workers=2)
    path = one.dagster_home / "dagster.yaml"
    path.parent.mkdir(parents=True)
    changed = EARLIER.replace(*change)
    assert changed != EARLIER
    path.write_text(changed)
    prepare_home(one)
    prepare_home(one)
    assert path.read_text() == changed
    [said] = [record.getMessage() for record in caplog.records]
    assert "retention" in said and "changed by hand" in said


def test_a_file_that_was_changed_by_hand_is_left_alone(tmp_path, database):
    one = settings(tmp_path)
    prepare_home(one)
    path = one.dagster_home / "dagster.yaml"
    changed = path.read_text().replace("enabled: false", "enabled: true", 1)
    path.write_text(changed)
    prepare_home(one)
    assert path.read_text() == changed
    with pytest.raises(InstanceError, match=r"dagster\.yaml was changed by hand"):
        prepare_home(settings(tmp_path, database))


@dg.asset(check_specs=[dg.AssetCheckSpec("full", asset="things")])
def things():
    yield dg.AssetCheckResult(passed=True)
    yield dg.MaterializeResult()


def as_dagster_alone(settings):
    """The instance without our configuration, so with Dagster's own classes."""
    return dg.DagsterInstance.from_config(str(prepare_home(settings)), "no.yaml")


def storages(instance):
    return instance.event_log_storage, instance.run_storage


def test_what_a_build_writes_of_its_runs_is_what_dagster_itself_would_write(tmp_path):
    one = settings(tmp_path / "one")
    with open_instance(one) as instance:
        runs = [dg.materialize([things], instance=instance).run_id for _ in range(2)]
    with as_dagster_alone(one) as reader:
        written = [[log.dagster_event_type for log in reader.all_logs(run)] for run in runs]
        planned = reader.event_log_storage.get_asset_check_execution_history(
            dg.AssetCheckKey(dg.AssetKey("things"), "full"), limit=9
        )
        statuses = {run.run_id: run.status for run in reader.get_runs()}
        upgraded = [kept.alembic_version() for kept in storages(reader)]
    with as_dagster_alone(settings(tmp_path / "two")) as own:
        expected = dg.materialize([things], instance=own).run_id
        expected = [log.dagster_event_type for log in own.all_logs(expected)]
        assert [kept.alembic_version() for kept in storages(own)] == upgraded
    assert dg.DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED in expected
    assert written == [expected, expected]
    assert statuses == dict.fromkeys(runs, dg.DagsterRunStatus.SUCCESS)
    assert [record.run_id for record in planned] == runs[::-1]


def test_a_webserver_goes_on_when_the_database_was_restarted(tmp_path, database):
    """Its connections are gone then, and each is tried before it is used."""
    one = settings(tmp_path, database)
    prepare_home(one)
    with open_instance(one) as instance:
        instance.optimize_for_webserver(statement_timeout=5_000, pool_recycle=3_600, max_overflow=5)

        def ask():
            assert instance.get_runs() == []
            assert instance.all_asset_keys() == []
            assert instance.all_instigator_state() == []

        ask()
        engine = sa.create_engine(database, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            ended = connection.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
            ).fetchall()
        engine.dispose()
        assert ended
        ask()
