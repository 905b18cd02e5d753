"""Many coroutines from plain code: an event loop in a thread, results as they come."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar

_Given = TypeVar("_Given")
_Made = TypeVar("_Made")
_Tool = TypeVar("_Tool")


def as_they_come(
    given: Iterable[_Given],
    opened: Callable[[], AbstractAsyncContextManager[_Tool]],
    work: Callable[[_Tool, _Given], Coroutine[Any, Any, _Made]],
    limit: int,
) -> Iterator[_Made]:
    """Do something asynchronous with each of many things.

    The loop has a thread of its own, so that it goes on while the caller looks at results, and so
    that a caller that has a loop, such as a notebook, can call this too.

    Args:
        given: What is worked on; taken as there is room.
        opened: Opens, within the loop, what the work needs.
        work: What is done with each. An error of it ends the iteration.
        limit: How many are under way at a time, and so how far ahead `given` is read.

    Yields:
        The results, each as soon as it is there.
    """
    manager = opened()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="kg-llm", daemon=True)
    thread.start()
    pending: set[Future[_Made]] = set()
    try:
        tool = _run(loop, manager.__aenter__())
        try:
            for each in given:
                pending.add(asyncio.run_coroutine_threadsafe(work(tool, each), loop))
                while len(pending) >= limit:
                    done, pending = wait(pending, return_when=FIRST_COMPLETED)
                    yield from (future.result() for future in done)
            while pending:
                done, pending = wait(pending, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in done)
        finally:
            for future in pending:
                future.cancel()
            _run(loop, manager.__aexit__(None, None, None))
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def _run(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, _Made]) -> _Made:
    return asyncio.run_coroutine_threadsafe(work, loop).result()
