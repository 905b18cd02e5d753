"""What the workers of a build share, made once: they are forked of a process that imports this.

Imported and set up, the packages hold about 200 MB and take four seconds of a processor. What a
worker does not change of that stays in memory once for all of them. No package may be among them
that starts threads which it needs later, as LanceDB does: a fork has none of them.
"""

from __future__ import annotations

import atexit
import gc
import os

from kg_assets.running import assets_job
from resources.settings import Settings


def _preload() -> None:
    import numba
    import pyarrow as pa
    import scipy.sparse.csgraph  # noqa: F401
    import splink  # noqa: F401

    # With its first list pyarrow imports pandas, with its first function numba sets itself up.
    pa.array([1])
    numba.njit(lambda number: number + 1)(1)
    assets_job(Settings())
    # DuckDB would complain of what it still holds, on the standard error of the build.
    atexit.register(os._exit, 0)
    # What is garbage now would be freed by each worker, and the collector writes into all that it
    # looks at: both make copies.
    gc.collect()
    gc.freeze()


_preload()
