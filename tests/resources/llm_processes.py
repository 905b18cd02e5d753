"""Processes of their own that use the language model, for tests of what they share.

They are forked from a server that has imported the libraries once: importing them in each would
cost more than the tests.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from typing import Any

from resources.llm.builds import budget_name
from resources.llm.errors import CapReached
from resources.llm.model import LanguageModel
from resources.llm.store import Request
from resources.settings import Settings

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["anthropic", "sqlalchemy", "tests.resources.llm_processes"])


def body(words: str) -> dict[str, Any]:
    """A question."""
    return {
        "model": "claude-haiku-5-5",
        "max_tokens": 100,
        "messages": [{"role": "user", "content": words}],
    }


def numbered(count: int) -> list[Request]:
    """So many questions."""
    return [Request.of(body(f"When, {n}?")) for n in range(count)]


def draw(settings: Settings, name: str, said: Any) -> None:
    """Ask until the cap is reached; says how many were answered and what the error reads."""
    answered = 0
    with LanguageModel.from_settings(settings) as model:
        try:
            for number in range(1000):
                model.plain_client.messages.create(**body(f"{name} asks {number}"))
                answered += 1
        except CapReached as stopped:
            said.put((answered, str(stopped)))


def submit_and_die(settings: Settings) -> None:
    """Send a batch, and be killed."""
    LanguageModel.from_settings(settings).batches.submit(numbered(3))
    os.kill(os.getpid(), signal.SIGKILL)


def say_budget(settings: Settings, said: Any) -> None:
    """Say which budget this process draws on."""
    said.put(budget_name(settings))
