"""Batches: sent once, found again after a restart, half the price, validated like other answers."""

from decimal import Decimal

import anthropic
import pytest
import sqlalchemy as sa

from resources.llm.errors import CapReached, CutOff, Deferred, Refused
from resources.llm.ledger import Balance
from resources.llm.outcomes import Outcome
from resources.llm.schema import BATCHES
from tests.llm_server import Reply, cut_connection, cut_off, refusal, status, text
from tests.resources.llm_processes import PROCESSES, body, numbered, submit_and_die
from tests.waiting import until

USAGE = {"input_tokens": 1000, "output_tokens": 100}
PRICE = 1000 * 100 + 100 * 500
"""Nano-dollars of one answer outside of batches."""


def ask(model, request):
    return model.plain_client.messages.create(**request.body).content[0].text


def posts(server):
    return [r for r in server.received if r.method == "POST" and r.path == "/v1/messages/batches"]


@pytest.fixture
def echo(server):
    server.answer = lambda asked: text(f"to {asked['messages'][0]['content']}", usage=USAGE)
    return server


def test_answers_of_a_batch_are_given_to_who_asks_afterwards_at_half_the_price(
    model, echo, store_url
):
    one = model(llm_store=store_url)
    with one.deferring() as exchange:
        for request in numbered(3):
            with pytest.raises(Deferred):
                ask(one, request)
    sent = one.batches.submit(exchange.deferred.values())
    assert (sent.sent, len(sent.batches)) == (3, 1)
    assert one.balance().spent == 0 < one.balance().reserved
    assert one.batches.collect().open == sent.batches
    assert one.batches.collect(wait=True).counts.sent == {Outcome.ANSWERED: 3}
    assert one.balance() == Balance(spent=3 * PRICE // 2)
    # The server gives results in another order than that of the requests.
    assert [ask(one, r) for r in numbered(3)] == [f"to When, {n}?" for n in range(3)]
    assert not echo.messages()


def test_what_is_stored_or_waits_in_a_batch_is_not_sent_again(model, echo):
    one = model()
    ask(one, numbered(1)[0])
    one.batches.submit(numbered(3))
    again = one.batches.submit(numbered(4))
    assert (again.sent, again.stored, again.waiting) == (1, 1, 2)
    assert [len(post.body["requests"]) for post in posts(echo)] == [2, 1]


def test_each_result_has_its_own_outcome_and_only_answers_are_paid(model, echo):
    one = model()
    echo.script(
        text("fine", usage=USAGE),
        Reply((), stop_reason="refusal", usage=USAGE),
        Reply((), stop_reason="max_tokens", usage=USAGE),
        status(400),
        status(529),
        Reply(expired=True),
    )
    asked = numbered(6)
    one.batches.submit(asked)
    counts = one.batches.collect(wait=True).counts
    assert counts.sent == dict.fromkeys(
        [
            Outcome.ANSWERED,
            Outcome.REFUSED,
            Outcome.CUT_OFF,
            Outcome.INVALID,
            Outcome.OVERLOADED,
            Outcome.EXPIRED,
        ],
        1,
    )
    assert one.balance() == Balance(spent=3 * PRICE // 2)
    with pytest.raises(Refused):
        ask(one, asked[1])
    with pytest.raises(CutOff):
        ask(one, asked[2])
    # What failed is free to be sent again, what was refused is not.
    assert one.batches.submit(asked).sent == 3


def test_a_cancelled_batch_gives_its_money_back(model, echo):
    one = model()
    one.batches.submit(numbered(2))
    one.batches.cancel()
    assert one.batches.collect(wait=True).counts.sent == {Outcome.CANCELED: 2}
    assert one.balance() == Balance()


def test_at_the_cap_what_fits_is_sent_and_the_rest_by_the_next_build(model, echo):
    with pytest.raises(CapReached):
        model(llm_cap=Decimal("0.0005")).batches.submit(numbered(20))
    first = len(posts(echo)[0].body["requests"])
    assert 0 < first < 20
    following = model(llm_budget="next")
    assert following.batches.submit(numbered(20)).sent == 20 - first
    following.batches.collect(wait=True)
    # Each budget pays for what it reserved.
    assert following.balance().spent == (20 - first) * PRICE // 2
    assert model().balance() == Balance(spent=first * PRICE // 2)


def test_a_batch_that_the_endpoint_refuses_costs_nothing_and_can_be_sent_again(model, echo):
    one = model()
    echo.script_batches(status(400))
    with pytest.raises(anthropic.BadRequestError):
        one.batches.submit(numbered(2))
    assert one.balance() == Balance()
    echo.script_batches(status(429, retry_after=0.01), status(529))
    assert one.batches.submit(numbered(2)).sent == 2
    assert len(posts(echo)) == 4


def test_a_batch_whose_id_was_lost_with_the_connection_is_found_and_not_paid_twice(model, echo):
    one = model()
    echo.script_batches(cut_connection())
    with pytest.raises(anthropic.APIConnectionError):
        one.batches.submit(numbered(3))
    after = model()
    assert after.batches.submit(numbered(3)).waiting == 3
    after.batches.collect(wait=True)
    assert len(posts(echo)) == 1
    assert after.balance() == Balance(spent=3 * PRICE // 2)
    assert ask(after, numbered(1)[0]) == "to When, 0?"


def test_a_batch_of_another_is_not_taken_for_a_lost_one(model, echo):
    one = model()
    stranger = anthropic.Anthropic(api_key="other", base_url=echo.url)
    items = [{"custom_id": f"other-{n}", "params": body("Who?")} for n in range(3)]
    other = stranger.messages.batches.create(requests=items)
    for _ in range(2):
        stranger.messages.batches.retrieve(other.id)
    # The request never reached the endpoint.
    down = model(llm_base_url="http://127.0.0.1:9", llm_retries=0)
    with pytest.raises(anthropic.APIConnectionError):
        down.batches.submit(numbered(3))
    assert one.batches.submit(numbered(3)).sent == 3
    one.batches.collect(wait=True)
    assert one.balance() == Balance(spent=3 * PRICE // 2)


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_killed_process_finds_its_batch_again(model, settings, echo, moment):
    if moment == "before":
        # The endpoint has made the batch and does not get to say so.
        echo.script_batches(Reply(delay=20))
    process = PROCESSES.Process(target=submit_and_die, args=(settings(),))
    process.start()
    if moment == "before":
        until(lambda: echo.batches)
        process.kill()
    process.join()
    one = model()
    states = one.database.run(lambda c: list(c.execute(sa.select(BATCHES.c.state)).scalars()))
    assert states == ["intended" if moment == "before" else "sent"]
    assert one.batches.submit(numbered(3)).waiting == 3
    assert one.batches.collect(wait=True).counts.sent == {Outcome.ANSWERED: 3}
    assert len(posts(echo)) == 1
    assert one.balance() == Balance(spent=3 * PRICE // 2)


def test_a_batch_that_the_endpoint_forgot_is_reported_and_its_requests_are_free(model, echo):
    one = model()
    [remote] = one.batches.submit(numbered(2)).batches
    del echo.batches[remote]
    assert one.batches.collect().lost == [remote]
    assert one.balance() == Balance()
    assert one.batches.submit(numbered(2)).sent == 2


def test_refusals_and_cut_answers_of_a_batch_are_those_of_the_direct_lane(model, server):
    server.script(refusal(), cut_off())
    one = model()
    asked = numbered(2)
    one.batches.submit(asked)
    one.batches.collect(wait=True)
    for request, kind in zip(asked, (Refused, CutOff), strict=True):
        with pytest.raises(kind):
            ask(one, request)
    assert not server.messages()
