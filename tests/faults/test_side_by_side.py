"""Two that do the same thing at the same time end as one would have."""

import multiprocessing
import os

from kg_assets.matching.tables import block_keys
from resources.lake import Lake
from tests.faults.conftest import finish, start, strangers, tables
from tests.flow.graph import content

SAME = "film"
"""The lane whose only partition two workers take."""


def commits(settings):
    return {
        place: head.commit_id
        for place, head in Lake(settings).catalog.all_heads(settings.namespace).items()
    }


def test_of_two_builds_at_once_one_waits_and_finds_nothing_to_do(built, landed):
    before = commits(built)
    assert before
    processes = [start(), start()]
    answers = [finish(process) for process in processes]
    assert [code for code, _ in answers] == [0, 0], answers
    assert commits(built) == before
    assert all("Nothing changed" in output for _, output in answers)


def test_two_builds_of_an_empty_home_do_the_work_once(landed):
    answers = [finish(process) for process in [start(), start()]]
    assert [code for code, _ in answers] == [0, 0], answers
    assert sorted("Nothing changed" in output for _, output in answers) == [False, True]
    assert any("Another build of this namespace is running" in output for _, output in answers)
    before, graph = tables(landed), content(landed)
    code, output = finish(start())
    assert code == 0
    assert "Nothing changed" in output
    assert tables(landed) == before
    assert content(landed) == graph
    assert strangers(landed) == set()


def _take(environment, barrier, answers):
    os.environ.update(environment)
    from kg_assets.build import assemble
    from kg_assets.planning import lanes
    from kg_assets.running import Task, execute
    from resources.settings import Settings

    lane = lanes(assemble(Settings()).steps)[SAME]
    task = Task(
        lane.name,
        tuple(step.name for step in lane.steps),
        tuple(table.name for step in lane.steps for table in step.outputs),
    )
    barrier.wait(timeout=300)
    answers.put(execute(task, "two").error)


def test_two_workers_that_take_the_same_partition_leave_it_once(built):
    before = tables(built)
    spawning = multiprocessing.get_context("spawn")
    barrier, answers = spawning.Barrier(2), spawning.Queue()
    environment = {name: value for name, value in os.environ.items() if name.startswith("KG_")}
    workers = [
        spawning.Process(target=_take, args=(environment, barrier, answers)) for _ in range(2)
    ]
    for worker in workers:
        worker.start()
    assert [answers.get(timeout=900) for _ in workers] == [None, None]
    for worker in workers:
        worker.join(timeout=60)
    assert tables(built) == before
    assert strangers(built) == set()
    assert len(Lake(built).heads(block_keys("film"))) == 1
