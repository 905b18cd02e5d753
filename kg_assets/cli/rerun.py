"""`kg rerun`: one partition again, here, with all that can be seen."""

from __future__ import annotations

import pdb
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING

from kg_assets.cli.render import Exit, clean, console, fail, print_json

if TYPE_CHECKING:
    from kg_assets.rerun import Again
    from resources.settings import Settings


def rerun(settings: Settings, name: str, *, debug: bool, stop: bool, keep: bool, json: bool) -> int:
    """Run a partition again, and say what was different.

    Args:
        settings: Where things lie.
        name: The run, or the partition.
        debug: Whether all is logged.
        stop: Whether to stop at the error in a debugger.
        keep: Whether what was written stays.
        json: Whether to print JSON.

    Returns:
        The exit code: 1 where it failed again.
    """
    from kg_assets import rerun as again
    from resources.logs import configure

    if debug:
        configure(settings, level="DEBUG")
    try:
        target = again.find(settings, name)
    except again.RerunError as error:
        fail(str(error))
    if not json:
        console.print(
            f"{clean(target.label)} with what the namespace {target.namespace} reads",
            soft_wrap=True,
        )
        if target.failure is not None:
            since = "" if target.failure.stands else "; a later run of it did not fail"
            console.print(f"It failed in {again.said_of(target.failure)}{since}", soft_wrap=True)
    done = (
        again.rerun(settings, target, keep=keep, around=_stopping)
        if stop
        else again.rerun(settings, target, keep=keep)
    )
    if json:
        print_json(
            {
                "label": target.label,
                "namespace": target.namespace,
                "failed_run": None if target.failure is None else asdict(target.failure),
                "scratch": done.scratch if done.kept else None,
                "error_before": target.error,
                "error": done.error,
                "same_error": done.same_error,
                "outputs": done.outputs,
            }
        )
    else:
        _print(done)
    return Exit.OK if done.error is None else Exit.NOT_FOUND


def _print(done: Again) -> None:
    before = done.target.error
    if done.error is None:
        said = "It succeeded" + (f". Before it failed: {clean(before)}" if before else ".")
        console.print(f"[green]{said}[/]", soft_wrap=True)
        for table, what in done.outputs.items():
            console.print(f"  {clean(table)}: {clean(what)}", soft_wrap=True)
        if before:
            label = clean(done.target.label)
            console.print(f"Make it for good: kg build --only '{label}'", soft_wrap=True)
    elif done.same_error:
        console.print(f"[red]The same error:[/] {clean(done.error)}", soft_wrap=True)
    else:
        console.print(f"[red]It failed:[/] {clean(done.error)}", soft_wrap=True)
        if before:
            console.print(f"Before it was another error: {clean(before)}", soft_wrap=True)
    if done.kept:
        console.print(f"What it wrote is in the namespace {done.scratch} (KG_NAMESPACE).")


@contextmanager
def _stopping() -> Iterator[None]:
    """Stop where an error arises, while the step's connection and files are still there."""
    try:
        yield
    except Exception:
        pdb.post_mortem(sys.exc_info()[2])
        raise
