"""The landing zone: what is a delivery, what is read of it, and how one is brought there."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from dagster import DagsterInstance, DynamicPartitionsDefinition

from kg_assets.sources.landing import (
    Delivery,
    LandingError,
    Manifest,
    delivery_at,
    files_of,
    fingerprint,
    is_complete,
    land,
    list_deliveries,
    parse_key,
    read_manifest,
)


def _delivery(landing: Path, source: str = "s", name: str = "d", **files: str) -> Delivery:
    folder = landing / source / name
    folder.mkdir(parents=True)
    for file, content in files.items():
        (folder / file.replace("__", ".")).write_text(content)
    return Delivery(source, name, folder)


BAD_NAMES = [
    "",
    ".",
    "..",
    "../../etc",
    "/etc",
    ".hidden",
    "a/b",
    "a|b",
    "a\nb",
    "a\0b",
    "a...b",
    "-x",
    "é",
    "a" * 101,
    "a\n",
]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_name_that_leads_elsewhere_is_refused(tmp_path, name):
    file = tmp_path / "a.jsonl"
    file.write_text("{}\n")
    landing = tmp_path / "home" / "landing"
    with pytest.raises(LandingError, match="not allowed as the name of a source"):
        land(landing, name, [file])
    with pytest.raises(LandingError, match="not allowed as the name of a delivery"):
        land(landing, "s", [file], delivery=name)
    with pytest.raises(LandingError):
        delivery_at(landing, f"{name}|d")
    assert not (tmp_path / "home").exists()


def test_a_message_about_a_name_holds_nothing_that_a_terminal_acts_upon(tmp_path):
    with pytest.raises(LandingError) as caught:
        land(tmp_path, "\x1b[31mred", [])
    assert "\x1b" not in str(caught.value)


def test_a_key_can_be_a_partition_of_dagster():
    key = Delivery("s.1", "2024-01-01_a", Path("x")).key
    assert parse_key(key) == ("s.1", "2024-01-01_a")
    with DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions("deliveries", [key])
        partitions = DynamicPartitionsDefinition(name="deliveries")
        assert partitions.get_partition_keys(dynamic_partitions_store=instance) == [key]


@pytest.mark.parametrize("key", ["s", "|", "s|", "|d", "s|d|e", "s|..", "..|d", "s|d\n"])
def test_a_key_that_is_none_is_refused(key):
    with pytest.raises(LandingError):
        parse_key(key)


def test_deliveries_are_listed_in_order_and_the_rest_is_named(tmp_path):
    for source, name in [("b", "2"), ("b", "1"), ("a", "x")]:
        _delivery(tmp_path, source, name, a__jsonl="{}\n")
    (tmp_path / "bad name").mkdir()
    (tmp_path / ".hidden" / "d").mkdir(parents=True)
    (tmp_path / "b" / ".staging").mkdir()
    (tmp_path / "b" / "loose.jsonl").write_text("{}")
    (tmp_path / "b" / "a...b").mkdir()
    outside = tmp_path.parent / f"{tmp_path.name}-outside"
    outside.mkdir()
    (tmp_path / "linked").symlink_to(outside)
    (tmp_path / "a" / "linked").symlink_to(outside)
    deliveries, refused = list_deliveries(tmp_path, "dev")
    assert [delivery.key for delivery in deliveries] == ["a|x", "b|1", "b|2"]
    assert [entry.name for entry in refused] == [
        "a/linked",
        "b/a...b",
        "b/loose.jsonl",
        "bad name",
        "linked",
    ]
    assert all(entry.reason for entry in refused)


def test_a_landing_zone_that_is_not_there_is_empty(tmp_path):
    assert list_deliveries(tmp_path / "none", "dev") == ([], [])


def test_only_regular_files_of_the_folder_are_read(tmp_path):
    delivery = _delivery(tmp_path, b__jsonl="", a__csv="", delivery__json="{}", _SUCCESS="")
    (delivery.path / ".hidden").write_text("")
    (delivery.path / "folder").mkdir()
    (delivery.path / "link.jsonl").symlink_to("/etc/passwd")
    (delivery.path / "inner.jsonl").symlink_to(delivery.path / "b.jsonl")
    (delivery.path / "new\nline.jsonl").write_text("")
    os.mkfifo(delivery.path / "pipe.jsonl")
    (delivery.path / os.fsdecode(b"\xff.jsonl")).write_text("")
    files, refused = files_of(delivery)
    assert [path.name for path in files] == ["a.csv", "b.jsonl"]
    assert {entry.name for entry in refused} == {
        "folder",
        "link.jsonl",
        "inner.jsonl",
        r"new\nline.jsonl",
        "pipe.jsonl",
        r"\udcff.jsonl",
    }


def test_a_folder_that_vanished_says_so(tmp_path):
    delivery = _delivery(tmp_path, a__jsonl="{}")
    shutil.rmtree(delivery.path)
    with pytest.raises(LandingError, match="vanished"):
        files_of(delivery)
    with pytest.raises(LandingError, match="is not there"):
        delivery_at(tmp_path, "s|d")


def test_a_delivery_that_is_a_link_is_not_followed(tmp_path):
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "d").symlink_to("/etc")
    with pytest.raises(LandingError, match="link"):
        delivery_at(tmp_path, "s|d")


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "a.jsonl").write_text("{...}"),
        lambda folder: (folder / "b.jsonl").write_text(""),
        lambda folder: (folder / "a.jsonl").rename(folder / "c.jsonl"),
        lambda folder: (folder / "a.jsonl").unlink(),
        lambda folder: (folder / "delivery.json").write_text('{"mode": "full"}'),
        lambda folder: (folder / "sub").mkdir(),
    ],
)
def test_a_fingerprint_changes_with_the_delivery(tmp_path, change):
    delivery = _delivery(tmp_path, a__jsonl="{}")
    before = fingerprint(delivery)
    change(delivery.path)
    assert fingerprint(delivery) != before


def test_a_fingerprint_stays_with_the_delivery(tmp_path):
    delivery = _delivery(tmp_path, a__jsonl="{}")
    before = fingerprint(delivery)
    (delivery.path / "_SUCCESS").touch()
    (delivery.path / ".partial").write_text("x")
    assert fingerprint(delivery) == before


def test_a_delivery_is_complete_when_it_says_so_or_has_been_quiet(tmp_path):
    delivery = _delivery(tmp_path, a__jsonl="{}")
    changed = max(delivery.path.stat().st_ctime, (delivery.path / "a.jsonl").stat().st_ctime)
    assert not is_complete(delivery, changed + 59, 60)
    assert is_complete(delivery, changed + 61, 60)
    (delivery.path / "_SUCCESS").touch()
    assert is_complete(delivery, changed, 60)


def test_an_old_file_that_was_copied_just_now_is_not_quiet(tmp_path):
    delivery = _delivery(tmp_path, a__jsonl="{}")
    os.utime(delivery.path / "a.jsonl", (0, 0))
    os.utime(delivery.path, (0, 0))
    assert not is_complete(delivery, (delivery.path / "a.jsonl").stat().st_ctime + 1, 60)


def test_an_empty_folder_is_not_complete(tmp_path):
    delivery = _delivery(tmp_path)
    assert not is_complete(delivery, delivery.path.stat().st_ctime + 3600, 60)


def test_a_manifest_has_defaults(tmp_path):
    assert read_manifest(_delivery(tmp_path)) == Manifest(
        sequence=None, mode="partial", duplicate_free=None
    )


def test_a_manifest_is_read(tmp_path):
    delivery = _delivery(
        tmp_path, delivery__json='{"sequence": 3, "mode": "full", "duplicate_free": true}'
    )
    assert read_manifest(delivery) == Manifest(sequence=3, mode="full", duplicate_free=True)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ('{"sequense": 3}', "sequense"),
        ('{"sequence": "3"}', "sequence"),
        ('{"sequence": -1}', "sequence"),
        ('{"mode": "replace"}', "mode"),
        ('{"duplicate_free": "yes"}', "duplicate_free"),
        ("[]", "the file"),
        ("{", "JSON"),
        ("", "JSON"),
        ("x" * 70_000, "longer"),
        ("[" * 20_000, "delivery.json"),
    ],
)
def test_a_wrong_manifest_says_what_is_wrong(tmp_path, content, told):
    delivery = _delivery(tmp_path, delivery__json=content)
    with pytest.raises(LandingError, match=r"delivery\.json") as caught:
        read_manifest(delivery)
    assert told in str(caught.value)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "films.jsonl"
    path.write_text('{"name": "Up"}\n')
    return path


def test_a_landed_delivery_is_there_as_a_whole(tmp_path, file):
    landing = tmp_path / "landing"
    landed = land(landing, "s", [file], delivery="d")
    assert landed.changed
    assert (landed.files, landed.bytes) == (1, file.stat().st_size)
    assert sorted(path.name for path in landed.delivery.path.iterdir()) == [
        "_SUCCESS",
        "films.jsonl",
    ]
    assert list_deliveries(landing, "dev") == ([landed.delivery], [])
    assert [path.name for path in (landing / "s").iterdir()] == ["d"]


def test_without_a_name_a_delivery_is_named_by_the_time(tmp_path, file):
    landing = tmp_path / "landing"
    first = land(landing, "s", [file])
    second = land(landing, "s", [file])
    assert first.delivery.name < second.delivery.name
    assert list_deliveries(landing, "dev")[0] == [first.delivery, second.delivery]


def test_landing_the_same_again_changes_nothing(tmp_path, file):
    landing = tmp_path / "landing"
    first = land(landing, "s", [file], delivery="d")
    before = fingerprint(first.delivery)
    assert not land(landing, "s", [file], delivery="d").changed
    assert fingerprint(first.delivery) == before
    assert [path.name for path in (landing / "s").iterdir()] == ["d"]


def test_other_content_under_the_same_name_is_refused(tmp_path, file):
    landing = tmp_path / "landing"
    land(landing, "s", [file], delivery="d")
    file.write_text("other")
    with pytest.raises(LandingError, match=r"other content .*films\.jsonl.* another name"):
        land(landing, "s", [file], delivery="d")
    assert (landing / "s" / "d" / "films.jsonl").read_text() == '{"name": "Up"}\n'
    assert [path.name for path in (landing / "s").iterdir()] == ["d"]


def test_links_devices_and_folders_are_not_landed(tmp_path, file):
    link = tmp_path / "link.jsonl"
    link.symlink_to(file)
    pipe = tmp_path / "pipe.jsonl"
    os.mkfifo(pipe)
    missing = tmp_path / "missing.jsonl"
    for path in (link, pipe, tmp_path, Path("/dev/zero"), missing):
        with pytest.raises(LandingError):
            land(tmp_path / "landing", "s", [path], delivery="d")
    assert list((tmp_path / "landing" / "s").iterdir()) == []


def test_two_files_of_one_name_are_refused(tmp_path, file):
    other = tmp_path / "other"
    other.mkdir()
    (other / file.name).write_text("")
    with pytest.raises(LandingError, match="two files are named"):
        land(tmp_path / "landing", "s", [file, other / file.name])


@pytest.mark.parametrize("name", [".hidden", "_SUCCESS", "a\nb.jsonl"])
def test_a_file_that_would_not_be_read_is_not_landed(tmp_path, name):
    (tmp_path / name).write_text("")
    with pytest.raises(LandingError, match="cannot be landed"):
        land(tmp_path / "landing", "s", [tmp_path / name])


def test_no_file_is_no_delivery(tmp_path):
    with pytest.raises(LandingError, match="no file was given"):
        land(tmp_path, "s", [])
