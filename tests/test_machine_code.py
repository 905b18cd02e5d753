"""Machine code is kept where it can be, made anew elsewhere, and loaded where it is used."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import kg_assets

HASHED = """
import numpy as np
from kg_assets.matching.scorers import texts
print(texts.__file__)
print(texts.mixed(np.uint64(7)))
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The package in a folder that keeps no machine code: its __pycache__ is a file."""
    folder = tmp_path_factory.mktemp("installed")
    shutil.copytree(
        Path(kg_assets.__file__).parent,
        folder / "kg_assets",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    (folder / "kg_assets" / "matching" / "scorers" / "__pycache__").touch()
    return folder


def hashed(installed, home):
    """What a process prints in which the user's folder of caches is a file too."""
    nowhere = installed / "nowhere"
    nowhere.touch()
    given = {"HOME": nowhere, "XDG_CACHE_HOME": nowhere, "KG_HOME": home, "PYTHONPATH": installed}
    found = subprocess.run(
        [sys.executable, "-c", HASHED],
        env=os.environ | {name: str(value) for name, value in given.items()},
        cwd=installed,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert found.returncode == 0, found.stderr
    place, value = found.stdout.split()
    assert Path(place).is_relative_to(installed)
    return int(value)


def test_machine_code_is_kept_in_the_home_where_package_and_user_have_no_folder(
    installed, tmp_path
):
    first = hashed(installed, tmp_path)
    kept = sorted((tmp_path / "machine_code").rglob("*.nb*"))
    assert kept
    assert hashed(installed, tmp_path) == first
    assert sorted((tmp_path / "machine_code").rglob("*.nb*")) == kept


def test_machine_code_is_made_anew_where_nothing_can_be_written(installed, tmp_path):
    (tmp_path / "home").touch()
    assert hashed(installed, tmp_path / "home") == hashed(installed, tmp_path)


def test_what_compiles_and_pandas_are_not_loaded_with_the_assets():
    asked = (
        "import sys, kg_assets.build; "
        "print(sorted({'numba', 'llvmlite', 'pandas', 'splink'} & sys.modules.keys()))"
    )
    found = subprocess.run(
        [sys.executable, "-c", asked], capture_output=True, text=True, timeout=120, check=True
    )
    assert found.stdout.strip() == "[]"
