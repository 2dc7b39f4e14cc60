"""The close, and the proposal to close, as Dagster jobs: the command line's demands, seen in the run history."""

import dagster as dg
from pydantic import Field

from orchestration import clock, pipeline
from orchestration.billing_month import parse_month
from orchestration.closing import ledger
from orchestration.closing.close import CloseRequest, close_month
from orchestration.closing.four_eyes import one_person_text
from orchestration.closing.proposal import propose_close
from orchestration.graph.steps import LONGEST_RUN, WRITER_POOL, in_plain_words, sole_writer, when_free
from orchestration.month_report.page import write_month_report
from orchestration.publishing.totals_text import totals_text
from orchestration.resources import Installation


class CloseConfig(dg.Config):
    """What to close; the drafts must be signed off and the holds signed before."""

    month: str
    by: str
    leave_out: list[str] = Field(default_factory=list)
    tenants: list[str] = Field(default_factory=list)
    early_reason: str = ""


@dg.op(
    pool=WRITER_POOL,
    description="Number the month's invoices and append them to the ledger. If it refuses, it names what is missing.",
)
def close_the_month(context: dg.OpExecutionContext, config: CloseConfig, installation: Installation) -> str:
    from orchestration.closing.e_invoices import without_e_invoice_text

    settings = installation.settings()
    with in_plain_words():
        request = CloseRequest(
            parse_month(config.month), config.by, tuple(config.leave_out), tuple(config.tenants), config.early_reason
        )
        with sole_writer(settings, context.log):
            entry = close_month(settings, request, clock.utc_now(), context.log.info)
        if without := without_e_invoice_text(settings, entry):
            context.log.warning(without)
        one_person = one_person_text(ledger.entries(settings), entry)
    if one_person:
        context.log.warning(f"{config.month} was {one_person}")
    context.add_output_metadata(
        {
            "month": config.month,
            "invoices": entry.body["invoices"],
            "ledger_entry": entry.sequence,
            "totals": totals_text(settings, entry.body["totals"]),
            **({"warning": one_person} if one_person else {}),
        }
    )
    return config.month


@dg.op(pool=WRITER_POOL, ins={"month": dg.In(str)}, description="Publish the closed invoices as issued.")
def publish_as_issued(context: dg.OpExecutionContext, installation: Installation, month: str) -> None:
    settings = installation.settings()
    with in_plain_words():
        report = when_free(context.log, lambda: pipeline.run_all(settings, context.log.info))
    assert report.release is not None
    context.log.info(f"release {report.release.release_id} shows {month} as issued")


@dg.job(
    name="close_month",
    executor_def=dg.in_process_executor,
    description="Close a billing month for all tenants except those left out by name (GEN-09).",
)
def close_month_job() -> None:
    publish_as_issued(close_the_month())


class ProposeConfig(dg.Config):
    """Which month to propose for closing."""

    month: str


@dg.op(
    pool=WRITER_POOL,
    description="Bring the month up to date, write its report, and list what must be signed. Closes nothing.",
)
def propose(context: dg.OpExecutionContext, config: ProposeConfig, installation: Installation) -> None:
    settings = installation.settings()
    with in_plain_words():
        month = parse_month(config.month)
        report = when_free(context.log, lambda: pipeline.run_all(settings, context.log.info))
        assert report.release is not None
        proposal = propose_close(settings, month, clock.utc_now())
        page = write_month_report(settings, month, settings.exports_dir / config.month / "report.html")
    for line in proposal.to_do:
        context.log.info(line)
    context.add_output_metadata(
        {
            "month": config.month,
            "drafts": proposal.drafts,
            "totals": totals_text(settings, proposal.totals),
            "holds_to_sign": proposal.unsigned_holds,
            "to_do": dg.MetadataValue.md("\n".join(f"1. {line}" for line in proposal.to_do)),
            "report": dg.MetadataValue.path(str(page)),
            "release_id": report.release.release_id,
        }
    )


@dg.job(
    name="propose_close",
    executor_def=dg.in_process_executor,
    tags=LONGEST_RUN,
    description="Propose a month for closing: report, totals, and what must be signed. Closes nothing.",
)
def propose_close_job() -> None:
    propose()
