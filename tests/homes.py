"""Homes of tests: their environment, and homes that are made once for all processes of tests."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from resources.lock import exclusive
from resources.settings import Settings

ENVIRONMENT = {"KG_NAMESPACE": "dev", "KG_WORKERS": "1", "KG_THREADS": "1", "KG_SHARDS": "1"}
"""One worker, and one shard a type."""

MATCHED_FILMS = (
    "sources",
    "film/records",
    "film/block_keys",
    "film/match_model",
    "film/blocked_pairs",
    "film/match_scores",
    "film/match_thresholds",
    "film/resolved_entities",
)
"""What a build makes, named by `only`, until films are matched. The report on their model is the
step of the lane that takes longest."""


@contextmanager
def home_at(folder: Path, **variables: str) -> Iterator[Settings]:
    """Settings of a home, which the environment names meanwhile.

    Args:
        folder: The home; it need not be there.
        variables: More of the environment.
    """
    with pytest.MonkeyPatch.context() as patch:
        yield enter(patch, folder, **variables)


def enter(patch: pytest.MonkeyPatch, folder: Path, **variables: str) -> Settings:
    """Let the environment name a home until the patch is undone; the rest is as of `home_at`."""
    for name, value in {**ENVIRONMENT, "KG_HOME": str(folder), **variables}.items():
        patch.setenv(name, value)
    return Settings()


def copy_home(home: Path, target: Path, *, links: bool = False) -> None:
    """Copy a home whose databases another process, or this one's garbage, may still hold open.

    Args:
        home: The home.
        target: The copy, which is not there yet.
        links: Whether symbolic links are copied as links, rather than what they point to.
    """
    # The last connection to be closed removes the files beside its database.
    beside = shutil.ignore_patterns("*-wal", "*-shm")
    shutil.copytree(home, target, symlinks=links, ignore=beside, copy_function=_copy_file)


def _copy_file(source: str, target: str) -> None:
    if not source.endswith((".db", ".sqlite")):
        shutil.copy2(source, target)
        return
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)


def once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """A folder that is filled once, for all processes that run tests."""
    folder = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    folder /= name
    with exclusive(folder.with_suffix(".lock")):
        if not folder.exists():
            draft = folder.with_suffix(".draft")
            draft.mkdir()
            make(draft)
            draft.rename(folder)
    return folder
