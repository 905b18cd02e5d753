"""Comparisons of texts and lists by the compiled scorer give what DuckDB gives, to the last bit."""

import duckdb
import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from kg_assets.matching.hashes import found, ordered
from kg_assets.matching.scorers import texts, words
from kg_assets.matching.scorers.instructions import NO_SPAN, SIZE_BITS

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
    rows = np.empty((2, 2), dtype=np.uint64)
    words.put_texts(*words.texts_of(pa.array([left, right])), 0, rows, 0)
    one, other = rows[:, 0]
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


LISTS = st.lists(
    st.none() | st.lists(st.none() | st.integers(0, 9), max_size=8), min_size=2, max_size=6
)


def sets_of(column):
    """Bits, and begin and end of the elements, of each list; the elements."""
    lists, elements = words.lists_of(column)
    sizes = np.diff(lists.bounds).astype(np.int64)
    rows, room = np.empty((len(column), 2), dtype=np.uint64), np.zeros(sizes.sum(), dtype=np.uint64)
    target = np.cumsum(sizes) - sizes, room, 0, rows, 0
    if pa.types.is_integer(elements.type):
        given = *words.known_of(elements), words.numbers_of(elements)
        words.put_sets(lists.known, lists.first, lists.bounds, *given, *target)
    else:
        given = words.texts_of(elements)
        words.put_sets_of_texts(lists.known, lists.first, lists.bounds, *given, *target)
    return [
        (
            bits,
            None
            if span == int(NO_SPAN)
            else (span >> SIZE_BITS, (span >> SIZE_BITS) + (span % 2**SIZE_BITS)),
        )
        for bits, span in rows.tolist()
    ], room


@settings(max_examples=100, deadline=None, derandomize=True)
@given(LISTS, st.integers(1, 5), st.integers(0, 2), st.booleans())
def test_lists_share_what_their_sets_share(lists, enough, left_out, as_texts):
    if as_texts:
        lists = [one and [None if each is None else "x" * each for each in one] for one in lists]
    kind = pa.string() if as_texts else pa.int64()
    # A part of an array shares the array's buffers.
    column = pa.array([[None], None, *lists], pa.list_(kind)).slice(left_out)
    rows = column.to_pylist()
    made, elements = sets_of(column)
    sets = [None if one is None else set(one) - {None} for one in rows]
    assert [span is None for _, span in made] == [one is None for one in sets]
    for (bits, span), (next_bits, next_span), one, other in zip(
        made, made[1:], sets, sets[1:], strict=False
    ):
        if span is None or next_span is None:
            continue
        shared = len(one & other)
        assert span[1] - span[0] == len(one)
        assert texts.common(elements, *span, *next_span, enough) == min(shared, enough)
        # What has no bit in common shares nothing.
        assert shared == 0 or bits & next_bits != 0


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.none() | st.text(ALPHABET, max_size=40), max_size=20), st.integers(0, 3))
def test_hashes_tell_texts_apart_and_are_never_zero(several, left_out):
    column = pa.array(several, pa.string()).slice(left_out)
    rows = np.empty((len(column), 1), dtype=np.uint64)
    words.put_hashes(*words.texts_of(column), rows, 0)
    by_text = dict(zip(column.to_pylist(), rows[:, 0].tolist(), strict=True))
    assert [by_text[text] for text in column.to_pylist()] == rows[:, 0].tolist()
    assert by_text.pop(None, 0) == 0
    assert len(set(by_text.values()) - {0}) == len(by_text)


HASHES = st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 3) | st.just(2**64 - 1), max_size=30)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(HASHES, HASHES)
def test_hashes_are_sorted_and_madeagain(known, others):
    places, in_order, begins = ordered(np.array(known, dtype=np.uint64))
    assert in_order.tolist() == sorted(known)
    assert places.tolist() == sorted(range(len(known)), key=lambda place: known[place])
    asked = known + others
    ones, at = found(np.array(asked, dtype=np.uint64), in_order, begins)
    assert sorted(zip(ones.tolist(), places[at].tolist(), strict=True)) == [
        (one, place)
        for one, value in enumerate(asked)
        for place, other in enumerate(known)
        if value == other
    ]
