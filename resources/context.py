"""With which code and configuration this process makes things, for the catalog's record."""

from __future__ import annotations

import json
import re
import subprocess
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import SecretStr

from ontology.schema import load_ontology
from resources.entries import Context
from resources.team_settings import TeamSettings

if TYPE_CHECKING:
    from resources.settings import Settings

_NO_PART = {
    *("home", "landing", "host", "port", "workers", "namespace", "expected_every_days"),
    *TeamSettings.model_fields,
}
"""Settings that have no part in a result: where something is, how long it stays, when it is due."""

_PASSWORD = re.compile(r"(?<=://)[^/@\s]*@")
"""User and password in an address."""

_GIT_SECONDS = 10


def context_of(settings: Settings) -> Context:
    """What is made with these settings is made with this code, ontology and configuration.

    Args:
        settings: Of these, what can have a part in a result is named; secrets are not.
    """
    return Context(
        code=code_revision(),
        ontology=load_ontology().hash,
        settings=json.dumps(readable(settings), sort_keys=True),
    )


def readable(settings: Settings) -> dict[str, object]:
    """Settings by name as JSON values, without secrets, as far as they have a part in results."""
    shown = {
        name
        for name, field in type(settings).model_fields.items()
        # What may hold a password has no repr.
        if field.repr and name not in _NO_PART
        if not isinstance(getattr(settings, name), SecretStr)
    }
    values = settings.model_dump(mode="json", include=shown)
    return {name: _without_password(value) for name, value in values.items()}


@lru_cache(maxsize=1)
def code_revision() -> str:
    """Revision of git, with ``-dirty`` where files differ from it; else the package's version."""
    root = Path(__file__).parents[1]
    if (root / ".git").exists():
        command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=40"]
        try:
            found = subprocess.run(
                [*command, "--exclude=*"],
                capture_output=True,
                text=True,
                check=True,
                timeout=_GIT_SECONDS,
            )
            return found.stdout.strip()
        except (OSError, subprocess.SubprocessError):
            pass  # There is no git, or the checkout is another user's: the version says less.
    try:
        return f"dramatis {version('dramatis')}"
    except PackageNotFoundError:
        return "unknown"


def _without_password(value: object) -> object:
    return _PASSWORD.sub("", value) if isinstance(value, str) else value
