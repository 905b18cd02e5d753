"""Random histories end as if everything were made again, rename nothing and outlive kills.

Each example is many small histories side by side in one lake: they share no source, title or year,
so none meets another, and a step costs hardly more for twelve of them than for one. At full length
(`make test-faults`) the examples are others each time, and fifty of each test.
"""

import hashlib
import os
import random
import signal
import sqlite3
import sys
import tempfile
from collections import defaultdict
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kg_assets.matching import tables
from kg_assets.matching.frozen import run_match_thresholds
from kg_assets.matching.model import TermFrequency
from kg_assets.matching.records import records
from tests.lengths import FULL
from tests.matching.update_worlds import COMPARED, LAYERS, SPEC, World, assert_equal
from tests.waiting import until

SIDE_BY_SIDE = 12
"""Histories of one example."""

FILMS = st.fixed_dictionaries(
    {
        "id": st.integers(0, 7),
        "name": st.sampled_from(["Red", "Blue", "Red Blue", "Blue Moon", "Moon"]),
        "year": st.sampled_from([None, 2000, 2001, 2005]),
        "end_year": st.sampled_from([None, 2010, 2011]),
    }
)
SOURCES = st.sampled_from(["a", "b", "c"])
DELIVERY = st.fixed_dictionaries(
    {
        "source": SOURCES,
        "mode": st.sampled_from(["partial", "partial", "partial", "delete", "full"]),
        "free": st.sampled_from([None, None, True, False]),
        "films": st.lists(FILMS, min_size=2, max_size=8, unique_by=lambda one: one["id"]),
    }
)
RECORD = st.tuples(SOURCES, st.integers(0, 7))
JUDGED = st.tuples(RECORD, RECORD, st.sampled_from(["same", "different", "unsure"])).filter(
    lambda one: one[0] != one[1]
)
HAPPENED = st.tuples(st.lists(DELIVERY, max_size=2), st.lists(JUDGED, max_size=2))
ROUND = st.fixed_dictionaries(
    {
        # Steps at the end that a failure keeps from this delivery, unless it is the last one.
        "missed": st.sampled_from([0, 0, 1, 2, 4]),
        "worlds": st.lists(HAPPENED, min_size=SIDE_BY_SIDE, max_size=SIDE_BY_SIDE),
    }
)
HISTORY = st.tuples(
    # What replaces all that a source said, or changes its word on duplicates, makes the records of
    # all sources again: apart from each other, what each of them alone does shows.
    st.permutations(["words", "changes", "all"]).map(lambda order: ["all", *order]),
    st.lists(ROUND, min_size=4, max_size=4),
)


def examples(number):
    return settings(
        max_examples=50 if FULL else number,
        deadline=None,
        derandomize=not FULL,
        suppress_health_check=list(HealthCheck),
    )


def of_world(number, delivery, brings="all"):
    """A delivery to one of the worlds that lie side by side, with names and years of its own."""
    mode = "partial" if delivery["mode"] == "full" and brings != "all" else delivery["mode"]
    films = [
        {
            "id": str(one["id"]),
            "name": " ".join(f"{word}{number}" for word in one["name"].split()),
            "year": one["year"] and one["year"] + 20 * number,
            "end_year": one["end_year"],
        }
        for one in delivery["films"]
    ]
    return {
        "source": f"{delivery['source']}{number}",
        "films": films,
        "mode": mode,
        "free": None if brings == "changes" else delivery["free"],
    }


def happen(world, brings, given_round):
    """Let the deliveries and judgements of a round come in."""
    worlds = list(enumerate(given_round["worlds"]))
    world.deliver_all(
        [of_world(number, one, brings) for number, (deliveries, _) in worlds for one in deliveries]
    )
    judged = [
        (*(f"{source}{number}:{film}" for source, film in sides), verdict)
        for number, (_, given_judgements) in worlds
        for *sides, verdict in given_judgements
    ]
    if judged:
        world.judge_all(judged)


@examples(3)
@given(HISTORY, st.sampled_from([64, 1, 0]), st.sampled_from([2, 1]))
def test_an_update_ends_in_what_making_everything_again_gives(history, layers, shards):
    """From the same identities, whatever came and whichever steps an earlier update missed."""
    with tempfile.TemporaryDirectory() as home:
        spec = replace(SPEC, shards=shards)
        updated = World(Path(home) / "updated", spec, **LAYERS | {"layers": layers})
        *before, last = zip(*history, strict=True)
        for each in before:
            happen(updated, *each)
            updated.update(but=each[1]["missed"])
        happen(updated, *last)
        again = updated.copy(Path(home) / "again", code="another")
        updated.update()
        again.update()
        assert_equal(updated.content(), again.content())


@examples(2)
@given(
    st.lists(st.lists(DELIVERY, max_size=2), min_size=SIDE_BY_SIDE, max_size=SIDE_BY_SIDE),
    st.randoms(use_true_random=False),
)
def test_the_order_of_records_and_shards_changes_nothing(worlds, random):
    deliveries = [
        of_world(number, one) for number, given_world in enumerate(worlds) for one in given_world
    ]
    with tempfile.TemporaryDirectory() as home:
        made = [World(Path(home) / name, **LAYERS) for name in ("one", "other")]
        made[0].deliver_all(deliveries)
        made[1].deliver_all(
            [one | {"films": random.sample(one["films"], len(one["films"]))} for one in deliveries]
        )
        made[1].shards = made[1].shards[::-1]
        for one in made:
            one.update()
        assert_equal(made[1].content(), made[0].content())


TRAINED = replace(
    SPEC,
    comparisons=tuple(replace(one, train="mu") for one in SPEC.comparisons),
    training_rules=("l.title = r.title", "l.year_of = r.year_of"),
    term_frequencies=(TermFrequency("title", "record_id"),),
    prior=0.01,
    block_cap=50,
)
"""The model of these tests, trained, with frequent titles that weigh less."""


class TrainedWorld(World):
    """A world of a trained model, whose thresholds are found and frozen."""

    def steps(self):
        *before, entities = super().steps()
        return [*before, (run_match_thresholds, None), entities]


def told_by_three(things=150):
    """Films as three sources tell them, two of which are free of duplicates."""
    dice = random.Random("films of three sources")
    words = ["Red", "Blue", "Moon", "Sun", "Star", "Sea", "Rain", "Snow"]
    told = {"a": [], "b": [], "c": []}
    for thing in range(things):
        name, year = " ".join(dice.sample(words, 2)), dice.randint(1960, 2020)
        for place, (source, share) in enumerate((("a", 0.9), ("b", 0.9), ("c", 0.6), ("c", 0.3))):
            if dice.random() < share:
                said = name if dice.random() < 0.9 else f"{name} {dice.choice(words)}"
                one = {"name": said, "year": year + (dice.random() < 0.1)}
                told[source].append({"id": f"{thing}-{place}"} | one)
    return told


@examples(2)
@given(st.randoms(use_true_random=False), st.permutations("abc"))
def test_order_changes_nothing_in_what_is_trained_and_frozen(chance, order):
    """Whatever the order of records, sources and shards, and with however many threads."""
    told = told_by_three()
    # Which delivery a record came with is another where sources come in another order.
    compared = [
        *(table for table in COMPARED if table.name != records(SPEC).name),
        *(
            make("film")
            for make in (
                tables.match_model,
                tables.term_frequencies,
                tables.match_thresholds,
                tables.score_profile,
            )
        ),
    ]
    with tempfile.TemporaryDirectory() as home:
        made = [
            TrainedWorld(Path(home) / str(threads), TRAINED, threads=threads, **LAYERS)
            for threads in (1, 2)
        ]
        for source, films in told.items():
            made[0].deliver(source, films, free=source != "c")
        for source in order:
            films = chance.sample(told[source], len(told[source]))
            made[1].deliver(source, films, free=source != "c")
        made[1].shards = made[1].shards[::-1]
        for world in made:
            world.update()
        found, expected = (world.content(compared) for world in made[::-1])
    assert_equal(found, expected)
    assert expected["film/match_model"][0]["trained"]
    assert {"calibrated", "one_to_one"} & {
        row["method"] for row in expected["film/match_thresholds"]
    }


ADDED = st.fixed_dictionaries(
    {
        "source": SOURCES,
        "mode": st.just("partial"),
        "free": st.none(),
        "films": st.lists(
            FILMS.map(lambda one: one | {"id": one["id"] + 8}),
            min_size=1,
            max_size=4,
            unique_by=lambda one: one["id"],
        ),
    }
)


def entities(world):
    found = defaultdict(set)
    for record, entity in world.members().items():
        found[entity].add(record)
    return dict(found)


@examples(3)
@given(
    st.lists(
        st.tuples(st.lists(DELIVERY, min_size=1, max_size=2), st.lists(ADDED, max_size=2)),
        min_size=SIDE_BY_SIDE,
        max_size=SIDE_BY_SIDE,
    )
)
def test_adding_records_never_renames_an_untouched_entity(worlds):
    with tempfile.TemporaryDirectory() as home:
        world = World(home, replace(SPEC, shards=1), **LAYERS)
        for part in (0, 1):
            world.deliver_all(
                [of_world(number, one) for number, parts in enumerate(worlds)
                 for one in parts[part]]
            )  # fmt: skip
            world.update()
            if not part:
                before = entities(world)
        after = entities(world)
    entity_of = {record: entity for entity, held in after.items() for record in held}
    born_from = defaultdict(set)
    for entity, held in before.items():
        for record in held:
            born_from[entity_of[record]].add(entity)
    for entity, held in before.items():
        came_to = {entity_of[record] for record in held}
        # Only new records joined it, if any.
        if len(came_to) == 1 and born_from[min(came_to)] == {entity}:
            assert came_to == {entity}


FIRST = {
    "a": [("1", "Red", 2000), ("2", "Blue", 2005), ("3", "Moon", 2010), ("4", "Sun", 2030)],
    "b": [("1", "Red", 2000), ("2", "Blue", 2005), ("3", "Moon", None), ("4", "Sun", 2033)],
}


def films(rows):
    return [{"id": one, "name": name, "year": year} for one, name, year in rows]


def killed_before_a_new_place(world, step, places):
    """Run a step in a process that is killed before it writes a table for the first time.

    Args:
        world: The world.
        step: The step and its partition.
        places: Folders of tables before whose files the step was killed already.

    Returns:
        The folder before whose file it was killed this time, None where it came to its end.
    """
    heard, told = os.pipe()
    child = os.fork()
    if not child:
        # Nothing of the test runner may run in the child, also where the step fails.
        try:

            def kill(event, arguments):
                if event == "open" and arguments[1] == "x":
                    place = str(Path(arguments[0]).parent)
                    if place not in places:
                        os.write(told, place.encode())
                        os.kill(os.getpid(), signal.SIGKILL)

            sys.addaudithook(kill)
            World(world.lake.settings.home, world.spec, **LAYERS).run(*step)
            os._exit(0)
        finally:
            os._exit(1)
    os.close(told)
    _, status = os.waitpid(child, 0)
    with os.fdopen(heard) as pipe:
        place = pipe.read() or None
    expected = 0 if place is None else -signal.SIGKILL
    assert os.waitstatus_to_exitcode(status) == expected
    return place


def test_an_update_that_is_killed_between_any_two_writes_loses_no_event(tmp_path):
    world = World(tmp_path / "world", **LAYERS)
    for source, rows in FIRST.items():
        world.deliver(source, films(rows))
    world.update()
    world.deliver("a", films([("2", "Blue", 2010)]))
    world.deliver("b", films([("3", "Moon", 2010), ("5", "Star", 2020)]))
    world.deliver("c", films([("4", "Sun", 2031)]))
    world.deliver("a", films([("4", "Sun", 2030)]), mode="delete")
    undisturbed = world.copy(tmp_path / "undisturbed")
    undisturbed.update()
    places = set()
    for step in world.steps():
        while (place := killed_before_a_new_place(world, step, places)) is not None:
            places.add(place)
    folders = {str(Path(place).relative_to(world.lake.root)) for place in places}
    assert {"film/records/all", "film/identity_events/all", "film/entity_members/all"} <= folders
    assert_equal(world.content(), undisturbed.content())


def files(world):
    return {path for path in world.lake.root.rglob("*.parquet") if path.is_file()}


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def killed_before_the_commit(world, step, expected):
    """Run a step in a process that is killed when all of its files are there, and none counts.

    Others may read the catalog meanwhile; who would write in it waits, and so does the commit.

    Args:
        world: The world.
        step: The step and its partition.
        expected: Digests of the files that it writes.
    """
    (heard, ready), (waiting, go) = os.pipe(), os.pipe()
    child = os.fork()
    if not child:
        # Nothing of the test runner may run in the child, also where the step fails.
        try:
            # To open a lake writes in the catalog as well.
            opened = World(world.lake.settings.home, world.spec, **LAYERS)
            os.write(ready, b"1")
            os.read(waiting, 1)
            opened.run(*step)
        finally:
            os._exit(1)
    before = files(world)
    os.read(heard, 1)
    with closing(sqlite3.connect(world.lake.settings.home / "catalog.sqlite")) as catalog:
        catalog.execute("BEGIN IMMEDIATE")
        os.write(go, b"1")
        until(lambda: {digest(path) for path in files(world) - before} >= expected)
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    for end in (heard, ready, waiting, go):
        os.close(end)
    assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL


def test_an_update_that_is_killed_between_the_last_file_and_the_commit_loses_no_event(tmp_path):
    world = World(tmp_path / "world", **LAYERS)
    for source, rows in FIRST.items():
        world.deliver(source, films(rows))
    world.update()
    world.deliver("a", films([("2", "Blue", 2010)]))
    world.deliver("b", films([("3", "Moon", 2010), ("5", "Star", 2020)]))
    undisturbed = world.copy(tmp_path / "undisturbed")
    killed = 0
    for step in world.steps():
        before = files(undisturbed)
        undisturbed.run(*step)
        written = {digest(path) for path in files(undisturbed) - before}
        if written:
            counted = world.versions()
            killed_before_the_commit(world, step, written)
            assert world.versions() == counted
            killed += 1
        world.run(*step)
    assert killed >= 4
    assert_equal(world.content(), undisturbed.content())
