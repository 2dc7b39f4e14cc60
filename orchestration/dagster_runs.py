"""Dagster's instance as the command line uses it: made ready, a job run there, and noted there what ran without."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from orchestration.errors import BuildFailed, GateRefused, MeterhouseError
from orchestration.publishing.release import current_release
from orchestration.settings import Settings, load_settings

# One run at a time, and one writing step: what is launched meanwhile is queued, and seen so. Output of steps is
# not captured: they say what they do in the event log, and catching it costs a process a step.
DAGSTER_YAML = """telemetry:
  enabled: false
nux:
  enabled: false
storage:
  custom:
    module: orchestration.graph.event_storage
    class: BatchedSqliteStorage
    config:
      base_dir:
        env: DAGSTER_HOME
run_coordinator:
  module: dagster._core.run_coordinator
  class: QueuedRunCoordinator
  config:
    dequeue_interval_seconds: 1
concurrency:
  runs:
    max_concurrent_runs: 1
  pools:
    granularity: op
    default_limit: 1
compute_logs:
  module: dagster._core.storage.noop_compute_log_manager
  class: NoOpComputeLogManager
"""
# Events of one kind that Dagster itself can hand over together.
EVENT_BATCH = "1000"


def prepare_home(settings: Settings) -> None:
    """Make DAGSTER_HOME with telemetry and the sign-up window off, and point this process at it."""
    settings.dagster_home.mkdir(parents=True, exist_ok=True)
    (settings.dagster_home / "dagster.yaml").write_text(DAGSTER_YAML, encoding="utf-8")
    os.environ["DAGSTER_HOME"] = str(settings.dagster_home)
    os.environ["METERHOUSE_HOME"] = str(settings.home)
    os.environ["METERHOUSE_LANDING"] = str(settings.landing)
    os.environ.setdefault("DAGSTER_EVENT_BATCH_SIZE", EVENT_BATCH)


def run_job(settings: Settings, months: tuple[str, ...] = (), run_config: Mapping[str, Any] | None = None) -> str:
    """Run the main job in this process, for months or for all that landed; returns the run's id.

    Raises the step's own MeterhouseError, so that a refusal reads the same everywhere.
    """
    prepare_home(settings)
    dg = _dagster()
    from orchestration.definitions import build_definitions

    definitions = build_definitions(settings)
    with dg.DagsterInstance.get() as instance:
        job = definitions.resolve_job_def("monthly_invoices" if months else "publish_release")
        return _execute(job, instance, run_config or {}, **_partitions(months))


def _partitions(months: tuple[str, ...]) -> dict[str, Any]:
    if len(months) == 1:
        return {"partition_key": months[0]}
    if months:
        ends = {"start": min(months), "end": max(months)}
        return {"tags": {f"dagster/asset_partition_range_{end}": month for end, month in ends.items()}}
    return {}


def note_published(settings: Settings) -> None:
    """Show what was published without Dagster in the UI as well: its release, verdict, checks and months.

    The command line does without Dagster, whose libraries alone take 3 s, and has this noted by a process of
    its own. Where no UI was ever started nobody looks, and nothing is noted; `meterhouse ui` catches up.
    """
    if settings.dagster_home.exists():
        environment = os.environ | {"METERHOUSE_HOME": str(settings.home), "METERHOUSE_LANDING": str(settings.landing)}
        subprocess.Popen(
            [sys.executable, "-m", "orchestration.dagster_runs"],
            cwd=settings.project_dir,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )


def catch_up(settings: Settings) -> None:
    """Note the release being served in Dagster's history. Takes no lock and writes nothing else."""
    served = current_release(settings)
    prepare_home(settings)
    if served is None:
        return
    dg = _dagster()
    from orchestration.graph.keys import VERDICT_KEY
    from orchestration.graph.noted import events_of_release

    verdict = json.loads((served.path / "verdict.json").read_text(encoding="utf-8"))
    with dg.DagsterInstance.get() as instance:
        last = instance.get_latest_materialization_event(VERDICT_KEY)
        if last is not None and _hash_told(last) == served.content_hash:
            return
        for event in events_of_release(settings, served, verdict):
            instance.report_runless_asset_event(event)


def _hash_told(entry: Any) -> str | None:
    told = entry.asset_materialization.metadata.get("candidate_hash") if entry.asset_materialization else None
    return str(told.value) if told is not None else None


def _dagster() -> Any:
    import warnings

    warnings.filterwarnings("ignore")
    import dagster as dg

    logging.getLogger("dagster").setLevel(logging.ERROR)
    return dg


def _execute(job: Any, instance: Any, run_config: Mapping[str, Any], **arguments: Any) -> str:
    quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    config = {**run_config, **quiet}
    result = job.execute_in_process(instance=instance, raise_on_error=False, run_config=config, **arguments)
    if result.success:
        return str(result.run_id)
    for event in result.all_events:
        if event.event_type_value == "STEP_FAILURE":
            raise _plain(event.step_failure_data.error)
    raise BuildFailed("the run failed before any step", "See the run in the UI: meterhouse ui.")


def _plain(error: Any) -> MeterhouseError:
    while error.cause is not None:
        error = error.cause
    text = error.message.strip()
    name, _, message = text.partition(": ")
    refused = "GateRefused" in name or "checks failed" in text
    kind = GateRefused if refused else BuildFailed
    return kind(message or text, "The last release stays served. See the run in the UI: meterhouse ui.")


if __name__ == "__main__":
    catch_up(load_settings())
