"""Production: promoted and taken back whole, never written otherwise, kept as long as needed."""

import itertools
import os
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pytest
import sqlalchemy as sa

from resources import namespaces, production
from resources.catalog import Catalog
from resources.entries import Input
from resources.errors import LakeError, NothingNewError, ProductionError, PromotionError
from resources.keeping import KEEPS, forget
from resources.lake import Lake
from resources.past import PastProduction
from resources.settings import Settings
from resources.table import Table
from resources.vectors import VectorStore

SCHEMA = pa.schema([pa.field("value", pa.string(), nullable=False)])
NAMES, IDS, EVENTS = (
    Table(name=name, schema=SCHEMA, key=("value",), description="Values.")
    for name in ("film/names", "film/ids", "film/events")
)
LASTING = [[IDS.name, EVENTS.name]]


@pytest.fixture
def lakes(tmp_path, store_url):
    """Lakes by namespace, over a catalog in SQLite or Postgres."""

    def lake(namespace, **changes):
        return Lake(Settings(home=tmp_path, catalog=store_url, namespace=namespace, **changes))

    return lake


@pytest.fixture
def local(tmp_path):
    return lambda namespace, **changes: Lake(
        Settings(home=tmp_path, namespace=namespace, **changes)
    )


def write(lake, *values, table=NAMES, partition=None):
    with lake.step(f"write {table.name}", partition=partition) as step:
        step.write(table, pa.table({"value": sorted(values)}, schema=SCHEMA))


def values(lake, table=NAMES):
    with lake.step("look") as step:
        return sorted(value for (value,) in step.read(table, tracked=False).fetchall())


def promoted(lake, *rows, table=NAMES):
    write(lake, *rows, table=table)
    return production.promote(lake.catalog, lake.namespace, who="ann")


def test_a_rollback_takes_back_every_table_at_once_and_is_recorded_as_a_commit_of_its_own(lakes):
    builder = lakes("prod-next")
    promoted(builder, "old")
    write(builder, "extra", table=IDS)
    second = promoted(builder, "new")
    prod = lakes("prod")
    assert (values(prod), values(prod, IDS)) == (["new"], ["extra"])
    back = production.roll_back(builder.catalog, who="bob", reason="wrong merges")
    assert (values(prod), values(prod, IDS)) == (["old"], [])
    assert back.commit_id > second.commit_id
    told = [
        (one.kind, one.back_to, one.who, one.reason)
        for one in production.promotions(builder.catalog)
    ]
    assert told == [
        ("promotion", None, "ann", ""),
        ("promotion", None, "ann", ""),
        ("rollback", 1, "bob", "wrong merges"),
    ]


def test_a_rollback_can_be_taken_back_by_number(local):
    builder = local("prod-next")
    promoted(builder, "old")
    promoted(builder, "new")
    production.roll_back(builder.catalog)
    production.roll_back(builder.catalog, to=2)
    assert values(local("prod")) == ["new"]


def test_rollbacks_one_after_the_other_go_further_back_each_time(local):
    builder = local("prod-next")
    for number in "123":
        promoted(builder, number)
    production.roll_back(builder.catalog)
    production.rebase(builder.catalog, "prod-next")
    promoted(builder, "4")
    seen = []
    for _ in range(3):
        production.roll_back(builder.catalog)
        seen += values(local("prod"))
        if seen[-1] == "1":
            break
    # What the third promotion made was taken back, and is not gone back to.
    assert seen == ["2", "1"]


@pytest.mark.parametrize(
    ("to", "said"),
    [(None, "first promotion"), (1, "already"), (7, "no promotion 7")],
)
def test_where_nothing_can_be_gone_back_to_it_is_said(local, to, said):
    builder = local("prod-next")
    with pytest.raises(PromotionError, match="nothing was ever promoted"):
        production.roll_back(builder.catalog)
    promoted(builder, "only")
    with pytest.raises(PromotionError, match=said):
        production.roll_back(builder.catalog, to=to)


def test_a_namespace_from_before_the_last_promotion_has_to_be_moved_first(lakes):
    ann, bob = lakes("ann"), lakes("bob")
    promoted(ann, "ann's")
    write(bob, "bob's", table=IDS)
    with pytest.raises(PromotionError, match="kg rebase bob"):
        production.promote(bob.catalog, "bob")
    moved = production.rebase(bob.catalog, "bob")
    assert moved.after > moved.before
    assert values(bob) == ["ann's"]
    production.promote(bob.catalog, "bob")
    prod = lakes("prod")
    assert (values(prod), values(prod, IDS)) == (["ann's"], ["bob's"])


def test_what_was_rolled_back_is_not_promoted_again_by_itself(local):
    builder = local("prod-next")
    promoted(builder, "good")
    promoted(builder, "bad")
    production.roll_back(builder.catalog)
    write(builder, "bad and more")
    with pytest.raises(PromotionError, match=r"moved.*rollback"):
        production.promote(builder.catalog, "prod-next")


def test_of_two_promotions_at_once_the_later_is_refused(lakes):
    names = ["ann", "bob"]
    for name in names:
        write(lakes(name), name)

    def attempt(name):
        try:
            return production.promote(Catalog(lakes(name).settings.catalog_url), name).namespace
        except PromotionError as error:
            assert "moved" in str(error)
            return None

    with ThreadPoolExecutor(2) as threads:
        done = [name for name in threads.map(attempt, names) if name]
    assert len(done) == 1
    assert values(lakes("prod")) == done


def test_what_changed_since_it_was_compared_is_not_promoted(local):
    builder = local("ann")
    write(builder, "compared")
    compared = production.state_of(builder.catalog.all_heads("ann").values())
    write(builder, "written meanwhile")
    with pytest.raises(PromotionError, match="has changed while"):
        production.promote(builder.catalog, "ann", compared=compared)


def test_the_same_again_is_nothing_to_promote(local):
    builder = local("ann")
    promoted(builder, "ann's")
    with pytest.raises(NothingNewError):
        production.promote(builder.catalog, "ann")


def test_entities_go_on_from_productions_ids_and_everything_else_stays_ones_own(local):
    ann, bob = local("ann"), local("bob")
    for lake, name in ((ann, "ann"), (bob, "bob")):
        for table in (NAMES, IDS, EVENTS):
            write(lake, f"{name}'s", table=table)
    production.promote(ann.catalog, "ann")
    moved = production.rebase(bob.catalog, "bob", lasting=LASTING)
    assert moved.followed == (IDS.name, EVENTS.name)
    assert values(bob) == ["bob's"]
    assert values(bob, IDS) == values(bob, EVENTS) == ["ann's"]
    # They are its own from now on: the next build goes on from them and promotes what it makes.
    assert {IDS.name, EVENTS.name} <= bob.catalog.own_tables("bob")


def test_entities_stay_where_productions_did_not_go_on(local):
    ann, bob = local("ann"), local("bob")
    promoted(ann, "ids", table=IDS)
    production.rebase(bob.catalog, "bob")
    write(bob, "bob's", table=IDS)
    promoted(ann, "names", table=NAMES)
    assert production.rebase(bob.catalog, "bob", lasting=LASTING).followed == ()
    assert values(bob, IDS) == ["bob's"]


def test_the_number_of_a_commit_is_given_once_also_where_a_scratch_namespace_is_dropped(local):
    ann, scratch = local("ann"), local("rerun-1")
    promoted(ann, "ann's")
    write(scratch, "tried")
    bob = local("bob")
    newest = ann.catalog.newest()
    namespaces.remove(ann.catalog, "rerun-1", history=False)
    assert promoted(ann, "newer").commit_id > newest
    assert values(bob) == ["ann's"]


def test_a_table_that_is_released_is_productions_again(local):
    ann, bob = local("ann"), local("bob")
    promoted(ann, "ann's")
    write(bob, "bob's")
    production.rebase(bob.catalog, "bob", release=[NAMES.name])
    assert values(bob) == ["ann's"]


def test_a_removed_namespace_leaves_production_and_others_as_they_are(lakes):
    ann, bob = lakes("ann"), lakes("bob")
    promoted(ann, "ann's")
    write(bob, "bob's")
    namespaces.remove(ann.catalog, "ann")
    assert [one.name for one in namespaces.namespaces(bob.catalog)] == ["bob"]
    assert values(bob) == ["bob's"]
    assert values(lakes("prod")) == ["ann's"]
    with pytest.raises(PromotionError, match="no namespace 'ann'"):
        production.promote(bob.catalog, "ann")


def test_tables_of_one_namespace_can_be_taken_over_by_another(local):
    ann, builder = local("ann"), local("prod-next")
    write(ann, "ann's")
    write(ann, "ann's", table=IDS)
    write(builder, "prod-next's", table=IDS)
    production.adopt(ann.catalog, "prod-next", "ann", [NAMES.name])
    assert (values(builder), values(builder, IDS)) == (["ann's"], ["prod-next's"])


def commit_directly(lake):
    lake.catalog.commit(
        namespace="prod", step="s", run_id=None, code_version="1", inputs=[Input("t", "*", "d")],
        outputs=[next(iter(lake.heads(NAMES).values()))],
    )  # fmt: skip


def keep(lake):
    with lake.step("keep") as step:
        step.keep(NAMES)


DOORS = {
    "write": lambda lake: write(lake, "oops"),
    "keep": keep,
    "commit": commit_directly,
    "promote itself": lambda lake: production.promote(lake.catalog, "prod"),
    "rebase": lambda lake: production.rebase(lake.catalog, "prod"),
    "adopt": lambda lake: production.adopt(lake.catalog, "prod", "ann", [NAMES.name]),
    "remove": lambda lake: namespaces.remove(lake.catalog, "prod"),
    "vectors": lambda lake: VectorStore(lake.settings).write(
        "film", dimensions=1, wanted={}, rows=lambda _: []
    ),
}


@pytest.mark.parametrize("door", DOORS)
def test_no_door_but_promotion_writes_production(local, door):
    promoted(local("ann"), "ann's")
    prod = local("prod")
    before = sorted(path for path in prod.root.rglob("*"))
    with pytest.raises(ProductionError, match="promotion"):
        DOORS[door](prod)
    assert values(prod) == ["ann's"]
    assert sorted(path for path in prod.root.rglob("*")) == before


def age(lake):
    """Let all files be old, as collection sees it."""
    for path in lake.root.rglob("*.parquet"):
        os.utime(path, (0, 0))


def test_collection_keeps_what_is_current_pinned_or_can_be_gone_back_to(lakes):
    builder = lakes("prod-next", keep_days=0, keep_promotions=2)
    promoted(builder, "1")
    lakes("ann")
    for number in ("2", "3", "4"):
        write(builder, f"draft of {number}")
        promoted(builder, number)
    age(builder)
    removed = builder.collect(older_than_seconds=0)
    assert len(removed) == 4
    assert values(lakes("ann")) == ["1"]
    assert [one.kept for one in production.promotions(builder.catalog)] == [
        True, False, True, True,
    ]  # fmt: skip
    production.roll_back(builder.catalog)
    assert values(lakes("prod")) == ["3"]
    with pytest.raises(PromotionError, match="KG_KEEP_PROMOTIONS"):
        production.roll_back(builder.catalog, to=2)
    history = builder.catalog.history("prod-next", NAMES.name)
    gone = [builder.catalog.made(head.file.version).removed for head in history]
    assert [one is None for one in gone] == [True, False, False, False, True, False, True]


def test_who_promotes_says_how_long_production_is_kept_and_others_cannot_shorten_it(local):
    builder = local("prod-next")
    for number in "123":
        write(builder, number)
        keeps = {KEEPS: {"days": 0, "promotions": 2}}
        production.promote(builder.catalog, "prod-next", figures=keeps)
    age(builder)
    local("ann", keep_days=0, keep_promotions=1).collect(older_than_seconds=0)
    kept = [one.kept for one in production.promotions(builder.catalog)]
    assert kept == [False, True, True]


def test_collection_keeps_versions_for_the_declared_time_after_they_ceased_to_be_current(local):
    lake = local("ann", keep_days=1)
    for number in "123":
        write(lake, number)
    age(lake)
    assert lake.collect(older_than_seconds=0) == []
    assert len(local("ann", keep_days=0).collect(older_than_seconds=0)) == 2


def test_collection_keeps_what_a_kept_layer_lies_over(local):
    lake = local("ann", keep_days=0, layer_share=5.0)
    write(lake, "a", "b", "c")
    with lake.step("write film/names") as step:
        step.patch(
            NAMES, step.con.from_arrow(SCHEMA.empty_table()), step.con.sql("SELECT 'd' AS value")
        )
    age(lake)
    assert lake.collect(older_than_seconds=0) == []
    assert values(lake) == ["a", "b", "c", "d"]


def test_a_collection_that_is_killed_is_finished_by_the_next(local):
    lake = local("ann", keep_days=0)
    for number in "12":
        write(lake, number)
    age(lake)
    forget(lake.catalog, keep_seconds=0, keep_promotions=1)
    assert len(list(lake.root.rglob("*.parquet"))) == 2
    assert len(lake.collect(older_than_seconds=0)) == 1
    assert values(lake) == ["2"]


def test_production_can_be_looked_at_as_it_was(local):
    builder = local("prod-next")
    first = promoted(builder, "old")
    promoted(builder, "new")
    then = PastProduction(builder.settings, first.commit_id)
    assert values(then) == ["old"]
    assert then.current_digest(NAMES.name, "*") != local("prod").current_digest(NAMES.name, "*")


def test_each_version_says_with_which_code_ontology_and_settings_it_was_made(local):
    from ontology.schema import load_ontology

    lake = local("ann", layers=3, llm_key="sk-secret", llm_store="postgresql://me:pw@host/kg")
    write(lake, "a")
    made = lake.catalog.made(next(iter(lake.heads(NAMES).values())).file.version)
    assert made.context.ontology == load_ontology().hash
    assert made.context.code
    assert '"layers": 3' in made.context.settings
    assert "sk-secret" not in made.context.settings
    assert "pw" not in made.context.settings
    assert made.details["seconds"] >= 0


def test_a_step_that_carries_on_goes_on_from_an_earlier_version_where_the_last_is_damaged(local):
    lake = local("ann")
    for number in "12":
        with lake.step("ids") as step:
            step.write(IDS, pa.table({"value": [f"id {number}"]}, schema=SCHEMA))
            step.write(EVENTS, pa.table({"value": [f"event {number}"]}, schema=SCHEMA))
    (lake.root / lake.heads(EVENTS)["all"].file.path).write_bytes(b"")
    with lake.step("ids") as step:
        assert step.restore([IDS, EVENTS], [IDS, EVENTS]) is not None
        assert step.previous(IDS).fetchall() == [("id 1",)]
        assert step.previous(EVENTS).fetchall() == [("event 1",)]
        step.write(IDS, pa.table({"value": ["id 2"]}, schema=SCHEMA))
        step.write(EVENTS, pa.table({"value": ["event 2"]}, schema=SCHEMA))
    assert values(lake, EVENTS) == ["event 2"]


def test_where_no_version_is_intact_it_is_said_and_no_new_ids_are_made_up(local):
    lake = local("ann")
    write(lake, "id", table=IDS)
    (lake.root / lake.heads(IDS)["all"].file.path).unlink()
    with pytest.raises(LakeError, match="copy of the lake"), lake.step("ids") as step:
        step.restore([IDS], [IDS])


def test_a_catalog_from_before_promotions_were_recorded_is_brought_up_to_date(local, tmp_path):
    builder = local("prod-next")
    promoted(builder, "names")
    promoted(builder, "ids", table=IDS)
    ann = local("ann")
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'catalog.sqlite'}")
    with engine.begin() as connection:
        # As it was: the second promotion named the table that it changed, and nothing else.
        (last,) = connection.exec_driver_sql("SELECT max(commit_id) FROM promotions").fetchone()
        connection.exec_driver_sql("DELETE FROM heads WHERE namespace = 'prod'")
        connection.exec_driver_sql(
            "DELETE FROM entries WHERE commit_id = ? AND table_name = 'film/names'", (last,)
        )
        connection.exec_driver_sql("DROP TABLE promotions")
        connection.exec_driver_sql("DROP TABLE contexts")
        connection.exec_driver_sql("DROP INDEX ix_entries_version")
        for place in ("entries.ended", "files.removed", "commits.context", "commits.details"):
            table, column = place.split(".")
            connection.exec_driver_sql(f"ALTER TABLE {table} DROP COLUMN {column}")
    engine.dispose()
    again = Lake(ann.settings)
    assert (values(again), values(again, IDS)) == (["names"], ["ids"])
    assert [one.namespace for one in production.promotions(again.catalog)] == ["prod-next"] * 2
    production.roll_back(again.catalog)
    assert values(local("prod"), IDS) == []


def test_a_history_of_promotions_rollbacks_and_rebases_leaves_every_pin_readable(local):
    """Whatever happens in whatever order, each namespace reads what it wrote or was pinned to."""
    steps = ["ann", "prod-next", "back", "rebase ann", "collect"]
    for order in itertools.islice(itertools.permutations(steps), 0, 120, 30):
        state = {"ann": None}
        for number, what in enumerate(order):
            catalog = local("prod").catalog
            try:
                if what == "back":
                    production.roll_back(catalog)
                elif what == "rebase ann":
                    production.rebase(catalog, "ann")
                elif what == "collect":
                    lake = local("prod-next", keep_days=0, keep_promotions=1)
                    age(lake)
                    lake.collect(older_than_seconds=0)
                else:
                    write(local(what), f"{what} {order} {number}")
                    state[what] = f"{what} {order} {number}"
                    production.promote(catalog, what)
            except PromotionError:
                continue
        for name in ("ann", "prod-next", "prod"):
            found = values(local(name))
            assert state.get(name) is None or found == [state[name]]
