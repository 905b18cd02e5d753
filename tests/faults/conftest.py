"""How far tests of faults go, the homes that they break, and what must hold afterwards."""

import os
import pickle
import random
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from resources.lake import Lake
from tests.flow.conftest import built, home, land_both, landed, template  # noqa: F401 - fixtures
from tests.flow.graph import content
from tests.homes import home_at, once
from tests.lengths import SEED

TYPES = "film,person"
BUILD = [sys.executable, "-m", "kg_assets.cli.main", "build", "--types", TYPES]


@dataclass(frozen=True)
class Undisturbed:
    """What a build of films and people by two workers leaves that nothing disturbs.

    Attributes:
        tables: The content of every table, by digest.
        graph: The published graph.
        seconds: How long it took.
        kilobytes: Size of its home.
        landing: What it was made from.
    """

    tables: dict[tuple[str, str], str]
    graph: dict[str, list[tuple[object, ...]]]
    seconds: float
    kilobytes: int
    landing: Path


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory, template):  # noqa: F811
    """A build that is made once, for all processes that run tests.

    It comes after the template, which leaves machine code for all processes: where there is none
    yet, a build's processes each compile it, in twenty seconds of a processor.
    """

    def make(folder):
        with home_at(folder / "home") as settings:
            land_both(settings, folder)
            began = time.monotonic()
            code, output = finish(start(KG_WORKERS="2"))
            assert code == 0, output
            seconds = time.monotonic() - began
            files = [path for path in settings.home.rglob("*") if path.is_file()]
            size = sum(path.stat().st_size for path in files) // 1024
            found = (tables(settings), content(settings), seconds, size)
        (folder / "found.pickle").write_bytes(pickle.dumps(found))

    folder = once(tmp_path_factory, "undisturbed", make)
    found = pickle.loads((folder / "found.pickle").read_bytes())
    return Undisturbed(*found, folder / "home" / "landing")


@pytest.fixture
def chance(request):
    """Random choices that can be had again: the seed is printed, and may be given."""
    print(f"{request.node.name}: KG_TEST_SEED={SEED}")
    return random.Random(SEED)


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
    output, _ = process.communicate(timeout=900)
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
