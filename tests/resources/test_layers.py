"""Layers over a file: what is read, what changed, when they are compacted, what a kill leaves."""

import os

import pyarrow as pa
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from resources.catalog import Catalog
from resources.errors import CorruptFileError
from resources.lake import Lake
from resources.production import promote
from resources.settings import Settings
from resources.table import Table

PEOPLE = Table(
    name="people",
    schema=pa.schema(
        [
            pa.field("id", pa.string(), nullable=False),
            pa.field("name", pa.string(), nullable=False),
            pa.field("jobs", pa.list_(pa.string())),
        ]
    ),
    key=("id",),
    description="People.",
)
COUNTED = Table(
    name="counted",
    schema=pa.schema([pa.field("name", pa.string(), nullable=False)]),
    key=("name",),
    description="Names that were seen.",
)


@pytest.fixture
def lake(tmp_path):
    return roomy(tmp_path)


def roomy(home, **options):
    """A lake that compacts nothing."""
    return Lake(Settings(home=home, **({"layer_share": 1e9, "layers": 64} | options)))


def table_of(people):
    rows = [{"id": key, "name": name, "jobs": [name]} for key, name in sorted(people.items())]
    return pa.Table.from_pylist(rows, schema=PEOPLE.schema)


def write(lake, people, partition=None):
    with lake.step("people", partition=partition) as step:
        step.write(PEOPLE, table_of(people))


def patch(lake, people, *removed, partition=None):
    """Change or add some people, and remove others; how many rows differ."""
    touched = [*people, *removed]
    with lake.step("people", partition=partition) as step:
        before = step.previous(PEOPLE)
        old = before.filter(" OR ".join(f"id = '{key}'" for key in touched) or "FALSE")
        return step.patch(PEOPLE, old, step.con.from_arrow(table_of(people)))


def head(lake, partition="all"):
    return lake.heads(PEOPLE)[partition]


def people_in(lake):
    with lake.step("look") as step:
        rows = step.read(PEOPLE, tracked=False).fetchall()
        step.view("people", PEOPLE)
        assert sorted(step.con.sql("FROM people").fetchall()) == sorted(rows)
    assert all(jobs == [name] for _, name, jobs in rows)
    assert len({key for key, _, _ in rows}) == len(rows)
    return {key: name for key, name, _ in rows}


def count(lake, code_version="0"):
    """A step that depends on people; what it is told has changed."""
    with lake.step("counted", code_version=code_version) as step:
        found = step.changes(COUNTED, PEOPLE)
        step.write(COUNTED, step.read(PEOPLE).project("name").distinct())
        if found is None:
            return None
        rows = {key: name for key, name, _ in found.rows.fetchall()}
        return rows, {key for (key,) in found.removed.fetchall()}


def files(lake):
    return sorted(p.relative_to(lake.root).as_posix() for p in lake.root.rglob("*.parquet"))


def test_the_newest_layer_says_what_a_row_is(lake):
    write(lake, {"1": "Ann", "2": "Bo", "3": "Cy"})
    patch(lake, {"1": "Anna", "4": "Di"})
    patch(lake, {"1": "Annie"}, "2")
    assert people_in(lake) == {"1": "Annie", "3": "Cy", "4": "Di"}
    assert head(lake).file.rows == 3
    assert len(head(lake).below) == 2


WANTED = "name IN ('Ida', 'Jo')"


def wanted_in(lake):
    """Names of the people that fulfil the condition, by each way to read them."""
    with lake.step("look") as step:
        read = step.read(PEOPLE, tracked=False, where=WANTED).fetchall()
        step.view("people", PEOPLE, where=WANTED)
        assert sorted(step.con.sql("FROM people").fetchall()) == sorted(read)
    return {key: name for key, name, _ in read}


@pytest.mark.parametrize("kept", [0, 1, 64])
def test_a_condition_holds_for_what_layers_say_and_not_for_what_lies_below(tmp_path, kept):
    lake = roomy(tmp_path, layers=kept)
    write(lake, {"1": "Ida", "2": "Jo", "3": "Kim", "4": "Ida"})
    # One that no longer fulfils it, one that does now, one that is gone, and one that is new.
    patch(lake, {"1": "Kim", "3": "Jo"}, "2")
    patch(lake, {"5": "Ida", "6": "Kim"})
    assert wanted_in(lake) == {"3": "Jo", "4": "Ida", "5": "Ida"}
    # And back.
    patch(lake, {"1": "Ida", "2": "Jo", "3": "Kim"})
    assert wanted_in(lake) == {"1": "Ida", "2": "Jo", "4": "Ida", "5": "Ida"}


def test_a_condition_holds_in_each_partition_with_layers_or_without(lake):
    write(lake, {"1": "Ida", "2": "Kim"}, partition="00")
    write(lake, {"3": "Jo", "4": "Kim"}, partition="01")
    patch(lake, {"2": "Jo"}, "1", partition="00")
    assert wanted_in(lake) == {"2": "Jo", "3": "Jo"}
    with lake.step("people", partition="00") as step:
        assert [row[0] for row in step.previous(PEOPLE, WANTED).fetchall()] == ["2"]


def test_only_what_differs_is_written(lake):
    write(lake, {"1": "Ann", "2": "Bo"})
    assert patch(lake, {"1": "Ann", "2": "Bob"}) == 1
    assert head(lake).file.changed == 1


def test_a_change_that_changes_nothing_keeps_the_version_and_leaves_no_file(lake):
    write(lake, {"1": "Ann"})
    before, there = head(lake), files(lake)
    assert patch(lake, {"1": "Ann"}) == 0
    assert head(lake).file == before.file
    assert files(lake) == there


@pytest.mark.parametrize("layered", [False, True])
def test_content_that_is_written_whole_again_keeps_the_version(lake, layered):
    write(lake, {"1": "Ann", "2": "Bo"})
    if layered:
        patch(lake, {"2": "Bob"})
    before, there = head(lake), files(lake)
    write(lake, {"1": "Ann", "2": "Bob" if layered else "Bo"})
    assert head(lake).file == before.file
    assert files(lake) == there


def test_rows_that_are_written_whole_are_laid_over_where_few_differ(lake):
    write(lake, {"1": "Ann", "2": "Bo", "3": "Cy"})
    with lake.step("people") as step:
        assert step.update(PEOPLE, step.con.from_arrow(table_of({"1": "Ann", "3": "Cyd"}))) == 2
    assert people_in(lake) == {"1": "Ann", "3": "Cyd"}
    assert head(lake).file.changed == 2


@pytest.mark.parametrize("options", [{"layers": 2}, {"layer_share": 0.3}])
def test_layers_are_compacted_when_they_are_many_or_large(tmp_path, options):
    lake = roomy(tmp_path, **options)
    write(lake, {str(n): "x" for n in range(10)})
    lengths = []
    for n in range(4):
        patch(lake, {str(n): "y"})
        lengths.append(len(head(lake).below))
    assert lengths == [1, 2, 0, 1] if "layers" in options else [1, 2, 3, 0]
    assert people_in(lake) == {str(n): "y" if n < 4 else "x" for n in range(10)}


def test_a_change_of_more_than_the_share_is_written_whole(tmp_path):
    lake = roomy(tmp_path, layer_share=0.5)
    write(lake, {"1": "Ann", "2": "Bo"})
    patch(lake, {"1": "Anna", "2": "Bob"})
    assert head(lake).below == ()
    assert people_in(lake) == {"1": "Anna", "2": "Bob"}


@pytest.mark.parametrize("kept", [64, 0])
def test_a_step_is_told_what_changed_since_it_ran_compacted_or_not(tmp_path, kept):
    lake = roomy(tmp_path, layers=kept)
    write(lake, {"1": "Ann", "2": "Bo", "3": "Cy"})
    assert count(lake) is None
    assert count(lake) == ({}, set())
    patch(lake, {"1": "Anna"}, "3")
    patch(lake, {"1": "Annie", "4": "Di"})
    assert count(lake) == ({"1": "Annie", "4": "Di"}, {"3"})
    assert count(lake) == ({}, set())


def test_a_step_is_told_of_all_partitions(lake):
    for partition in ("00", "01"):
        write(lake, {f"{partition}-1": "Ann"}, partition)
    count(lake)
    patch(lake, {"01-2": "Bo"}, partition="01")
    assert count(lake) == ({"01-2": "Bo"}, set())
    write(lake, {"02-1": "Cy"}, "02")
    assert count(lake) is None


def test_of_what_was_written_whole_or_by_other_code_no_change_is_known(lake):
    write(lake, {"1": "Ann"})
    count(lake)
    assert count(lake, code_version="1") is None
    write(lake, {"1": "Anna"})
    assert count(lake, code_version="1") is None


def test_a_damaged_layer_is_refused_and_makes_its_readers_start_anew(lake):
    write(lake, {"1": "Ann"})
    count(lake)
    patch(lake, {"1": "Anna"})
    (lake.root / head(lake).file.path).write_bytes(b"")
    again = roomy(lake.settings.home)
    with pytest.raises(CorruptFileError, match="kg build --only 'people'"):
        people_in(again)
    with again.step("counted") as step:
        assert step.changes(COUNTED, PEOPLE) is None


def test_a_damaged_file_below_is_mended_by_writing_the_partition_again(lake):
    write(lake, {"1": "Ann", "2": "Bo"})
    patch(lake, {"1": "Anna"})
    (lake.root / head(lake).below[0].path).unlink()
    again = roomy(lake.settings.home)
    write(again, {"1": "Anna", "2": "Bo"})
    assert people_in(roomy(lake.settings.home)) == {"1": "Anna", "2": "Bo"}


def test_collection_keeps_what_layers_lie_over_and_what_was_compacted(tmp_path):
    lake = roomy(tmp_path, layers=1)
    write(lake, {"1": "Ann"})
    count(lake)
    for name in ("Anna", "Annie", "Anne"):
        patch(lake, {"1": name})
    for path in lake.root.rglob("*.parquet"):
        os.utime(path, (0, 0))
    assert lake.collect() == []
    assert count(lake) == ({"1": "Anne"}, set())


def test_a_namespace_lays_its_changes_over_productions_version(tmp_path):
    builder = roomy(tmp_path, namespace="prod-next")
    write(builder, {"1": "Ann", "2": "Bo"})
    patch(builder, {"1": "Anna"})
    promote(builder.catalog, "prod-next")
    mine = roomy(tmp_path, namespace="ann")
    assert people_in(mine) == {"1": "Anna", "2": "Bo"}
    patch(mine, {"2": "Bob"})
    assert people_in(mine) == {"1": "Anna", "2": "Bob"}
    assert people_in(roomy(tmp_path, namespace="bob")) == {"1": "Anna", "2": "Bo"}
    with mine.step("people") as step:
        step.keep(PEOPLE)
    promote(mine.catalog, "ann")
    assert people_in(roomy(tmp_path, namespace="prod")) == {"1": "Anna", "2": "Bob"}


@pytest.mark.parametrize("function", ["patch", "keep"])
def test_what_was_never_written_cannot_be_changed(lake, function):
    with pytest.raises(ValueError, match="write it whole"), lake.step("people") as step:
        nothing = step.con.from_arrow(PEOPLE.schema.empty_table())
        step.patch(PEOPLE, nothing, nothing) if function == "patch" else step.keep(PEOPLE)


def test_a_table_whose_key_may_be_missing_has_no_layers(lake):
    loose = Table("loose", pa.schema([("id", pa.string())]), ("id",), "Loose.")
    with lake.step("loose") as step:
        step.write(loose, pa.table({"id": ["1"]}))
    with pytest.raises(ValueError, match="may be NULL"), lake.step("loose") as step:
        step.patch(loose, step.previous(loose), step.con.from_arrow(pa.table({"id": ["2"]})))


def test_a_step_that_fails_after_a_layer_commits_nothing_and_leaves_nothing(tmp_path):
    lake = roomy(tmp_path, layers=0)
    write(lake, {"1": "Ann"})
    there = files(lake)
    with pytest.raises(ZeroDivisionError), lake.step("people") as step:
        step.patch(PEOPLE, step.previous(PEOPLE), step.con.from_arrow(table_of({"1": "Anna"})))
        raise ZeroDivisionError
    assert people_in(lake) == {"1": "Ann"}
    assert files(lake) == there


def test_a_catalog_from_before_layers_is_brought_up_to_date(tmp_path):
    lake = roomy(tmp_path)
    write(lake, {"1": "Ann"})
    path = tmp_path / "catalog.sqlite"
    engine = sa.create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP INDEX ix_files_digest")
        for column in ("digest", "base", "changed"):
            connection.exec_driver_sql(f"ALTER TABLE files DROP COLUMN {column}")
    engine.dispose()
    found = Catalog(f"sqlite:///{path}").heads("dev", "people")["all"].file
    assert (found.digest, found.base, found.changed) == (found.sha256, None, 0)
    old = roomy(tmp_path)
    count(old)
    patch(old, {"2": "Bo"})
    assert people_in(old) == {"1": "Ann", "2": "Bo"}
    assert count(old) == ({"2": "Bo"}, set())


CHANGES = st.dictionaries(
    st.sampled_from("abcdef"), st.one_of(st.none(), st.sampled_from(["x", "y"])), max_size=4
)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.lists(CHANGES, max_size=5), st.sampled_from([0, 1, 64]), st.integers(0, 4))
def test_layers_hold_what_writing_everything_would(tmp_path_factory, rounds, kept, seen):
    lake = roomy(tmp_path_factory.mktemp("layers"), layers=kept)
    expected = {"a": "x", "b": "x"}
    write(lake, expected)
    count(lake)
    since = dict(expected)
    for number, changes in enumerate(rounds):
        there = {key: name for key, name in changes.items() if name is not None}
        patch(lake, there, *(set(changes) - set(there)))
        expected = {k: v for k, v in (expected | there).items() if k not in changes or k in there}
        assert people_in(lake) == expected
        assert head(lake).file.rows == len(expected)
        if number == seen:
            count(lake)
            since = dict(expected)
    rows, removed = count(lake)
    assert {k: v for k, v in (since | rows).items() if k not in removed} == expected
