"""Pulling as a Dagster job and a schedule, off until an operator turns it on.

A job of its own, not an asset: it ends where the landing folder begins, and a rerun of a month must not
ask an API. Credentials come from the environment of the process that runs it, never from run config.
"""

import dagster as dg
from pydantic import Field

from orchestration.graph.steps import LONGEST_RUN, in_plain_words
from orchestration.pulling import with_its_library
from orchestration.resources import Installation


class PullConfig(dg.Config):
    """Sources (none: all with credentials) and days; empty days mean since the last pull, up to now."""

    sources: list[str] = Field(default_factory=list)
    since: str = ""
    until: str = ""
    again: bool = False


@dg.op(description="Pull new and changed records from Twilio and the platform into the landing folder.")
def pull_sources(context: dg.OpExecutionContext, config: PullConfig, installation: Installation) -> None:
    with in_plain_words():
        with with_its_library():
            from orchestration.pulling.access import parse_day
            from orchestration.pulling.pull import PullRequest, pull_all

        request = PullRequest(
            tuple(config.sources),
            parse_day(config.since, "since") if config.since else None,
            parse_day(config.until, "until") if config.until else None,
            config.again,
        )
        reports = pull_all(installation.settings(), request, context.log.debug)
    for report in reports:
        context.log.info(f"{report.source}: {report.pages} pages, {report.records} records, {report.landed} landed")
    context.add_output_metadata(
        {
            report.source: dg.MetadataValue.json(
                {
                    "pages": report.pages,
                    "records": report.records,
                    "landed": report.landed,
                    "files": report.files,
                    "error": None if report.error is None else str(report.error),
                }
            )
            for report in reports
        }
    )
    failed = [f"{report.error}. {report.error.remedy}" for report in reports if report.error is not None]
    if failed:
        # The client has tried again for minutes; what landed stays, and the next pull goes on.
        raise dg.Failure("\n".join(failed), allow_retries=False)


@dg.job(
    executor_def=dg.in_process_executor,
    tags=LONGEST_RUN,
    description="Pull extracts from the vendors' APIs into landing/; the main job takes them in.",
)
def pull_extracts() -> None:
    pull_sources()


# An hour before the daily draft takes in what landed.
daily_pull = dg.ScheduleDefinition(
    name="daily_pull",
    job=pull_extracts,
    cron_schedule="30 3 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.STOPPED,
)
