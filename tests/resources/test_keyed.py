"""Keys of a sorted file are told apart as a stream."""

from __future__ import annotations

import tempfile
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from resources.keyed import rises

SCHEMA = pa.schema([("name", pa.string()), ("place", pa.int64())])
KEYS = st.tuples(
    st.none() | st.sampled_from(["", "a", "b", "é", "𝄞", "￿"]), st.none() | st.integers(-2, 2)
)


def in_order(key: tuple) -> tuple:
    """The key as the lake sorts it: text by its bytes, null last."""
    name, place = key
    return (name is None, (name or "").encode(), place is None, place or 0)


def stored(folder: Path, keys: list[tuple], group_rows: int) -> Path:
    path = folder / "keys.parquet"
    rows = [dict(zip(SCHEMA.names, key, strict=True)) for key in keys]
    pq.write_table(pa.Table.from_pylist(rows, SCHEMA), path, row_group_size=group_rows)
    return path


@settings(max_examples=60, deadline=None)
@given(st.lists(KEYS, max_size=12), st.booleans(), st.integers(1, 4))
def test_keys_rise_if_each_comes_after_the_one_before(keys, is_sorted, group_rows):
    keys = sorted(set(keys), key=in_order) if is_sorted else keys
    wanted = [in_order(key) for key in keys]
    with tempfile.TemporaryDirectory() as folder:
        found = rises(stored(Path(folder), keys, group_rows), SCHEMA.names)
    assert found == all(a < b for a, b in pairwise(wanted))


def test_a_key_that_stands_again_in_the_next_batch_does_not_rise(tmp_path):
    keys = [("a", place) for place in range(65_536)]
    assert rises(stored(tmp_path, keys, 100_000), SCHEMA.names)
    assert not rises(stored(tmp_path, [*keys, keys[-1]], 100_000), SCHEMA.names)
