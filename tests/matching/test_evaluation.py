"""Evaluation: what counts as right, wrong and missed, and how links are read."""

from itertools import combinations

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kg_assets.matching.evaluation import evaluate
from kg_assets.matching.links import LINKS_SCHEMA, LinksError, read_links
from kg_assets.matching.tables import entity_members


def score(links, clusters, **options):
    con = duckdb.connect(config={"threads": 1})
    rows = [
        {
            "entity_id": f"e{number}",
            "entity_type": "film",
            "source": record.split(":")[0],
            "source_id": record.split(":")[1],
        }
        for number, cluster in enumerate(clusters)
        for record in cluster.split()
    ]
    con.register("members", pa.Table.from_pylist(rows, schema=entity_members("film").schema))
    pairs = [link.split() for link in links]
    table = pa.table([[p[0] for p in pairs], [p[1] for p in pairs]], schema=LINKS_SCHEMA)
    return evaluate(con, table, con.table("members"), **options)


def counts(scores):
    return scores.true_positives, scores.false_positives, scores.false_negatives


LINKS = ["a:1 b:1", "a:2 b:2"]


@pytest.mark.parametrize(
    ("clusters", "expected"),
    [
        pytest.param(["a:1 b:1", "a:2 b:2"], (2, 0, 0), id="all found"),
        pytest.param(["a:1 b:1", "a:2", "b:2"], (1, 0, 1), id="one missed"),
        pytest.param(["a:1 b:2", "a:2", "b:1"], (0, 1, 2), id="a wrong partner"),
        pytest.param(["a:1 b:1 a:2 b:2"], (2, 2, 0), id="two things in one"),
        pytest.param(["a:1 b:1 b:3", "a:2 b:2"], (2, 1, 0), id="an unlabelled record joined"),
        pytest.param(["a:1 b:1 a:3", "a:2 b:2"], (2, 1, 0), id="on the other side too"),
        pytest.param(["a:1 b:1", "a:2 b:2", "a:3 b:3"], (2, 0, 0), id="unlabelled pairs"),
        pytest.param(["a:1 b:1 c:1", "a:2 b:2 c:2"], (2, 0, 0), id="another source"),
    ],
)
def test_pairs_that_touch_a_label_are_judged(clusters, expected):
    assert counts(score(LINKS, clusters)) == expected


def test_closed_labels_judge_unlabelled_pairs_too():
    clusters = ["a:1 b:1", "a:2 b:2", "a:3 b:3"]
    assert counts(score(LINKS, clusters, closed=True)) == (2, 1, 0)


def test_duplicates_inside_a_source_are_not_judged():
    # a:1 and a:9 may be the same; nobody said so, nobody denied it. That b:1 is a:9 is judged.
    assert counts(score(["a:1 b:1", "a:9 b:1"], ["a:1 a:9 b:1"])) == (2, 0, 0)


def test_shares():
    scores = score(LINKS, ["a:1 b:1 b:3", "a:2", "b:2"])
    assert (scores.precision, scores.recall, scores.f1) == (0.5, 0.5, 0.5)


def test_b_cubed_weighs_records_and_not_pairs():
    # Of the four labelled records a:1 sees b:1 and b:3, of which it itself and b:1 are right.
    scores = score(LINKS, ["a:1 b:1 b:3", "a:2", "b:2"])
    assert scores.b_cubed_precision == pytest.approx((2 / 3 + 1 + 1 + 1) / 4)
    assert scores.b_cubed_recall == pytest.approx((1 + 1 + 1 / 2 + 1 / 2) / 4)


def test_labels_of_one_source_judge_the_pairs_inside_it():
    scores = score(["a:1 a:2"], ["a:1 a:2 a:3", "a:4 a:5"])
    assert counts(scores) == (1, 2, 0)
    assert counts(score(["a:1 a:2"], ["a:1 a:2 a:3", "a:4 a:5"], closed=True)) == (1, 3, 0)


def test_a_link_counts_once_in_either_direction():
    assert counts(score(["a:1 b:1", "b:1 a:1"], ["a:1 b:1"])) == (1, 0, 0)


def test_unknown_records_are_missed_and_named():
    scores = score(["a:1 b:1", "a:7 b:8"], ["a:1 b:1"])
    assert counts(scores) == (1, 0, 1)
    assert scores.unknown_examples == ("a:7", "b:8")
    assert (scores.unknown_records, scores.links_with_unknown) == (2, 1)


def test_unknown_records_can_be_left_out_and_are_still_named():
    scores = score(["a:1 b:1", "a:7 b:8"], ["a:1 b:1"], skip_unknown=True)
    assert counts(scores) == (1, 0, 0)
    assert scores.unknown_records == 2


def test_no_links_and_no_entities_are_no_error():
    scores = score([], [])
    assert counts(scores) == (0, 0, 0)
    assert scores.f1 == 1.0


RECORDS = [f"{source}:{i}" for source in "abc" for i in range(3)]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 3), min_size=9, max_size=9),
    st.sets(st.sampled_from(list(combinations(RECORDS, 2))), min_size=1, max_size=6),
    st.booleans(),
)
def test_the_counts_are_those_of_looking_at_every_pair(labels, links, closed):
    clusters = {}
    for record, label in zip(RECORDS, labels, strict=True):
        clusters.setdefault(label, []).append(record)
    entity = dict(zip(RECORDS, labels, strict=True))
    left, right = ({link[side][0] for link in links} for side in (0, 1))
    labelled = {record for link in links for record in link}
    predicted = {
        (x, y)
        for x, y in combinations(RECORDS, 2)
        if entity[x] == entity[y]
        and ((x[0] in left and y[0] in right) or (x[0] in right and y[0] in left))
        and (closed or x in labelled or y in labelled)
    }
    found = score(
        [" ".join(link) for link in links], [" ".join(c) for c in clusters.values()], closed=closed
    )
    assert counts(found) == (len(predicted & links), len(predicted - links), len(links - predicted))


def write(tmp_path, content):
    path = tmp_path / "links.tsv"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    "content",
    [
        b"a:1\tb:1\na:2\tb:x:y\n",
        b"left\tright\na:1\tb:1\na:2\tb:x:y",
        b"\xef\xbb\xbfa:1\tb:1\r\n\r\na:2\tb:x:y\r\na:1\tb:1\r\n",
    ],
    ids=["plain", "header", "mark, blank line, carriage returns, twice"],
)
def test_links_are_read(tmp_path, content):
    table = read_links(write(tmp_path, content))
    assert table.to_pylist() == [{"left": "a:1", "right": "b:1"}, {"left": "a:2", "right": "b:x:y"}]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"a:1", "1 columns instead of 2"),
        (b"a:1\tb:1\ttrue", "3 columns instead of 2"),
        (b"a:1\tb1", "'b1' is not source:id"),
        (b"a:1\t:1", "':1' is not source:id"),
        (b"a:1\tb:", "'b:' is not source:id"),
        (b"a:1\ta:1", "linked with itself"),
        (b"a:1\tb:\xff", "not UTF-8"),
        (b"left\tright", "'left' is not source:id"),
    ],
)
def test_a_bad_line_is_named_by_its_number(tmp_path, line, reason):
    path = write(tmp_path, b"a:1\tb:1\n" + line + b"\n")
    with pytest.raises(LinksError, match=f"line 2: .*{reason}"):
        read_links(path)


def test_of_many_bad_lines_the_first_are_named_and_all_counted(tmp_path):
    with pytest.raises(LinksError, match=r"(?s)12 lines.*line 1: .*and 7 more"):
        read_links(write(tmp_path, b"x:1\n" * 12))
