"""Namespaces: a pinned view of production, own tables in front of it, and no way to write it."""

import pyarrow as pa
import pytest

from resources.current import CurrentHeads
from resources.lake import Lake
from resources.namespaces import take_over
from resources.production import promote
from resources.settings import Settings
from resources.table import Table

TABLE = Table(
    name="film/pairs",
    schema=pa.schema([pa.field("value", pa.string(), nullable=False)]),
    key=("value",),
    description="Values.",
)
OTHER = Table(name="film/other", schema=TABLE.schema, key=TABLE.key, description="Values.")


def lake(home, namespace):
    return Lake(Settings(home=home, namespace=namespace))


def write(target, value, partition="00", table=TABLE):
    with target.step("step", partition=partition) as step:
        step.write(table, pa.table({"value": [value]}, schema=table.schema))


def values(target, table=TABLE):
    with target.step("look") as step:
        return sorted(v for (v,) in step.read(table, tracked=False).fetchall())


@pytest.fixture
def production(tmp_path):
    """Production holds two shards that say 'prod'."""
    builder = lake(tmp_path, "prod-next")
    for shard in ("00", "01"):
        write(builder, f"prod {shard}", shard)
    write(builder, "prod other", table=OTHER)
    promote(builder.catalog, "prod-next")
    return tmp_path


def test_a_new_namespace_reads_production(production):
    assert values(lake(production, "ann")) == ["prod 00", "prod 01"]


def test_one_person_does_not_see_what_another_wrote(production):
    write(lake(production, "ann"), "ann")
    assert values(lake(production, "bob")) == ["prod 00", "prod 01"]


def test_a_table_of_ones_own_hides_all_of_productions_shards(production):
    ann = lake(production, "ann")
    write(ann, "ann")
    assert values(ann) == ["ann"]
    assert values(ann, OTHER) == ["prod other"]


def test_a_shard_that_is_not_ones_own_is_missing_and_not_productions(production):
    ann = lake(production, "ann")
    assert list(ann.heads(TABLE, "01")) == ["01"]
    write(ann, "ann", "00")
    assert list(ann.heads(TABLE, "00")) == ["00"]
    assert list(ann.heads(TABLE, "01")) == []


def test_what_a_step_saw_of_one_shard_it_sees_among_all(production):
    ann = lake(production, "ann")
    write(ann, "first")
    with ann.step("look") as step:
        assert step.read(TABLE, "00").fetchall() == [("first",)]
        write(ann, "second")
        assert step.read(TABLE).fetchall() == [("first",)]


def test_a_namespace_that_is_not_there_yet_reads_todays_production(production):
    heads = lake(production, "ann").catalog.all_heads("nobody")
    assert sorted(partition for table, partition in heads if table == TABLE.name) == ["00", "01"]


def test_what_is_current_is_kept_up_to_date_as_if_it_were_read_anew(production):
    ann = lake(production, "ann")
    current = CurrentHeads(ann.catalog, "ann")
    assert current.now() == ann.catalog.all_heads("ann")
    for value, shard in (("ann", "00"), ("more", "02"), ("other", "00"), ("other", "00")):
        write(ann, value, shard)
        assert current.now() == ann.catalog.all_heads("ann")
    write(lake(production, "bob"), "bob")
    assert current.now() == ann.catalog.all_heads("ann")
    promote(ann.catalog, "ann")
    write(ann, "after", "03")
    assert current.now() == ann.catalog.all_heads("ann")


def test_the_pin_stays_when_production_moves_on(production):
    ann = lake(production, "ann")
    builder = lake(production, "prod-next")
    write(builder, "newer", "00")
    promote(builder.catalog, "prod-next")
    assert values(ann) == ["prod 00", "prod 01"]
    assert values(lake(production, "bob")) == ["newer", "prod 01"]


def test_partitions_that_are_taken_over_stay_when_others_are_made(production):
    ann = lake(production, "ann")
    take_over(ann.catalog, "ann", [ann.heads(TABLE)["01"]])
    assert values(ann) == ["prod 01"]
    write(ann, "ann 00", "00")
    assert values(ann) == ["ann 00", "prod 01"]
    # What is its own already is not taken over again.
    take_over(ann.catalog, "ann", lake(production, "prod").heads(TABLE).values())
    assert values(ann) == ["ann 00", "prod 01"]


def test_nothing_but_promotion_writes_production(production):
    with pytest.raises(PermissionError, match="promotion"):
        write(lake(production, "prod"), "oops")
    assert values(lake(production, "prod")) == ["prod 00", "prod 01"]


@pytest.mark.parametrize("name", ["../prod", "Prod", "", "a b", "x" * 41])
def test_a_namespace_that_is_no_plain_word_is_refused(tmp_path, name):
    with pytest.raises(ValueError, match="KG_NAMESPACE"):
        Settings(home=tmp_path, namespace=name)
