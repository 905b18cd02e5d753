"""`kg export members`: the columns that other tools read, written whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kg_assets.cli.export import export_members
from resources.settings import Settings
from tests.graph.small_graph import record
from tests.graph.small_lake import fill


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return fill(
        tmp_path_factory.mktemp("home"),
        [record("film", "b:1", "Her"), record("film", "a:1", "Her"), record("book", "a:3", "It")],
        {"film-1": ["a:1", "b:1"], "book-1": ["a:3"]},
    )


def test_members_of_all_types_with_exactly_these_columns(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "new" / "folder"
    assert export_members(settings, output) == 0
    table = pq.read_table(output / "entity_members.parquet")
    assert table.column_names == ["entity_id", "entity_type", "source", "source_id"]
    assert [list(row.values()) for row in table.to_pylist()] == [
        ["book-1", "book", "a", "3"],
        ["film-1", "film", "a", "1"],
        ["film-1", "film", "b", "1"],
    ]
    printed = capsys.readouterr().out
    assert "3 rows" in printed
    assert "entity_members.parquet" in printed


def test_its_own_file_is_replaced_by_the_same_bytes(settings: Settings, tmp_path: Path) -> None:
    assert export_members(settings, tmp_path) == 0
    before = (tmp_path / "entity_members.parquet").read_bytes()
    assert export_members(settings, tmp_path) == 0
    assert (tmp_path / "entity_members.parquet").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["entity_members.parquet"]


@pytest.mark.parametrize("kind", ["text", "parquet"])
def test_a_file_of_others_is_kept_unless_forced(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    target = tmp_path / "entity_members.parquet"
    if kind == "text":
        target.write_text("mine")
    else:
        pq.write_table(pa.table({"mine": [1]}), target)
    before = target.read_bytes()
    assert export_members(settings, tmp_path) == 2
    assert "--force" in capsys.readouterr().err
    assert target.read_bytes() == before
    assert export_members(settings, tmp_path, force=True) == 0
    assert pq.read_table(target).num_rows == 3


def test_a_folder_that_is_a_file_is_refused(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out").write_text("")
    assert export_members(settings, tmp_path / "out") == 1
    assert "cannot be written" in capsys.readouterr().err


def test_without_entities_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out"
    assert export_members(Settings(home=tmp_path / "home"), output) == 1
    assert "kg build" in capsys.readouterr().err
    assert list(output.iterdir()) == []
