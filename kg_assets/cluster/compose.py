"""The compose file of deploy/: a cluster of containers on one machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kg_assets.cluster.configuration import Takes
from kg_assets.cluster.containers import (
    HOME,
    NAME,
    NAMESPACE,
    PORT,
    WORKERS,
    asked,
    environment,
    requests,
    worker,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from resources.settings import Settings

_PASSWORD = "${KG_PASSWORD:?set KG_PASSWORD to a long random word of letters and digits}"


def compose(settings: Settings) -> Mapping[str, Any]:
    """The services; only the UI has a port, on loopback."""
    database = f"kg:{_PASSWORD}@postgres/kg"
    variables = {
        **environment(settings),
        "KG_NAMESPACE": f"${{KG_NAMESPACE:-{NAMESPACE}}}",
        "KG_BROKER": f"redis://:{_PASSWORD}@broker:6379/0",
        "KG_CATALOG": f"postgresql+psycopg://{database}",
        "KG_LLM_STORE": f"postgresql+psycopg://{database}",
        "KG_DAGSTER_STORAGE": f"postgresql://{database}",
        # Where nothing is set the lake is a folder of the volume that all share.
        "KG_LAKE": "${KG_LAKE:-}",
        "AWS_REGION": "${AWS_REGION:-}",
        "AWS_ACCESS_KEY_ID": "${AWS_ACCESS_KEY_ID:-}",
        "AWS_SECRET_ACCESS_KEY": "${AWS_SECRET_ACCESS_KEY:-}",
    }
    common = {
        "image": NAME,
        "build": {"context": "..", "dockerfile": "deploy/Dockerfile"},
        "environment": variables,
        "volumes": [f"home:{HOME}"],
        "depends_on": {
            "postgres": {"condition": "service_healthy"},
            "broker": {"condition": "service_started"},
        },
        "restart": "unless-stopped",
        "security_opt": ["no-new-privileges:true"],
    }
    light = {"resources": {"reservations": _reserved(settings, Takes.BUILDS)}}
    return {
        "name": NAME,
        "services": {
            "postgres": _postgres(),
            "broker": _broker(),
            "ui": {
                **common,
                "command": ["kg", "ui"],
                "environment": {**variables, "KG_HOST": "0.0.0.0"},
                # Dagster's UI has no login: whoever reaches it can run code.
                "ports": [f"127.0.0.1:{PORT}:{PORT}"],
                "deploy": light,
            },
            "builds": {
                **common,
                "command": worker(Takes.BUILDS, "builds"),
                "deploy": light,
            },
            "worker": {
                **common,
                "command": worker(Takes.ANY, "worker"),
                "deploy": {
                    "replicas": WORKERS,
                    "resources": {"reservations": _reserved(settings, Takes.ANY)},
                },
            },
        },
        "volumes": {"home": {}, "postgres": {}, "broker": {}},
    }


def _reserved(settings: Settings, takes: Takes) -> dict[str, str]:
    found = asked(*requests(settings, takes))
    return {"cpus": found["cpu"], "memory": found["memory"]}


def _postgres() -> dict[str, Any]:
    return {
        "image": "postgres:18",
        "environment": {"POSTGRES_USER": "kg", "POSTGRES_PASSWORD": _PASSWORD},
        "volumes": ["postgres:/var/lib/postgresql"],
        "healthcheck": {
            "test": ["CMD", "pg_isready", "-U", "kg"],
            "interval": "2s",
            "retries": 30,
        },
        "restart": "unless-stopped",
    }


def _broker() -> dict[str, Any]:
    return {
        "image": "valkey/valkey:9",
        "environment": {"PASSWORD": _PASSWORD},
        "command": [
            "sh",
            "-c",
            'printf "requirepass %s\\nappendonly yes\\n" "$$PASSWORD" | valkey-server -',
        ],
        "volumes": ["broker:/data"],
        "restart": "unless-stopped",
    }
