"""A build that is killed at any point, and started again, ends in the same graph."""

import itertools
import signal
import time

from resources.lake import Lake
from resources.settings import Settings
from tests.faults.conftest import finish, start, strangers, tables
from tests.flow.graph import content
from tests.lengths import FULL

KILLS = 50 if FULL else 2


def test_a_build_that_is_killed_again_and_again_ends_in_the_same_graph(
    home, undisturbed, tmp_path, monkeypatch, chance
):
    monkeypatch.setenv("KG_LANDING", str(undisturbed.landing))
    done, seconds = 0, undisturbed.seconds
    for number in itertools.count():
        if done == KILLS:
            break
        # As many kills as get a home to its end, and then another home.
        monkeypatch.setenv("KG_HOME", str(tmp_path / f"killed-{number}"))
        killed, left = Settings(), seconds
        for _ in range(min(KILLS - done, chance.randint(1, 6))):
            process = start(KG_WORKERS="2")
            time.sleep(moment := chance.uniform(0.1, 0.95) * left)
            process.send_signal(signal.SIGKILL)
            code, output = finish(process)
            if code != -signal.SIGKILL:
                # It came to its end before. Only kills count, and the next home is quicker too.
                assert code == 0, output
                seconds *= 0.8
                break
            done += 1
            # What it has committed stays, but it starts and loads anew.
            left -= 0.7 * moment
        # What a killed build leaves ends with it, and is given a moment to do so.
        time.sleep(1)
        # Nothing is half written: what the catalog names is there, whole.
        partial = tables(killed)
        assert partial.items() <= undisturbed.tables.items()
        code, output = finish(start(KG_WORKERS="2"))
        assert code == 0, output
        assert tables(killed) == undisturbed.tables
        assert content(killed) == undisturbed.graph
        Lake(killed).collect(older_than_seconds=0)
        assert strangers(killed) == set()
        assert tables(killed) == undisturbed.tables
