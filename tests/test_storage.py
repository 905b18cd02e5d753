"""Dagster's storage in a namespace's folder: quicker than its own, with the same answers."""

from contextlib import contextmanager

import dagster as dg
import pytest
from dagster._core.definitions.data_version import CachingStaleStatusResolver
from dagster._core.loader import LoadingContextForTest

from kg_assets.instance import open_instance, prepare_home
from resources.settings import Settings
from tests.waiting import until

PARTS = dg.StaticPartitionsDefinition(["a", "b"])
MISSING, STALE, FRESH = "MISSING", "STALE", "FRESH"


@pytest.fixture
def settings(tmp_path, monkeypatch):
    monkeypatch.setenv("DAGSTER_HOME", "")
    return Settings(home=tmp_path)


def as_the_ui(settings):
    """The instance as `dagster-webserver` opens it."""
    return dg.DagsterInstance.from_config(str(prepare_home(settings)))


def as_dagster_alone(settings):
    """The same files through Dagster's own classes: where no configuration is, it takes these."""
    return dg.DagsterInstance.from_config(str(prepare_home(settings)), "no.yaml")


@contextmanager
def opened(settings):
    """A build, and the UI that was open before it."""
    with open_instance(settings) as build, as_the_ui(settings) as ui:
        yield build, ui


def assets(code="1", versions=None):
    """Assets whose data have the versions that are given."""
    versions = versions or {}

    @dg.asset(code_version=code)
    def things():
        return dg.MaterializeResult(data_version=dg.DataVersion(versions.get("things", "1")))

    @dg.asset(code_version="1", partitions_def=PARTS)
    def parts(context: dg.AssetExecutionContext):
        version = versions.get(context.partition_key, "1")
        return dg.MaterializeResult(data_version=dg.DataVersion(version))

    @dg.asset(code_version="1", deps=[things, parts])
    def whole():
        return dg.MaterializeResult(data_version=dg.DataVersion("1"))

    return [things, parts, whole]


def made(instance, found, *selected):
    """Materialise what is named: an asset, or an asset and its partition."""
    for name in selected:
        asset, _, part = name.partition("@")
        done = dg.materialize(
            found, instance=instance, selection=[asset], partition_key=part or None
        )
        assert done.success


def stale(instance, found):
    """What Dagster's UI shows of each asset, and why."""
    resolver = CachingStaleStatusResolver(
        instance, dg.Definitions(found).resolve_asset_graph(), LoadingContextForTest(instance)
    )
    shown = {}
    for name, part in (("things", None), ("parts", "a"), ("parts", "b"), ("whole", None)):
        key = dg.AssetKey(name)
        status = resolver.get_status(key, part).value
        causes = resolver.get_stale_root_causes(key, part)
        said = [f"{each.key.asset_key.to_user_string()}: {each.reason}" for each in causes]
        shown[name if part is None else f"{name}@{part}"] = [status, *said]
    return shown


EVERYTHING = ("things", "parts@a", "parts@b", "whole")


def test_what_the_ui_shows_as_stale_is_what_dagster_alone_would_show(settings):
    first = assets()
    changed = assets(versions={"things": "2"})
    part = assets(versions={"things": "2", "b": "2"})
    code = assets(code="2", versions={"things": "2", "b": "2"})
    fresh = {key: [FRESH] for key in EVERYTHING}
    moved = "has a new data version"
    with opened(settings) as (build, ui):
        for found, work, expected in (
            (first, (), {key: [MISSING] for key in EVERYTHING}),
            (first, EVERYTHING, fresh),
            (first, ("things", "parts@a"), fresh),
            (changed, ("things",), fresh | {"whole": [STALE, f"things: {moved}"]}),
            (changed, ("whole",), fresh),
            (part, ("parts@b",), fresh | {"whole": [STALE, f"parts: {moved}"]}),
            (part, ("whole",), fresh),
            (code, (), fresh | {"things": [STALE, "things: has a new code version"]}),
            (code, ("things",), fresh),
        ):
            made(build, found, *work)
            with as_dagster_alone(settings) as alone:
                assert stale(alone, found) == expected
            assert stale(ui, found) == expected


def test_a_delivery_that_is_added_or_removed_is_seen_by_a_ui_that_is_open(settings):
    with opened(settings) as (build, ui):
        assert ui.get_dynamic_partitions("deliveries") == []
        build.add_dynamic_partitions("deliveries", ["alpha|first", "beta|first"])
        assert ui.get_dynamic_partitions("deliveries") == ["alpha|first", "beta|first"]
        build.delete_dynamic_partition("deliveries", "alpha|first")
        assert ui.get_dynamic_partitions("deliveries") == ["beta|first"]


@pytest.mark.parametrize("who", ["the build", "the UI"])
def test_an_asset_that_is_wiped_is_missing_in_a_ui_that_is_open(settings, who):
    found = assets()
    with opened(settings) as (build, ui):
        made(build, found, *EVERYTHING)
        assert stale(ui, found)["things"] == [FRESH]
        (ui if who == "the UI" else build).wipe_assets([dg.AssetKey("things")])
        assert stale(ui, found)["things"] == [MISSING]
        made(build, found, "things")
        assert stale(ui, found)["things"] == [FRESH]


def test_a_ui_that_is_open_hears_of_a_run_while_it_is_written(settings):
    heard = []
    with opened(settings) as (build, ui):
        run = build.create_run_for_job(
            dg.Definitions(assets()).resolve_implicit_global_asset_job_def()
        )
        ui.watch_event_logs(run.run_id, None, lambda entry, _cursor: heard.append(entry.message))
        for words in ("one", "two"):
            build.report_engine_event(words, run)
            until(lambda words=words: words in heard)


def test_a_run_that_is_removed_is_gone_from_a_ui_that_is_open(settings):
    with opened(settings) as (build, ui):
        made(build, assets(), "things")
        [run] = ui.get_runs()
        assert ui.all_logs(run.run_id)
        build.delete_run(run.run_id)
        assert ui.get_runs() == []
        ui.delete_run(run.run_id)


def test_the_files_are_those_of_dagster_itself(tmp_path, monkeypatch):
    monkeypatch.setenv("DAGSTER_HOME", "")
    found = {}
    for name, way in (("ours", as_the_ui), ("own", as_dagster_alone)):
        one = Settings(home=tmp_path / name)
        with way(one) as instance:
            made(instance, assets(), *EVERYTHING)
            parts = instance.event_log_storage, instance.run_storage, instance.schedule_storage
            found[name] = (
                [part.alembic_version() for part in parts],
                sorted(
                    str(path.relative_to(one.dagster_home).parent)
                    for path in one.dagster_home.rglob("*.db")
                ),
            )
    assert found["ours"] == found["own"]
