"""Jobs: what landed, or months again; each in one process, one at a time."""

from __future__ import annotations

import dagster as dg

from orchestration.graph.keys import BOOK_KEYS, LANDING_KEYS, RAW_KEYS, RELEASE_KEY, VERDICT_KEY
from orchestration.graph.steps import LONGEST_RUN

# Months are found by what landed, not chosen; so it selects nothing that is partitioned. The step makes the
# models all the same, and tells of each that was made.
publish_release = dg.define_asset_job(
    "publish_release",
    selection=dg.AssetSelection.assets(*RAW_KEYS.values(), *BOOK_KEYS.values(), VERDICT_KEY, RELEASE_KEY)
    - dg.AssetSelection.all_asset_checks(),
    executor_def=dg.in_process_executor,
    tags=LONGEST_RUN,
    description="Take in landing/, build and judge the candidate, publish it if it passes. Cheap when nothing is new.",
)

monthly_invoices = dg.define_asset_job(
    "monthly_invoices",
    selection=dg.AssetSelection.all()
    - dg.AssetSelection.assets(*LANDING_KEYS.values())
    - dg.AssetSelection.all_asset_checks(),
    executor_def=dg.in_process_executor,
    tags=LONGEST_RUN,
    description="Recompute billing months, judge the whole candidate and publish it; if nothing was wrong, the content "
    "is the same. The run config can name the tenants and the reason. Newly landed files are taken in as well.",
)

ALL = [publish_release, monthly_invoices]
