"""The sensor on the landing zone.

It keeps no state of its own. What has been read, and with which fingerprint, is in the catalog, so
a lost cursor or a tick that is evaluated twice changes nothing.
"""

import hashlib
import time

import dagster as dg

from kg_assets.jobs import update
from kg_assets.partitions import DELIVERIES
from kg_assets.planning import LANDING
from kg_assets.sources.landing import fingerprint, is_complete, list_deliveries
from kg_assets.sources.tables import RAW_BLOBS
from resources.lake import Lake
from resources.settings import Settings


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
            )
        ],
        dynamic_partitions_requests=[DELIVERIES.build_add_request(sorted(set(pending) - known))],
    )
