"""Partitions: one per billing month, UTC (GEN-01)."""

from __future__ import annotations

import dagster as dg

# The first month the rate cards in the seeds can price; the future is never a partition, the running month is one.
FIRST_MONTH = "2022-01"
billing_months = dg.MonthlyPartitionsDefinition(start_date=FIRST_MONTH, fmt="%Y-%m", timezone="UTC", end_offset=1)
