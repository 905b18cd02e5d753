"""Folders of tests that another user may enter: Postgres does not run as root."""

from __future__ import annotations

import os
from pathlib import Path


def open_to_others(folder: Path) -> None:
    """Let every user go through a folder below /tmp; pytest closes its own."""
    for above in (folder, *folder.parents):
        if above.is_relative_to("/tmp/") and above != Path("/tmp") and os.getuid() == 0:
            above.chmod(above.stat().st_mode | 0o011)
