"""How far tests of faults go, the homes that they break, and what must hold afterwards."""

import os
import random
import subprocess
import sys

import pytest

from resources.lake import Lake
from tests.flow.conftest import built, home, landed, template  # noqa: F401 - fixtures

FULL = os.environ.get("KG_TEST_FAULTS") == "full"
"""Whether they go to their full length, as `make test-faults` does."""

TYPES = "film,person"
BUILD = [sys.executable, "-m", "kg_assets.cli.main", "build", "--types", TYPES]


@pytest.fixture
def chance(request):
    """Random choices that can be had again: the seed is printed, and may be given."""
    seed = int(os.environ.get("KG_TEST_SEED", "20261123"))
    print(f"{request.node.name}: KG_TEST_SEED={seed}")
    return random.Random(seed)


def start(**environment):
    """Start a build of films and people in a process of its own."""
    return subprocess.Popen(
        BUILD,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(process):
    """Wait for a build and return its exit code and what it printed."""
    output, _ = process.communicate(timeout=300)
    return process.returncode, output


def tables(settings):
    """The content of every table and partition of a lake, by digest; each file is verified."""
    lake = Lake(settings)
    heads = lake.catalog.all_heads(settings.namespace)
    for head in heads.values():
        lake.verified(head)
    return {place: head.file.digest for place, head in heads.items()}


def strangers(settings):
    """Files of the lake that the catalog knows nothing of."""
    lake = Lake(settings)
    files = {path.relative_to(lake.root).as_posix() for path in lake.root.rglob("*.parquet*")}
    return files - lake.catalog.paths()
