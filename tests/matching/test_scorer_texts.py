"""Comparisons of texts and lists by the compiled scorer give what DuckDB gives, to the last bit."""

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kg_assets.matching.scorers import texts

ALPHABET = st.sampled_from("aabbcdeéñ中")
PAIRS = st.lists(
    st.one_of(
        st.tuples(st.text(ALPHABET, max_size=12), st.text(ALPHABET, max_size=12)),
        # Longer than a word of 64 bits.
        st.tuples(st.text(ALPHABET, min_size=50, max_size=90), st.text(ALPHABET, max_size=90)),
        st.text(ALPHABET, max_size=80).map(lambda text: (text, text[1:] + "b")),
    ),
    min_size=1,
    max_size=40,
)


def ends(left, right):
    pool = np.frombuffer((left + right).encode() + b"-", dtype=np.uint8)
    size = len(left.encode())
    return pool, 0, size, size, size + len(right.encode())


def similarity(left, right, least=0.0):
    where = ends(left, right)
    bounds = np.array([where[1], where[3], where[4]])
    one, other = texts.letters(bounds[:-1], bounds[1:], where[0])
    room = np.zeros(where[4] + 1, dtype=np.bool_)
    return texts.jaro_winkler(*where, one, other, least, np.zeros(256, dtype=np.uint64), room)


def by_duckdb(expression, pairs):
    con = duckdb.connect()
    con.register(
        "given",
        pa.table({"n": range(len(pairs)), "a": [a for a, _ in pairs], "b": [b for _, b in pairs]}),
    )
    return [row[0] for row in con.table("given").order("n").project(expression).fetchall()]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(PAIRS)
def test_jaro_winkler_similarity_is_that_of_duckdb(pairs):
    wanted = by_duckdb("jaro_winkler_similarity(a, b)", pairs)
    assert [similarity(*pair) for pair in pairs] == wanted


@settings(max_examples=60, deadline=None, derandomize=True)
@given(PAIRS, st.sampled_from([0.8, 0.82, 0.88, 0.92]))
def test_a_similarity_is_only_left_out_where_it_is_too_small_to_matter(pairs, least):
    for pair, wanted in zip(pairs, by_duckdb("jaro_winkler_similarity(a, b)", pairs), strict=True):
        found = similarity(*pair, least)
        assert found == wanted or (found == 0 and wanted < least)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(PAIRS)
def test_edit_distance_and_containment_are_those_of_duckdb(pairs):
    for function, expression in (
        (texts.levenshtein, "levenshtein(a, b)"),
        (texts.contains, "contains(a, b)"),
        (texts.starts_with, "starts_with(a, b)"),
    ):
        assert [function(*ends(*pair)) for pair in pairs] == by_duckdb(expression, pairs)


LISTS = st.lists(st.lists(st.integers(0, 9), max_size=8), min_size=2, max_size=6)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(LISTS, st.integers(1, 5))
def test_lists_share_what_their_sets_share(lists, enough):
    values = np.array([one for each in lists for one in each], dtype=np.uint64)
    # A nine stands for NULL.
    sizes, kept, bits = texts.sorted_sets(
        np.array([len(one) for one in lists]), values, values != np.uint64(9)
    )
    sets = [set(one) - {9} for one in lists]
    assert sizes.tolist() == [len(one) for one in sets]
    first = np.concatenate(([0], np.cumsum(sizes)))
    for place, one in enumerate(sets[:-1]):
        spans = first[place], first[place + 1], first[place + 1], first[place + 2]
        shared = len(one & sets[place + 1])
        assert texts.common(kept, *spans, enough) == min(shared, enough)
        # What has no bit in common shares nothing.
        assert shared == 0 or bits[place] & bits[place + 1] != 0


@pytest.mark.parametrize("texts_given", [["a", "", "é"], []])
def test_hashes_tell_texts_apart_and_are_never_zero(texts_given):
    joined = "".join(texts_given).encode() + b"-"
    bounds = np.cumsum([0, *(len(text.encode()) for text in texts_given)])
    found = texts.hash_texts(bounds, np.frombuffer(joined, dtype=np.uint8)).tolist()
    assert len(set(found)) == len(texts_given)
    assert 0 not in found
