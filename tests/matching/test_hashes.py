"""Places of ids by their hashes: ids of one hash are told apart, and unknown ones have none."""

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from kg_assets.matching.hashes import Places


@pytest.mark.parametrize("hashing", ["hash", "weak"])
def test_each_id_has_its_place_and_an_unknown_one_has_none(hashing):
    con = duckdb.connect(config={"threads": 1})
    # Of ids without a dot it makes one hash, and a dot is added where hashes are equal.
    con.execute(
        "CREATE MACRO weak(text) AS CASE WHEN contains(text, '.') THEN hash(text) ELSE hash(1) END"
    )
    places = Places(con, pa.array(["c", "a", "b"]), hashing)
    con.execute("CREATE TABLE asked AS FROM (VALUES ('a'), ('gone'), ('c')) AS ids(id)")
    asked = con.table("asked").project(places.hashed("id")).fetchall()
    hashes = np.array([row[0] for row in asked], dtype=np.uint64)
    assert places.of(hashes).tolist() == [1, -1, 0]
