"""A landing zone that a stranger can write to: what is refused, and that nothing else is read."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from kg_assets.sources.blobs import read_blobs
from kg_assets.sources.deliveries import Delivery, LandingError, delivery_at, read_manifest
from kg_assets.sources.landing import files_of, fingerprint, is_complete, list_deliveries
from kg_assets.sources.opening import UnreadableError, open_regular
from kg_assets.sources.tables import RAW_BLOBS
from tests.sources.deliveries import Stage

GOOD = json.dumps({"entity_type": "film", "source_id": "1", "name": "Good"}) + "\n"
SECRET = json.dumps({"entity_type": "film", "source_id": "2", "name": "Secret"}) + "\n"


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path / "home")


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret.jsonl"
    path.write_text(SECRET)
    return path


def _socket(path: Path, secret: Path) -> None:
    # The address of a socket may not be long.
    here = Path.cwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(here)


def _sparse(path: Path, secret: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 42)


ENTRIES: dict[str, tuple[Callable[[Path, Path], object], str]] = {
    "a link to a file": (lambda path, secret: path.symlink_to(secret), "symbolic link"),
    "a link to a folder": (lambda path, secret: path.symlink_to(secret.parent), "symbolic link"),
    "a dangling link": (lambda path, secret: path.symlink_to("/nowhere"), "symbolic link"),
    "a link to itself": (lambda path, secret: path.symlink_to(path), "symbolic link"),
    "a hard link": (lambda path, secret: path.hardlink_to(secret), "hard links"),
    "a pipe": (lambda path, secret: os.mkfifo(path), "no regular file"),
    "a socket": (_socket, "no regular file"),
    "a folder": (lambda path, secret: path.mkdir(), "is a folder"),
    "a huge file of holes": (_sparse, "nearly all of it is holes"),
}


def test_what_is_no_file_of_its_own_is_refused_with_the_reason(stage, secret):
    folder = stage.deliver(a__jsonl=GOOD)
    told = {}
    for suffix in (".jsonl", ".db"):
        for kind, (make, words) in ENTRIES.items():
            path = folder / f"{kind.replace(' ', '-')}{suffix}"
            make(path, secret)
            told[path.name] = words
    stage.run()
    assert stage.names() == ["Good"]
    found = {row["file"]: row["reason"] for row in stage.quarantined()}
    assert set(found) == set(told)
    assert {name: reason for name, reason in found.items() if told[name] not in reason} == {}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes devices")
def test_a_device_is_refused(stage):
    folder = stage.deliver(a__jsonl=GOOD)
    try:
        os.mknod(folder / "b.jsonl", 0o600 | 0o020000, os.makedev(1, 5))  # /dev/zero
    except PermissionError:
        pytest.skip("no devices can be made here")
    stage.run()
    [row] = stage.quarantined()
    assert "no regular file" in row["reason"]


HARMFUL = ["new\nline.jsonl", "\x1b[31m.jsonl", os.fsdecode(b"\xff.jsonl"), "\u202egnp.jsonl"]
HARMLESS = ["-rf.jsonl", "--.jsonl", "x" * 249 + ".jsonl", "é .jsonl", r"b\n.jsonl"]


def test_a_name_that_a_terminal_would_act_upon_is_refused_and_shown_harmless(stage):
    folder = stage.deliver(a__jsonl=GOOD)
    for name in (*HARMFUL, "..jsonl"):  # a hidden file is none of the delivery
        (folder / name).write_text(SECRET)
    for name in HARMLESS:
        (folder / name).write_text("broken\n")
    (folder / "b\n.jsonl").write_text(SECRET)  # is shown as another one is named
    stage.run()
    assert stage.names() == ["Good"]
    refused = {row["file"] for row in stage.quarantined() if "rename it" in row["reason"]}
    assert len(refused) == len(HARMFUL) + 1
    assert all(name.isascii() and name.isprintable() for name in refused)
    assert {row["file"] for row in stage.quarantined()} - refused == set(HARMLESS)


@pytest.mark.parametrize("level", ["source", "delivery"])
def test_a_folder_that_becomes_a_link_after_it_was_listed_leads_nowhere(tmp_path, level):
    outside = tmp_path / "outside"
    (outside / "d").mkdir(parents=True)
    (outside / "d" / "a.jsonl").write_text(SECRET)
    (outside / "a.jsonl").write_text(SECRET)
    folder = tmp_path / "landing" / "s" / "d"
    folder.mkdir(parents=True)
    (folder / "a.jsonl").write_text(GOOD)
    moved = folder if level == "delivery" else folder.parent
    shutil.rmtree(moved)
    moved.symlink_to(outside)
    with pytest.raises(UnreadableError, match="link"):
        open_regular(folder / "a.jsonl", parents=2)
    rows = pa_rows(folder / "a.jsonl")
    assert [row["blob"] for row in rows] == [b""]
    with pytest.raises(LandingError, match="is not there"):
        delivery_at(tmp_path / "landing", "s|d")


def pa_rows(path: Path) -> list[dict]:
    batches = list(read_blobs(path, name=path.name, parents=2))
    assert all(batch.schema.equals(RAW_BLOBS.schema) for batch in batches)
    return [row for batch in batches for row in batch.to_pylist()]


def test_a_second_name_that_comes_after_listing_is_refused(tmp_path):
    path = tmp_path / "landing" / "s" / "d" / "a.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text(GOOD)
    path.with_name("b").hardlink_to(path)
    [row] = pa_rows(path)
    assert "hard links" in row["problem"]


@pytest.mark.parametrize("packing", ["gz", "bz2", "zst"])
def test_a_file_packed_twice_is_no_format(tmp_path, packing):
    path = tmp_path / f"b.jsonl.gz.{packing}"
    path.write_bytes(gzip.compress(gzip.compress(SECRET.encode())))
    [row] = [row for batch in read_blobs(path, name=path.name) for row in batch.to_pylist()]
    assert "format is not known" in row["problem"]


def test_each_of_many_empty_files_is_told(stage):
    folder = stage.deliver(a__jsonl=GOOD)
    for number in range(500):
        (folder / f"{number:04}.jsonl").touch()
    stage.run()
    assert stage.names() == ["Good"]
    assert stage.figures["quarantined"] == 500


MANIFESTS: dict[str, Callable[[Path], object]] = {
    "a link": lambda path: path.symlink_to("/etc/passwd"),
    "a dangling link": lambda path: path.symlink_to("/nowhere"),
    "a pipe": os.mkfifo,
    "a folder": lambda path: path.mkdir(),
    "too deep": lambda path: path.write_text('{"expect":' + "[" * 30_000),
    "too long": lambda path: path.write_text("{" + " " * 70_000 + "}"),
    "not UTF-8": lambda path: path.write_bytes(b'{"mode": "\xff"}'),
    "half a character": lambda path: path.write_text('{"\\ud800": 1}'),
    "a key that a terminal acts upon": lambda path: path.write_text('{"\\u001b[31m": 1}'),
    "a sequence too large": lambda path: path.write_text('{"sequence": 1' + "0" * 5_000 + "}"),
    "a sequence that is no number": lambda path: path.write_text('{"sequence": NaN}'),
    "a sequence that is a truth value": lambda path: path.write_text('{"sequence": true}'),
    "a list": lambda path: path.write_text("[[], {}]"),
}


@pytest.mark.parametrize("kind", MANIFESTS)
def test_a_hostile_delivery_json_fails_its_delivery_with_one_harmless_line(tmp_path, kind):
    folder = tmp_path / "landing" / "s" / "d"
    folder.mkdir(parents=True)
    (folder / "a.jsonl").write_text(GOOD)
    MANIFESTS[kind](folder / "delivery.json")
    delivery = Delivery("s", "d", folder)
    with pytest.raises(LandingError, match=r"delivery\.json") as caught:
        read_manifest(delivery)
    assert str(caught.value).isprintable()
    assert "root:" not in str(caught.value)
    assert len(str(caught.value)) < 1_000
    assert fingerprint(delivery) == fingerprint(delivery)


def test_a_file_from_the_future_does_not_keep_its_delivery_waiting(tmp_path):
    folder = tmp_path / "s" / "d"
    folder.mkdir(parents=True)
    (folder / "a.jsonl").write_text(GOOD)
    os.utime(folder / "a.jsonl", (1 << 33, 1 << 33))
    changed = max(folder.stat().st_ctime, (folder / "a.jsonl").stat().st_ctime)
    delivery = Delivery("s", "d", folder)
    assert not is_complete(delivery, changed + 59, 60)
    assert is_complete(delivery, changed + 61, 60)


@pytest.mark.parametrize("entry", ["s", "s/d"])
def test_what_vanishes_or_turns_into_something_else_is_named_and_holds_up_nothing(tmp_path, entry):
    for name in ("s/d", "t/e"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "a.jsonl").write_text(GOOD)
    shutil.rmtree(tmp_path / entry)
    (tmp_path / entry).write_text("a file")
    deliveries, refused = list_deliveries(tmp_path, "dev")
    assert [delivery.key for delivery in deliveries] == ["t|e"]
    assert [one.name for one in refused] == [entry]
    gone = Delivery("s", "d", tmp_path / "s" / "d")
    assert not is_complete(gone, 1e12, 60)
    with pytest.raises(LandingError, match=r"s\|d"):
        files_of(gone)


def test_a_landing_zone_that_is_no_folder_says_so(tmp_path):
    (tmp_path / "landing").write_text("")
    with pytest.raises(LandingError, match="KG_LANDING"):
        list_deliveries(tmp_path / "landing", "dev")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_named_and_the_rest_is_read(stage):
    folder = stage.deliver(a__jsonl=GOOD)
    (folder / "b.jsonl").write_text(SECRET)
    (folder / "b.jsonl").chmod(0)
    closed = stage.landing / "closed"
    closed.mkdir(mode=0)
    stage.run()
    [row] = stage.quarantined()
    assert "Permission denied" in row["reason"]
    assert [one.name for one in list_deliveries(stage.landing, "dev")[1]] == ["closed"]
