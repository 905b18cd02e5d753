"""What requests cost, what they may cost at most, and what a list of them would come to."""

from datetime import date
from decimal import Decimal

import pytest

from resources.llm.errors import UnknownPrice
from resources.llm.outcomes import Usage
from resources.llm.prices import Prices, bound, dollars
from resources.llm.store import Request
from tests.llm_server import text

DAY = date(2026, 11, 25)
MILLION = 1_000_000
HAIKU = "claude-haiku-5-5"
CORRECTED = """
prices:
  - {model: claude-haiku-5-5, from: 2026-01-01, tiers: [{input: 7, output: 8}],
     cache_read: 0.1, cache_write_5m: 1.25, cache_write_1h: 2, batch: 0.5}
  - {model: claude-haiku-5-5, from: 2026-12-01, tiers: [{input: 9, output: 9}],
     cache_read: 0.1, cache_write_5m: 1.25, cache_write_1h: 2, batch: 0.5}
"""


@pytest.mark.parametrize(
    ("model", "usage", "batch", "expected"),
    [
        ("claude-opus-5-5", Usage(input=MILLION), False, "$4.00"),
        ("claude-opus-5-5", Usage(output=MILLION), False, "$20.00"),
        ("claude-opus-5-5", Usage(cache_read=MILLION), False, "$0.2000"),
        ("claude-sonnet-5-5", Usage(cache_write_5m=MILLION), False, "$2.50"),
        ("claude-sonnet-5-5", Usage(cache_write_1h=MILLION), False, "$4.00"),
        ("claude-sonnet-5-5", Usage(input=MILLION, output=MILLION), True, "$6.00"),
        (HAIKU, Usage(input=100_000), False, "$0.0100"),
        (HAIKU, Usage(input=100_001), False, "$0.0500"),
        (HAIKU, Usage(input=1, cache_read=100_000), False, "$0.0050"),
        (f"{HAIKU}-20261101", Usage(output=MILLION), False, "$0.5000"),
    ],
)
def test_a_price_depends_on_kind_of_token_length_of_prompt_and_lane(model, usage, batch, expected):
    assert dollars(Prices().of(model, DAY).cost(usage, batch=batch)) == expected


def test_a_part_of_a_nano_dollar_is_rounded_up():
    assert Prices().of(HAIKU, DAY).cost(Usage(cache_read=1), batch=True) == 5
    odd = Prices().of("claude-opus-5-5", DAY).model_copy(update={"batch": Decimal("0.33333")})
    assert odd.cost(Usage(cache_read=1), batch=True) == 67


def test_a_user_corrects_prices_in_one_file_and_keeps_the_others(tmp_path):
    path = tmp_path / "prices.yaml"
    path.write_text(CORRECTED)
    prices = Prices(path)
    assert dollars(prices.of(HAIKU, DAY).cost(Usage(input=MILLION))) == "$7.00"
    assert dollars(prices.of(HAIKU, date(2026, 12, 1)).cost(Usage(input=MILLION))) == "$9.00"
    assert prices.of("claude-opus-5-5", DAY) == Prices().of("claude-opus-5-5", DAY)


@pytest.mark.parametrize(
    "content",
    [
        "nothing: here",
        "prices: [{model: m}]",
        "prices: [",
        CORRECTED.replace("{input: 7, output: 8}", "{up_to: 5, input: 7, output: 8}"),
    ],
)
def test_a_file_that_is_no_price_table_is_refused_with_its_name(tmp_path, content):
    path = tmp_path / "prices.yaml"
    path.write_text(content)
    with pytest.raises(ValueError, match=r"prices\.yaml is no price table"):
        Prices(path)
    with pytest.raises(ValueError, match="KG_LLM_PRICES"):
        Prices(tmp_path / "absent.yaml")


def test_a_model_without_a_price_is_never_sent_to(model, server):
    messages = [{"role": "user", "content": "When?"}]
    with pytest.raises(UnknownPrice, match="KG_LLM_PRICES"):
        model().plain_client.messages.create(model="new-model", max_tokens=9, messages=messages)
    with pytest.raises(UnknownPrice):
        Prices().of(HAIKU, date(2020, 1, 1))
    assert not server.received


def body(words, **more):
    return {
        "model": HAIKU,
        "max_tokens": 1000,
        "messages": [{"role": "user", "content": words}],
        **more,
    }


@pytest.mark.parametrize("words", ["a b c", "映画と小説", "🎬" * 50, "x" * 5000])
def test_what_is_reserved_covers_a_token_for_each_byte_and_the_dearest_way_to_cache(words):
    cached = [{"type": "text", "text": words, "cache_control": {"type": "ephemeral", "ttl": "1h"}}]
    request = Request.of(body(words, system=cached))
    limits = bound(request.body, request.size)
    assert limits.prompt > 2 * len(words.encode())
    assert limits.cached == "1h"
    price = Prices().of(HAIKU, DAY)
    most = price.most(limits.prompt, limits.output, cached=limits.cached, batch=False)
    assert most == price.cost(Usage(cache_write_1h=limits.prompt, output=1000))


def test_an_estimate_counts_what_is_stored_and_gives_a_range_that_holds(model, server):
    one = model()
    requests = [Request.of(body(f"When was film {n} made? " * 20)) for n in range(50)]
    before = one.estimate(requests)
    assert (before.requests, before.stored, before.to_send) == (50, 0, 50)
    assert not server.received

    server.answer = lambda body: text("in 1954 " * 10)
    for request in requests[:25]:
        one.plain_client.messages.create(**request.body)
    half = one.estimate(requests)
    assert (half.stored, half.to_send, half.measured) == (25, 25, 25)
    spent = one.balance().spent
    assert before.cost[0] <= 2 * spent <= before.cost[1] <= before.most
    assert half.cost[0] <= spent <= half.cost[1]
    assert half.cost[1] - half.cost[0] < before.cost[1] - before.cost[0]
    assert one.estimate(requests, batch=True).cost[1] <= half.cost[1] // 2 + 50
    assert "25 stored, 25 to send" in str(half)

    for request in requests:
        one.plain_client.messages.create(**request.body)
    assert one.estimate(requests).cost == (0, 0)
