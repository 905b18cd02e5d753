"""`kg ui`: the Dagster UI and its daemon, on loopback unless told otherwise."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from kg_assets.cli.render import console, fail
from kg_assets.instance import prepare_home

if TYPE_CHECKING:
    from resources.settings import Settings

WORKSPACE = Path(__file__).parents[2] / "workspace.yaml"


def serve(settings: Settings) -> int:
    """Replace this process by `dagster dev`.

    Returns:
        Only where it could not be started: the exit code.
    """
    if not WORKSPACE.is_file():
        fail(f"{WORKSPACE.name} is missing: run kg from a checkout of the project")
    # The daemon's and the runs' processes start elsewhere, so a relative folder would be another.
    os.environ["KG_HOME"] = str(settings.home.absolute())
    prepare_home(settings)
    console.print(f"Dagster UI: http://{settings.host}:{settings.port}  (stop with Ctrl-C)")
    command = [sys.executable, "-m", "dagster", "dev", "-w", str(WORKSPACE)]
    command += ["-h", settings.host, "-p", str(settings.port)]
    os.execv(sys.executable, command)
