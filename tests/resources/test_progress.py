"""Progress is said every few seconds, and short work says nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from resources.progress import Reading, amount, heard_by
from tests.sources.deliveries import Stage


def test_what_is_read_is_said_once_in_so_many_seconds():
    said: list[str] = []
    now = [0.0]
    with heard_by(said.append, seconds=5, clock=lambda: now[0]):
        reading = Reading("reads", 4_000_000, "blobs")
        for second in range(1, 13):
            now[0] = second
            reading.add(250_000, 1_000)
    assert said == [
        "reads 1.2 MB of 4.0 MB (31%), 5,000 blobs, 250 kB/s",
        "reads 2.5 MB of 4.0 MB (62%), 10,000 blobs, 250 kB/s",
    ]


def test_nobody_hears_what_is_done_outside():
    said: list[str] = []
    with heard_by(said.append, seconds=0):
        pass
    Reading("reads", 0, "blobs").add(1)
    assert not said


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1_200, "1.2 kB"),
        (48e6, "48.0 MB"),
        (250e6, "250 MB"),
        (5e9, "5.0 GB"),
        (3e12, "3.0 TB"),
    ],
)
def test_an_amount_of_bytes_is_short(size, shown):
    assert amount(size) == shown


def test_both_steps_say_how_much_of_a_delivery_they_have_read(tmp_path: Path):
    stage = Stage(tmp_path)
    line = json.dumps({"entity_type": "film", "source_id": "1", "name": "Up"}) + "\n"
    stage.deliver(films__jsonl=line)
    said: list[str] = []
    with heard_by(said.append, seconds=0):
        stage.run()
    whole = [each.partition(" blobs")[0].partition(" rows")[0] for each in said]
    assert f"reads {len(line)} B of {len(line)} B (100%), 1" in whole
    assert f"parses {len(line) - 1} B of {len(line) - 1} B (100%), 1" in whole
