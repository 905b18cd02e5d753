"""Logs of servers: however much is written, a log and what was before stay short."""

import subprocess
import sys
from contextlib import contextmanager

from resources.server_logs import bound

WRITER = """
import sys
for asked in sys.stdin:
    print("line", asked.strip() * 10, flush=True)
    print("done", file=sys.stderr, flush=True)
"""


@contextmanager
def server(log):
    """A process that has its log open and writes a line to it each time that it is asked."""
    with log.open("a") as stream:
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER],
            stdin=subprocess.PIPE,
            stdout=stream,
            stderr=subprocess.PIPE,
            text=True,
            bufsize=1,
        )

    def write(word):
        process.stdin.write(f"{word}\n")
        assert process.stderr.readline() == "done\n"

    try:
        yield write
    finally:
        process.communicate()


def test_a_log_that_is_written_to_stays_short_and_keeps_what_came_last(tmp_path):
    log = tmp_path / "servers.log"
    with server(log) as write:
        for number in range(40):
            write(f"{number:02}")
            bound([log], most_bytes=200)
            assert log.stat().st_size <= 200
    before = tmp_path / "servers.log.1"
    assert before.stat().st_size <= 200
    assert {path.name for path in tmp_path.iterdir()} == {log.name, before.name}
    kept = (before.read_text() + log.read_text()).splitlines()
    # The first line may have lost its beginning; after it none is missing.
    assert len(kept) > 7
    assert kept[1:] == [f"line {n:02}" + f"{n:02}" * 9 for n in range(41 - len(kept), 40)]


def test_a_log_that_is_short_or_not_there_is_left_alone(tmp_path):
    log = tmp_path / "servers.log"
    log.write_text("all of it")
    bound([log, tmp_path / "none.log"], most_bytes=9)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [
        ("servers.log", "all of it")
    ]


def test_of_a_log_that_was_long_before_anybody_looked_only_the_end_is_kept(tmp_path):
    log = tmp_path / "broker.log"
    log.write_bytes(b"a" * 5_000_000 + b"the end")
    bound([log], most_bytes=100)
    assert log.stat().st_size == 0
    assert (tmp_path / "broker.log.1").read_bytes() == b"a" * 93 + b"the end"
