"""Identity: ids last, what happens to them is an event, and every old id leads somewhere."""

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kg_assets.matching.identity import assign_ids, redirects
from kg_assets.matching.tables import entity_members, identity_events

MEMBERS, EVENTS = entity_members("film").schema, identity_events("film").schema


class History:
    """Versions of entities, one after the other, as a step would keep them."""

    def __init__(self, digits=16):
        self.con = duckdb.connect(config={"threads": 1, "preserve_insertion_order": False})
        self.digits = digits
        self.members, self.events = MEMBERS.empty_table(), EVENTS.empty_table()

    def build(self, *clusters):
        """Each cluster names its records, such as "a:1 b:1"; returns what happened."""
        rows = [
            (*record.split(":"), label)
            for label, cluster in enumerate(clusters)
            for record in cluster.split()
        ]
        self.con.register(
            "clusters",
            pa.table(
                {
                    "source": pa.array([row[0] for row in rows], pa.string()),
                    "source_id": pa.array([row[1] for row in rows], pa.string()),
                    "cluster": pa.array([row[2] for row in rows], pa.int64()),
                }
            ),
        )
        self.con.register("members", self.members)
        self.con.register("events", self.events)
        found = assign_ids(
            self.con,
            "film",
            self.con.table("clusters"),
            self.con.table("members"),
            self.con.table("events"),
            digits=self.digits,
        )
        self.members = found.members.cast(MEMBERS)
        self.events = pa.concat_tables([self.events, found.events.cast(EVENTS)])
        return {
            (row["event"], row["entity_id"], row["other_id"], row["members"])
            for row in found.events.to_pylist()
        }

    def id_of(self, record):
        return self.ids()[record]

    def ids(self):
        return {
            f"{row['source']}:{row['source_id']}": row["entity_id"]
            for row in self.members.to_pylist()
        }

    def leads(self):
        self.con.register("members", self.members)
        self.con.register("events", self.events)
        return dict(
            redirects(self.con, self.con.table("members"), self.con.table("events")).fetchall()
        )


def test_a_new_id_is_a_hash_of_the_smallest_record():
    history = History()
    history.build("b:1 a:2 a:10")
    # SHA-256 of "1:a:10", the length of the source before source and source id.
    assert set(history.ids().values()) == {"film:6f011266081717fa"}
    other = History()
    other.build("a:10", "b:1 a:2")
    assert other.id_of("a:10") == history.id_of("b:1")
    assert other.id_of("a:2") != other.id_of("a:10")


def test_the_same_clusters_again_change_nothing():
    history = History()
    first = history.build("a:1 b:1", "a:2")
    members, events = history.members, history.events
    assert {event for event, *_ in first} == {"born"}
    assert history.build("a:2", "b:1 a:1") == set()
    assert history.members.equals(members)
    assert history.events.equals(events)


def test_a_smaller_record_that_joins_later_does_not_rename():
    history = History()
    history.build("b:1 c:1")
    before = history.id_of("b:1")
    assert history.build("a:1 b:1 c:1") == set()
    assert history.id_of("a:1") == before


def test_a_merge_keeps_the_id_of_the_larger_and_redirects_the_other():
    history = History()
    history.build("a:1", "b:1 b:2")
    small, large = history.id_of("a:1"), history.id_of("b:1")
    assert history.build("a:1 b:1 b:2") == {("merged", small, large, 1)}
    assert history.leads() == {small: large, large: large}


def test_a_merge_of_equals_keeps_the_smaller_id():
    history = History()
    history.build("a:1", "b:1")
    low, high = sorted(history.ids().values())
    assert history.build("a:1 b:1") == {("merged", high, low, 1)}


def test_a_split_keeps_the_id_where_most_records_stay():
    history = History()
    history.build("a:1 b:1 b:2")
    old = history.id_of("a:1")
    happened = history.build("a:1", "b:1 b:2")
    new = history.id_of("a:1")
    assert history.id_of("b:1") == old
    assert happened == {("born", new, "", 1), ("split", old, new, 1)}


def test_the_founding_record_that_leaves_its_entity_gets_another_id():
    history = History()
    history.build("a:1 b:1 b:2")
    old = history.id_of("a:1")
    history.build("a:1", "b:1 b:2")
    assert history.id_of("a:1") not in {old, None}


def test_an_entity_that_loses_most_of_its_records_keeps_its_id_with_the_rest():
    history = History()
    history.build("a:1 a:2 a:3 a:4", "b:1 b:2 b:3")
    a, b = history.id_of("a:1"), history.id_of("b:1")
    assert history.build("a:1 a:2 a:3 a:4 b:1 b:2", "b:3") == {("split", b, a, 2)}
    assert history.id_of("b:3") == b


def test_an_entity_whose_records_all_go_apart_is_merged_into_the_one_that_took_most():
    history = History()
    history.build("a:1 a:2 a:3", "b:1 b:2 b:3", "c:1 c:2 c:3 c:4 c:5")
    a, b, c = (history.id_of(record) for record in ("a:1", "b:1", "c:1"))
    history.build("a:1 a:2 a:3 c:1 c:2", "b:1 b:2 b:3 c:3", "c:4 c:5")
    happened = history.build("a:1 a:2 a:3 c:1 c:2 c:4", "b:1 b:2 b:3 c:3 c:5")
    assert {row[0] for row in happened if row[1] == c} == {"merged", "split"}
    assert {row[2] for row in happened if row[1] == c} == {a, b}
    assert history.leads()[c] in {a, b}


def test_an_entity_without_records_is_retired_and_leads_nowhere():
    history = History()
    history.build("a:1 a:2", "b:1")
    old = history.id_of("a:1")
    assert history.build("b:1") == {("retired", old, "", 2)}
    assert history.leads()[old] is None


def test_a_retired_id_comes_back_with_its_founding_record():
    history = History()
    history.build("a:1", "b:1")
    old = history.id_of("a:1")
    history.build("b:1")
    assert history.build("a:1", "b:1") == {("born", old, "", 1)}
    assert history.leads()[old] == old


def test_a_wrong_merge_that_is_undone_gives_both_their_ids_back():
    history = History()
    history.build("a:1 a:2", "b:1")
    before = history.ids()
    history.build("a:1 a:2 b:1")
    history.build("a:1 a:2", "b:1")
    assert history.ids() == before


def test_an_ended_id_that_was_once_split_is_never_used_again():
    history = History()
    history.build("a:1 b:1 b:2", "c:1 c:2 c:3")
    old = history.id_of("b:1")
    # The founder goes to c; what is meant by the id is b alone, and merges into c.
    history.build("b:1 b:2", "a:1 c:1 c:2 c:3")
    history.build("a:1 b:1 b:2 c:1 c:2 c:3")
    history.build("a:1", "b:1 b:2 c:1 c:2 c:3")
    assert history.id_of("a:1") != old
    assert history.leads()[old] == history.id_of("c:1")


def test_redirects_are_followed_through_several_merges():
    history = History()
    history.build("a:1", "b:1 b:2", "c:1 c:2 c:3 c:4")
    a, c = history.id_of("a:1"), history.id_of("c:1")
    history.build("a:1 b:1 b:2", "c:1 c:2 c:3 c:4")
    history.build("a:1 b:1 b:2 c:1 c:2 c:3 c:4")
    assert history.leads()[a] == c


def test_generations_count_only_versions_in_which_something_happened():
    history = History()
    history.build("a:1")
    history.build("a:1 a:2")
    history.build("a:1", "a:2")
    generations = dict(
        zip(*(history.events[name].to_pylist() for name in ("event", "generation")), strict=True)
    )
    assert generations == {"born": 2, "split": 2}
    assert history.events["generation"].to_pylist() == [1, 2, 2]


def test_ids_that_would_collide_are_told_apart():
    history = History(digits=1)
    history.build(*(f"a:{i}" for i in range(16)))
    assert len(set(history.ids().values())) == 16


@pytest.mark.parametrize("what", ["clusters", "members of the version before"])
def test_a_record_in_two_places_is_refused(what):
    history = History()
    history.build("a:1")
    if what != "clusters":
        history.members = pa.concat_tables([history.members, history.members])
    with pytest.raises(ValueError, match=f"among the {what}: a:1"):
        history.build("a:1", *(["a:1"] if what == "clusters" else []))


RECORDS = [f"{source}:{i}" for source in "ab" for i in range(4)]


@st.composite
def versions(draw):
    """A partition of some of the records."""
    labels = draw(
        st.dictionaries(st.sampled_from(RECORDS), st.integers(0, 4), max_size=len(RECORDS))
    )
    parts = {}
    for record, label in labels.items():
        parts.setdefault(label, []).append(record)
    return [" ".join(part) for part in parts.values()]


@settings(max_examples=25, deadline=None)
@given(st.lists(versions(), min_size=2, max_size=5), st.randoms(use_true_random=False))
def test_whatever_happens_every_id_lives_leads_on_or_is_retired(history_of_clusters, random):
    history, shuffled = History(), History()
    ever = set()
    for clusters in history_of_clusters:
        before = history.ids()
        happened = history.build(*clusters)
        ids = history.ids()
        # Members partition the records as the clusters do.
        assert sorted(ids) == sorted(record for cluster in clusters for record in cluster.split())
        assert len(set(ids.values())) == len(clusters)
        assert all(len({ids[record] for record in c.split()}) == 1 for c in clusters)
        # What ends or begins does so with an event, and nothing else does.
        ended = {row[1] for row in happened if row[0] in ("merged", "retired")}
        assert ended == set(before.values()) - set(ids.values())
        born = {row[1] for row in happened if row[0] == "born"}
        assert born == set(ids.values()) - set(before.values())
        # Every id that was ever given leads to a living one or is retired.
        ever |= set(ids.values())
        leads = history.leads()
        assert set(leads) == ever
        for old, now in leads.items():
            assert now == old if old in ids.values() else now is None or now in ids.values()
        # The same again is nothing; another order is the same.
        members = history.members
        assert history.build(*clusters) == set()
        assert history.members.equals(members)
        order = [" ".join(random.sample(c.split(), len(c.split()))) for c in clusters]
        random.shuffle(order)
        assert shuffled.build(*order) == happened
        assert shuffled.members.equals(members)


@settings(max_examples=25, deadline=None)
@given(versions(), st.lists(st.sampled_from(["new", *range(5)]), max_size=5))
def test_records_that_are_added_rename_nothing(clusters, additions):
    history = History()
    history.build(*clusters)
    before = history.ids()
    grown = list(clusters)
    for number, place in enumerate(additions):
        record = f"0:{number}"
        if place == "new" or place >= len(clusters):
            grown.append(record)
        else:
            grown[place] += f" {record}"
    happened = history.build(*grown)
    assert {record: history.ids()[record] for record in before} == before
    assert {row[0] for row in happened} <= {"born"}


@settings(max_examples=20, deadline=None)
@given(st.lists(versions(), min_size=2, max_size=5))
def test_what_touches_one_entity_leaves_the_others_alone(history_of_clusters):
    history = History()
    history.build("z:1 z:2", *history_of_clusters[0])
    mine = history.id_of("z:1")
    for clusters in history_of_clusters[1:]:
        happened = history.build(*clusters, "z:2 z:1")
        assert history.id_of("z:2") == mine
        assert all(mine not in row for row in happened)
