"""The order of tests: files that take minutes begin first, so that none is left over at the end."""

FIRST = (
    "tests/flow/test_ui.py",
    # These need no home that was built, which the ones above wait for meanwhile.
    "tests/faults/test_kill.py",
    "tests/faults/test_disk_full.py",
    "tests/faults/",
    "tests/flow/",
    "tests/examples/",
    "tests/matching/",
)


def pytest_collection_modifyitems(items):
    def turn(item):
        return next((n for n, start in enumerate(FIRST) if item.nodeid.startswith(start)), 99)

    # pytest-xdist's own order, by the number of tests in a file, puts the long ones last.
    items.sort(key=turn)
