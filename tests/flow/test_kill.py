"""A build that is killed at any point, and started again, ends in the same graph."""

import os
import random
import signal
import subprocess
import sys
import time

import pytest

from resources.settings import Settings
from tests.flow.graph import content

SEED = 20261123
KILLS = 5
TYPES = "film,person"
COMMAND = [sys.executable, "-m", "kg_assets.cli.main", "build", "--types", TYPES]


def start(environment):
    return subprocess.Popen(
        COMMAND, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


@pytest.fixture
def undisturbed(landed):
    """An undisturbed build in a home of its own, and the seconds that it took."""
    environment = os.environ | {"KG_WORKERS": "2"}
    began = time.monotonic()
    process = start(environment)
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output
    return landed, content(landed), time.monotonic() - began


def test_five_killed_builds_and_one_more_end_in_the_same_graph(undisturbed, tmp_path, monkeypatch):
    landed, expected, seconds = undisturbed
    monkeypatch.setenv("KG_HOME", str(tmp_path / "killed"))
    monkeypatch.setenv("KG_LANDING", str(landed.landing_path))
    environment = os.environ | {"KG_WORKERS": "2"}
    print(f"seed {SEED}")
    chance = random.Random(SEED)
    for _ in range(KILLS):
        process = start(environment)
        time.sleep(chance.uniform(0.2, 0.95) * seconds)
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
    process = start(environment)
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output
    assert content(Settings()) == expected
