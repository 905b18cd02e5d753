"""The sensor on the landing zone: each state of a delivery starts one update, and only one."""

import json
import shutil

import dagster as dg
import pytest

from kg_assets.building import build
from kg_assets.instance import open_instance
from kg_assets.sensors import new_deliveries
from kg_assets.sources.landing import land
from tests.flow.conftest import ALPHA, lines


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


def test_after_the_update_there_is_nothing_to_start_even_if_the_cursor_is_lost(landed, instance):
    tick(instance)
    build(landed, only=["sources"])
    for cursor in (None, "", "something else"):
        requests, reason = tick(instance, cursor)
        assert requests == []
        assert "2 deliveries are up to date" in reason


def test_a_folder_that_grows_after_it_was_seen_starts_another_update(landed, instance, tmp_path):
    first, _ = tick(instance)
    lines(landed.landing_path / "alpha" / "first" / "late.jsonl", ALPHA[:1])
    second, _ = tick(instance)
    assert second[0].run_key != first[0].run_key
    build(landed, only=["sources"])
    assert tick(instance)[0] == []


def test_a_folder_that_goes_back_to_an_earlier_state_is_read_once_more(landed, instance):
    first, _ = tick(instance)
    build(landed, only=["sources"])
    late = lines(landed.landing_path / "alpha" / "first" / "late.jsonl", ALPHA[:1])
    tick(instance)
    build(landed, only=["sources"])
    late.unlink()
    again, _ = tick(instance)
    assert again
    assert again[0].run_key != first[0].run_key


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


def test_a_removed_folder_starts_nothing(landed, instance):
    tick(instance)
    build(landed, only=["sources"])
    shutil.rmtree(landed.landing_path / "beta")
    assert tick(instance)[0] == []


def test_the_name_of_a_source_cannot_lead_out_of_the_landing_zone(home, tmp_path):
    from kg_assets.sources.landing import LandingError

    with pytest.raises(LandingError, match="name"):
        land(home.landing_path, "../../etc", [lines(tmp_path / "x.jsonl", ALPHA)])
    assert not (tmp_path.parent / "etc").exists()
