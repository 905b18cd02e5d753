"""What is published with production follows the catalog, wherever who promoted was killed."""

import os
import shutil
import signal
import sys

import duckdb
import pytest

from kg_assets.graph.steps import run_nodes
from kg_assets.jobs import rollback
from kg_assets.promotion.publishing import follow, set_links, swap
from kg_assets.promotion.reading import what_is_read
from resources import production
from resources.errors import PromotionError
from resources.lake import Lake
from resources.settings import Settings
from tests.graph.small_graph import record
from tests.graph.small_lake import fill, run
from tests.homes import copy_home

EVENTS = ("os.mkdir", "os.link", "os.rename", "os.symlink", "shutil.rmtree", "sqlite3.connect")


def built(home, name):
    """A namespace dev with a graph of one film."""
    settings = fill(home, [record("film", "a:1", name)], {"film-1": ["a:1"]})
    run(settings)
    return settings


def names(path):
    with duckdb.connect(str(path), read_only=True) as con:
        return [
            name
            for (name,) in con.sql("SELECT name FROM nodes WHERE node_type = 'film'").fetchall()
        ]


def promote(settings):
    lake = Lake(settings)
    return swap(lake, lambda files: production.promote(lake.catalog, "dev", files=files))


def prod(settings):
    return settings.in_namespace("prod")


def of_catalog(settings):
    """The film that the tables of production hold."""
    from kg_assets.graph.tables import NODES

    with Lake(prod(settings)).step("look") as step:
        return [
            name
            for (name,) in step.read(NODES).filter("node_type = 'film'").project("name").fetchall()
        ]


def killed_at(number, action):
    """Do something in a process that is killed at its so-manieth act on files; whether it was."""
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        return os.WIFSIGNALED(status)
    count = 0

    def hear(event, arguments):
        nonlocal count
        if event in EVENTS:
            count += 1
            if count > number:
                os.kill(os.getpid(), signal.SIGKILL)

    try:
        sys.addaudithook(hear)
        action()
    finally:
        os._exit(0)


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    made = built(tmp_path_factory.mktemp("template") / "home", "Her")
    promote(made)
    return made.home


@pytest.fixture
def settings(template, tmp_path):
    """A home whose production holds a graph of one film."""
    copy_home(template, tmp_path / "home", links=True)
    return Settings(home=tmp_path / "home", threads=1)


def test_a_promotion_that_is_killed_anywhere_is_whole_or_did_not_happen(settings):
    built(settings.home, "Up")
    number, seen = 0, set()
    while killed_at(number, lambda: promote(settings)):
        follow(settings)
        now = names(prod(settings).published)
        assert now == of_catalog(settings)
        seen.add(now[0])
        if now == ["Up"]:
            production.roll_back(Lake(settings).catalog)
            production.rebase(Lake(settings).catalog, "dev")
            follow(settings)
            assert names(prod(settings).published) == ["Her"]
        number += 1
    assert names(prod(settings).published) == ["Up"]
    assert seen == {"Her", "Up"}
    assert number > 8


def test_a_rollback_that_is_killed_before_the_published_file_is_finished_by_the_next(settings):
    built(settings.home, "Up")
    promote(settings)
    production.roll_back(Lake(settings).catalog)
    assert names(prod(settings).published) == ["Up"]
    follow(settings)
    assert names(prod(settings).published) == ["Her"]


def test_the_job_rollback_takes_production_back_and_tells_what_that_changed(settings, monkeypatch):
    run(fill(settings.home, [record("film", "a:2", "Up")], {"film-2": ["a:2"]}))
    promote(settings)
    assert names(prod(settings).published) == of_catalog(settings) == ["Up"]
    monkeypatch.setenv("KG_HOME", str(settings.home))
    monkeypatch.setenv("KG_USER", "ann")
    asked = {"ops": {"take_back": {"config": {"reason": "the wrong film"}}}}
    result = rollback.execute_in_process(run_config=asked)
    assert result.success
    assert names(prod(settings).published) == of_catalog(settings) == ["Her"]
    (told,) = [
        event.step_output_data.metadata for event in result.all_events if event.is_successful_output
    ]
    last = production.promotions(Lake(settings).catalog)[-1]
    assert (told["promotion"].value, told["back_to"].value) == (last.id, 1)
    assert (last.kind, last.who, last.reason) == ("rollback", "ann", "the wrong film")
    figures = told["figures"].value
    assert figures["types"]["film"]["gained"] == figures["types"]["film"]["lost"] == 1
    assert {
        fate: [one["entity"]["name"] for one in some]
        for fate, some in figures["examples"]["film"].items()
    } == {"gained": ["Her"], "lost": ["Up"]}
    # And it can be said how far: to the promotion that was taken back.
    asked = {"ops": {"take_back": {"config": {"to": 2}}}}
    assert rollback.execute_in_process(run_config=asked).success
    assert names(prod(settings).published) == of_catalog(settings) == ["Up"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda home: shutil.rmtree(home.published_versions),
        lambda home: home.published.unlink(),
        lambda home: (home.published.unlink(), home.published.write_bytes(b"")),
    ],
    ids=["the folder", "the link", "another file in its place"],
)
def test_what_is_published_is_made_again_where_it_is_lost(settings, damage):
    damage(prod(settings))
    follow(settings)
    assert names(prod(settings).published) == ["Her"]


def test_a_home_that_was_copied_without_its_links_gets_them_again(settings, tmp_path_factory):
    copy = tmp_path_factory.mktemp("copy") / "home"
    copy_home(settings.home, copy)
    copied = Settings(home=copy, threads=1)
    follow(copied)
    assert prod(copied).published.readlink() == prod(settings).published.readlink()
    shutil.rmtree(settings.home)
    assert names(prod(copied).published) == ["Her"]


@pytest.mark.parametrize("lost", [False, True], ids=["another graph", "lost"])
def test_a_published_file_that_is_not_of_the_tables_is_made_of_them_to_be_promoted(settings, lost):
    fresh = built(settings.home, "Up")
    other = settings.home / "other.duckdb"
    shutil.copy(fresh.published, other)
    built(settings.home, "Brazil")
    if lost:
        fresh.published.unlink()
    else:
        other.replace(fresh.published)
    promote(settings)
    assert names(prod(settings).published) == ["Brazil"]


def test_tables_that_are_not_of_the_graph_that_they_describe_are_not_promoted(settings):
    built(settings.home, "Up")
    fill(settings.home, [record("film", "a:1", "Brazil")], {"film-1": ["a:1"]})
    with Lake(settings).step("nodes") as step:
        run_nodes(step)
    settings.published.unlink()
    with pytest.raises(PromotionError, match="kg build"):
        promote(settings)
    assert names(prod(settings).published) == ["Her"]
    assert len(list(settings.published_versions.iterdir())) == 1


def test_a_namespace_that_has_built_nothing_reads_what_production_published(settings):
    ann = settings.in_namespace("ann")
    Lake(ann)
    built(settings.home, "Up")
    promote(settings)
    assert names(what_is_read(ann)[0]) == ["Her"]
    assert names(what_is_read(settings.in_namespace("bob"))[0]) == ["Up"]


def test_folders_of_promotions_that_are_too_old_are_collected(settings):
    for name in ("Up", "Brazil"):
        built(settings.home, name)
        promote(settings)
    for folder in settings.published_versions.iterdir():
        os.utime(folder, (0, 0))
    few = Settings(home=settings.home, threads=1, keep_days=0, keep_promotions=1)
    Lake(few).collect(older_than_seconds=0)
    assert len(list(settings.published_versions.iterdir())) == 1
    follow(few)
    assert names(prod(settings).published) == ["Brazil"]


def test_the_links_are_relative_so_that_a_home_can_be_moved(settings):
    set_links(Lake(prod(settings)), follow(settings).files)
    moved = settings.home.with_name("moved")
    settings.home.rename(moved)
    assert names(moved / "published" / "prod" / "kg.duckdb") == ["Her"]
    moved.rename(settings.home)
