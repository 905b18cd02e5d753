"""What launcher and workers must agree on, and the Dagster instance that they share."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from resources.settings import Settings

STORAGE_VARIABLE = "KG_DAGSTER_SCHEMA"
"""Variable in which the address of the namespace's schema stands for Dagster, in no file."""

_DAY = 24 * 3600


class Takes(StrEnum):
    """Which runs a worker takes."""

    ANY = "any"
    """All that a build launches."""
    SMALL = "small"
    """Those that need no large machine."""
    LARGE = "large"
    """Those that need one, and no others: they would keep it from its own."""
    BUILDS = "builds"
    """Those that launch runs or wait for them: the daemon's builds, and promotions."""


CELERY: dict[str, Any] = {
    # A worker takes the next run when it has done the last: what it would hold back meanwhile
    # another one could do.
    "worker_prefetch_multiplier": 1,
    "task_acks_late": True,
    # What is not acknowledged for so long is given to another worker, who sees that the run was
    # started already and leaves it. A run that takes longer than this is not foreseen.
    "broker_transport_options": {"visibility_timeout": 7 * _DAY, "max_retries": 3},
    "result_expires": 7 * _DAY,
    "broker_connection_retry_on_startup": True,
    "worker_cancel_long_running_tasks_on_connection_loss": False,
}
"""Settings of Celery, https://docs.celeryq.dev/en/stable/userguide/configuration.html."""


def queue(settings: Settings) -> str:
    """Name of the queue of a namespace: a worker works for one namespace.

    The other queues add to it what no name of a namespace has, a full stop.
    """
    return f"kg-{settings.namespace}"


def large_queue(settings: Settings) -> str:
    """Name of the queue of runs that need a large machine (`kg_assets.policies.MACHINE`)."""
    return f"{queue(settings)}.large"


def queues_of(settings: Settings, takes: Takes) -> tuple[str, ...]:
    """Queues from which a worker takes runs."""
    return {
        Takes.ANY: (queue(settings), large_queue(settings)),
        Takes.SMALL: (queue(settings),),
        Takes.LARGE: (large_queue(settings),),
        Takes.BUILDS: (builds_queue(settings),),
    }[takes]


def builds_queue(settings: Settings) -> str:
    """Name of the queue of runs that launch other runs and wait for them.

    They have workers of their own: they would take the place of those that they wait for.
    """
    return f"{queue(settings)}.builds"


def schema(settings: Settings) -> str:
    """Schema of the namespace's Dagster tables, its own: a-b and a_b are two namespaces."""
    return f"dagster_{settings.namespace.replace('_', '$').replace('-', '_')}"


def storage_address(settings: Settings) -> str | None:
    """Address of the namespace's schema, None where Dagster's storage is in its folder."""
    import sqlalchemy as sa

    if settings.dagster_storage is None:
        return None
    url = sa.make_url(settings.dagster_storage.get_secret_value())
    # Its statements are written for this driver, which is not SQLAlchemy's default any more.
    url = url.set(drivername="postgresql+psycopg2")
    options = f"-csearch_path={schema(settings)}"
    return url.update_query_dict({"options": options}).render_as_string(hide_password=False)


def make_schema(settings: Settings) -> None:
    """Make the namespace's schema where there is none."""
    import sqlalchemy as sa

    from resources.databases import DAGSTER, named

    if settings.dagster_storage is None:
        return
    address = settings.dagster_storage.get_secret_value()
    engine = named(sa.create_engine(address, poolclass=sa.NullPool), DAGSTER)
    name = schema(settings)
    with engine.begin() as connection:
        known = sa.text("SELECT 1 FROM information_schema.schemata WHERE schema_name = :name")
        if connection.execute(known, {"name": name}).first() is None:
            # Two may start at once; without the lock one of them would fail.
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(72626)"))
            connection.execute(sa.schema.CreateSchema(name, if_not_exists=True))


def instance_sections(settings: Settings) -> dict[str, Any]:
    """Sections of dagster.yaml that differ from an instance of one machine."""
    sections: dict[str, Any] = {}
    if settings.dagster_storage is not None:
        sections["storage"] = {
            "custom": {
                "module": "kg_assets.cluster.storage",
                "class": "WarmPostgresStorage",
                "config": {"postgres_url": {"env": STORAGE_VARIABLE}},
            }
        }
    if settings.launcher == "celery":
        sections["run_launcher"] = {
            "module": "kg_assets.cluster.launcher",
            "class": "ClusterRunLauncher",
            "config": {
                "broker": {"env": "KG_BROKER"},
                "backend": {"env": "KG_BROKER"},
                "default_queue": queue(settings),
                "config_source": CELERY,
            },
        }
        # How many run at once is for the workers to say.
        sections["concurrency"] = {"runs": {"max_concurrent_runs": -1}}
        sections["run_monitoring"] = {
            # A run has started to wait when the broker has it, and may wait for others.
            "start_timeout_seconds": _DAY,
            "poll_interval_seconds": 30,
        }
        # Capturing costs four processes a run; workers write to files of their own.
        sections["compute_logs"] = {
            "module": "dagster._core.storage.noop_compute_log_manager",
            "class": "NoOpComputeLogManager",
        }
    return sections
