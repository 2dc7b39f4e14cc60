"""The sensor on the landing folder: a run for every new content, once; a failed one is tried again.

Off until an operator turns it on: an installation whose runs are started by cron would else see runs from
two sides. It decides by content, so a renamed or touched file starts nothing; which months the content
touches is found by the run, and months that are closed get corrections.
"""

import json

import dagster as dg
import duckdb

from orchestration.errors import MeterhouseError
from orchestration.ingestion.landed_content import NewContent, new_content
from orchestration.ingestion.landing import anything_new
from orchestration.jobs import publish_release
from orchestration.resources import Installation
from orchestration.wording import some_of

CONTENT_TAG = "meterhouse/landed_content"
FILES_TAG = "meterhouse/landed_files"
ATTEMPTS = 3
NAMED_FILES = 5
# Statuses of a run that may still take the content in.
_UNDECIDED = {
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
}


@dg.sensor(
    name="landing_sensor",
    job=publish_release,
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.STOPPED,
    description="Checks every 30 seconds whether new content has landed, and starts publish_release for it.",
)
def landing_sensor(context: dg.SensorEvaluationContext, installation: Installation) -> dg.SensorResult | dg.SkipReason:
    settings = installation.settings()
    try:
        if not anything_new(settings):
            return dg.SkipReason("nothing new has landed")
        found = new_content(settings, json.loads(context.cursor or "{}"))
    except duckdb.IOException:
        return dg.SkipReason("a run is writing to the warehouse; checking again in 30 seconds")
    except MeterhouseError as error:
        # A look that fails is seen; one that is skipped would say that nothing is new.
        raise dg.Failure(f"{error}. {error.remedy}") from error
    cursor = json.dumps(found.read)
    if not found.files:
        told = f"no new content: {found.known_again} files were renamed, copied or touched"
        if not found.known_again:
            # A run is not worth it for these: the next one looks at them too.
            told = "no new content: a file is still being written, or a refused one is gone"
        return dg.SensorResult(skip_reason=told, cursor=cursor)
    attempt = _attempt(context.instance, found)
    if isinstance(attempt, str):
        return dg.SensorResult(skip_reason=attempt, cursor=cursor)
    names = some_of([f"{source}/{name}" for source, name in found.files], NAMED_FILES)
    request = dg.RunRequest(
        run_key=f"{found.content_hash[:32]}-{attempt}",
        tags={CONTENT_TAG: found.content_hash[:32], FILES_TAG: names},
    )
    return dg.SensorResult(run_requests=[request], cursor=cursor)


def _attempt(instance: dg.DagsterInstance, found: NewContent) -> int | str:
    """The number of the attempt to start now, from 1; or why none is started."""
    runs = instance.get_runs(filters=dg.RunsFilter(tags={CONTENT_TAG: found.content_hash[:32]}))
    for run in runs:
        if run.status in _UNDECIDED:
            return f"run {run.run_id[:8]} is taking it in"
        if run.status == dg.DagsterRunStatus.SUCCESS:
            # Not taken in although the run ended well: still being written, as its manifest says.
            return f"run {run.run_id[:8]} looked at it: a file is still incomplete"
    if len(runs) >= ATTEMPTS:
        return f"{len(runs)} runs failed on this content: see {runs[0].run_id[:8]}, fix the cause, then start a run"
    return len(runs) + 1
