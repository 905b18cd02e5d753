"""Reading what a person types at a prompt."""

from __future__ import annotations

import sys

from kg_assets.cli.render import complain, console


def typed(prompt: str) -> str | None:
    """A line that a person types; None at the end of the input and for Ctrl-C."""
    while True:
        console.print(prompt, end="", soft_wrap=True)
        try:
            line = sys.stdin.readline()
        except KeyboardInterrupt:
            line = ""
        except UnicodeDecodeError:
            complain("what was typed is not text of this terminal's encoding")
            continue
        if not line:
            console.print()
            return None
        return line.strip()
