"""The commands of closing: holds, signatures, the close itself, proof, replay and explanation."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from orchestration import clock
from orchestration.cli_options import Json
from orchestration.errors import MeterhouseError
from orchestration.settings import load_settings
from orchestration.wording import in_digits, visible

Month = Annotated[str, typer.Option(help="Billing month, such as 2024-11.")]
By = Annotated[str, typer.Option(help="Name of the person who does this; recorded in the ledger.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    for command, name, example in (
        (report, "report", "meterhouse report --month 2024-11"),
        (holds, "holds", "meterhouse holds --month 2024-11"),
        (sign_hold, "sign-hold", 'meterhouse sign-hold --month 2024-11 --all --by Ann --why "new pilot customer"'),
        (sign_off, "sign-off", "meterhouse sign-off --month 2024-11 --by Ann"),
        (close, "close", "meterhouse close --month 2024-11 --by Ann"),
        (verify, "verify-ledger", "meterhouse verify-ledger"),
        (invoice, "invoice", "meterhouse invoice tnt_0002 2024-11 --as-known-at 2024-12-03T12:00:00Z"),
        (explain, "explain", "meterhouse explain tnt_0002/2024-11/voice_minute/..."),
    ):
        app.command(name, epilog=f"Example: {example}")(command)


def report(
    month: Month,
    out: Annotated[Path | None, typer.Option(help="File to write; default: in the exports folder.")] = None,
) -> None:
    """Write the month's report as an HTML page. It has totals, movers, corrections, checks and signatures."""
    from orchestration.billing_month import parse_month
    from orchestration.month_report.page import write_month_report

    settings = load_settings()
    if out is not None and out.is_dir():
        raise MeterhouseError(f"--out {out} is a folder", f"Name the file: --out {out / 'report.html'}.")
    print(write_month_report(settings, parse_month(month), out or settings.exports_dir / month / "report.html"))


def holds(month: Month, as_json: Json = False) -> None:
    """List a month's holds and who has signed them.

    A hold is an open question that someone must review and sign before the month is closed.
    """
    from orchestration.closing import ledger, signing

    settings = load_settings()
    signed = signing.signed_holds(ledger.entries(settings))
    rows = [
        {
            "hold_id": hold.hold_id,
            "hold": hold.hold,
            "tenant_id": hold.tenant_id,
            "facts": hold.facts,
            "remedy": hold.remedy,
            "signed_by": signed[hold.hold_id].recorded_by if hold.hold_id in signed else None,
            "why": signed[hold.hold_id].body["why"] if hold.hold_id in signed else None,
        }
        for hold in _holds(settings, month)
    ]
    if as_json:
        print(json.dumps(rows))
        return
    for row in rows:
        state = f"signed by {row['signed_by']}: {row['why']}" if row["signed_by"] else "NOT SIGNED"
        print(visible(f"{row['hold_id']}  {row['hold']}  {row['tenant_id'] or 'all tenants'}  {state}"))
        print(visible(f"    {row['facts']}\n    {row['remedy']}"))
    unsigned = sum(row["signed_by"] is None for row in rows)
    print(f"{len(rows)} hold(s), {unsigned} not signed" if rows else "no holds")


def sign_hold(
    month: Month,
    by: By,
    why: Annotated[str, typer.Option(help="Why the month may be closed despite the hold.")],
    hold_ids: Annotated[list[str] | None, typer.Argument(help="Hold ids, as listed by meterhouse holds.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Sign every hold of the month that nobody has signed.")] = False,
) -> None:
    """Sign holds with a reason. You have reviewed them and record why the month may be closed anyway."""
    from orchestration.closing import ledger, signing
    from orchestration.warehouse.writer_lock import writer_lock

    settings = load_settings()
    if every == bool(hold_ids):
        raise MeterhouseError("give either hold ids or --all", "Name the ids, or use --all without ids.")
    with writer_lock(settings):
        standing = _holds(settings, month)
        before = signing.signers_text(standing, signing.signed_holds(ledger.entries(settings))) if every else ""
        entry = signing.sign_holds(settings, standing, None if every else hold_ids, by=by, why=why, now=clock.utc_now())
    already = f"; signed before: {before}" if before else ""
    print(f"{len(entry.body['holds'])} hold(s) of {month} signed by {by} (ledger entry {entry.sequence}){already}")


def sign_off(month: Month, by: By) -> None:
    """Approve the month's drafts as they are now. If any of them changes later, the approval no longer counts."""
    from orchestration import duck
    from orchestration.billing_month import parse_month
    from orchestration.closing import scope, signing
    from orchestration.publishing.release import require_release
    from orchestration.warehouse.writer_lock import writer_lock

    settings = load_settings()
    first_day = parse_month(month)
    with writer_lock(settings):
        with duck.connect(require_release(settings).database, settings, read_only=True) as connection:
            waiting = scope.drafts(connection)
        entry = signing.sign_off(settings, first_day, waiting, by=by, now=clock.utc_now())
    print(f"{entry.body['invoices']} draft(s) of {month} signed off by {by} (ledger entry {entry.sequence})")


def close(
    month: Month,
    by: By,
    leave_out: Annotated[
        list[str] | None, typer.Option(help="Leave this tenant open; close it later with --tenant. Repeatable.")
    ] = None,
    tenant: Annotated[
        list[str] | None,
        typer.Option(help="Close only this tenant, left out of the month's earlier close. Repeatable."),
    ] = None,
    early_reason: Annotated[
        str, typer.Option(help="Why it closes before month end + 3 days; recorded in the ledger.")
    ] = "",
) -> None:
    """Close a month. Its invoices are numbered, frozen in the ledger, then published as issued."""
    from orchestration import pipeline
    from orchestration.billing_month import parse_month
    from orchestration.closing import ledger
    from orchestration.closing.close import CloseRequest, close_month
    from orchestration.closing.e_invoices import without_e_invoice_text
    from orchestration.closing.four_eyes import one_person_text
    from orchestration.dagster_runs import note_published
    from orchestration.publishing.totals_text import totals_text
    from orchestration.warehouse.writer_lock import writer_lock

    settings = load_settings()
    request = CloseRequest(parse_month(month), by, tuple(leave_out or ()), tuple(tenant or ()), early_reason)
    with writer_lock(settings):
        entry = close_month(settings, request, clock.utc_now())
    totals = totals_text(settings, entry.body["totals"])
    print(f"{month} closed: {entry.body['invoices']} invoices, {totals} (ledger entry {entry.sequence})")
    if without := without_e_invoice_text(settings, entry):
        print(visible(without))
    if one_person := one_person_text(ledger.entries(settings), entry):
        print(visible(f"warning: {month} was {one_person}"), file=sys.stderr)
    pipeline.run_all(settings)
    note_published(settings)
    print(f"Published as issued. For documents: meterhouse export --month {month} --format documents")


def verify() -> None:
    """Verify the ledger and the served release.

    Checks the ledger's chain, files, sums and invoice numbers, and that the release is unchanged and shows exactly
    what was closed.
    """
    from orchestration.closing.explanation import lines_without_records
    from orchestration.closing.verification import verify_ledger

    settings = load_settings()
    proof = verify_ledger(settings)
    unexplained = lines_without_records(settings)
    if unexplained:
        raise MeterhouseError(
            f"{len(unexplained)} closed line(s) without records behind them: {unexplained[0]}", "Report this."
        )
    print(
        f"intact: {proof.entries} entries and {proof.files} files are as written, {proof.invoices} invoices and "
        f"{proof.lines} lines add up, every line has its records, {proof.released_tables} released tables are "
        "as published"
    )


def invoice(
    tenant: Annotated[str, typer.Argument(help="Tenant id.")],
    month: Annotated[str, typer.Argument(help="Billing month, such as 2024-11.")],
    as_known_at: Annotated[str, typer.Option(help="Point in time, such as 2024-12-03T12:00:00Z; default: now.")] = "",
    as_json: Json = False,
) -> None:
    """Show a tenant's invoices of a month. As they are now, or as they were known at a point in time."""
    from orchestration.billing_month import parse_month
    from orchestration.closing.replay import known_invoices
    from orchestration.documents.money import shown, shown_quantity, shown_unit_price

    settings = load_settings()
    known = known_invoices(settings, tenant, parse_month(month), parse_instant(as_known_at))
    if as_json:
        print(json.dumps({"source": known.source, "invoices": known.invoices, "lines": known.lines}, default=in_digits))
        return
    from orchestration.terminal import Table, console_for

    console = console_for(at_least=160)
    for found in known.invoices:
        title = f"{found['invoice_number'] or 'DRAFT'}  {found['tenant_name']}  {month}  from {known.source}"
        table = Table(title=title, title_justify="left")
        for name in ("line", "quantity", "unit price", "amount"):
            # An id cut short is none that `explain` knows.
            table.add_column(name, justify="left" if name == "line" else "right", overflow="fold")
        unit = found["minor_unit"]
        for line in (line for line in known.lines if line["invoice_id"] == found["invoice_id"]):
            price, amount = shown_unit_price(line["unit_price"], unit), shown(line["billed_amount"], unit)
            table.add_row(line["line_id"], shown_quantity(line["pricing_quantity"]), price, amount)
        table.add_row("total", "", found["currency_code"], shown(found["billed_amount"], unit))
        console.print(table)


def explain(
    line: Annotated[str, typer.Argument(help="A line_id of fct_invoice_lines.")],
    every: Annotated[bool, typer.Option("--all", help="List every record, not only the first 20.")] = False,
    as_json: Json = False,
) -> None:
    """Explain the amount of an invoice line. Shows the arithmetic, the price with its reason, and the records."""
    from orchestration.closing.explanation import SHOWN_RECORDS, explain_line

    found = explain_line(load_settings(), line, None if every else SHOWN_RECORDS)
    if as_json:
        told = {"line": found.line, "origin": found.origin, "counts": found.counts, "left_out": found.left_out}
        print(json.dumps({**told, "records": found.records}, default=in_digits))
        return
    print(visible(found.sentence))
    print(f"Source: {found.origin}.")
    for title, counts in (("On this line", found.counts), ("Not on it, same meter and month", found.left_out)):
        for fate, reason, records, raw_rows in counts:
            print(f"{title}: {records:,} {fate}{f' ({reason})' if reason else ''}, {raw_rows:,} raw rows")
    unit = "character" if found.line["meter"] == "translated_word" else found.line["consumed_unit"]
    if found.records:
        print(f"  when (UTC), source, record, quantity ({unit}s)")
    for record in found.records:
        told_of = f"  {record['occurred_at']}  {record['source']}  {record['record_key']}  {record['quantity']}"
        print(visible(told_of))
    total = sum(records for _, _, records, _ in found.counts)
    if total > len(found.records):
        print(f"  and {total - len(found.records):,} more (list them with --all)")


def parse_instant(text: str) -> datetime:
    """An ISO 8601 instant with an offset, in UTC; empty is now. Raises MeterhouseError for anything else."""
    if not text:
        return clock.utc_now()
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise MeterhouseError(f"{text!r} is not a point in time", "Write it as 2024-12-03T12:00:00Z.") from error
    if instant.tzinfo is None:
        raise MeterhouseError(
            f"{text!r} has no UTC offset", "Write it as 2024-12-03T12:00:00Z, or with an offset such as +01:00."
        )
    try:
        return instant.astimezone(UTC)
    except OverflowError as error:
        raise MeterhouseError(f"{text!r} is outside the years 1 to 9999 (UTC)", "Give another time.") from error


def _holds(settings: Any, month: str) -> list[Any]:
    from orchestration import duck
    from orchestration.billing_month import parse_month
    from orchestration.closing import signing
    from orchestration.publishing.release import require_release

    first_day = parse_month(month)
    database: Path = require_release(settings).database
    with duck.connect(database, settings, read_only=True) as connection:
        return signing.holds_of(connection, first_day)
