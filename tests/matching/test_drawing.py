"""Charts are drawn by a process of its own, which lives a little longer than one drawing."""

import os
import signal
import subprocess
import sys
from contextlib import suppress

import psutil
import pytest

from kg_assets.matching.reporting.drawing import Drawing, DrawingError, draw, rest

SPEC = {
    "data": {"values": [{"pairs": 3}]},
    "mark": "bar",
    "encoding": {"x": {"field": "pairs", "type": "quantitative"}},
}
CHART = [Drawing("svg", SPEC)]


def painters():
    """The processes that draw for this one."""
    return [
        child
        for child in psutil.Process().children()
        if child.status() != psutil.STATUS_ZOMBIE and child.cmdline()[-1].endswith("drawing.py")
    ]


def test_what_is_drawn_soon_after_is_drawn_by_the_same_process_and_has_the_same_bytes():
    first = draw(CHART)
    [painter] = painters()
    assert draw(CHART) == first
    assert painters() == [painter]


def test_a_process_that_draws_ends_where_its_memory_is_needed_and_another_one_draws_the_same():
    first = draw(CHART)
    assert painters()
    rest()
    assert not painters()
    assert draw(CHART) == first


def test_what_cannot_be_drawn_is_said_in_one_line_and_the_next_chart_is_drawn():
    with pytest.raises(DrawingError) as refused:
        draw([Drawing("svg", {"mark": "nonsense"})])
    assert "could not be drawn: Vega-Lite to SVG conversion failed: " in str(refused.value)
    assert "\n" not in str(refused.value)
    [picture] = draw(CHART)
    assert picture.startswith(b"<svg")


def test_where_the_process_that_draws_was_killed_another_one_draws():
    first = draw(CHART)
    [painter] = painters()
    painter.kill()
    painter.wait(timeout=60)
    assert draw(CHART) == first
    assert painters() != [painter]


def test_a_drawing_that_is_broken_off_is_not_taken_for_the_next_one():
    expected = draw(CHART)
    [painter] = painters()
    painter.kill()
    painter.wait(timeout=60)

    def break_off(_number, _frame):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, break_off)
    try:
        # Starting takes longer.
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(KeyboardInterrupt):
            draw([Drawing("svg", SPEC | {"mark": "line"})])
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert draw(CHART) == expected


def test_a_process_that_is_killed_leaves_none_that_draws():
    code = f"""
import os, psutil, signal
from kg_assets.matching.reporting.drawing import Drawing, draw
draw([Drawing("svg", {SPEC!r})])
print(psutil.Process().children()[0].pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    painter = int(done.stdout)
    with suppress(psutil.NoSuchProcess):
        psutil.Process(painter).wait(timeout=60)
    assert not psutil.pid_exists(painter)


@pytest.mark.parametrize(
    ("kept", "place"), [("", "cache/**/vega-*.js"), ("1", "reports/.vega-*.js")],
    ids=["of the installation", "of the home, where no bytecode is kept"],
)  # fmt: skip
def test_the_javascript_of_pages_is_made_once_and_kept_with_the_bytecode(tmp_path, kept, place):
    code = """
import sys, pathlib
from kg_assets.matching.reporting.library import library
sys.stdout.write(library(pathlib.Path(sys.argv[1])))
"""
    environment = {
        "PYTHONPYCACHEPREFIX": str(tmp_path / "cache"),
        "PYTHONDONTWRITEBYTECODE": kept,
    }

    def said():
        return subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / "reports")],
            env=os.environ | environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    assert "vegaEmbed" in said()
    [file] = tmp_path.rglob("*vega-*.js")
    assert list(tmp_path.glob(place)) == [file]
    file.write_text("what is there")
    assert said() == "what is there"
