"""A user's mistakes and a machine's end in a message and an exit code, never in a traceback."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from dagster_postgres.utils import DagsterPostgresException, retry_pg_connection_fn

from kg_assets.cli.guard import in_words
from resources.databases import DAGSTER, named


def kg(*arguments: str | bytes, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "kg_assets.cli.main", *arguments],
        env={"PATH": "/usr/bin:/bin", "KG_WORKERS": "1"} | variables,
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "file.jsonl"
    made.write_text("{}\n")
    return made


def test_a_home_that_is_a_file(file: Path) -> None:
    found = kg("land", "alpha", str(file), KG_HOME=str(file))
    assert found.returncode == 1
    assert "Traceback" not in found.stderr
    assert str(file) in found.stderr.replace("\n", "")
    assert "KG_HOME" in found.stderr


@pytest.mark.parametrize("catalog", ["nonsense", "nosuch://x/y", "sqlite:////proc/none/x.sqlite"])
def test_a_catalog_that_cannot_be_used(tmp_path: Path, catalog: str) -> None:
    found = kg("quarantine", KG_HOME=str(tmp_path), KG_CATALOG=catalog)
    assert found.returncode == 1
    assert "Traceback" not in found.stderr
    assert "KG_CATALOG" in found.stderr or "/proc/none" in found.stderr


@pytest.mark.parametrize("variable", ["KG_LLM_STORE", "KG_DAGSTER_STORAGE"])
def test_what_is_no_address_of_a_database_is_named(tmp_path: Path, variable: str) -> None:
    command = ("status",) if variable == "KG_LLM_STORE" else ("build", "--only", "ontology")
    found = kg(*command, KG_HOME=str(tmp_path / "home"), **{variable: "nonsense"})
    assert found.returncode == 1
    assert f"{variable} is no address of a database" in found.stderr


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_storage_of_dagster_that_is_away_is_told_in_one_line(wrapped: bool) -> None:
    address = "postgresql+psycopg2://kg:planted-4711@127.0.0.1:1/dagster"
    engine = named(sa.create_engine(address), DAGSTER)
    with pytest.raises((DagsterPostgresException, sa.exc.OperationalError)) as met:
        if wrapped:
            retry_pg_connection_fn(engine.connect, retry_limit=0)
        else:
            engine.connect()
    assert isinstance(met.value, DagsterPostgresException) == wrapped
    said = in_words(met.value)
    assert said is not None
    assert said.startswith(f"{DAGSTER} at 127.0.0.1:1/dagster cannot be used: ")
    assert "refused" in said
    assert "\n" not in said
    assert "planted" not in said


@pytest.mark.parametrize(
    "arguments", [("show", b"\xff"), ("sql", b"SELECT '\xff'"), ("explain", b"a:\xff", "b:1")]
)
def test_arguments_that_are_not_utf8(tmp_path: Path, arguments: tuple[str | bytes, ...]) -> None:
    found = kg(*arguments, KG_HOME=str(tmp_path))
    assert found.returncode == 2
    assert "Traceback" not in found.stderr
    assert found.stderr


def test_production_is_refused_before_anything_is_done(tmp_path: Path) -> None:
    found = kg("build", KG_HOME=str(tmp_path / "home"), KG_NAMESPACE="prod")
    assert found.returncode == 2
    assert "promotion" in found.stderr
    assert not (tmp_path / "home").exists()


def test_a_file_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    found = kg("land", "alpha", str(tmp_path / "none.jsonl"), KG_HOME=str(tmp_path / "home"))
    assert found.returncode == 2
    assert "does not exist" in found.stderr.replace("\n", " ")
