"""Functions as machine code by numba, kept for the next process in a folder that can be written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from resources.settings import Settings

CACHE = "machine_code"
"""Folder of KG_HOME for machine code that can be kept nowhere else."""


def njit(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Numba's ``njit``, also where numba finds no folder to keep what it has compiled.

    numba asks for the folder of the module's file, or the user's folder of caches. A container may
    have neither; numba then refuses to compile at all. The code is kept in KG_HOME there, and where
    nothing can be written there either, compiled by each process that needs it.

    Args:
        options: Those of numba; ``cache`` is tried as said above.

    Returns:
        The decorator.
    """
    import numba

    return _kept(numba.njit, (), options)


def cfunc(signature: Any, **options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Numba's ``cfunc``, a function with an address that machine code can call; kept as `njit`'s.

    Args:
        signature: Types of its arguments and of what it returns.
        options: Those of numba; ``cache`` is tried as for `njit`.

    Returns:
        The decorator.
    """
    import numba

    return _kept(numba.cfunc, (signature,), options)


def intrinsic(function: Callable[..., Any]) -> Any:
    """Numba's ``intrinsic``: a function that writes its own instructions for LLVM."""
    import numba.extending

    return numba.extending.intrinsic(function)


def _kept(
    decorator: Callable[..., Any], arguments: tuple[Any, ...], options: dict[str, Any]
) -> Callable[[Callable[..., Any]], Any]:
    import numba

    def compiled(function: Callable[..., Any]) -> Any:
        try:
            return decorator(*arguments, **options)(function)
        except RuntimeError as error:
            # numba has no class of its own for it: "cannot cache function ...: no locator".
            if not options.get("cache") or "cannot cache" not in str(error):
                raise
        # Looked up at each function, so that one that was set from outside has failed already.
        config: Any = numba.config
        config.CACHE_DIR = str(Settings().home.absolute() / CACHE)
        try:
            return decorator(*arguments, **options)(function)
        except RuntimeError as error:
            if "cannot cache" not in str(error):
                raise
            return decorator(*arguments, **options | {"cache": False})(function)

    return compiled
