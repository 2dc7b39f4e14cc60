"""Dagster's instance as the command line uses it: made ready, and noted there what ran without."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from typing import Any

from orchestration import dagster_home
from orchestration.publishing.release import current_release
from orchestration.settings import Settings, load_settings

# Events of one kind that Dagster itself can hand over together.
EVENT_BATCH = "1000"


def prepare_home(settings: Settings) -> None:
    """Make DAGSTER_HOME with telemetry and the sign-up window off, and point this process at it."""
    dagster_home.configure(settings)
    os.environ["DAGSTER_HOME"] = str(settings.dagster_home)
    os.environ["METERHOUSE_HOME"] = str(settings.home)
    os.environ["METERHOUSE_LANDING"] = settings.landing_text
    os.environ.setdefault("DAGSTER_EVENT_BATCH_SIZE", EVENT_BATCH)


def note_published(settings: Settings) -> None:
    """Show what was published without Dagster in the UI as well: its release, verdict, checks and months.

    The command line does without Dagster, whose libraries alone take 3 s, and has this noted by a process of
    its own. Where no UI was ever started nobody looks, and nothing is noted; `meterhouse ui` catches up.
    """
    if settings.dagster_home.exists():
        environment = os.environ | {"METERHOUSE_HOME": str(settings.home), "METERHOUSE_LANDING": settings.landing_text}
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

    with dg.DagsterInstance.get() as instance:
        last = instance.get_latest_materialization_event(VERDICT_KEY)
        if last is not None and _hash_in(last) == served.content_hash:
            return
        for event in events_of_release(settings, served):
            instance.report_runless_asset_event(event)


def _hash_in(entry: Any) -> str | None:
    told = entry.asset_materialization.metadata.get("candidate_hash") if entry.asset_materialization else None
    return str(told.value) if told is not None else None


def _dagster() -> Any:
    import warnings

    warnings.filterwarnings("ignore")
    import dagster as dg

    logging.getLogger("dagster").setLevel(logging.ERROR)
    return dg


if __name__ == "__main__":
    catch_up(load_settings())
