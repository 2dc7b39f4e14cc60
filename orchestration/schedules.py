"""Schedules: a daily draft of what has landed, and the proposal to close; off until an operator turns them on."""

from __future__ import annotations

import dagster as dg

from orchestration.closing_jobs import propose_close_job
from orchestration.graph.steps import month_before
from orchestration.jobs import publish_release

daily_draft = dg.ScheduleDefinition(
    name="daily_draft",
    job=publish_release,
    cron_schedule="30 4 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.STOPPED,
    description="Every morning at 04:30 UTC: take in what landed, build, check and publish it.",
)


@dg.schedule(
    name="propose_the_close",
    job=propose_close_job,
    # The 4th: month end + 3 days have passed (GEN-09), and the daily draft of that morning with them.
    cron_schedule="30 6 4 * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.STOPPED,
    description="On the 4th at 06:30 UTC, after month end + 3 days: bring the month up to date, write its report and "
    "list what must be signed. Closes nothing.",
)
def propose_the_close(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    month = month_before(context.scheduled_execution_time)
    return dg.RunRequest(
        run_key=f"propose {month}",
        run_config={"ops": {"propose": {"config": {"month": month}}}},
        tags={"meterhouse/month": month},
    )


ALL = [daily_draft, propose_the_close]
