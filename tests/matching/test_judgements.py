"""People's judgements: what stands, what is refused, and that they bind the entities."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kg_assets.judging.log import add, take_back
from kg_assets.judging.values import ContradictionError, JudgementError
from kg_assets.matching import tables
from kg_assets.matching.clustering import cluster
from kg_assets.matching.judgement_log import PAIRS
from kg_assets.matching.judgement_values import judgement
from kg_assets.matching.judgements import stand
from resources.lake import Lake
from resources.production import promote
from resources.settings import Settings
from tests.matching.test_entities import FILMS, WEIGHTS, land, read, resolve

ROOT = Path(__file__).parents[2]
MEMBERS, QUEUE = tables.entity_members("film"), tables.review_queue("film")


@pytest.fixture
def lake(tmp_path):
    return Lake(Settings(home=tmp_path, threads=1))


def judge(lake, *said, **more):
    """Add judgements written as "a:1 same b:1"."""
    made = []
    for each in said:
        left, verdict, right = each.split()
        made.append(judgement("film", left, right, verdict, who="ann", **more))
    return add(lake, PAIRS, made)


def standing(lake):
    con = duckdb.connect(config={"threads": 1})
    rows = stand(con, lake.relation(con, tables.JUDGEMENTS)).to_arrow_table().to_pylist()
    return {f"{row['record_l']} {row['verdict']} {row['record_r']}" for row in rows}


def entities(lake):
    groups = {}
    for row in read(lake, MEMBERS):
        groups.setdefault(row["entity_id"], []).append(f"{row['source']}:{row['source_id']}")
    return sorted(" ".join(sorted(group)) for group in groups.values())


def test_a_yes_joins_a_pair_that_was_never_blocked(lake):
    land(lake, {"a:1": {}, "b:1": {"name": "Madeo"}}, {})
    judge(lake, "a:1 same b:1")
    figures, _ = resolve(lake)
    assert entities(lake) == ["a:1 b:1"]
    assert figures["judged_same"] == 1


def test_a_yes_beats_a_veto_and_a_low_score(lake):
    land(lake, {"a:1": {"year": 1996}, "b:1": {"year": 2017}}, {("a:1", "b:1"): -9})
    judge(lake, "a:1 same b:1")
    resolve(lake)
    assert entities(lake) == ["a:1 b:1"]


def test_a_yes_beats_a_duplicate_free_source(lake):
    land(lake, {"a:1": {"duplicate_free": True}, "a:2": {"duplicate_free": True}}, {})
    judge(lake, "a:1 same a:2")
    resolve(lake)
    assert entities(lake) == ["a:1 a:2"]


def test_a_no_beats_every_score(lake):
    land(lake, {"a:1": {}, "b:1": {}}, {("a:1", "b:1"): 40})
    judge(lake, "a:1 different b:1")
    resolve(lake)
    assert entities(lake) == ["a:1", "b:1"]


def test_a_no_to_a_pair_that_was_never_blocked_holds_through_a_third_record(lake):
    land(lake, {"a:1": {}, "b:1": {}, "c:1": {}}, {("a:1", "b:1"): 9, ("b:1", "c:1"): 5})
    judge(lake, "a:1 different c:1")
    resolve(lake)
    assert entities(lake) == ["a:1 b:1", "c:1"]


def test_a_no_to_one_of_two_that_are_the_same_holds_for_the_other(lake):
    land(lake, {"a:1": {}, "b:1": {}, "c:1": {}}, {("b:1", "c:1"): 30})
    judge(lake, "a:1 same b:1", "a:1 different c:1")
    resolve(lake)
    assert entities(lake) == ["a:1 b:1", "c:1"]


def test_a_veto_still_binds_records_that_nobody_joined(lake):
    years = {"a:1": {"year": 1996}, "b:1": {"year": 2017}, "c:1": {"year": 1996}}
    land(lake, years, {("b:1", "c:1"): 9})
    judge(lake, "a:1 same b:1")
    resolve(lake)
    assert entities(lake) == ["a:1 b:1", "c:1"]


def test_unsure_changes_no_entity_and_is_not_asked_for_again(lake):
    land(lake, {"a:1": {}, "b:1": {}}, {("a:1", "b:1"): 1})
    resolve(lake)
    assert len(read(lake, QUEUE)) == 1
    judge(lake, "a:1 unsure b:1")
    resolve(lake)
    assert entities(lake) == ["a:1 b:1"]
    assert read(lake, QUEUE) == []


def test_what_follows_from_judgements_is_not_asked_for(lake):
    land(lake, {"a:1": {}, "b:1": {}, "c:1": {}}, {("b:1", "c:1"): -1})
    resolve(lake)
    assert len(read(lake, QUEUE)) == 1
    judge(lake, "a:1 same b:1", "a:1 different c:1")
    resolve(lake)
    assert read(lake, QUEUE) == []


def test_judgements_outlive_a_new_scoring(lake):
    land(lake, FILMS, WEIGHTS)
    judge(lake, "a:2 different b:2")
    resolve(lake)
    land(lake, FILMS, {**WEIGHTS, ("a:2", "b:2"): 25})
    resolve(lake)
    assert not any("a:2" in one and "b:2" in one for one in entities(lake))


def test_a_judgement_of_a_record_that_is_gone_is_kept_ignored_and_counted(lake):
    land(lake, {"a:1": {}}, {})
    judge(lake, "a:1 same b:gone")
    figures, _ = resolve(lake)
    assert (figures["judged_of_records_that_are_gone"], figures["judged_same"]) == (1, 0)
    land(lake, {"a:1": {}, "b:gone": {}}, {})
    resolve(lake)
    assert entities(lake) == ["a:1 b:gone"]


def test_the_newest_judgement_of_a_pair_counts(lake):
    judge(lake, "a:1 same b:1")
    judge(lake, "b:1 different a:1")
    assert standing(lake) == {"a:1 different b:1"}


def test_what_is_taken_back_lets_the_one_before_it_count_again(lake):
    judge(lake, "a:1 same b:1")
    (later,) = judge(lake, "a:1 different b:1").added
    take_back(lake, PAIRS, later, who="bob")
    assert standing(lake) == {"a:1 same b:1"}
    with lake.step("look") as step:
        assert step.read(tables.JUDGEMENTS, tracked=False).count("*").fetchall() == [(3,)]


def test_a_contradiction_is_refused_with_the_chain_that_leads_to_it(lake):
    judge(lake, "a:1 same b:1", "b:1 same c:1", "x:1 same y:1")
    with pytest.raises(ContradictionError) as caught:
        judge(lake, "a:1 different c:1")
    message = str(caught.value)
    assert "a:1 is different from c:1" in message
    assert message.index("a:1 is the same as b:1") < message.index("b:1 is the same as c:1")
    assert "x:1" not in message
    assert standing(lake) == {"a:1 same b:1", "b:1 same c:1", "x:1 same y:1"}


def test_a_contradiction_that_was_reached_all_the_same_stops_the_build(lake):
    land(lake, {"a:1": {}, "b:1": {}, "c:1": {}}, {})
    said = [("a:1", "same", "b:1"), ("b:1", "same", "c:1"), ("a:1", "different", "c:1")]
    rows = [
        {"id": str(i), "entity_type": "film", "record_l": left, "record_r": right, "who": "ann",
         "verdict": verdict, "time": "2026-01-01T00:00:00.000000Z", "why": "", "undoes": None}
        for i, (left, verdict, right) in enumerate(said)
    ]  # fmt: skip
    with lake.step("judgements", partition="film") as step:
        step.write(tables.JUDGEMENTS, pa.Table.from_pylist(rows, schema=tables.JUDGEMENTS.schema))
    with pytest.raises(ContradictionError, match="a:1 is different from c:1"):
        resolve(lake)


def test_of_several_judgements_one_that_cannot_be_keeps_all_out(lake):
    film = judgement("film", "a:1", "b:1", "same", who="ann")
    book = judgement("book", "a:1", "b:1", "same", who="ann", undoes="nothing")
    with pytest.raises(JudgementError, match="nothing"):
        add(lake, PAIRS, [film, book])
    assert standing(lake) == set()


def test_a_namespace_keeps_what_production_knew_when_it_judges_itself(tmp_path):
    first = Lake(Settings(home=tmp_path, namespace="prod-next", threads=1))
    judge(first, "a:1 same b:1")
    add(first, PAIRS, [judgement("book", "a:9", "b:9", "same", who="ann")])
    promote(first.catalog, "prod-next")
    mine = Lake(Settings(home=tmp_path, namespace="mine", threads=1))
    judge(mine, "a:2 same b:2")
    assert standing(mine) == {"a:1 same b:1", "a:2 same b:2", "a:9 same b:9"}


# Judges films and books in one call, and ends like a process that is killed: by itself, at the
# n-th partition that the catalog makes current.
KILLED = """
import os, signal, sys
import sqlalchemy as sa
from kg_assets.judging.log import add
from kg_assets.matching.judgement_log import PAIRS
from kg_assets.matching.judgement_values import judgement
from resources.lake import Lake
from resources.settings import Settings

left = int(sys.argv[1])

def after(_connection, _cursor, statement, *_):
    global left
    if statement.startswith("INSERT INTO entries"):
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

lake = Lake(Settings())
sa.event.listen(sa.Engine, "after_cursor_execute", after)
add(lake, PAIRS, [judgement(kind, "a:2", "b:2", "same", who="ann") for kind in ("film", "book")])
"""


@pytest.mark.parametrize("reached", [1, 2, 3])
def test_a_kill_between_types_hides_nothing_and_adds_nothing(tmp_path, reached):
    first = Lake(Settings(home=tmp_path, namespace="prod-next", threads=1))
    for kind in ("book", "film", "play"):
        add(first, PAIRS, [judgement(kind, f"a:{kind}", f"b:{kind}", "same", who="ann")])
    promote(first.catalog, "prod-next")
    known = standing(first)
    mine = Lake(Settings(home=tmp_path, namespace="mine", threads=1))
    environment = os.environ | {"KG_HOME": str(tmp_path), "KG_NAMESPACE": "mine"}

    def judges(killed_at):
        command = [sys.executable, "-c", KILLED, str(killed_at)]
        return subprocess.run(command, env=environment, cwd=ROOT, timeout=120, check=False)

    assert judges(reached).returncode == -signal.SIGKILL
    assert standing(mine) == known
    assert judges(0).returncode == 0
    assert standing(mine) == known | {"a:2 same b:2"}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        pytest.param({"entity_type": "thing"}, "no entity type", id="a type without a model"),
        pytest.param({"verdict": "maybe"}, "none of same, different", id="verdict"),
        pytest.param({"record_l": "nowhere"}, "source:source_id", id="no record"),
        pytest.param({"record_l": "b:1"}, "against itself", id="itself"),
        pytest.param({"who": " "}, "nobody", id="nobody"),
        pytest.param({"time": "yesterday"}, "ISO 8601", id="time"),
        pytest.param({"time": "2026-01-01T00:00:00"}, "time zone", id="local time"),
        pytest.param({"time": "9000-01-01T00:00:00Z"}, "future", id="future"),
        pytest.param({"why": "x" * 5000}, "5,000 characters", id="a long reason"),
        pytest.param({"why": "\ud800"}, "Unicode", id="half a character"),
    ],
)
def test_a_judgement_that_cannot_be_is_refused_in_words(values, message):
    good = {"entity_type": "film", "record_l": "a:1", "record_r": "b:1", "verdict": "same"}
    with pytest.raises(JudgementError, match=message):
        judgement(**{**good, "who": "ann", **values})


RECORDS = [f"{source}:{number}" for source in "ab" for number in range(4)]
TWO_RECORDS = st.sampled_from([(a, b) for a in RECORDS for b in RECORDS if a < b])


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    weights=st.dictionaries(TWO_RECORDS, st.integers(-5, 9), max_size=12),
    vetoed=st.sets(TWO_RECORDS, max_size=4),
    judged=st.dictionaries(TWO_RECORDS, st.booleans(), max_size=6),
    free=st.booleans(),
    largest=st.sampled_from([2, 100]),
)
def test_judgements_bind_whatever_else_is_said(weights, vetoed, judged, free, largest):
    con = duckdb.connect(config={"threads": 1})
    same = [pair for pair, yes in judged.items() if yes]
    thing = {record: {record} for record in RECORDS}
    for left, right in same:
        for record in (one := thing[left] | thing[right]):
            thing[record] = one
    apart = [(a, b) for (a, b), yes in judged.items() if not yes and b not in thing[a]]
    ends = pa.schema([("record_l", pa.string()), ("record_r", pa.string())])
    con.register("same", table([*same], ends))
    con.register(
        "apart", table([(*pair, "x") for pair in apart], ends.append(pa.field("veto", pa.string())))
    )
    con.register(
        "scores",
        table(
            [
                (*pair, float(w), 1 / (1 + 2.0**-w), "veto" if pair in vetoed else None)
                for pair, w in weights.items()
            ],
            pa.schema(
                [
                    *ends,
                    ("match_weight", pa.float64()),
                    ("match_probability", pa.float64()),
                    ("veto", pa.string()),
                ]
            ),
        ),
    )
    con.register("records", pa.table({"record_id": RECORDS, "source": [r[0] for r in RECORDS]}))
    found = cluster(
        con,
        con.table("records"),
        con.table("scores"),
        threshold=0.5,
        duplicate_free={"a"} if free else (),
        same=con.table("same"),
        different=con.table("apart"),
        max_cluster=largest,
    )
    entity = dict(zip(*(column.to_pylist() for column in found.assignment.columns), strict=True))
    assert all(entity[left] == entity[right] for left, right in same)
    assert all(entity[left] != entity[right] for left, right in apart)
    # What nobody joined, a veto keeps apart.
    scored = {pair for pair in vetoed if pair in weights}
    assert all(entity[a] != entity[b] for a, b in scored if b not in thing[a])


def table(rows, schema):
    columns = list(zip(*rows, strict=True)) or [[] for _ in schema]
    return pa.table([pa.array(list(c), f.type) for c, f in zip(columns, schema, strict=True)],
                    schema=schema)  # fmt: skip
