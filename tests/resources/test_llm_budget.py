"""The cap and the rates of a build: reserved before, settled after, over all processes."""

import multiprocessing
from decimal import Decimal

import pytest
import sqlalchemy as sa

from resources.llm import ledger
from resources.llm.builds import budget_name, named_build
from resources.llm.database import Database
from resources.llm.errors import CapReached
from resources.llm.ledger import Balance, Full, Limits, Reservation
from resources.llm.prices import NANO
from resources.llm.schema import ATTEMPTS
from tests.llm_server import status, text
from tests.resources.llm_processes import PROCESSES, draw, say_budget
from tests.waiting import until

SECOND = ledger.SECOND
MODEL = "claude-haiku-5-5"


@pytest.fixture
def database(store_url):
    database = Database(store_url)
    yield database
    database.close()


def reserve(database, limits, now, amount=10, tokens=0, seconds=100.0):
    return database.run(
        lambda c: ledger.reserve(
            c,
            limits,
            now=now,
            key="k",
            model=MODEL,
            amount=amount,
            tokens=tokens,
            seconds=seconds,
        )
    )


def settle(database, limits, reservation, cost, used=0):
    database.run(
        lambda c: ledger.settle(
            c, reservation, cost=cost, model=MODEL, used=used, rate=limits.tokens
        )
    )


def balance(database):
    return database.run(lambda c: ledger.balance(c, "b"))


def ask(model, words="When?"):
    messages = [{"role": "user", "content": words}]
    return model.plain_client.messages.create(model=MODEL, max_tokens=100, messages=messages)


def test_what_is_reserved_counts_until_it_is_settled_by_its_cost(database):
    limits = Limits("b", cap=25)
    first = reserve(database, limits, 0)
    reserve(database, limits, 0)
    assert reserve(database, limits, 0) == Full(spent=0, reserved=20, for_good=False)
    settle(database, limits, first, cost=4)
    assert balance(database) == Balance(spent=4, reserved=10)
    assert isinstance(reserve(database, limits, 0), Reservation)
    assert reserve(database, limits, 0, amount=22) == Full(spent=4, reserved=20, for_good=True)


def test_a_reservation_of_a_process_that_died_counts_until_its_time_is_over(database):
    limits = Limits("b", cap=20)
    reserve(database, limits, 0, seconds=100)
    assert not reserve(database, limits, 99 * SECOND, amount=20).for_good
    assert reserve(database, limits, 100 * SECOND, amount=20).for_good
    assert balance(database) == Balance(lost=10)


def test_what_was_taken_for_lost_and_comes_back_counts_by_its_cost(database):
    limits = Limits("b", cap=20)
    late = reserve(database, limits, 0, seconds=100)
    assert isinstance(reserve(database, limits, 100 * SECOND, amount=11), Full)
    settle(database, limits, late, cost=7)
    assert balance(database) == Balance(spent=7)
    assert isinstance(reserve(database, limits, 100 * SECOND, amount=13), Reservation)


def test_what_a_process_that_died_may_have_paid_counts_against_the_cap(database):
    limits = Limits("b", cap=15)
    reserve(database, limits, 0, seconds=100)
    assert reserve(database, limits, 100 * SECOND) == Full(spent=10, reserved=0, for_good=True)
    assert isinstance(reserve(database, limits, 100 * SECOND, amount=5), Reservation)


def test_another_build_has_a_budget_of_its_own(database):
    assert isinstance(reserve(database, Limits("b", cap=10), 0), Reservation)
    assert isinstance(reserve(database, Limits("b", cap=10), 0), Full)
    assert isinstance(reserve(database, Limits("c", cap=10), 0), Reservation)


@pytest.mark.parametrize("rate", [1, 7, 60, 1000])
def test_no_minute_holds_more_requests_than_the_rate(database, rate):
    limits = Limits("b", cap=10**9, requests=rate)
    turns = [reserve(database, limits, 0).wait for _ in range(min(3 * rate, 120))]
    assert turns == sorted(turns)
    for turn in turns:
        assert sum(turn <= other < turn + 60 * SECOND for other in turns) <= rate


def test_tokens_that_were_not_used_are_given_back_to_the_rate(database):
    limits = Limits("b", cap=10**9, tokens=1000)
    first = reserve(database, limits, 0, tokens=1000)
    settle(database, limits, first, cost=0, used=10)
    assert reserve(database, limits, 0, tokens=90).wait == 0
    # The burst of a tenth of the rate is used up: the next hundred waits for its own place.
    assert 6 * SECOND < reserve(database, limits, 0, tokens=100).wait < 7 * SECOND
    assert reserve(database, limits, 0, tokens=1000).wait > 10 * SECOND


def test_a_pause_holds_for_everyone_and_is_never_shortened(database):
    database.run(lambda c: ledger.pause(c, MODEL, 50 * SECOND))
    database.run(lambda c: ledger.pause(c, MODEL, 20 * SECOND))
    assert reserve(database, Limits("b", cap=10**9), 10 * SECOND).wait == 40 * SECOND


def test_an_operation_that_fails_undoes_nothing_of_others_in_its_transaction(database):
    limits = Limits("b", cap=10**9)
    jobs = []
    for number in range(20):
        if number % 5 == 0:
            jobs.append((database.submit(lambda c: c.exec_driver_sql("SELECT nonsense")), True))
        else:
            one = database.submit(
                lambda c: ledger.reserve(
                    c, limits, now=0, key="k", model=MODEL, amount=1, tokens=0, seconds=9.0
                )
            )
            jobs.append((one, False))
    for job, fails in jobs:
        assert (job.exception() is not None) == fails
    assert balance(database).reserved == 16


def test_at_the_cap_the_build_stops_and_the_next_goes_on_where_it_stopped(model, server):
    server.answer = lambda body: text("done", usage={"input_tokens": 1000, "output_tokens": 100})
    questions = [f"When, {n}?" for n in range(20)]
    small = {"llm_cap": Decimal("0.001")}
    first = model(**small)
    with pytest.raises(CapReached, match="KG_LLM_CAP"):
        for question in questions:
            ask(first, question)
    sent = len(server.received)
    assert 0 < sent < len(questions)
    assert first.balance().spent <= 0.001 * NANO
    # What is stored is given, what is not stops at once.
    assert ask(first, questions[0]).content[0].text == "done"
    with pytest.raises(CapReached):
        ask(first, questions[-1])
    with pytest.raises(CapReached):
        ask(model(**small), questions[-1])
    assert len(server.received) == sent

    following = model(**small, llm_budget="next")
    with pytest.raises(CapReached):
        for question in questions:
            ask(following, question)
    words = [body["messages"][0]["content"] for body in server.messages()]
    assert words == questions[: 2 * sent]


def test_a_build_has_a_budget_of_its_own_and_its_processes_share_it(settings, monkeypatch):
    monkeypatch.delenv("KG_BUILD", raising=False)
    unnamed = settings(llm_budget=None)
    day = budget_name(unnamed)
    assert day.startswith("day ")
    with named_build():
        first = budget_name(unnamed)
        spawn = multiprocessing.get_context("spawn")
        names = spawn.Queue()
        # A process that the build starts, with the environment that it has now.
        process = spawn.Process(target=say_budget, args=(unnamed, names))
        process.start()
        assert names.get(timeout=60) == first
        process.join()
    with named_build():
        assert budget_name(unnamed) not in (first, day)
        assert budget_name(settings(llm_budget="test")) == "test"
    assert budget_name(unnamed) == day


def test_eight_processes_draw_on_one_cap_and_never_pass_it(server, settings, store_url):
    cap = Decimal("0.004")
    server.answer = lambda body: text("done", usage={"input_tokens": 600, "output_tokens": 100})
    # Faults in between: they cost nothing and must give back what was reserved.
    server.script(*[text("x"), status(500), status(529), status(429, retry_after=0.01)] * 5)
    own = settings(
        llm_store=store_url,
        llm_cap=cap,
        llm_requests_per_minute=100_000,
        llm_tokens_per_minute=100_000_000,
        llm_retries=100,
        llm_backoff=0.001,
        llm_timeout=60.0,
    )
    said = PROCESSES.Queue()
    processes = [PROCESSES.Process(target=draw, args=(own, str(n), said)) for n in range(8)]
    for process in processes:
        process.start()
    lines = [said.get(timeout=120) for _ in processes]
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 8
    assert all("is reached" in line for _, line in lines)

    database = Database(store_url)
    stands = database.run(lambda c: ledger.balance(c, "test"))
    costs = database.run(lambda c: c.execute(sa.select(sa.func.sum(ATTEMPTS.c.cost))).scalar())
    database.close()
    assert stands == Balance(spent=int(costs), reserved=0, lost=0)
    assert sum(answered for answered, _ in lines) == len(server.messages()) - 15
    price_of_one = 600 * 100 + 100 * 500
    assert cap * NANO - 3 * price_of_one < stands.spent <= cap * NANO


def test_a_process_that_is_killed_leaves_what_it_reserved(server, settings, store_url):
    server.answer = lambda body: text("late", delay=20)
    own = settings(llm_store=store_url, llm_budget="b", llm_timeout=60.0)
    process = PROCESSES.Process(target=draw, args=(own, "0", None))
    process.start()
    until(lambda: server.received)
    process.kill()
    process.join()
    database = Database(store_url)
    before = balance(database)
    database.run(lambda c: ledger.release(c, database.now(c) + 4000 * SECOND))
    after = balance(database)
    database.close()
    assert before.reserved > 0
    assert after == Balance(lost=before.reserved)
