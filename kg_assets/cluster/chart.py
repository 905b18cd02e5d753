"""Values for Dagster's Helm chart: its webserver, daemon and code server, and our dagster.yaml.

The chart writes a dagster.yaml of its own from the values. What stands in ours is put where the
chart takes it from, so that both say the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kg_assets.cluster.configuration import Takes, schema
from kg_assets.cluster.containers import (
    INSTANCE,
    NAME,
    NAMESPACE,
    PORT,
    asked,
    pod,
    requests,
    user,
    volumes,
)
from kg_assets.instance import configuration

if TYPE_CHECKING:
    from collections.abc import Mapping

    from resources.settings import Settings

CODE_PORT = 3030
"""Where the code server listens, inside the cluster."""


def chart_values(settings: Settings) -> Mapping[str, Any]:
    """The values; the secret that they name also holds postgresql-password, for the chart."""
    cluster = settings.model_copy(update={"namespace": NAMESPACE, "launcher": "celery"})
    sections = configuration(cluster)
    # The chart writes it of what its values say of Postgres.
    del sections["storage"]
    server = {
        "image": {"repository": NAME, "tag": "latest", "pullPolicy": "IfNotPresent"},
        **pod(settings),
        "envSecrets": [{"name": NAME}],
        "volumes": volumes(),
        "podSecurityContext": user(),
        # They wait for what workers do, as a worker of builds does.
        "resources": {"requests": asked(*requests(settings, Takes.BUILDS))},
    }
    return {
        "global": {"postgresqlSecretName": NAME, "dagsterHome": INSTANCE},
        "generatePostgresqlPasswordSecret": False,
        "generateCeleryConfigSecret": False,
        # Runs are executed by our workers: nobody has to make jobs or pods.
        "rbacEnabled": False,
        "postgresql": {
            "enabled": False,
            "postgresqlHost": "postgres",
            "postgresqlUsername": "kg",
            "postgresqlDatabase": "kg",
            # The statements of Dagster's storage are written for this driver.
            "postgresqlScheme": "postgresql+psycopg2",
            "postgresqlParams": {"options": f"-csearch_path={schema(cluster)}"},
        },
        "rabbitmq": {"enabled": False},
        "redis": {"enabled": False},
        "flower": {"enabled": False},
        "ingress": {"enabled": False},
        "dagsterWebserver": {
            **server,
            # Not the chart's port 80, which a user that is not root may not be given.
            "service": {"type": "ClusterIP", "port": PORT},
            "readinessProbe": {"httpGet": {"path": "/server_info", "port": PORT}},
        },
        "dagsterDaemon": {
            **server,
            "runMonitoring": _named_as_in_values(sections.pop("run_monitoring")),
            # A run that failed is not tried again by itself, as elsewhere.
            "runRetries": {"enabled": False},
        },
        "dagster-user-deployments": {
            "enabled": True,
            "deployments": [
                {
                    "name": NAME,
                    **server,
                    "dagsterApiGrpcArgs": ["--module-name", "kg_assets.definitions"],
                    "port": CODE_PORT,
                    # It describes pods that the chart's own launchers would make for runs.
                    "includeConfigInLaunchedRuns": {"enabled": False},
                }
            ],
        },
        "runLauncher": {
            "type": "CustomRunLauncher",
            "config": {"customRunLauncher": sections.pop("run_launcher")},
        },
        "computeLogManager": {"type": sections.pop("compute_logs")["class"]},
        "concurrency": {"enabled": True, **_named_as_in_values(sections.pop("concurrency"))},
        "retention": {"enabled": True, **_named_as_in_values(sections.pop("retention"))},
        "telemetry": sections.pop("telemetry"),
        # What the chart knows no values for it writes as it stands.
        "additionalInstanceConfig": sections,
    }


def _named_as_in_values(section: Any) -> Any:
    """A section of dagster.yaml with names in the form of the chart: defaultLimit."""
    if not isinstance(section, dict):
        return section
    return {_camel(name): _named_as_in_values(value) for name, value in section.items()}


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)
