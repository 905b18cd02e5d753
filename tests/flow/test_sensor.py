"""The sensor: what is out of date starts one update in each state, and only one.

Runs of updates are noted here as the daemon notes them; tests/flow/test_daemon.py has the real one.
"""

import json
import os
import shutil

import dagster as dg
import pytest
from dagster._core.utils import make_new_run_id

from kg_assets.attempts import LEFT
from kg_assets.building import build
from kg_assets.instance import BUILDER_TAG, open_instance
from kg_assets.jobs import update
from kg_assets.sensors import new_deliveries
from kg_assets.sources.landing import land
from kg_assets.sources.tables import RAW_BLOBS
from resources.lake import Lake
from resources.lock import lake_lock
from resources.processes import this_process
from tests.flow.conftest import ALPHA, lines
from tests.flow.graph import content


@pytest.fixture
def instance(home):
    with open_instance(home) as opened:
        yield opened


def tick(instance, cursor=None):
    """Evaluate the sensor as the daemon does, and add the partitions that it asks for."""
    result = new_deliveries(dg.build_sensor_context(instance=instance, cursor=cursor))
    if isinstance(result, dg.SkipReason):
        return [], result.skip_message
    for request in result.dynamic_partitions_requests:
        instance.add_dynamic_partitions(request.partitions_def_name, request.partition_keys)
    return result.run_requests, None


def note(instance, request, status, **tags):
    """Note a run that was started for a request, as the daemon and the run do; give its id."""
    run = dg.DagsterRun(
        job_name="update", run_id=make_new_run_id(), status=status, tags={**request.tags, **tags}
    )
    instance.add_run(run)
    if status is dg.DagsterRunStatus.FAILURE:
        instance.report_run_failed(run)
    return run.run_id


def partitions(instance):
    return sorted(instance.get_dynamic_partitions("deliveries"))


def test_a_complete_folder_adds_its_partition_and_starts_one_update(landed, instance):
    requests, _ = tick(instance)
    assert len(requests) == 1
    assert partitions(instance) == ["alpha|first", "beta|first"]


def test_two_folders_in_one_tick_start_one_update_for_both(landed, instance):
    requests, _ = tick(instance)
    assert [request.tags["kg/deliveries"] for request in requests] == ["alpha|first, beta|first"]


def test_a_replayed_tick_asks_for_the_same_run_and_so_starts_no_second(landed, instance):
    first, _ = tick(instance)
    again, _ = tick(instance)
    assert [r.run_key for r in again] == [r.run_key for r in first]


def test_after_the_update_there_is_nothing_to_start_even_if_the_cursor_is_lost(built, instance):
    for cursor in (None, "", "something else"):
        requests, reason = tick(instance, cursor)
        assert requests == []
        assert "2 deliveries are up to date" in reason


def test_what_an_update_left_undone_is_gone_on_with_from_where_it_ended(landed, instance):
    first, _ = tick(instance)
    note(instance, first[0], dg.DagsterRunStatus.FAILURE)
    build(landed, only=["sources"])
    second, _ = tick(instance)
    assert second[0].run_key != first[0].run_key
    assert second[0].tags["kg/deliveries"] == ""


def test_an_update_that_fails_is_tried_again_after_a_while_and_not_for_ever(
    landed, instance, monkeypatch
):
    keys = []
    monkeypatch.setenv("KG_UPDATE_RETRIES", "2")
    for failed in range(3):
        if failed:
            monkeypatch.setenv("KG_UPDATE_RETRY_SECONDS", "3600")
            requests, reason = tick(instance)
            assert requests == []
            assert f"{failed} run" in reason
            assert "the next starts in about" in reason
        monkeypatch.setenv("KG_UPDATE_RETRY_SECONDS", "0")
        ((request,), _) = tick(instance)
        keys.append(request.run_key)
        note(instance, request, dg.DagsterRunStatus.FAILURE)
    assert len(set(keys)) == 3
    requests, reason = tick(instance)
    assert requests == []
    assert "KG_UPDATE_RETRIES allows no other" in reason
    # Another state is another matter.
    lines(landed.landing_path / "alpha" / "first" / "late.jsonl", ALPHA[:1])
    assert tick(instance)[0][0].run_key not in keys


def test_each_wait_is_twice_as_long_as_the_one_before(landed, instance, monkeypatch):
    monkeypatch.setenv("KG_UPDATE_RETRY_SECONDS", "0")
    ((request,), _) = tick(instance)
    for hours in ("1:", "2:", "4:"):
        note(instance, request, dg.DagsterRunStatus.FAILURE)
        monkeypatch.setenv("KG_UPDATE_RETRY_SECONDS", str(3600 + 300))
        said = tick(instance)[1]
        assert f"the next starts in about {hours}" in said
        monkeypatch.setenv("KG_UPDATE_RETRY_SECONDS", "0")
        ((request,), _) = tick(instance)


def test_nothing_is_started_while_an_update_is_under_way(landed, instance):
    ((request,), _) = tick(instance)
    note(instance, request, dg.DagsterRunStatus.NOT_STARTED)
    requests, reason = tick(instance)
    assert requests == []
    assert "is not finished" in reason


def test_nothing_is_started_while_a_build_runs(landed, instance):
    with lake_lock(landed, landed.build_lock):
        requests, reason = tick(instance)
    assert requests == []
    assert "a build of the namespace dev is running" in reason


def test_an_update_whose_process_was_killed_is_marked_as_failed_and_started_again(
    landed, instance, monkeypatch
):
    monkeypatch.setenv("KG_UPDATE_RETRY_SECONDS", "0")
    ((request,), _) = tick(instance)
    living = note(instance, request, dg.DagsterRunStatus.STARTED, **{BUILDER_TAG: this_process()})
    assert "is not finished" in tick(instance)[1]
    instance.delete_run(living)
    killed = note(instance, request, dg.DagsterRunStatus.STARTED, **{BUILDER_TAG: "1-1"})
    ((again,), _) = tick(instance)
    assert instance.get_run_by_id(killed).status is dg.DagsterRunStatus.FAILURE
    assert again.run_key != request.run_key


def test_an_update_that_leaves_out_what_failed_ends_well_and_is_not_tried_again(
    built, instance, tmp_path, monkeypatch
):
    monkeypatch.setenv("KG_QUIET_SECONDS", "86400")
    film = {"entity_type": "film", "source_id": "9", "name": "Paprika", "year": 2006}
    land(built.landing_path, "alpha", [lines(tmp_path / "good.jsonl", [film])], "second")
    manifest = tmp_path / "delivery.json"
    manifest.write_text('{"mode": "sometimes"}')
    land(built.landing_path, "beta", [lines(tmp_path / "bad.jsonl", [film]), manifest], "bad")
    # Nobody said that this one is complete, and it may still grow.
    (built.landing_path / "beta" / "growing").mkdir()
    lines(built.landing_path / "beta" / "growing" / "records.jsonl", [])
    ((request,), _) = tick(instance)
    result = update.execute_in_process(instance=instance, tags=request.tags)
    assert result.success
    (output,) = [event for event in result.all_events if event.is_successful_output]
    (failed,) = output.step_output_data.metadata["failed_deliveries"].value.items()
    assert failed[0] == "sources@beta|bad"
    assert "is not a delivery.json" in failed[1]
    assert "Paprika" in [row[2] for row in content(built)["nodes"]]
    assert "beta|growing" not in Lake(built).heads(RAW_BLOBS)
    requests, reason = tick(instance)
    assert requests == []
    assert "to be mended: the delivery beta|bad" in reason
    manifest.unlink()
    (built.landing_path / "beta" / "bad" / "delivery.json").unlink()
    assert len(tick(instance)[0]) == 1


def test_a_folder_that_grows_after_it_was_seen_starts_another_update(landed, instance, tmp_path):
    first, _ = tick(instance)
    lines(landed.landing_path / "alpha" / "first" / "late.jsonl", ALPHA[:1])
    second, _ = tick(instance)
    assert second[0].run_key != first[0].run_key


def test_a_folder_that_goes_back_to_an_earlier_state_is_read_once_more(built, instance):
    folder = built.landing_path / "alpha" / "first"
    keys = []
    for _ in range(2):
        late = lines(folder / "late.jsonl", [])
        os.utime(late, (1, 1))
        ((request,), _) = tick(instance)
        keys.append(request.run_key)
        note(instance, request, dg.DagsterRunStatus.SUCCESS, **{LEFT: "another state"})
        late.unlink()
        assert tick(instance)[0] == []
    assert len(set(keys)) == 2


def test_a_folder_without_success_file_waits_until_it_is_quiet(home, instance, monkeypatch):
    folder = home.landing_path / "alpha" / "first"
    folder.mkdir(parents=True)
    lines(folder / "records.jsonl", ALPHA)
    requests, reason = tick(instance)
    assert requests == []
    assert "1 are still being written" in reason
    monkeypatch.setenv("KG_QUIET_SECONDS", "0")
    requests, _ = tick(instance)
    assert len(requests) == 1


def test_a_name_that_leads_elsewhere_is_passed_over(landed, instance, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    lines(outside / "records.jsonl", [json.loads(json.dumps(ALPHA[0]))])
    (landed.landing_path / "link").symlink_to(outside)
    (landed.landing_path / "bad name").mkdir()
    tick(instance)
    assert partitions(instance) == ["alpha|first", "beta|first"]


def test_a_removed_folder_starts_nothing(built, instance):
    shutil.rmtree(built.landing_path / "beta")
    assert tick(instance)[0] == []


def test_the_name_of_a_source_cannot_lead_out_of_the_landing_zone(home, tmp_path):
    from kg_assets.sources.landing import LandingError

    with pytest.raises(LandingError, match="name"):
        land(home.landing_path, "../../etc", [lines(tmp_path / "x.jsonl", ALPHA)])
    assert not (tmp_path.parent / "etc").exists()
