"""How fresh a source is: by what was read of it first and still counts, and not by folders."""

from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from kg_assets.sources.deliveries import Manifest
from kg_assets.sources.freshness import sources_now, words_of
from kg_assets.sources.tables import DELIVERIES, LANDED_DELIVERIES, SOURCE_RECORDS
from resources import production
from resources.lake import Lake
from resources.settings import Settings


@pytest.fixture
def settings(tmp_path):
    return Settings(home=tmp_path, namespace="dev", threads=1)


def read_delivery(settings, key, content="a", *, code="1", **words):
    """Read a delivery into the lake."""
    manifest = Manifest(**words)
    source, _, name = key.partition("|")
    row = {
        "source": source,
        "delivery": name,
        "sequence": manifest.sequence or 0,
        "mode": manifest.mode,
        **dict.fromkeys(("files", "blobs", "bytes"), 1),
        "fingerprint": content,
    }
    with Lake(settings).step("raw_blobs", partition=key, code_version=code) as step:
        step.write(LANDED_DELIVERIES, pa.Table.from_pylist([row], LANDED_DELIVERIES.schema))
        step.note(LANDED_DELIVERIES, words_of(manifest))


def make_records(settings, key, code="1"):
    """Make the records of a delivery that was read."""
    with Lake(settings).step("source_records", partition=key, code_version=code) as step:
        step.write(DELIVERIES, step.read(LANDED_DELIVERIES, key))
        step.note(DELIVERIES, step.noted(LANDED_DELIVERIES, key))
        step.write(SOURCE_RECORDS, SOURCE_RECORDS.schema.empty_table())


def read(settings, key, content="a", **words):
    read_delivery(settings, key, content, **words)
    make_records(settings, key)


def found(settings, now=None):
    return {one.source: one for one in sources_now(settings, now or datetime.now(UTC))}


def later(**time):
    return datetime.now(UTC) + timedelta(**time)


THEN = datetime.now(UTC) + timedelta(days=1)
"""A time at which ages are compared to the millisecond."""


def test_a_source_is_late_once_what_was_read_last_is_older_than_expected(settings):
    read(settings, "own|first", expected_every_days=7)
    assert not found(settings, later(days=6))["own"].is_late
    assert found(settings, later(days=8))["own"].is_late
    one = found(settings, later(days=8))["own"]
    assert one.age_days == pytest.approx(8, abs=0.01)
    assert one.says == ("first was read 8 d ago, one is expected within 7 d (delivery.json)")


def test_where_nothing_is_expected_no_source_is_late(settings):
    read(settings, "own|first")
    one = found(settings, later(days=9_000))["own"]
    assert (one.is_late, one.expected_days) == (False, None)
    assert one.says == "first was read 9000 d ago, and no delivery is expected"


def test_configuration_outranks_the_delivery_and_the_delivery_its_adapter(settings):
    read(settings, "imdb|first")
    one = found(settings)["imdb"]
    assert (one.expected_days, one.expected_by) == (1.5, "its adapter")
    assert "IMDb makes its files anew each day" in one.says
    read(settings, "imdb|second", expected_every_days=30)
    read(settings, "imdb|third")
    one = found(settings)["imdb"]
    assert (one.expected_days, one.expected_by) == (30, "delivery.json")
    for days in (3, None):
        changed = settings.model_copy(update={"expected_every_days": {"imdb": days}})
        one = found(changed)["imdb"]
        assert (one.expected_days, one.expected_by) == (days, "KG_EXPECTED_EVERY_DAYS")


def test_a_source_that_is_expected_and_never_came_is_late(settings):
    changed = settings.model_copy(update={"expected_every_days": {"never": 1, "unasked": None}})
    one = found(changed)["never"]
    assert (one.is_late, one.last, one.read, one.age_days) == (True, None, None, None)
    assert one.says.startswith("nothing was read of it yet, one is expected within 1 d")
    assert not found(changed)["unasked"].is_late


def test_a_delivery_of_which_no_records_were_made_makes_its_source_no_fresher(settings):
    read(settings, "own|first")
    first = found(settings, THEN)
    read_delivery(settings, "own|second")
    assert found(settings, THEN) == first
    make_records(settings, "own|second")
    assert found(settings, THEN)["own"].last == "second"


def test_a_delivery_that_changed_and_then_failed_counts_as_it_was_before(settings):
    read(settings, "own|first")
    first = found(settings, THEN)
    read_delivery(settings, "own|first", "changed")
    assert found(settings, THEN) == first
    make_records(settings, "own|first")
    assert found(settings, THEN)["own"].age_days < first["own"].age_days


def test_what_is_made_again_or_promoted_is_no_newer_for_it(settings):
    read(settings, "own|first")
    first = found(settings, THEN)
    (before,) = Lake(settings).heads(DELIVERIES).values()
    read_delivery(settings, "own|first", code="2")
    make_records(settings, "own|first", code="2")
    (again,) = Lake(settings).heads(DELIVERIES).values()
    assert again.commit_id > before.commit_id
    production.promote(Lake(settings).catalog, "dev", who="ann")
    for namespace in ("dev", "prod", "another"):
        assert found(settings.in_namespace(namespace), THEN) == first


def test_of_deliveries_that_a_full_one_replaced_none_counts(settings):
    read(settings, "own|old", sequence=1, expected_every_days=3)
    read(settings, "own|all", sequence=5, mode="full")
    full = found(settings, THEN)
    assert full["own"].last == "all"
    read(settings, "own|late", sequence=2)
    assert found(settings, THEN) == full
    # What the replaced ones said of the next is still the source's word.
    assert found(settings)["own"].expected_days == 3
    read(settings, "own|more", sequence=6)
    assert found(settings)["own"].last == "more"


def test_a_cleared_landing_zone_changes_nothing(settings):
    read(settings, "own|first", expected_every_days=7)
    assert not settings.landing_path.exists()
    assert found(settings, later(days=8))["own"].is_late


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("imdb=7", "KG_EXPECTED_EVERY_DAYS is not JSON"),
        ('{"imdb": 0}', "0.0 days for 'imdb'; write a number above 0"),
        ('{"imdb": NaN}', "nan days for 'imdb'"),
        ('{"imdb": "often"}', "valid number"),
    ],
)
def test_days_that_cannot_be_are_refused(monkeypatch, value, said):
    monkeypatch.setenv("KG_EXPECTED_EVERY_DAYS", value)
    with pytest.raises(ValueError, match=said):
        Settings()
