"""A file that looks as it did when it was hashed is not read again to be hashed by each process."""

import json
import os
import subprocess
import sys
import time

import pyarrow as pa
import pytest

from resources.lake import CorruptFileError, Lake
from resources.seals import LASTS, forget_seals, is_intact, seal, sha256_of
from resources.settings import Settings
from resources.table import Table

NUMBERS = Table(
    name="numbers",
    schema=pa.schema([("number", pa.int64())]),
    key=("number",),
    description="Numbers.",
)
CONTENT = os.urandom(2_000_000)

READ = """
import sys
from pathlib import Path
from resources.seals import is_intact

def read():
    told = Path("/proc/self/io").read_text().splitlines()
    return int(dict(line.split(": ") for line in told)["rchar"])

path, sha256, seals = sys.argv[1:]
before = read()
found = is_intact(Path(path), sha256, Path(seals))
print(read() - before, found)
"""


def asked(path, sha256, seals):
    """Whether another process finds the file intact, and whether it read it for that."""
    command = [sys.executable, "-c", READ, path, sha256, seals]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return told[1] == "True", int(told[0]) >= len(CONTENT)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(CONTENT)
    time.sleep(0.1)  # A file that changed just now gets no seal.
    return path, sha256_of(path), tmp_path / "seals"


def test_the_first_process_reads_a_file_and_the_next_one_does_not(file):
    assert asked(*file) == (True, True)
    assert asked(*file) == (True, False)


def test_who_wrote_a_file_can_say_what_it_is(file):
    seal(*file)
    assert asked(*file) == (True, False)


def test_a_file_that_looks_otherwise_is_read(file):
    seal(*file)
    file[0].touch()
    assert asked(*file) == (True, True)


@pytest.mark.parametrize("keeps_times", [False, True])
def test_a_file_of_other_bytes_is_found_out(file, keeps_times):
    path, *_ = file
    seal(*file)
    times = path.stat().st_atime_ns, path.stat().st_mtime_ns
    with path.open("r+b") as stream:
        stream.write(b"x" if CONTENT[:1] != b"x" else b"y")
    if keeps_times:
        os.utime(path, ns=times)
    assert asked(*file) == (False, True)


def test_a_seal_says_nothing_of_another_hash(file):
    path, _, seals = file
    seal(path, "0" * 64, seals)
    assert asked(*file) == (True, True)
    assert asked(path, "0" * 64, seals) == (False, True)


@pytest.mark.parametrize("hours", [25, -1])
def test_a_seal_counts_for_a_day(file, hours):
    seal(*file)
    [place] = file[2].iterdir()
    told = json.loads(place.read_text())
    place.write_text(json.dumps(told | {"at": time.time() - 3600 * hours}))
    assert asked(*file) == (True, True)


@pytest.mark.parametrize("content", ["", "[]", "{}", "1", '{"at": "x"}', '{"at": null}', "\ud83d"])
def test_a_seal_that_cannot_be_read_counts_for_nothing(file, content):
    seal(*file)
    [place] = file[2].iterdir()
    place.write_bytes(content.encode("utf-8", "surrogatepass"))
    assert asked(*file) == (True, True)


def test_a_file_that_changed_just_now_gets_no_seal(file):
    path, sha256, seals = file
    path.touch()
    assert is_intact(path, sha256, seals)
    assert not seals.exists()


def test_where_nothing_can_be_written_files_are_read(file):
    path, sha256, seals = file
    seals.write_text("no folder")
    assert is_intact(path, sha256, seals)
    assert asked(*file) == (True, True)


def test_seals_that_count_no_longer_are_removed(file):
    seals = file[2]
    seal(*file)
    forget_seals(seals)
    [place] = seals.iterdir()
    half = place.with_suffix(".4711")
    half.write_text("{")
    moment = time.time() - LASTS - 1
    for path in (place, half):
        os.utime(path, (moment, moment))
    forget_seals(seals)
    assert not list(seals.iterdir())


def test_what_a_step_wrote_is_known_to_other_processes(tmp_path):
    settings = Settings(home=tmp_path)
    lake = Lake(settings)
    numbers = pa.table({"number": [int.from_bytes(os.urandom(7)) for _ in range(400_000)]})
    with lake.step("numbers") as step:
        step.write(NUMBERS, numbers.sort_by("number"))
        time.sleep(0.1)
    [head] = lake.heads(NUMBERS).values()
    path = lake.storage.root / head.file.path
    assert asked(path, head.file.sha256, settings.cache / "seals") == (True, False)
    data = path.read_bytes()
    path.write_bytes(data[:99] + bytes([data[99] ^ 1]) + data[100:])
    with pytest.raises(CorruptFileError):
        lake.verified(head)
