"""Schedules: a daily draft of what has landed, off until an operator turns it on."""

from __future__ import annotations

import dagster as dg

from orchestration.jobs import publish_release

daily_draft = dg.ScheduleDefinition(
    name="daily_draft",
    job=publish_release,
    cron_schedule="30 4 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.STOPPED,
)
