"""Automation and doors around production that need no build."""

import os
import time

import dagster as dg
import pytest

from kg_assets.build import build_definitions
from kg_assets.building import build
from kg_assets.housekeeping import tidy
from kg_assets.instance import open_instance
from kg_assets.jobs import promote, rollback
from kg_assets.sensors import new_deliveries, promote_after_update, texts_that_wait
from resources.errors import ProductionError


def entries(home):
    return sorted(str(path.relative_to(home.home)) for path in home.home.rglob("*.parquet"))


def test_materialising_in_the_ui_of_production_writes_nothing(home, monkeypatch):
    monkeypatch.setenv("KG_NAMESPACE", "prod")
    prod = home.in_namespace("prod")
    job = build_definitions(settings=prod).resolve_implicit_global_asset_job_def()
    with dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(
            instance=instance,
            asset_selection=[dg.AssetKey("ontology_versions"), dg.AssetKey("nodes")],
            raise_on_error=False,
        )
    assert not result.success
    (message,) = {
        event.step_failure_data.error.cause.message
        for event in result.all_events
        if event.is_step_failure
    }
    assert "promotion" in message
    assert entries(prod) == []
    with pytest.raises(ProductionError, match="promotion"):
        build(prod)


def test_the_sensors_of_production_start_nothing(landed, monkeypatch):
    monkeypatch.setenv("KG_NAMESPACE", "prod")
    with dg.DagsterInstance.ephemeral() as instance:
        skipped = new_deliveries(dg.build_sensor_context(instance=instance))
        assert "promotion only" in skipped.skip_message
        texts = texts_that_wait(dg.build_sensor_context(instance=instance))
    assert isinstance(texts, dg.SkipReason)


def after_update():
    with dg.DagsterInstance.ephemeral() as instance:
        run = dg.DagsterRun(job_name="update", status=dg.DagsterRunStatus.SUCCESS)
        event = dg.DagsterEvent("PIPELINE_SUCCESS", "update")
        context = dg.build_run_status_sensor_context(
            "promote_after_update", event, instance, dagster_run=run
        )
        return run.run_id, promote_after_update(context)


def test_an_update_is_followed_by_a_promotion_only_where_that_is_configured(home, monkeypatch):
    assert isinstance(after_update()[1], dg.SkipReason)
    monkeypatch.setenv("KG_PROMOTE", "auto")
    run_id, request = after_update()
    assert request.run_key == run_id


@pytest.mark.parametrize(("job", "said"), [(promote, "no namespace"), (rollback, "ever promoted")])
def test_a_job_that_cannot_be_done_fails_and_says_why(home, job, said):
    result = job.execute_in_process(raise_on_error=False)
    assert not result.success
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    assert said in failure.step_failure_data.user_failure_data.description


def test_an_update_that_the_sensor_starts_leaves_texts_to_the_run_that_may_pay(landed, monkeypatch):
    monkeypatch.setenv("KG_EXTRACTORS", '{"film": ["llm", "rules"]}')
    with dg.DagsterInstance.ephemeral() as instance:
        found = new_deliveries(dg.build_sensor_context(instance=instance))
        (request,) = found.run_requests
        assert request.run_config["ops"]["bring_up_to_date"]["config"] == {"language_model": False}
        context = dg.build_sensor_context(instance=instance)
        assert "no text waits" in texts_that_wait(context).skip_message
        monkeypatch.setenv("KG_LLM_PAUSED", "true")
        assert "paused" in texts_that_wait(context).skip_message


@dg.asset(partitions_def=dg.StaticPartitionsDefinition(["00", "01"]))
def sharded():
    return None


@dg.asset
def whole():
    return None


def test_old_runs_go_with_their_events_and_logs_unless_they_made_what_is_current(home, monkeypatch):
    monkeypatch.setenv("KG_KEEP_RUN_DAYS", "0")
    settings = type(home)()
    with open_instance(settings) as instance:
        runs = [
            dg.materialize([each], instance=instance, partition_key=key).run_id
            for each, key in ((whole, None), (sharded, "00"), (whole, None), (sharded, "01"))
        ]
        folder = settings.dagster_home / "storage" / runs[0]
        folder.mkdir(parents=True, exist_ok=True)
        log = settings.home / "logs" / settings.namespace / "worker-1.log"
        log.parent.mkdir(parents=True)
        log.touch()
        os.utime(log, (0, 0))
        time.sleep(0.01)
        assert tidy(instance, settings) == [runs[0]]
        assert {run.run_id for run in instance.get_runs()} == set(runs[1:])
        assert instance.get_materialized_partitions(dg.AssetKey("sharded")) == {"00", "01"}
        assert not folder.exists()
        assert not log.exists()
        shard = settings.dagster_home / "history" / "runs" / f"{runs[0]}.db"
        assert (shard.exists(), shard.with_name(f"{runs[1]}.db").exists()) == (False, True)
        # Once a day is enough.
        dg.materialize([whole], instance=instance)
        assert tidy(instance, settings) == []
        assert tidy(instance, settings, at_once=True) == [runs[2]]
