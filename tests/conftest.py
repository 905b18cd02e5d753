"""The order of tests, long files first, and when each process that runs tests came to its end."""

import time

FIRST = (
    # Minutes, most of them waiting for servers and processes of its own. It makes the home, and the
    # machine code, that those after the next ones wait for.
    "tests/flow/test_ui.py",
    "tests/sources/test_parsing.py",
    "tests/inference/test_chain.py",
    "tests/resources/test_bucket.py",
    "tests/examples/",
    "tests/flow/test_daemon.py",
    "tests/faults/test_kill.py",
    "tests/faults/test_disk_full.py",
    "tests/faults/test_restarts.py",
    "tests/flow/test_cluster.py",
    "tests/flow/test_build.py",
    "tests/faults/",
    "tests/flow/",
    "tests/matching/test_update_histories.py",
    "tests/matching/test_bad_input.py",
    "tests/matching/test_updates.py",
    "tests/cli/test_review.py",
    "tests/cli/test_report.py",
    "tests/test_machine_code.py",
    "tests/matching/",
    "tests/inference/",
)


def pytest_collection_modifyitems(items):
    def turn(item):
        return next((n for n, start in enumerate(FIRST) if item.nodeid.startswith(start)), 99)

    # pytest-xdist's own order, by the number of tests in a file, puts the long ones last.
    items.sort(key=turn)


def pytest_configure(config):
    config.pluginmanager.register(_Ends(), "ends")


class _Ends:
    """Tells when each process ended: one that ends long before the others has idled."""

    def __init__(self):
        self._began = time.time()
        self._last = {}

    def pytest_runtest_logreport(self, report):
        worker = getattr(report, "worker_id", "")
        if worker:
            self._last[worker] = report.stop, report.nodeid.partition("::")[0]

    def pytest_terminal_summary(self, terminalreporter):
        for worker, (stop, file) in sorted(self._last.items()):
            terminalreporter.write_line(f"{worker} ended after {stop - self._began:.0f} s: {file}")
