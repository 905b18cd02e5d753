"""What Dagster's Helm chart takes: keys and types of those of its values that we set.

Written down from helm/dagster/schema, values.yaml and the templates of the repository
dagster-io/dagster; ``concurrency`` is in the chart since release 1.12.11. Helm itself says nothing
of a key that no template reads, and deploys nothing for it. Compare again when Dagster moves.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

IMAGE = {"repository": str, "tag": str, "pullPolicy": str}
SWITCH = {"enabled": bool}
PURGE = {"purgeAfterDays": {"skipped": int, "success": int, "failure": int, "started": int}}
CONFIGURABLE = {"module": str, "class": str, "config": dict}
POD = {
    "image": IMAGE,
    "env": list,
    "envConfigMaps": list,
    "envSecrets": list,
    "labels": dict,
    "annotations": dict,
    "nodeSelector": dict,
    "affinity": dict,
    "tolerations": list,
    "podSecurityContext": dict,
    "securityContext": dict,
    "resources": dict,
    "livenessProbe": dict,
    "readinessProbe": dict,
    "startupProbe": dict,
    "volumeMounts": list,
    "volumes": list,
    "schedulerName": str,
}
USER_DEPLOYMENT = {
    **POD,
    "name": str,
    "port": int,
    "dagsterApiGrpcArgs": list,
    "codeServerArgs": list,
    "includeConfigInLaunchedRuns": SWITCH,
}
VALUES: dict[str, Any] = {
    "global": {
        "postgresqlSecretName": str,
        "dagsterHome": str,
        "serviceAccountName": str,
        "celeryConfigSecretName": str,
        "dagsterInstanceConfigMap": str,
    },
    "generatePostgresqlPasswordSecret": bool,
    "generateCeleryConfigSecret": bool,
    "rbacEnabled": bool,
    "imagePullSecrets": list,
    "postgresql": {
        "enabled": bool,
        "image": IMAGE,
        "postgresqlHost": str,
        "postgresqlUsername": str,
        "postgresqlPassword": str,
        "postgresqlDatabase": str,
        "postgresqlParams": dict,
        "postgresqlScheme": str,
        "service": {"port": int},
    },
    "rabbitmq": SWITCH,
    "redis": SWITCH,
    "flower": SWITCH,
    "ingress": SWITCH,
    "dagsterWebserver": {
        **POD,
        "replicaCount": int,
        "nameOverride": str,
        "pathPrefix": str,
        "service": {"type": str, "port": int, "annotations": dict},
        "workspace": dict,
        "deploymentLabels": dict,
        "enableReadOnly": bool,
        "dbStatementTimeout": int,
        "dbPoolRecycle": int,
        "logLevel": str,
    },
    "dagsterDaemon": {
        **POD,
        "enabled": bool,
        "deploymentLabels": dict,
        "heartbeatTolerance": int,
        "runCoordinator": dict,
        "runMonitoring": {
            "enabled": bool,
            "startTimeoutSeconds": int,
            "cancelTimeoutSeconds": int,
            "maxRuntimeSeconds": int,
            "maxResumeRunAttempts": int,
            "pollIntervalSeconds": int,
            "freeSlotsAfterRunEndSeconds": int,
        },
        "runRetries": {"enabled": bool, "maxRetries": int, "retryOnAssetOrOpFailure": bool},
        "sensors": dict,
        "schedules": dict,
        "backfills": dict,
    },
    "dagster-user-deployments": {
        "enabled": bool,
        "enableSubchart": bool,
        "imagePullSecrets": list,
        "deployments": [USER_DEPLOYMENT],
    },
    "runLauncher": {"type": str, "config": {"customRunLauncher": CONFIGURABLE}},
    "computeLogManager": {"type": str, "config": dict},
    "scheduler": dict,
    "pythonLogs": dict,
    "busybox": dict,
    "migrate": SWITCH,
    "serviceAccount": dict,
    "telemetry": SWITCH,
    "retention": {"enabled": bool, "sensor": PURGE, "schedule": PURGE, "autoMaterialize": PURGE},
    "concurrency": {
        "enabled": bool,
        "pools": {"defaultLimit": int, "granularity": str, "opGranularityRunBuffer": int},
        "runs": {"maxConcurrentRuns": int, "tagConcurrencyLimits": list},
    },
    "additionalInstanceConfig": dict,
}

WRITTEN = {
    "scheduler",
    "schedule_storage",
    "run_storage",
    "event_log_storage",
    "run_launcher",
    "run_coordinator",
    "compute_logs",
    "python_logs",
    "run_monitoring",
    "run_retries",
    "sensors",
    "schedules",
    "backfills",
    "telemetry",
    "retention",
    "concurrency",
}
"""Sections of dagster.yaml that the chart writes itself; a second time they would be no YAML."""


def faults(values: Any, schema: Any = VALUES, at: str = "values") -> Iterator[str]:
    """What is not as the chart takes it, and where."""
    kind = schema if isinstance(schema, type) else type(schema)
    if type(values) is not kind:
        yield f"{at}: {type(values).__name__} instead of {kind.__name__}"
    elif isinstance(schema, dict):
        for name, value in values.items():
            if name in schema:
                yield from faults(value, schema[name], f"{at}.{name}")
            else:
                yield f"{at}.{name}: the chart has no such key"
    elif isinstance(schema, list):
        for number, value in enumerate(values):
            yield from faults(value, schema[0], f"{at}[{number}]")


def commands(values: Any) -> list[list[str]]:
    """The command lines of the chart's containers and probes, as its templates write them."""
    port = str(values["dagsterWebserver"]["service"]["port"])
    workspace = ["-w", "/dagster-workspace/workspace.yaml"]
    lines = [
        ["dagster-webserver", "-h", "0.0.0.0", "-p", port, *workspace],
        ["dagster-daemon", "run", *workspace],
    ]
    for one in values["dagster-user-deployments"]["deployments"]:
        at = ["-p", str(one["port"])]
        lines.append(["dagster", "api", "grpc", "-h", "0.0.0.0", *at, *one["dagsterApiGrpcArgs"]])
        lines.append(["dagster", "api", "grpc-health-check", *at])
    return lines
