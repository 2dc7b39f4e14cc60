"""Assembly of the Dagster definitions; nothing is decided here."""

import json
from typing import Any

import dagster as dg

from orchestration import assets, closing_jobs, jobs, schedules
from orchestration.recovery import watch
from orchestration.resources import Installation
from orchestration.settings import Settings, load_settings
from orchestration.warehouse import manifest_cache


def _manifest(settings: Settings) -> dict[str, Any]:
    content = manifest_cache.manifest_json(settings)
    if content is None:
        from orchestration.warehouse.dbt_build import parse_manifest

        parse_manifest(settings)
        content = (settings.dbt_target_dir / manifest_cache.MANIFEST).read_bytes()
    found: dict[str, Any] = json.loads(content)
    return found


def build_definitions(settings: Settings | None = None, **overrides: Any) -> dg.Definitions:
    """All assets, checks, jobs and schedules; `overrides` replaces resources by name."""
    found = settings or load_settings()
    return dg.Definitions(
        assets=[
            assets.raw_extracts,
            assets.build_warehouse_asset(_manifest(found)),
            assets.release,
            assets.invoices,
        ],
        jobs=[jobs.publish_release, jobs.monthly_invoices, jobs.record_months, closing_jobs.close_month_job],
        schedules=[schedules.daily_draft],
        sensors=[watch.end_dead_runs],
        resources={
            "installation": Installation(home=str(found.home), landing=str(found.landing)),
            **overrides,
        },
        executor=dg.in_process_executor,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """What `dagster dev -m orchestration.definitions` loads; importing the module alone parses nothing."""
    return build_definitions()
