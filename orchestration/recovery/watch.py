"""The reconciler while the servers run: a sensor, on by default, that ends runs whose process is gone."""

from __future__ import annotations

import dagster as dg

from orchestration.recovery.runs import reconcile

# A run may wait so long for its process on a busy machine: its start loads the whole project.
PATIENCE_SECONDS = 180.0


@dg.sensor(
    name="end_dead_runs",
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Ends runs whose process was killed and frees their slot in the writer pool.",
)
def end_dead_runs(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    freed = reconcile(context.instance, PATIENCE_SECONDS)
    for run in freed:
        context.log.warning(str(run))
    return dg.SkipReason("; ".join(map(str, freed)) or "every unfinished run has a live process")
