"""The files of deploy/ that are made from the tags of the assets.

What a worker's container requests is what the most demanding asset asks for of those that it may
take.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

import yaml

from kg_assets.cluster.chart import chart_values
from kg_assets.cluster.compose import compose
from kg_assets.cluster.manifests import workers

if TYPE_CHECKING:
    from pathlib import Path

    from resources.settings import Settings

_HEADER = """\
# Written by `kg cluster files` from the tags of the assets (kg_assets/policies.py).
# {advice}
# README.md beside this file says what must be there before.
"""


class _Plain(yaml.SafeDumper):  # type: ignore[misc]  # the library has no types
    """Writes what stands in several places out in each of them."""

    def ignore_aliases(self, _data: object) -> bool:
        """Whether a value is written out."""
        return True


def write_files(settings: Settings, folder: Path) -> list[Path]:
    """Write the files.

    Args:
        settings: What the assets are assembled with.
        folder: Where to write.

    Returns:
        The files.
    """
    chart = f"helm install dagster dagster/dagster --version {version('dagster')}"
    made = {
        "compose.yaml": (
            "KG_PASSWORD=... docker compose -f deploy/compose.yaml up --build",
            [compose(settings)],
        ),
        "values.yaml": (
            f"{chart} -f deploy/values.yaml",
            [chart_values(settings)],
        ),
        "workers.yaml": (
            "kubectl apply -f deploy/workers.yaml",
            workers(settings),
        ),
    }
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, (advice, documents) in made.items():
        path = folder / name
        body = yaml.dump_all(documents, Dumper=_Plain, sort_keys=False, width=100)
        path.write_text(_HEADER.format(advice=advice) + body)
        paths.append(path)
    return paths
