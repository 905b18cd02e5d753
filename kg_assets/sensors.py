"""Automation: what starts by itself while the daemon runs.

What is out of date, such as a delivery that has landed, starts an update without the language
model; texts that then wait for it start one with it; and what is up to date is promoted where
`KG_PROMOTE` says so. Each sensor can be stopped alone in the UI.

The sensors keep no state of their own. What is out of date is asked of the catalog, as `kg build`
does, and what was tried of the tags of earlier runs; so a lost cursor or a tick that is evaluated
twice changes nothing.
"""

import hashlib
from datetime import UTC, datetime

import dagster as dg

from kg_assets.attempts import STATE, of_reading, of_update, unfinished
from kg_assets.inference.tables import extraction_contexts
from kg_assets.instance import report_killed_runs
from kg_assets.jobs import promote, read_texts, update
from kg_assets.partitions import DELIVERIES
from resources.lake import Lake
from resources.lock import Busy, lake_lock
from resources.settings import Settings
from resources.team_settings import PRODUCTION

_UPDATES = (update.name, read_texts.name)


@dg.sensor(
    job=update,
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Sees new or changed deliveries in the landing zone, and whatever else is out of "
    "date, and starts one update for all of it; one that failed or was killed is gone on with.",
)
def new_deliveries(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """Start an update where something is out of date, once for each state of it."""
    # The assets are assembled from a module that imports this one.
    from kg_assets.pending import pending

    settings = Settings()
    if settings.namespace == PRODUCTION:
        return dg.SkipReason("production is changed by promotion only; set KG_NAMESPACE")
    if busy := _busy(context.instance, settings):
        return dg.SkipReason(busy)
    found = pending(settings)
    for entry in found.refused:
        context.log.warning("%s in the landing zone is passed over: %s", entry.name, entry.reason)
    if not found.is_any:
        return dg.SkipReason(
            f"{found.complete} deliveries are up to date, {found.incomplete} are still being "
            "written; nothing else is out of date"
        )
    tried = of_update(context.instance, found.state)
    if tried.is_settled:
        return dg.SkipReason(f"all but what failed is up to date; to be mended: {found}")
    if reason := tried.why_not(settings):
        return dg.SkipReason(f"{reason}. Out of date: {found}")
    known = set(context.instance.get_dynamic_partitions(str(DELIVERIES.name)))
    new = [key for key in found.deliveries if key not in known]
    return dg.SensorResult(
        run_requests=[
            dg.RunRequest(
                # A state may come back, when a folder goes back to what it was.
                run_key=f"{found.state}:{tried.started}",
                tags={STATE: found.state, "kg/deliveries": ", ".join(found.deliveries)[:200]},
                run_config=_without_language_model(settings),
            )
        ],
        dynamic_partitions_requests=[DELIVERIES.build_add_request(new)],
    )


def _busy(instance: dg.DagsterInstance, settings: Settings) -> str | None:
    """Why nothing is started now: what runs already does it, or will have changed what there is."""
    report_killed_runs(instance, _UPDATES if settings.launcher == "local" else ())
    if runs := unfinished(instance, _UPDATES):
        return f"the update {runs[0]} is not finished; what it leaves is looked at then"
    try:
        with lake_lock(settings, settings.build_lock, wait=False):
            return None
    except Busy:
        return f"a build of the namespace {settings.namespace} is running, or a promotion of it"


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
def texts_that_wait(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
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
    if busy := _busy(context.instance, settings):
        return dg.SkipReason(busy)
    lake = Lake(settings)
    # What waits after a run that read what it could waits for another day's money.
    state = [datetime.now(UTC).date().isoformat()]
    state += [
        f"{kind} {lake.current_digest(extraction_contexts(kind).name, '*')}"
        for kind in sorted(found)
    ]
    key = hashlib.sha256("\n".join(state).encode()).hexdigest()
    said = ", ".join(f"{kind} {count}" for kind, count in sorted(found.items()))
    tried = of_reading(context.instance, key)
    if tried.is_settled:
        return dg.SkipReason(f"today was read what could be; what waits is left: {said}")
    if reason := tried.why_not(settings):
        return dg.SkipReason(f"{reason}. Texts that wait: {said}")
    return dg.SensorResult(
        run_requests=[
            dg.RunRequest(run_key=f"{key}:{tried.started}", tags={STATE: key, "kg/waiting": said})
        ],
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
