"""The files of deploy/: a compose file and values for Dagster's Helm chart, made from the tags.

What a worker's container requests is what the most demanding asset asks for of those that it may
take. Passwords and keys are named and never written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from kg_assets.build import assemble
from kg_assets.cluster.configuration import CELERY, Takes
from kg_assets.memory_cap import bytes_of
from kg_assets.policies import CPU, LARGE, MACHINE, MEMORY

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from resources.settings import Settings

IMAGE = "dramatis"
SECRET = "dramatis"
HOME, LOCAL = "/srv/kg", "/var/tmp/kg"
NAMESPACE = "dev"
WORKERS = 2

_HEADER = """\
# Written by `kg cluster files` from the tags of the assets (kg_assets/policies.py).
# {advice}
"""
_ADVICE = {
    "compose.yaml": "KG_PASSWORD=... docker compose -f deploy/compose.yaml up --build",
    "values.yaml": "helm install dagster dagster/dagster -f deploy/values.yaml; see docs/SCALE.md.",
}


class _Plain(yaml.SafeDumper):  # type: ignore[misc]  # the library has no types
    """Writes what stands in several places out in each of them."""

    def ignore_aliases(self, _data: object) -> bool:
        """Whether a value is written out."""
        return True


def requests(settings: Settings, takes: Takes) -> tuple[int, int]:
    """Cores and bytes of memory that a worker asks for: what some asset needs at most.

    Args:
        settings: What the assets are assembled with.
        takes: Which runs the worker takes.
    """
    tags = [step.tags for step in assemble(settings).steps]
    if takes in (Takes.SMALL, Takes.LARGE):
        large = takes is Takes.LARGE
        tags = [each for each in tags if (each.get(MACHINE) == LARGE) is large]
    return (
        max(int(each[CPU]) for each in tags),
        max(bytes_of(each[MEMORY]) for each in tags),
    )


def write_files(settings: Settings, folder: Path) -> list[Path]:
    """Write the files.

    Args:
        settings: What the assets are assembled with.
        folder: Where to write.

    Returns:
        The files.
    """
    made = {"compose.yaml": compose(settings), "values.yaml": chart_values(settings)}
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, content in made.items():
        path = folder / name
        body = yaml.dump(content, Dumper=_Plain, sort_keys=False, width=100)
        path.write_text(_HEADER.format(advice=_ADVICE[name]) + body)
        paths.append(path)
    return paths


def compose(settings: Settings) -> Mapping[str, Any]:
    """A cluster of containers on one machine; only the UI has a port, on loopback."""
    cpus, memory = requests(settings, Takes.ANY)
    password = "${KG_PASSWORD:?set KG_PASSWORD to a long random word of letters and digits}"
    environment = {
        "KG_HOME": HOME,
        "KG_LOCAL": LOCAL,
        "KG_NAMESPACE": f"${{KG_NAMESPACE:-{NAMESPACE}}}",
        "KG_THREADS": str(cpus),
        "KG_LAUNCHER": "celery",
        "KG_BROKER": f"redis://:{password}@broker:6379/0",
        "KG_CATALOG": f"postgresql+psycopg://kg:{password}@postgres/kg",
        "KG_LLM_STORE": f"postgresql+psycopg://kg:{password}@postgres/kg",
        "KG_DAGSTER_STORAGE": f"postgresql://kg:{password}@postgres/kg",
        # Where nothing is set the lake is a folder of the volume that all share.
        "KG_LAKE": "${KG_LAKE:-}",
        "AWS_REGION": "${AWS_REGION:-}",
        "AWS_ACCESS_KEY_ID": "${AWS_ACCESS_KEY_ID:-}",
        "AWS_SECRET_ACCESS_KEY": "${AWS_SECRET_ACCESS_KEY:-}",
    }
    common = {
        "image": IMAGE,
        "build": {"context": "..", "dockerfile": "deploy/Dockerfile"},
        "environment": environment,
        "volumes": [f"home:{HOME}"],
        "depends_on": {
            "postgres": {"condition": "service_healthy"},
            "broker": {"condition": "service_started"},
        },
        "restart": "unless-stopped",
        "security_opt": ["no-new-privileges:true"],
    }
    light = {"resources": {"reservations": {"cpus": "1", "memory": "1000M"}}}
    return {
        "name": "dramatis",
        "services": {
            "postgres": {
                "image": "postgres:18",
                "environment": {"POSTGRES_USER": "kg", "POSTGRES_PASSWORD": password},
                "volumes": ["postgres:/var/lib/postgresql"],
                "healthcheck": {
                    "test": ["CMD", "pg_isready", "-U", "kg"],
                    "interval": "2s",
                    "retries": 30,
                },
                "restart": "unless-stopped",
            },
            "broker": {
                "image": "valkey/valkey:9",
                "environment": {"PASSWORD": password},
                "command": [
                    "sh",
                    "-c",
                    'printf "requirepass %s\\nappendonly yes\\n" "$$PASSWORD" | valkey-server -',
                ],
                "volumes": ["broker:/data"],
                "restart": "unless-stopped",
            },
            "ui": {
                **common,
                "command": ["ui"],
                "environment": {**environment, "KG_HOST": "0.0.0.0"},
                # Dagster's UI has no login: whoever reaches it can run code.
                "ports": ["127.0.0.1:3000:3000"],
                "deploy": light,
            },
            "builds": {
                **common,
                "command": ["cluster", "worker", "--takes", "builds", "--name", "builds"],
                "deploy": light,
            },
            "worker": {
                **common,
                "command": ["cluster", "worker"],
                "deploy": {
                    "replicas": WORKERS,
                    "resources": {
                        "reservations": {"cpus": str(cpus), "memory": f"{memory // 10**6}M"}
                    },
                },
            },
        },
        "volumes": {"home": {}, "postgres": {}, "broker": {}},
    }


def chart_values(settings: Settings) -> Mapping[str, Any]:
    """Values for Dagster's Helm chart, with the workers as further deployments.

    The secret that is named holds KG_BROKER, KG_CATALOG, KG_LLM_STORE, KG_DAGSTER_STORAGE and, for
    the chart, postgresql-password; keys to a bucket too, where pods have no role.
    """
    environment = {
        "KG_HOME": HOME,
        "KG_LOCAL": LOCAL,
        "KG_NAMESPACE": NAMESPACE,
        "KG_LAUNCHER": "celery",
        "KG_THREADS": str(requests(settings, Takes.ANY)[0]),
    }
    image = {"repository": IMAGE, "tag": "latest", "pullPolicy": "IfNotPresent"}
    light = {"requests": {"cpu": "1", "memory": "1000M"}}
    listed = [{"name": name, "value": value} for name, value in environment.items()]
    mounts, volumes = _places()
    server = {
        "image": image,
        "env": listed,
        "envSecrets": [{"name": SECRET}],
        "volumes": volumes,
        "volumeMounts": mounts,
        "resources": light,
    }
    return {
        "global": {"postgresqlSecretName": SECRET},
        "generatePostgresqlPasswordSecret": False,
        "generateCeleryConfigSecret": False,
        "postgresql": {
            "enabled": False,
            "postgresqlHost": "postgres",
            "postgresqlUsername": "kg",
            "postgresqlDatabase": "kg",
            # The statements of Dagster's storage are written for this driver.
            "postgresqlScheme": "postgresql+psycopg2",
            "postgresqlParams": {"options": f"-csearch_path=dagster_{NAMESPACE}"},
        },
        "rabbitmq": {"enabled": False},
        "redis": {"enabled": False},
        "flower": {"enabled": False},
        "ingress": {"enabled": False},
        "dagsterWebserver": {**server, "service": {"type": "ClusterIP", "port": 80}},
        "dagsterDaemon": {
            **server,
            "runMonitoring": {
                "enabled": True,
                "startTimeoutSeconds": 24 * 3600,
                "pollIntervalSeconds": 30,
                "freeSlotsAfterRunEndSeconds": 60,
            },
        },
        "dagster-user-deployments": {
            "enabled": True,
            "deployments": [
                {
                    "name": "dramatis",
                    "image": image,
                    "dagsterApiGrpcArgs": ["--python-module", "kg_assets.definitions"],
                    "port": 3030,
                    "env": listed,
                    "envSecrets": [{"name": SECRET}],
                    "volumes": volumes,
                    "volumeMounts": mounts,
                    "resources": light,
                }
            ],
        },
        "runLauncher": {
            "type": "CustomRunLauncher",
            "config": {
                "customRunLauncher": {
                    "module": "kg_assets.cluster.launcher",
                    "class": "ClusterRunLauncher",
                    "config": {
                        "broker": {"env": "KG_BROKER"},
                        "backend": {"env": "KG_BROKER"},
                        "default_queue": f"kg-{NAMESPACE}",
                        "config_source": CELERY,
                    },
                }
            },
        },
        "extraManifests": [
            _deployment(settings, "worker", Takes.SMALL, WORKERS, listed),
            _deployment(settings, "worker-large", Takes.LARGE, 1, listed),
            _deployment(settings, "builds", Takes.BUILDS, 1, listed),
        ],
    }


def _deployment(
    settings: Settings,
    name: str,
    takes: Takes,
    replicas: int,
    environment: list[dict[str, str]],
) -> dict[str, Any]:
    labels = {"app": f"dramatis-{name}"}
    # A worker of builds waits for others.
    cpus, memory = (1, 10**9) if takes is Takes.BUILDS else requests(settings, takes)
    resources = {"requests": {"cpu": str(cpus), "memory": f"{memory // 10**6}M"}}
    mounts, volumes = _places()
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": f"dramatis-{name}"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {
                    # A worker that is told to stop ends its run first.
                    "terminationGracePeriodSeconds": 3600,
                    "securityContext": {"runAsNonRoot": True, "runAsUser": 10001, "fsGroup": 10001},
                    "containers": [
                        {
                            "name": name,
                            "image": f"{IMAGE}:latest",
                            "args": ["cluster", "worker", "--takes", takes.value, "--name", name],
                            "env": environment,
                            "envFrom": [{"secretRef": {"name": SECRET}}],
                            "resources": resources,
                            "securityContext": {"allowPrivilegeEscalation": False},
                            "volumeMounts": mounts,
                        }
                    ],
                    "volumes": volumes,
                },
            },
        },
    }


def _places() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Mounts and volumes: what machines share, and a disk of the machine's own."""
    mounts = [{"name": "home", "mountPath": HOME}, {"name": "local", "mountPath": LOCAL}]
    claim = {"claimName": "dramatis-home"}
    return mounts, [
        {"name": "home", "persistentVolumeClaim": claim},
        {"name": "local", "emptyDir": {}},
    ]
