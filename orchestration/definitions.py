"""Assembly of the Dagster definitions; nothing is decided here."""

from typing import Any

import dagster as dg

from orchestration import assets, closing_jobs, jobs, schedules, sensors
from orchestration.pulling import dagster_jobs as pulling_jobs
from orchestration.recovery import watch
from orchestration.resources import Installation
from orchestration.settings import Settings, load_settings
from orchestration.warehouse.column_lineage import column_lineage
from orchestration.warehouse.dbt_build import project_of


def build_definitions(settings: Settings | None = None, **overrides: Any) -> dg.Definitions:
    """All assets, checks, jobs, schedules and sensors; `overrides` replaces resources by name."""
    found = settings or load_settings()
    project = project_of(found)
    return dg.Definitions(
        assets=assets.all_assets(found, project.raw, column_lineage(found, project)),
        jobs=[*jobs.ALL, closing_jobs.close_month_job, closing_jobs.propose_close_job, pulling_jobs.pull_extracts],
        schedules=[*schedules.ALL, pulling_jobs.daily_pull],
        sensors=[sensors.landing_sensor, watch.end_dead_runs],
        resources={
            "installation": Installation(home=str(found.home), landing=found.landing_text),
            **overrides,
        },
        executor=dg.in_process_executor,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """What `dagster dev -m orchestration.definitions` loads; importing the module alone parses nothing."""
    return build_definitions()
