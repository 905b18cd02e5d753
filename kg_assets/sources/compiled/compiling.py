"""How the functions of this package are compiled and kept.

To be imported where something is compiled, since numba is imported with it.
"""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from kg_assets.machine_code import njit

# Nothing is allocated, so no references need be counted: a call with many arrays would count each.
_OPTIONS: dict[str, Any] = {"nogil": True, "_nrt": False}

part = njit(**_OPTIONS)
"""A function that others call; it is kept as a part of them."""

inlined = njit(**_OPTIONS, forceinline=True)
"""A part that costs less than the call of it."""


whole = njit(cache=True, **_OPTIONS)
"""A function that Python calls; its machine code is kept for the next process.

numba keeps it until the function's own file changes, or the types of its arguments, a value left
out counting as a type. It holds parts from other files, so its last argument is left out and has
``CODE`` as its value.
"""


def _code() -> int:
    files = sorted(Path(__file__).parent.glob("*.py"))
    return zlib.crc32(b"".join(file.read_bytes() for file in files))


CODE = _code()
"""A number that stands for all code of this package."""


def seen(buffer: Any, kind: type = np.uint8) -> npt.NDArray[Any]:
    """A buffer as numbers; never to be written, as numba compiles for each of the two anew."""
    numbers: npt.NDArray[Any] = np.frombuffer(buffer, kind)
    numbers.flags.writeable = False
    return numbers
