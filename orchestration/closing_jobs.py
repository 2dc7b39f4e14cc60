"""The close as a Dagster job: the same demands as the command line's, seen in the same run history."""

import dagster as dg
from pydantic import Field

from orchestration import clock, pipeline
from orchestration.closing.close import CloseRequest, close_month
from orchestration.errors import MeterhouseError
from orchestration.publishing.exports import parse_month
from orchestration.resources import Installation
from orchestration.warehouse.writer_lock import writer_lock


class CloseConfig(dg.Config):
    """What to close; the drafts must be signed off and the holds signed before."""

    month: str
    by: str
    leave_out: list[str] = Field(default_factory=list)
    tenants: list[str] = Field(default_factory=list)
    early_reason: str = ""


@dg.op(description="Number the month's invoices and append them to the ledger; refuses with what is missing.")
def close_the_month(context: dg.OpExecutionContext, config: CloseConfig, installation: Installation) -> str:
    settings = installation.settings()
    request = CloseRequest(
        parse_month(config.month), config.by, tuple(config.leave_out), tuple(config.tenants), config.early_reason
    )
    try:
        with writer_lock(settings):
            entry = close_month(settings, request, clock.utc_now(), context.log.info)
    except MeterhouseError as error:
        raise dg.Failure(f"{error}. {error.remedy}", allow_retries=False) from error
    context.add_output_metadata(
        {
            "month": config.month,
            "invoices": entry.body["invoices"],
            "ledger_entry": entry.sequence,
            "totals": dg.MetadataValue.json(entry.body["totals"]),
        }
    )
    return config.month


@dg.op(ins={"month": dg.In(str)}, description="Publish the closed invoices as issued.")
def publish_as_issued(context: dg.OpExecutionContext, installation: Installation, month: str) -> None:
    report = pipeline.run_all(installation.settings(), context.log.info)
    assert report.release is not None
    context.log.info(f"{month} is served as issued by release {report.release.release_id}")


@dg.job(
    name="close_month",
    executor_def=dg.in_process_executor,
    description="Close a billing month for all tenants but those left out by name (GEN-09).",
)
def close_month_job() -> None:
    publish_as_issued(close_the_month())
