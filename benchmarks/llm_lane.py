"""What the language model's lane adds to each request, beside the bare client, on loopback.

Run with ``python -m benchmarks.llm_lane``. A server in a process of its own answers each request
after a fixed time. The bare asynchronous client and the lane take turns, each with the same number
of requests in the air. What is ours is the difference of the two in processor time and in wall time
for each request; the promise is less than 5 ms. Another round gives all answers from the store.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr
from rich.console import Console
from rich.table import Table as Grid

from resources.llm.model import LanguageModel
from resources.settings import Settings

if TYPE_CHECKING:
    import anthropic

PROMISE = 5.0
"""Milliseconds of our own time for each request."""

PREFIX = "Definitions, guidance and examples of the relations of the ontology. " * 300
"""A stable prefix of about 20 kB, as that of an ontology is."""


@dataclass(frozen=True)
class Cost:
    """Seconds of a round."""

    wall: float
    processor: float


def body(number: str) -> dict[str, Any]:
    """A request with a long prefix, a schema and a document of its own."""
    return {
        "model": "claude-haiku-5-5",
        "max_tokens": 1000,
        "system": [{"type": "text", "text": PREFIX, "cache_control": {"type": "ephemeral"}}],
        "tools": [{"name": "facts", "description": "Facts", "input_schema": {"type": "object"}}],
        "tool_choice": {"type": "tool", "name": "facts"},
        "messages": [{"role": "user", "content": f"Document {number}. " + "It is a film. " * 100}],
    }


async def ask(client: anthropic.AsyncAnthropic, names: list[str], at_once: int) -> Cost:
    """Send requests, so many at once."""
    waiting = iter(names)

    async def worker() -> None:
        for name in waiting:
            await client.messages.create(**body(name))

    wall, processor = time.perf_counter(), used()
    await asyncio.gather(*(worker() for _ in range(at_once)))
    return Cost(time.perf_counter() - wall, used() - processor)


def used() -> float:
    """Processor seconds of all threads of this process."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


async def measure(url: str, home: Path, requests: int, at_once: int, rounds: int) -> bool:
    """Print the figures; whether the promise holds."""
    import anthropic

    settings = Settings(
        home=home,
        llm_key=SecretStr("loopback"),
        llm_base_url=url,
        llm_cap=Decimal(1_000_000),
        llm_budget="benchmark",
        llm_requests_per_minute=10**9,
        llm_tokens_per_minute=10**12,
        llm_concurrency=at_once,
        llm_mode="record",
    )
    costs: dict[str, list[Cost]] = {"bare client": [], "lane": [], "lane, all stored": []}
    bare = anthropic.AsyncAnthropic(api_key="loopback", base_url=url, max_retries=0)
    async with LanguageModel.from_settings(settings) as model:
        # Connections, compiled statements and the like, which only the first requests pay.
        for client in (bare, model.client):
            await ask(client, [f"warm {n}" for n in range(2 * at_once)], at_once)
        for turn in range(rounds):
            names = [f"{turn} {n}" for n in range(requests)]
            costs["bare client"].append(await ask(bare, names, at_once))
            costs["lane"].append(await ask(model.client, names, at_once))
            costs["lane, all stored"].append(await ask(model.client, names, at_once))
    await bare.close()

    grid = Grid("", "wall, ms a request", "processor, ms a request", "requests/s")
    middle: dict[str, Cost] = {}
    for name, each in costs.items():
        middle[name] = Cost(
            statistics.median(cost.wall for cost in each) / requests * 1000,
            statistics.median(cost.processor for cost in each) / requests * 1000,
        )
        wall, processor = middle[name].wall, middle[name].processor
        grid.add_row(name, f"{wall:.2f}", f"{processor:.2f}", f"{1000 / wall:,.0f}")
    console = Console(width=100)
    console.print(grid)
    processor = middle["lane"].processor - middle["bare client"].processor
    wall = middle["lane"].wall - middle["bare client"].wall
    held = processor < PROMISE
    console.print(
        f"{requests} requests, {at_once} in the air, medians of {rounds} rounds. Added to each "
        f"request: {processor:.2f} ms of processor time, {wall:.2f} ms of wall time "
        f"(promise: under {PROMISE:.0f} ms): {'holds' if held else 'DOES NOT HOLD'}"
    )
    return held


def main() -> None:
    """Measure, and end with 1 where the promise does not hold."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--at-once", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--delay", type=float, default=0.1, help="seconds of each answer")
    options = parser.parse_args()
    command = [sys.executable, "-m", "tests.llm_server", str(options.delay)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        with tempfile.TemporaryDirectory() as home:
            held = asyncio.run(
                measure(url, Path(home), options.requests, options.at_once, options.rounds)
            )
    finally:
        server.terminate()
        server.wait()
    sys.exit(0 if held else 1)


if __name__ == "__main__":
    main()
