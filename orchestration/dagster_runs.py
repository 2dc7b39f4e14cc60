"""Dagster's instance as the command line uses it: running a job there, or noting there what was run without."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from typing import Any

from orchestration.errors import BuildFailed, GateRefused, MeterhouseError
from orchestration.publishing.release import current_release
from orchestration.settings import Settings, load_settings

DAGSTER_YAML = """telemetry:
  enabled: false
nux:
  enabled: false
run_monitoring:
  # Makes the jobs' max_runtime count; a run that cannot start or be cancelled is not waited for.
  enabled: true
  start_timeout_seconds: 300
  cancel_timeout_seconds: 180
  max_runtime_seconds: 14400
  poll_interval_seconds: 30
  free_slots_after_run_end_seconds: 60
run_coordinator:
  module: dagster._core.run_coordinator
  class: DefaultRunCoordinator
"""


def prepare_home(settings: Settings) -> None:
    """Make DAGSTER_HOME with telemetry and the sign-up window off."""
    settings.dagster_home.mkdir(parents=True, exist_ok=True)
    (settings.dagster_home / "dagster.yaml").write_text(DAGSTER_YAML, encoding="utf-8")
    os.environ["DAGSTER_HOME"] = str(settings.dagster_home)
    os.environ["METERHOUSE_HOME"] = str(settings.home)
    os.environ["METERHOUSE_LANDING"] = str(settings.landing)


def run_job(settings: Settings, month: str | None = None) -> None:
    """Run the main job, for one month or for all that landed; its run shows in the UI.

    Raises the step's own MeterhouseError, so that a refusal reads the same everywhere.
    """
    prepare_home(settings)
    import warnings

    warnings.filterwarnings("ignore")
    import dagster as dg

    from orchestration.definitions import build_definitions

    logging.getLogger("dagster").setLevel(logging.ERROR)
    definitions = build_definitions(settings)
    with dg.DagsterInstance.get() as instance:
        if month is not None:
            job = definitions.resolve_job_def("monthly_invoices")
            _execute(job, instance, partition_key=month)
            return
        _execute(definitions.resolve_job_def("publish_release"), instance)
        _record_months(settings, definitions, instance)


def note_published(settings: Settings) -> None:
    """Show what was published without Dagster in the UI as well: its release, verdict and months.

    A run through Dagster costs 13 s of CPU (270 assets and checks at 48 ms), so the command line does
    without and has this noted by a process of its own. Where no UI was ever started nobody looks, and
    nothing is noted; `meterhouse ui` catches up.
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
    import warnings

    warnings.filterwarnings("ignore")
    import dagster as dg

    from orchestration import duck
    from orchestration.assets import RELEASE_KEY, VERDICT_KEY, moved_metadata
    from orchestration.definitions import build_definitions
    from orchestration.publishing.changes import moved_with

    with duck.connect(served.database, settings, read_only=True) as connection:
        moved = moved_metadata(moved_with(connection, served.release_id))
    verdict = json.loads((served.path / "verdict.json").read_text(encoding="utf-8"))
    told: dict[str, Any] = {"release_id": served.release_id, "content_hash": served.content_hash, **moved}
    judged: dict[str, Any] = {"passed": True, "candidate_hash": served.content_hash, "checks": len(verdict["checks"])}
    logging.getLogger("dagster").setLevel(logging.ERROR)
    with dg.DagsterInstance.get() as instance:
        for key, metadata in ((VERDICT_KEY, judged), (RELEASE_KEY, told)):
            instance.report_runless_asset_event(dg.AssetMaterialization(key, metadata=metadata))
        _record_months(settings, build_definitions(settings), instance)


def _record_months(settings: Settings, definitions: Any, instance: Any) -> None:
    months = _published_months(settings)
    if months:
        tags = {
            "dagster/asset_partition_range_start": months[0],
            "dagster/asset_partition_range_end": months[-1],
        }
        _execute(definitions.resolve_job_def("record_months"), instance, tags=tags)


def _execute(job: Any, instance: Any, **arguments: Any) -> None:
    quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    result = job.execute_in_process(instance=instance, raise_on_error=False, run_config=quiet, **arguments)
    if result.success:
        return
    for event in result.all_events:
        if event.event_type_value == "STEP_FAILURE":
            raise _plain(event.step_failure_data.error)
    raise BuildFailed("the run failed before any step", "See the run in the UI: meterhouse ui.")


def _plain(error: Any) -> MeterhouseError:
    while error.cause is not None:
        error = error.cause
    text = error.message.strip()
    name, _, message = text.partition(": ")
    kind = GateRefused if "GateRefused" in name or "blocking" in text.lower() else BuildFailed
    return kind(message or text, "The last release stays served. See the run in the UI: meterhouse ui.")


def _published_months(settings: Settings) -> list[str]:
    from orchestration import duck

    served = current_release(settings)
    if served is None:
        return []
    with duck.connect(served.database, settings, read_only=True) as connection:
        rows = connection.execute(
            "select distinct strftime(billing_month, '%Y-%m') from marts.fct_invoices "
            "where billing_month >= date '2022-01-01' order by 1"
        ).fetchall()
    return [month for (month,) in rows]


if __name__ == "__main__":
    catch_up(load_settings())
