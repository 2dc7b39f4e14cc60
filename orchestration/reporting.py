"""What a run prints: invoiced amounts by tenant and meter, what was left out and why, where things are."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from orchestration import duck
from orchestration.ingestion.landing import Receipt
from orchestration.publishing.amount_text import amount_text, minor_units
from orchestration.publishing.changes import moved_with
from orchestration.publishing.findings_text import findings_text
from orchestration.publishing.newest_month import newest_month
from orchestration.publishing.release import Release
from orchestration.settings import Settings
from orchestration.terminal import Console, Table, Text, console_for

WIDE_ENOUGH = 132
# Of a month's tenants so many are drawn: a table of thousands is read by nobody.
TENANTS_SHOWN = 40
# The column a meter's amounts stand in; a meter that is in none of them has one of its own.
COLUMNS = {
    "kiq_conversation": "KIQ",
    "translated_word": "Words",
    "voice_minute": "Voice",
    "recording_minute": "Voice",
    "transcription_minute": "Voice",
    "sms_segment": "SMS/MMS",
    "mms_message": "SMS/MMS",
    "phone_number": "Numbers",
    "carrier_penalty": "Penalties",
    "whatsapp_conversation": "WhatsApp",
    "whatsapp_message": "WhatsApp",
    "whatsapp_fee": "WhatsApp",
    "data_storage": "Storage",
    "attachment_storage": "Storage",
}


def wide_console(*, stderr: bool = False) -> Console:
    """A console whose tables keep their figures whole, also where the output is no terminal."""
    return console_for(stderr=stderr, at_least=WIDE_ENOUGH)


def summary(settings: Settings, release: Release) -> dict[str, Any]:
    """Amounts and counts of a release, as plain data (amounts are decimal text)."""
    with duck.connect(release.database, settings, read_only=True) as connection:
        amounts = connection.execute(
            "select strftime(billing_month, '%Y-%m'), tenant_id, currency_code, meter, "
            "sum(billed_amount)::varchar from marts.fct_invoice_lines group by all order by all"
        ).fetchall()
        left_out = connection.execute(
            "select fate, reason, sum(record_count)::bigint from marts.rpt_record_fates "
            "where fate in ('excluded', 'quarantined', 'duplicate', 'superseded') group by all order by 1, 3 desc, 2"
        ).fetchall()
        findings = connection.execute(
            "select finding, severity, count(*) from marts.rpt_findings group by all order by all"
        ).fetchall()
    return {
        "release_id": release.release_id,
        "database": str(release.database),
        "amounts": [
            dict(zip(("month", "tenant_id", "currency", "meter", "amount"), row, strict=True)) for row in amounts
        ],
        "left_out": [dict(zip(("fate", "reason", "records"), row, strict=True)) for row in left_out],
        "findings": [dict(zip(("finding", "severity", "count"), row, strict=True)) for row in findings],
    }


def print_invoices(console: Console, settings: Settings, release: Release, today: date) -> None:
    """Table of tenants x services of the newest month begun, and the totals of every month, per currency."""
    with duck.connect(release.database, settings, read_only=True) as connection:
        last = newest_month(connection, today)
        of_last = f"where billing_month = date '{last}-01'" if last else "where false"
        rows = connection.execute(
            "select tenant_id, currency_code, meter, sum(billed_amount) "
            f"from marts.fct_invoice_lines {of_last} group by all order by all"
        ).fetchall()
        totals = connection.execute(
            "select tenant_id, currency_code, sum(billed_amount) "
            f"from marts.fct_invoices {of_last} group by all order by all"
        ).fetchall()
        months = connection.execute(
            "select strftime(billing_month, '%Y-%m'), currency_code, status, count(*), "
            "sum(billed_amount) from marts.fct_invoices group by all order by all"
        ).fetchall()
        units = minor_units(connection)
    columns = list(dict.fromkeys([*COLUMNS.values(), *(meter for _, _, meter, _ in rows if meter not in COLUMNS)]))
    # A tenant that changed its currency has a row of each.
    cells: dict[tuple[str, str, str], Decimal] = {}
    for tenant, currency, meter, amount in rows:
        cell = (tenant, currency, COLUMNS.get(meter, meter))
        cells[cell] = cells.get(cell, Decimal(0)) + amount
    table = Table(title=f"Invoices and drafts of {last}, totals by tenant", title_justify="left")
    table.add_column("tenant", no_wrap=True)
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("total", justify="right", no_wrap=True)
    for tenant, currency, total in totals[:TENANTS_SHOWN]:
        amounts = (cells.get((tenant, currency, column)) for column in columns)
        shown = ["-" if amount is None else amount_text(amount, currency, units) for amount in amounts]
        table.add_row(tenant, *shown, f"{amount_text(total, currency, units)} {currency}")
    console.print(table if totals else "There is no invoice yet for any month that has begun.")
    if len(totals) > TENANTS_SHOWN:
        query = f"select * from fct_invoices where billing_month = '{last}-01'"
        console.print(f'and {len(totals) - TENANTS_SHOWN:,} more: meterhouse sql "{query}"', soft_wrap=True)
    by_month = Table(title="All published months", title_justify="left")
    for name in ("month", "currency", "status", "invoices", "amount"):
        by_month.add_column(name, justify="right" if name in ("invoices", "amount") else "left")
    for month, currency, status, count, amount in months:
        by_month.add_row(month, currency, status, str(count), amount_text(amount, currency, units))
    console.print(by_month)


def print_waiting(console: Console, waiting: list[Receipt]) -> None:
    """Files that look unfinished: until each is complete or gone nothing can be closed, so they have to have names."""
    for receipt in waiting:
        told = f" {receipt.source}/{receipt.file_name}: {receipt.reason}"
        console.print(Text.assemble(("waiting", "yellow"), told))
    if waiting:
        console.print(
            "        Complete waiting files or move them out of the landing folder; the next run looks at them again."
        )


def print_left_out(console: Console, settings: Settings, release: Release, refused: list[Receipt], today: date) -> None:
    """What was not billed and why, files that were refused with their remedy, and the open findings."""
    found = summary(settings, release)
    table = Table(title="Not billed, all months", title_justify="left")
    for name in ("fate", "reason", "records"):
        table.add_column(name, justify="right" if name == "records" else "left")
    for row in found["left_out"]:
        table.add_row(row["fate"], row["reason"], f"{row['records']:,}")
    console.print(table)
    for receipt in refused:
        where = f" row {receipt.row_number}" if receipt.row_number else ""
        told = f" {receipt.source}/{receipt.file_name}{where}: {receipt.reason}"
        console.print(Text.assemble(("refused", "yellow"), told))
        console.print(f"        {receipt.remedy}")
    print_findings(console, settings, release, today)


def print_findings(console: Console, settings: Settings, release: Release, today: date) -> None:
    """Whose invoices are held back, what is dated ahead, and how many errors and warnings are open."""
    for line in findings_text(settings, release, today):
        console.print(line)


def print_moved(console: Console, settings: Settings, release: Release) -> None:
    """What moved since the release before: lines and amounts by month, and from which files or seed rows."""
    with duck.connect(release.database, settings, read_only=True) as connection:
        moved = moved_with(connection, release.release_id)
    if not moved:
        return
    table = Table(title="Changed since the last release", title_justify="left")
    for name in ("month", "change", "lines", "moved", "because of"):
        table.add_column(name, justify="right" if name in ("lines", "moved") else "left", overflow="fold")
    for row in moved:
        amount = f"{row.amount_moved} {row.currency_code}"
        table.add_row(row.billing_month, row.change, str(row.lines), amount, row.causes)
    console.print(table)
    console.print('Line by line: meterhouse sql "select * from rpt_release_changes"')
