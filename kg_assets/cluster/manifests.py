"""The workers on Kubernetes: manifests of deploy/, since Dagster's chart has no place for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kg_assets.cluster.configuration import Takes
from kg_assets.cluster.containers import (
    NAME,
    WORKERS,
    asked,
    pod,
    requests,
    user,
    volumes,
    worker,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from resources.settings import Settings

_LONGEST_RUN_SECONDS = 3600
"""What a worker that is told to stop has for the run that it executes."""


def workers(settings: Settings) -> list[Mapping[str, Any]]:
    """A deployment for each kind of worker."""
    return [
        _deployment(settings, "worker", Takes.SMALL, WORKERS),
        _deployment(settings, "worker-large", Takes.LARGE, 1),
        _deployment(settings, "builds", Takes.BUILDS, 1),
    ]


def _deployment(settings: Settings, name: str, takes: Takes, replicas: int) -> dict[str, Any]:
    labels = {"app.kubernetes.io/name": NAME, "app.kubernetes.io/component": name}
    container = {
        "name": name,
        "image": f"{NAME}:latest",
        "imagePullPolicy": "IfNotPresent",
        "args": worker(takes, name),
        **pod(settings),
        # Whatever else the secret holds: keys to a bucket or to the language model.
        "envFrom": [{"secretRef": {"name": NAME}}],
        "resources": {"requests": asked(*requests(settings, takes))},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": f"{NAME}-{name}", "labels": labels},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {
                    "terminationGracePeriodSeconds": _LONGEST_RUN_SECONDS,
                    "automountServiceAccountToken": False,
                    "securityContext": user(),
                    "containers": [container],
                    "volumes": volumes(),
                },
            },
        },
    }
