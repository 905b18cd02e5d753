"""The Dagster instance of a build: its runs name the code location, as those of the UI do."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import dagster as dg
from dagster._core.instance.ref import InstanceRef
from dagster._core.remote_origin import (
    ManagedGrpcPythonEnvCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

LOCATION = "dramatis"
"""Name of the code location in workspace.yaml."""

MODULE = "kg_assets.definitions"
_REPOSITORY = "__repository__"
_JOB = "__ASSET_JOB"


class BuildInstance(dg.DagsterInstance):
    """An instance that says of each run where its code is.

    A run that a process executes by itself names no code location. The UI then leaves it out of
    the timeline, and cannot run it again.
    """

    @classmethod
    def config_schema(cls) -> dict[str, Any]:
        """Options of its own: none."""
        return {}

    @classmethod
    def config_defaults(cls, base_dir: str) -> Mapping[str, Any]:
        """What holds where dagster.yaml says nothing."""
        return InstanceRef.config_defaults(base_dir)

    def create_run_for_job(self, *args: Any, **said: Any) -> dg.DagsterRun:
        """Make a run of the assets' job, as Dagster does, with its code location."""
        said = {"remote_job_origin": _origin(), **said}
        return super().create_run_for_job(*args, **said)


def _origin() -> RemoteJobOrigin:
    target = LoadableTargetOrigin(executable_path=sys.executable, module_name=MODULE)
    location = ManagedGrpcPythonEnvCodeLocationOrigin(target, LOCATION)
    return RemoteJobOrigin(RemoteRepositoryOrigin(location, _REPOSITORY), _JOB)
