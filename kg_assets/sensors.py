"""Automation: what starts by itself while the daemon runs.

A delivery that has landed starts an update without the language model; texts that then wait for
it start one with it; and what is up to date is promoted where `KG_PROMOTE` says so. Each sensor
can be stopped alone in the UI.

The sensor on the landing zone keeps no state of its own. What has been read, and with which
fingerprint, is in the catalog, so a lost cursor or a tick that is evaluated twice changes nothing.
"""

import hashlib
import time
from datetime import UTC, datetime

import dagster as dg

from kg_assets.inference.tables import extraction_contexts
from kg_assets.jobs import promote, read_texts, update
from kg_assets.partitions import DELIVERIES
from kg_assets.planning import LANDING
from kg_assets.sources.landing import fingerprint, is_complete, list_deliveries
from kg_assets.sources.tables import RAW_BLOBS
from resources.lake import Lake
from resources.settings import Settings
from resources.team_settings import PRODUCTION


@dg.sensor(
    job=update,
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Sees new or changed deliveries in the landing zone and starts one update for all "
    "of them.",
)
def new_deliveries(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """Add partitions for complete deliveries and start an update, once for each state of them."""
    settings = Settings()
    if settings.namespace == PRODUCTION:
        return dg.SkipReason("production is changed by promotion only; set KG_NAMESPACE")
    lake = Lake(settings)
    deliveries, refused = list_deliveries(settings.landing_path, settings.namespace)
    for entry in refused:
        context.log.warning("%s in the landing zone is passed over: %s", entry.name, entry.reason)
    now = time.time()
    complete = [d for d in deliveries if is_complete(d, now, settings.quiet_seconds)]
    read = {
        partition: recorded.digest
        for partition, head in lake.heads(RAW_BLOBS).items()
        for recorded in head.inputs
        if recorded.table == LANDING + partition
    }
    found = {delivery.key: fingerprint(delivery) for delivery in complete}
    pending = {key: print_ for key, print_ in found.items() if read.get(key) != print_}
    if not pending:
        waiting = len(deliveries) - len(complete)
        return dg.SkipReason(
            f"{len(complete)} deliveries are up to date, {waiting} are still being written"
        )
    # What was read before is part of the key: a folder that goes back to an earlier state is
    # another update than the first one.
    state = "\n".join(f"{key}\t{pending[key]}\t{read.get(key, '')}" for key in sorted(pending))
    known = set(context.instance.get_dynamic_partitions(str(DELIVERIES.name)))
    return dg.SensorResult(
        run_requests=[
            dg.RunRequest(
                run_key=hashlib.sha256(state.encode()).hexdigest(),
                tags={"kg/deliveries": ", ".join(sorted(pending))[:200]},
                run_config=_without_language_model(settings),
            )
        ],
        dynamic_partitions_requests=[DELIVERIES.build_add_request(sorted(set(pending) - known))],
    )


def _without_language_model(settings: Settings) -> dict[str, object]:
    """Configuration of an update that leaves texts to `texts_that_wait`, where there is a model."""
    if not settings.extractors:
        return {}
    return {"ops": {"bring_up_to_date": {"config": {"language_model": False}}}}


@dg.sensor(
    job=read_texts,
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Sees texts that wait for the language model and starts one run that reads them. "
    "Stop it, or set KG_LLM_PAUSED, and all but this goes on.",
)
def texts_that_wait() -> dg.SensorResult | dg.SkipReason:
    """Start a run for texts that wait, once for each state of them."""
    from kg_assets.inference.steps import waiting

    settings = Settings()
    if settings.llm_paused:
        return dg.SkipReason("the language model is paused (KG_LLM_PAUSED)")
    if settings.namespace == PRODUCTION or not settings.extractors:
        return dg.SkipReason("no entity type is read by the language model here")
    found = {kind: count for kind in settings.extractors if (count := waiting(settings, kind))}
    if not found:
        return dg.SkipReason("no text waits for the language model")
    lake = Lake(settings)
    # What waits after a run that read what it could waits for another day's money.
    state = [datetime.now(UTC).date().isoformat()]
    state += [
        f"{kind} {lake.current_digest(extraction_contexts(kind).name, '*')}"
        for kind in sorted(found)
    ]
    key = hashlib.sha256("\n".join(state).encode()).hexdigest()
    said = ", ".join(f"{kind} {count}" for kind, count in sorted(found.items()))
    return dg.SensorResult(
        run_requests=[dg.RunRequest(run_key=key, tags={"kg/waiting": said})],
    )


@dg.run_status_sensor(
    run_status=dg.DagsterRunStatus.SUCCESS,
    monitored_jobs=[update, read_texts],
    request_job=promote,
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=30,
    description="After an update that succeeded, promotes the namespace where KG_PROMOTE is auto.",
)
def promote_after_update(
    context: dg.RunStatusSensorContext,
) -> dg.RunRequest | dg.SkipReason:
    """Start a promotion for each update that succeeded."""
    settings = Settings()
    if settings.promote != "auto":
        return dg.SkipReason("KG_PROMOTE is not auto")
    if settings.namespace == PRODUCTION:
        return dg.SkipReason("production is what others are promoted to")
    run_id = context.dagster_run.run_id
    return dg.RunRequest(
        run_key=run_id,
        run_config={
            "ops": {"promote_namespace": {"config": {"reason": f"after the update {run_id}"}}}
        },
    )


nightly_update = dg.ScheduleDefinition(
    name="nightly_update",
    job=update,
    cron_schedule="0 3 * * *",
    default_status=dg.DefaultScheduleStatus.STOPPED,
    description="Brings everything up to date each night, whether something was delivered or not. "
    "Off until it is switched on in the UI.",
)
"""An update each night at three (UTC), for those who want it besides the sensors."""
