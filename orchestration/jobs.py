"""Jobs: the main job in one process, one at a time."""

from __future__ import annotations

import dagster as dg

from orchestration.partitions import billing_months

# Everything up to the release; months are found by what landed, not chosen.
publish_release = dg.define_asset_job(
    "publish_release",
    selection=dg.AssetSelection.all() - dg.AssetSelection.assets(["publishing", "invoices"]),
    executor_def=dg.in_process_executor,
    tags={"dagster/max_runtime": "14400"},
    description="Take in landing/, build and judge the candidate, publish it if it passes.",
)

monthly_invoices = dg.define_asset_job(
    "monthly_invoices",
    selection=dg.AssetSelection.all(),
    partitions_def=billing_months,
    executor_def=dg.in_process_executor,
    tags={"dagster/max_runtime": "14400"},
    description="The main job for one billing month; safe to repeat, cheap when nothing is new.",
)

record_months = dg.define_asset_job(
    "record_months",
    selection=dg.AssetSelection.assets(["publishing", "invoices"]),
    partitions_def=billing_months,
    executor_def=dg.in_process_executor,
    description="Note each published month's totals on its partition.",
)
