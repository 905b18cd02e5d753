"""A few rows of a large table are found in a copy of it, and are what the table says."""

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resources.lake import Lake
from resources.settings import Settings
from resources.table import Table
from resources.taking import copy, take

FILMS = Table(
    name="films",
    schema=pa.schema(
        [
            pa.field("year", pa.uint64(), nullable=False),
            pa.field("id", pa.string(), nullable=False),
            pa.field("words", pa.list_(pa.string())),
            pa.field("of", pa.uint64()),
        ]
    ),
    key=("year", "id"),
    description="Films.",
)


def film(year, place, of=None):
    return {"year": year, "id": str(place), "words": [f"w{year}", str(of)], "of": of}


def lake_of(home, **options):
    """A lake in which every table is large, and nothing is compacted."""
    usual = {"copied_rows": 1, "layer_share": 1e9, "layers": 64}
    return Lake(Settings(home=home, **usual | options))


def write(lake, films):
    with lake.step("films") as step:
        step.write(FILMS, pa.Table.from_pylist(films, schema=FILMS.schema))


def lay(lake, old, new):
    with lake.step("films") as step:
        rows = [pa.Table.from_pylist(some, schema=FILMS.schema) for some in (old, new)]
        step.patch(FILMS, *map(step.con.from_arrow, rows))


def taken(lake, column, values, columns=None):
    with lake.step("look") as step:
        kind = FILMS.schema.field(column).type
        step.con.register("asked", pa.table({column: pa.array(values, kind)}))
        take(step, "found", FILMS, column, "asked", columns)
        names = columns or FILMS.schema.names
        rows = step.con.table("found").order("ALL").to_arrow_table()
        assert rows.column_names == list(names)
        return rows.to_pylist()


def by_key(films):
    return sorted(films, key=lambda one: (one["year"], one["id"]))


def copies(lake):
    return {
        folder.name
        for folder in (lake.settings.cache / "derived").iterdir()
        if folder.name != "locks"
    }


@pytest.fixture
def lake(tmp_path):
    return lake_of(tmp_path)


FIVE = [film(1990, 1), film(1990, 2, 7), film(1991, 1, 7), film(1992, 1), film(1995, 1, 8)]


def test_rows_are_found_by_any_column_with_the_columns_that_are_wanted(lake):
    write(lake, FIVE)
    assert taken(lake, "year", [1990, 1995, 2001]) == [FIVE[0], FIVE[1], FIVE[4]]
    assert taken(lake, "id", ["2"]) == [FIVE[1]]
    assert taken(lake, "of", [7, None]) == FIVE[1:3]
    assert taken(lake, "year", [1991], ["words", "of"]) == [{"words": ["w1991", "7"], "of": 7}]
    assert taken(lake, "year", []) == []


def test_of_a_table_that_is_not_there_no_row_is_found(lake):
    assert taken(lake, "year", [1990]) == []


def test_a_table_that_is_not_large_is_not_copied(tmp_path):
    lake = lake_of(tmp_path / "small", copied_rows=6)
    write(lake, FIVE)
    with lake.step("all") as step:
        copy(step, FILMS)
    assert taken(lake, "year", [1990]) == FIVE[:2]
    assert not (lake.settings.cache / "derived").exists()


def test_a_copy_serves_after_rows_have_changed_come_and_gone(lake):
    write(lake, FIVE)
    with lake.step("all") as step:
        copy(step, FILMS)
    made = copies(lake)
    assert len(made) == 1
    moved = film(1990, 2, 8)
    lay(lake, [FIVE[1], FIVE[4]], [moved, film(1993, 1, 7)])
    assert taken(lake, "of", [7, 8]) == [moved, FIVE[2], film(1993, 1, 7)]
    assert taken(lake, "year", [1990, 1995]) == [FIVE[0], moved]
    lay(lake, [moved], [FIVE[1]])
    assert taken(lake, "of", [7, 8]) == [FIVE[1], FIVE[2], film(1993, 1, 7)]
    assert copies(lake) == made


def test_a_new_copy_is_made_where_layers_do_not_lead_from_the_old_one(lake):
    write(lake, FIVE)
    assert taken(lake, "year", [1995]) == FIVE[4:]
    made = copies(lake)
    write(lake, FIVE[:4])
    assert taken(lake, "year", [1995]) == []
    assert len(copies(lake) - made) == 1


def test_a_new_copy_is_made_where_much_has_changed_since(tmp_path):
    lake = lake_of(tmp_path / "home")
    write(lake, FIVE)
    assert taken(lake, "year", [1992]) == [FIVE[3]]
    lay(lake, FIVE[:4], [])
    narrow = lake_of(tmp_path / "home", layer_share=0.5)
    before = copies(narrow)
    assert taken(narrow, "year", [1992, 1995]) == [FIVE[4]]
    assert len(copies(narrow) - before) == 1


def test_a_copy_that_was_damaged_is_made_again(lake):
    write(lake, FIVE)
    assert taken(lake, "id", ["2"]) == [FIVE[1]]
    [file] = (lake.settings.cache / "derived").glob("*/*.arrow")
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    assert taken(lake, "id", ["2"]) == [FIVE[1]]


films = st.dictionaries(
    st.tuples(st.integers(1990, 1996), st.integers(0, 9)),
    st.sampled_from([None, 1, 2, 3]),
    max_size=20,
)


@settings(max_examples=15, deadline=None)
@given(st.lists(films, min_size=1, max_size=4), st.data())
def test_after_any_changes_the_rows_are_those_of_the_table(tmp_path_factory, states, data):
    lake = lake_of(tmp_path_factory.mktemp("films"), layers=data.draw(st.integers(0, 3)))
    then: list[dict] = []
    for number, state in enumerate(states):
        now = by_key([film(year, place, of) for (year, place), of in state.items()])
        if number and then:
            lay(lake, then, now)
        else:
            write(lake, now)
        then = now
        if data.draw(st.booleans()):
            with lake.step("all") as step:
                copy(step, FILMS)
        years = data.draw(st.lists(st.integers(1990, 1997), max_size=4))
        assert taken(lake, "year", years) == [one for one in now if one["year"] in years]
        ofs = data.draw(st.lists(st.sampled_from([1, 2, 3]), max_size=2))
        assert taken(lake, "of", ofs) == [one for one in now if one["of"] in ofs]
