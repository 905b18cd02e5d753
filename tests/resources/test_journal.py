"""The journal keeps the last word on each partition, also where a process died."""

import subprocess
import sys

import pytest
import sqlalchemy as sa

from resources.journal import DONE, FAILED, FAILURES, RUNNING, Journal, Outcome, Place

PLACE = Place("dev", "film/records", "all")
SLOW = Outcome(seconds=2.5, peak_memory=10, figures={"records": 3}, warnings=[("t", "c", {"n": 1})])


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path / 'catalog.sqlite'}"


@pytest.fixture
def journal(url):
    opened = Journal(url)
    yield opened
    opened.close()


def test_a_partition_that_is_being_made_is_running(journal):
    journal.start(PLACE, "run-1")
    (entry,) = journal.entries("dev")
    assert (entry.state, entry.run_id, entry.ended) == (RUNNING, "run-1", None)


def test_what_a_run_came_to_is_kept_while_the_next_one_runs_and_where_it_fails(journal):
    journal.start(PLACE, "run-1")
    journal.done(PLACE, SLOW)
    journal.start(PLACE, "run-2")
    journal.failed(PLACE, "no room")
    (entry,) = journal.entries("dev")
    assert (entry.state, entry.run_id, entry.error) == (FAILED, "run-2", "no room")
    assert (entry.seconds, entry.figures) == (2.5, {"records": 3})
    assert entry.warnings == [("t", "c", {"n": 1})]


def test_a_run_that_is_done_has_no_error_of_the_one_before(journal):
    journal.start(PLACE, "run-1")
    journal.failed(PLACE, "no room")
    journal.start(PLACE, "run-2")
    journal.done(PLACE, SLOW)
    (entry,) = journal.entries("dev")
    assert (entry.state, entry.error) == (DONE, None)


def test_the_last_failed_run_is_kept_beside_those_after_it(journal):
    for run_id, error in (("run-1", "no room"), ("run-2", "no memory")):
        journal.start(PLACE, run_id)
        journal.failed(PLACE, error)
    (failure,) = journal.failures("dev")
    assert (failure.run_id, failure.error, failure.stands) == ("run-2", "no memory", True)
    journal.start(PLACE, "run-3")
    journal.done(PLACE, SLOW)
    (failure,) = journal.failures()
    assert (failure.run_id, failure.error, failure.stands) == ("run-2", "no memory", False)
    assert journal.failures("other") == []
    journal.forget("dev")
    assert journal.failures() == []


def killed(url):
    """Start a run and a build in a process that ends without a word."""
    command = (
        "from resources.journal import Journal, Place\n"
        f"journal = Journal({url!r})\n"
        "journal.start(Place('dev', 'film/records', 'all'), 'run-1')\n"
        "journal.start_build('build 1', 'dev')"
    )
    subprocess.run([sys.executable, "-c", command], check=True)


def test_a_run_that_was_killed_is_kept_as_a_failed_one(journal, url):
    killed(url)
    journal.start(PLACE, "run-2")
    journal.done(PLACE, SLOW)
    (failure,) = journal.failures()
    assert (failure.run_id, failure.stands) == ("run-1", False)
    assert "killed" in failure.error


def test_a_catalog_of_before_knows_the_failures_that_stand(journal, url):
    journal.start(PLACE, "run-1")
    journal.failed(PLACE, "no room")
    engine = sa.create_engine(url)
    FAILURES.drop(engine)
    engine.dispose()
    (failure,) = Journal(url, create=False).failures()
    assert (failure.error, failure.stands) == ("no room", True)


def test_a_run_whose_process_was_killed_has_failed(journal, url):
    killed(url)
    (entry,) = journal.entries("dev")
    assert entry.state == FAILED
    assert "killed" in entry.error
    build = journal.last_build("dev")
    assert (build.running, build.ended) == (False, None)


def test_namespaces_do_not_see_each_other_and_one_can_be_forgotten(journal):
    for namespace in ("dev", "scratch"):
        journal.start(Place(namespace, "film/records", "all"), None)
        journal.start_build(f"build {namespace}", namespace)
    journal.forget("scratch")
    assert [entry.place.namespace for entry in journal.entries()] == ["dev"]
    assert journal.last_build("scratch") is None
    assert journal.last_build("dev").running


def test_a_reader_makes_no_database(url, tmp_path):
    assert Journal(url, create=False).entries() == []
    assert list(tmp_path.iterdir()) == []
