"""Requests to the language model: what is stored, given again, asked again and counted."""

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import anthropic
import instructor
import pytest
import sqlalchemy as sa
from instructor.core.exceptions import InstructorRetryException
from pydantic import BaseModel

from resources.llm import store
from resources.llm.errors import (
    CutOff,
    Deferred,
    KeyDenied,
    LanguageModelError,
    NotStored,
    Refused,
    ReplayIncomplete,
    cause,
)
from resources.llm.model import LanguageModel, available
from resources.llm.outcomes import Outcome
from resources.llm.schema import ATTEMPTS, PACES
from resources.llm.store import Request
from tests.llm_server import (
    Reply,
    cut_connection,
    cut_off,
    refusal,
    silence,
    status,
    text,
    tool_use,
)
from tests.waiting import until

MODEL = "claude-haiku-5-5"


class Fact(BaseModel):
    """What the tests ask for."""

    year: int


def question(words="When?", **more):
    return {
        "model": MODEL,
        "max_tokens": 100,
        "messages": [{"role": "user", "content": words}],
        **more,
    }


def ask(model, words="When?", **more):
    return model.plain_client.messages.create(**question(words, **more))


def stored_attempts(model):
    query = sa.select(ATTEMPTS.c.outcome).order_by(ATTEMPTS.c.id)
    return model.database.run(lambda c: list(c.execute(query).scalars()), writes=False)


async def extract(settings, words=("When?",)):
    """Ask through Instructor, all at once; gives the answers' bytes, the exchanges and counts."""
    async with LanguageModel.from_settings(settings) as model:
        client = instructor.from_anthropic(model.client, mode=instructor.Mode.TOOLS)

        async def one(text):
            with model.exchange() as exchange:
                fact, answer = await client.create_with_completion(
                    response_model=Fact, max_retries=3, **question(text)
                )
            return fact, answer.to_json(), exchange

        return await asyncio.gather(*map(one, words)), model.counts


def test_an_answer_is_given_again_without_a_request_and_with_the_same_bytes(
    server, settings, store_url
):
    server.script(tool_use({"year": "long ago"}), tool_use({"year": 1954}))
    [(fact, first, exchange)], counts = asyncio.run(extract(settings(llm_store=store_url)))
    assert fact.year == 1954
    assert exchange.reasks == 1
    assert [a.outcome for a in exchange.answers] == [Outcome.BROKEN, Outcome.ANSWERED]
    assert counts.as_dict() == {"sent_answered": 1, "sent_broken": 1}
    sent = len(server.received)

    [(fact, again, _)], counts = asyncio.run(extract(settings(llm_store=store_url)))
    assert (fact.year, again) == (1954, first)
    assert len(server.received) == sent
    assert counts.as_dict() == {"stored_answered": 1, "stored_broken": 1}


def test_the_key_of_a_request_ignores_the_order_of_its_parts_and_nothing_else():
    body = question()
    key = Request.of(body).key
    assert Request.of(dict(reversed(body.items()))).key == key
    others = [question("Where?"), question(max_tokens=101), question(model="claude-opus-5-5")]
    others += [question(tools=[{"name": "t", "input_schema": {"type": "object"}}])]
    assert len({key, *(Request.of(other).key for other in others)}) == 5


def test_a_stored_request_can_be_read_whole(model, server):
    one = model()
    ask(one, system="You read texts.")
    body = server.messages()[0]
    assert one.database.run(lambda c: store.read_body(c, Request.of(body).key)) == body


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (status(429, retry_after=0.02), Outcome.RATE_LIMITED),
        (status(429, retry_after=format_datetime(datetime.now(UTC), usegmt=True)), "rate_limited"),
        (status(529), Outcome.OVERLOADED),
        (status(500), Outcome.SERVER_ERROR),
        (status(408), Outcome.SERVER_ERROR),
        (cut_connection(), Outcome.CONNECTION_CUT),
        (silence(1.0), Outcome.TIMED_OUT),
    ],
)
def test_a_fault_that_passes_is_stored_and_counted_and_asked_again(model, server, fault, outcome):
    one = model(llm_timeout=0.4)
    server.script(fault)
    assert ask(one).content[0].text == "done"
    assert one.counts.as_dict() == {f"sent_{outcome}": 1, "sent_answered": 1}
    assert stored_attempts(one) == [outcome, "answered"]


@pytest.mark.parametrize(
    ("fault", "times", "error"),
    [
        (status(429, retry_after=0.01), 3, anthropic.RateLimitError),
        (status(500), 3, anthropic.InternalServerError),
        (status(529), 3, anthropic.InternalServerError),
        (cut_connection(), 2, anthropic.APIConnectionError),
        (silence(1.0), 2, anthropic.APITimeoutError),
        (status(400), 1, anthropic.BadRequestError),
        (status(413), 1, anthropic.APIStatusError),
    ],
)
def test_a_fault_that_stays_fails_the_request_after_its_tries(model, server, fault, times, error):
    one = model(llm_timeout=0.3, llm_retries=2)
    server.script(*[fault] * 5)
    with pytest.raises(error):
        ask(one)
    assert len(server.messages()) == times
    assert len(stored_attempts(one)) == times


def test_an_endpoint_that_is_not_there_costs_nothing(model):
    one = model(llm_base_url="http://127.0.0.1:9", llm_retries=1)
    with pytest.raises(anthropic.APIConnectionError):
        ask(one)
    assert one.counts.sent == {Outcome.UNREACHABLE: 2}
    assert one.balance().spent == one.balance().reserved == 0


def test_what_may_have_been_paid_for_is_counted_as_spent(model, server):
    one = model()
    server.script(cut_connection())
    ask(one)
    [cut, answered] = one.database.run(
        lambda c: list(c.execute(sa.select(ATTEMPTS.c.cost).order_by(ATTEMPTS.c.id)).scalars())
    )
    assert cut > answered > 0
    assert one.balance().spent == cut + answered


def test_an_answer_that_names_no_usage_is_counted_at_the_most_it_may_cost(model, server):
    one = model()
    server.script(text("done", usage={"input_tokens": 0, "output_tokens": 0}))
    ask(one)
    assert one.balance().spent > 0


def test_a_refusal_is_never_asked_again(model, server):
    server.script(refusal())
    for mode in ("record", "record", "live", "replay", "only-stored"):
        with pytest.raises(Refused):
            ask(model(llm_mode=mode))
    assert len(server.received) == 1


def test_a_refusal_ends_the_re_asks_of_instructor(settings, server):
    server.script(refusal())
    with pytest.raises(InstructorRetryException) as failure:
        asyncio.run(extract(settings()))
    assert isinstance(cause(failure.value), Refused)
    assert len(server.received) == 1


def test_an_answer_that_is_cut_off_is_kept_and_a_larger_limit_is_another_request(model, server):
    one = model()
    server.script(cut_off(), text("whole"))
    for _ in range(2):
        with pytest.raises(CutOff):
            ask(one)
    assert ask(one, max_tokens=200).content[0].text == "whole"
    assert one.counts.as_dict() == {"sent_answered": 1, "sent_cut_off": 1, "stored_cut_off": 1}


def test_a_key_that_is_not_accepted_stops_the_build(model, server):
    one = model()
    server.script(status(401))
    for _ in range(2):
        with pytest.raises(KeyDenied, match="KG_LLM_KEY"):
            ask(one)
    assert len(server.received) == 1


def test_live_asks_again_and_keeps_the_newest_answer(model, server):
    server.script(text("first"), text("second"))
    assert ask(model()).content[0].text == "first"
    assert ask(model(llm_mode="live")).content[0].text == "second"
    assert ask(model()).content[0].text == "second"
    assert len(stored_attempts(model())) == 2


def test_replay_gives_failures_as_they_were_and_stops_at_what_is_not_stored(model, server):
    server.script(status(500), status(500))
    with pytest.raises(anthropic.InternalServerError):
        ask(model(llm_retries=1))
    replay = model(llm_mode="replay")
    with pytest.raises(anthropic.InternalServerError, match="scripted 500"):
        ask(replay)
    with pytest.raises(ReplayIncomplete):
        ask(replay, "Something else?")
    assert len(server.received) == 2


def test_only_stored_leaves_out_what_has_no_answer(model, server):
    server.script(status(500))
    with pytest.raises(anthropic.InternalServerError):
        ask(model(llm_retries=0))
    with pytest.raises(NotStored):
        ask(model(llm_mode="only-stored"))
    assert len(server.received) == 1


@pytest.mark.parametrize("mode", ["record", "live"])
def test_while_it_is_paused_stored_answers_count_and_nothing_is_sent(model, server, mode):
    ask(model())
    ask(model(llm_paused=True, llm_mode=mode))
    assert len(server.received) == 1
    with pytest.raises(NotStored, match="KG_LLM_PAUSED"):
        ask(model(llm_paused=True, llm_mode=mode), "What else?")
    assert len(server.received) == 1


def test_equal_requests_at_once_are_sent_once(settings, server):
    server.answer = lambda body: tool_use({"year": 1954}, delay=0.05)
    results, counts = asyncio.run(extract(settings(), ["When?"] * 5))
    assert len({bytes_ for _, bytes_, _ in results}) == 1
    assert len(server.received) == 1
    assert counts.as_dict() == {"sent_answered": 1, "stored_answered": 4}


def test_no_more_requests_are_in_the_air_than_allowed(settings, server):
    server.answer = lambda body: tool_use({"year": 1954}, delay=0.02)
    asyncio.run(extract(settings(llm_concurrency=3), [f"When, {n}?" for n in range(12)]))
    assert server.most_at_once == 3


def test_an_answer_whose_caller_was_cancelled_is_stored(settings, server):
    async def cancelled():
        server.answer = lambda body: text("paid for", delay=0.2)
        async with LanguageModel.from_settings(settings()) as model:
            task = asyncio.create_task(model.client.messages.create(**question()))
            await asyncio.to_thread(until, lambda: server.received)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        async with LanguageModel.from_settings(settings(llm_mode="replay")) as model:
            return await model.client.messages.create(**question())

    assert asyncio.run(cancelled()).content[0].text == "paid for"


def test_a_context_that_defers_sends_nothing_and_notes_the_request(model, server):
    one = model()
    with one.deferring() as exchange, pytest.raises(Deferred):
        ask(one)
    assert not server.received
    assert [request.body for request in exchange.deferred.values()] == [question()]


def test_something_that_is_no_message_is_a_fault(model, server):
    one = model(llm_retries=1)
    server.script(Reply(raw="<html>"), Reply(raw="[]"))
    with pytest.raises(LanguageModelError, match="no message"):
        ask(one)
    assert one.counts.sent == {Outcome.SERVER_ERROR: 2}


def test_without_a_key_one_line_says_so(settings):
    reason = available(settings(llm_key=None))
    assert reason is not None
    assert "\n" not in reason
    with pytest.raises(LanguageModelError, match="ANTHROPIC_API_KEY"):
        LanguageModel.from_settings(settings(llm_key=None))
    assert available(settings(llm_key=None, llm_mode="replay")) is None


def test_waits_for_as_long_as_the_endpoint_says_hold_for_everyone(settings, server):
    """The pause stands in the store, where each process looks before it sends."""
    server.script(status(429, retry_after=30))
    one = LanguageModel.from_settings(settings(llm_retries=0))
    with pytest.raises(anthropic.RateLimitError):
        ask(one)
    paused, now = one.database.run(
        lambda c: (c.execute(sa.select(PACES.c.paused)).scalar_one(), one.database.now(c))
    )
    one.close()
    assert timedelta(seconds=20) < timedelta(microseconds=paused - now) <= timedelta(seconds=30)
