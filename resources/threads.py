"""Work of several threads whose results come in the order of what they were given."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_Given = TypeVar("_Given")
_Made = TypeVar("_Made")


def mapped(
    function: Callable[[_Given], _Made], items: Iterable[_Given], threads: int
) -> Iterator[_Made]:
    """Map items in threads; as many as there are threads are in work or wait to be taken.

    Args:
        function: Is called in a thread.
        items: Are asked for in the caller's thread.
        threads: How many threads may work.

    Yields:
        What each item gave, in order.
    """
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[Future[_Made]] = deque()
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) > threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
