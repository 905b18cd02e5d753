"""A disk that is full in the middle of a write costs the step, and nothing that was there."""

import os
import shutil
import subprocess

import pytest

from tests.faults.conftest import BUILD, tables
from tests.flow.graph import content
from tests.homes import home_at
from tests.lengths import FULL

TRIES = 12 if FULL else 1

# A file system of its own that ends with the process; no rights are needed for it.
SCRIPT = """
set -eu
mount -t tmpfs -o size="${SIZE}k" tmpfs "$KG_HOME"
"$@" > "$OUT/full.txt" 2>&1 && echo 0 > "$OUT/full.code" || echo $? > "$OUT/full.code"
mount -o remount,size=1g "$KG_HOME"
"$@" > "$OUT/more.txt" 2>&1 && echo 0 > "$OUT/more.code" || echo $? > "$OUT/more.code"
cp -r "$KG_HOME" "$OUT/home"
"""


def mounts():
    """Whether this machine lets a user mount a file system of its own."""
    if shutil.which("unshare") is None:
        return False
    command = ["unshare", "--user", "--map-root-user", "--mount", "mount", "-t", "tmpfs"]
    return subprocess.run([*command, "tmpfs", "/mnt"], capture_output=True).returncode == 0


@pytest.mark.skipif(not mounts(), reason="no file system can be mounted here")
def test_a_build_on_a_full_disk_says_so_and_the_next_one_ends_as_if_nothing_had_been(
    home, undisturbed, tmp_path, chance
):
    for number in range(TRIES):
        full, out = tmp_path / f"full-{number}", tmp_path / f"out-{number}"
        full.mkdir()
        out.mkdir()
        size = int(undisturbed.kilobytes * chance.uniform(0.15, 0.8))
        subprocess.run(
            ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", SCRIPT, "sh", *BUILD],
            env=os.environ
            | {
                "KG_HOME": str(full),
                "KG_LANDING": str(undisturbed.landing),
                "OUT": str(out),
                "SIZE": str(size),
            },
            check=True,
            timeout=900,
        )
        said = (out / "full.txt").read_text()
        assert (out / "full.code").read_text().strip() == "1", said
        assert "no space left" in said.lower() or "disk is full" in said.lower(), said
        assert "Traceback" not in said
        assert (out / "more.code").read_text().strip() == "0", (out / "more.txt").read_text()
        with home_at(out / "home") as settings:
            assert tables(settings) == undisturbed.tables
            assert content(settings) == undisturbed.graph
