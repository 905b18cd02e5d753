"""Memory of arrays: in pages of the usual size, and of arrays whose length is not known yet."""

from __future__ import annotations

import math
import mmap
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable


def small_pages(shape: tuple[int, ...], dtype: Any) -> Any:
    """An array without content, as ``numpy.empty``, but in pages of the usual size.

    numpy asks for pages of 2 MB. Those make many looks at random places cheaper, by a sixth for
    pairs of records; yet where memory is in pieces the system moves others about to find them,
    which can take longer than to fill the array.

    Args:
        shape: As for ``numpy.empty``.
        dtype: As for ``numpy.empty``.
    """
    size = math.prod(shape)
    # A mapping cannot be empty.
    room = mmap.mmap(
        -1, max(1, size * np.dtype(dtype).itemsize), flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
    )
    return np.frombuffer(room, dtype, count=size).reshape(shape)


class Growing:
    """An array that is filled from its beginning, of a length that is only known at the end.

    Memory that was asked for and is never written to costs nothing.

    Args:
        room: Makes an array without content of a shape and type, as ``numpy.empty`` does.
        kind: Type of its elements.
        shape: Shape of each of them; nothing for numbers.
    """

    def __init__(self, room: Callable[..., Any], kind: Any, *shape: int) -> None:
        self._room, self._values = room, np.empty((0, *shape), dtype=kind)
        self.used = 0

    def more(self, count: int, share: float) -> Any:
        """The next places, to be written to.

        Args:
            count: How many.
            share: Share of all that is expected which was seen with these.
        """
        needed = self.used + count
        if needed > len(self._values):
            size = max(needed, int(1.1 * needed / share), len(self._values) * 3 // 2)
            grown = self._room((size, *self._values.shape[1:]), dtype=self._values.dtype)
            grown[: self.used] = self._values[: self.used]
            self._values = grown
        place = self._values[self.used : needed]
        self.used = needed
        return place

    @property
    def filled(self) -> Any:
        """What was written."""
        return self._values[: self.used]
