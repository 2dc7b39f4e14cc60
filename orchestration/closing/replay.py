"""An invoice as it was known at an instant: from the ledger once closed, else from what was published then."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from orchestration import clock, duck
from orchestration.closing import ledger
from orchestration.closing.ledger_relations import ensure_ledger_relations
from orchestration.closing.scope import month_text
from orchestration.errors import MeterhouseError
from orchestration.publishing import history
from orchestration.settings import Settings


@dataclass(frozen=True)
class KnownInvoices:
    """A tenant's invoices of a month and where they come from; rows by column name, in their relations' order."""

    source: str
    invoices: list[dict[str, Any]]
    lines: list[dict[str, Any]]


def known_invoices(settings: Settings, tenant: str, month: date, instant: datetime) -> KnownInvoices:
    """What was known at `instant` (UTC) of a tenant's invoices of a month.

    An invoice closed by then comes from the ledger, byte for byte; one that was a draft from the
    newest publication by then. Raises MeterhouseError where nothing was known.
    """
    closed = [entry for entry in ledger.entries(settings) if entry.recorded_at <= clock.recorded(instant)]
    for entry in closed:
        if entry.kind == "close":
            ledger.check_files(settings, entry)
    published = history.known_at(settings, instant)
    told_of = instant.replace(tzinfo=None).isoformat(" ", "seconds")
    with duck.connect(":memory:", settings) as connection:
        ensure_ledger_relations(connection, settings, closed)
        invoices = "ledger.closed_invoices"
        lines = "ledger.closed_lines"
        told = "the ledger"
        row = connection.execute(
            f"select count(*) from {invoices} where tenant_id = ? and billing_month = ?", [tenant, month]
        ).fetchone()
        if row is None or not row[0]:
            if published is None:
                raise MeterhouseError(
                    f"nothing had been published by {told_of} UTC",
                    _first(settings),
                )
            told = f"release {published.release_id}, published {published.published_at}"
            invoices = published.read_sql("fct_invoices")
            lines = published.read_sql("fct_invoice_lines")
        found = []
        for relation, key in ((invoices, "invoice_id"), (lines, "line_id")):
            result = connection.execute(
                f"select * from {relation} where tenant_id = ? and billing_month = ? order by {key}", [tenant, month]
            )
            names = [column[0] for column in result.description or []]
            found.append([dict(zip(names, row, strict=True)) for row in result.fetchall()])
    if not found[0]:
        raise MeterhouseError(
            f"no invoice of {tenant} for {month_text(month)} was known by {told_of} UTC",
            'Check the tenant and the month: meterhouse sql "select tenant_id, billing_month from fct_invoices".',
        )
    return KnownInvoices(told, *found)


def _first(settings: Settings) -> str:
    published = history.publications(settings)
    if not published:
        return "Run `meterhouse run` first."
    return f"The first publication was at {published[0].published_at}."
