"""What every container of deploy/ is given: image, command, settings, places, a share of a machine.

Passwords and keys are named and never written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kg_assets.build import assemble
from kg_assets.cluster.configuration import Takes
from kg_assets.memory_cap import bytes_of
from kg_assets.policies import CPU, LARGE, MACHINE, MEMORY

if TYPE_CHECKING:
    from resources.settings import Settings

NAME = "dramatis"
"""Name of the image, of the code location, and of the Kubernetes secret."""

CLAIM = f"{NAME}-home"
"""Claim of the volume that all pods share."""

HOME, LOCAL = "/srv/kg", "/var/tmp/kg"
INSTANCE = "/srv/dagster"
"""Where Dagster's chart puts dagster.yaml. The image has these folders, and its user may write."""

USER = 10001
"""The image's user, as a number: Kubernetes cannot tell of a name that it is not root."""

NAMESPACE = "dev"
WORKERS = 2
PORT = 3000

SECRETS = ("KG_BROKER", "KG_CATALOG", "KG_LLM_STORE", "KG_DAGSTER_STORAGE")
"""Settings without which no pod can begin, since they hold passwords: keys of the secret."""


def requests(settings: Settings, takes: Takes) -> tuple[int, int]:
    """Cores and bytes of memory that a worker asks for: what some asset needs at most.

    Args:
        settings: What the assets are assembled with.
        takes: Which runs the worker takes.
    """
    if takes is Takes.BUILDS:
        # It waits for what others do.
        return 1, 10**9
    tags = [step.tags for step in assemble(settings).steps]
    if takes in (Takes.SMALL, Takes.LARGE):
        large = takes is Takes.LARGE
        tags = [each for each in tags if (each.get(MACHINE) == LARGE) is large]
    return (
        max(int(each[CPU]) for each in tags),
        max(bytes_of(each[MEMORY]) for each in tags),
    )


def asked(cores: int, memory: int) -> dict[str, str]:
    """Cores and bytes as Kubernetes writes them."""
    return {"cpu": str(cores), "memory": f"{memory // 10**6}M"}


def environment(settings: Settings) -> dict[str, str]:
    """Settings of a container of a cluster that are no secrets."""
    return {
        "KG_HOME": HOME,
        "KG_LOCAL": LOCAL,
        "KG_NAMESPACE": NAMESPACE,
        "KG_LAUNCHER": "celery",
        "KG_THREADS": str(requests(settings, Takes.ANY)[0]),
    }


def worker(takes: Takes, name: str) -> list[str]:
    """The command of a worker."""
    return ["kg", "cluster", "worker", "--takes", takes.value, "--name", name]


def pod(settings: Settings) -> dict[str, Any]:
    """What a pod's container is given, in the words that Dagster's chart and Kubernetes share."""
    listed: list[dict[str, Any]] = [
        {"name": name, "value": value} for name, value in environment(settings).items()
    ]
    # Named one by one, so that Kubernetes says which is missing before anything starts.
    listed += [
        {"name": name, "valueFrom": {"secretKeyRef": {"name": NAME, "key": name}}}
        for name in SECRETS
    ]
    return {
        "env": listed,
        "volumeMounts": [
            {"name": "home", "mountPath": HOME},
            {"name": "local", "mountPath": LOCAL},
        ],
        "securityContext": {"allowPrivilegeEscalation": False},
    }


def volumes() -> list[dict[str, Any]]:
    """Volumes of a pod: what machines share, and a disk of the machine's own."""
    return [
        {"name": "home", "persistentVolumeClaim": {"claimName": CLAIM}},
        {"name": "local", "emptyDir": {}},
    ]


def user() -> dict[str, Any]:
    """Who a pod's processes run as; what they share belongs to this user's group."""
    return {"runAsNonRoot": True, "runAsUser": USER, "fsGroup": USER}
