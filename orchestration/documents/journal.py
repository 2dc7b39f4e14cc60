"""A month's invoices as postings for a general ledger: each invoice balanced to the cent, read back from the file.

What a tenant owes is debited to the receivable account, what each service earned of it is credited to that service's
account, or to its meter's where that has one of its own. Where the amount is below zero the sides are swapped: no
posting has a negative amount.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from orchestration.documents.invoice_facts import Invoice
from orchestration.documents.ledger_accounts import Accounts
from orchestration.documents.money import plain
from orchestration.documents.text import csv_text
from orchestration.errors import MeterhouseError

AGAIN = "Export again."


@dataclass(frozen=True)
class Posting:
    """One row of the journal.

    `service` and `usage_month` are empty for what a tenant owes; `meter` is, unless it has an account of its own.
    """

    billing_month: str
    usage_month: str
    status: str
    invoice_number: str
    invoice_id: str
    document_type: str
    issued_on: str
    due_on: str
    issuing_entity: str
    tenant_id: str
    currency_code: str
    ledger_account: str
    service: str
    meter: str
    debit: str
    credit: str
    text: str


def postings(invoice: Invoice, accounts: Accounts) -> list[Posting]:
    """The postings of one invoice: what is owed, then what each service earned in each month of usage.

    What adds up to nothing is not posted; an invoice over nothing has no posting of what is owed.
    """
    earned: dict[tuple[str, str, str, date], Decimal] = defaultdict(Decimal)
    for line in invoice.lines:
        account, meter = accounts.of(line.service, line.meter)
        earned[line.service, meter, account, line.usage_month] += line.billed_amount
    name = invoice.invoice_number or f"DRAFT {invoice.invoice_id}"
    made = []
    if invoice.billed_amount:
        text = f"{name} {invoice.tenant_name}"
        made.append(_posting(invoice, accounts.receivable, "", "", "", invoice.billed_amount, text))
    for (service, meter, account, month), amount in sorted(earned.items()):
        if amount:
            text = f"{name} {meter or service}, usage of {month:%Y-%m}"
            made.append(_posting(invoice, account, service, meter, f"{month:%Y-%m}", -amount, text))
    return made


def debit_and_credit(debited: Decimal, minor_unit: int) -> tuple[str, str]:
    """`debited` on its side, on the other one where it is below zero: no posting has a negative amount."""
    nothing, amount = plain(Decimal(0), minor_unit), plain(abs(debited), minor_unit)
    return (amount, nothing) if debited > 0 else (nothing, amount)


def _posting(
    invoice: Invoice, account: str, service: str, meter: str, usage_month: str, debited: Decimal, text: str
) -> Posting:
    debit, credit = debit_and_credit(debited, invoice.minor_unit)
    return Posting(
        f"{invoice.billing_month:%Y-%m}",
        usage_month,
        invoice.status,
        invoice.invoice_number or "",
        invoice.invoice_id,
        invoice.document_type,
        f"{invoice.issued_at:%Y-%m-%d}" if invoice.issued_at else "",
        f"{invoice.due_on:%Y-%m-%d}" if invoice.due_on else "",
        invoice.issuing_entity,
        invoice.tenant_id,
        invoice.currency_code,
        account,
        service,
        meter,
        debit,
        credit,
        text,
    )


def write_journal(invoices: Iterable[Invoice], accounts: Accounts, path: Path) -> int:
    """Write the postings of the invoices by invoice_id. Returns how many there are."""
    rows = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow([field.name for field in fields(Posting)])
        for invoice in sorted(invoices, key=lambda invoice: invoice.invoice_id):
            for posting in postings(invoice, accounts):
                table.writerow([csv_text(value) for value in posting.__dict__.values()])
                rows += 1
    return rows


def check_journal(path: Path, invoices: Sequence[Invoice]) -> dict[str, Decimal]:
    """Read the file back. Returns what tenants owe by currency.

    Raises MeterhouseError unless the postings of each invoice balance, are what it bills and what each of its
    services earned, and nothing else is posted.
    """
    balance: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    owed: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    earned: dict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
    for row in rows_of(path):
        invoice_id, currency, service = row["invoice_id"], row["currency_code"], row["service"]
        debited = debited_of(path, row)
        balance[invoice_id, currency] += debited
        if service:
            earned[invoice_id, currency, service] -= debited
        else:
            owed[invoice_id, currency] += debited
    for (invoice_id, currency), amount in balance.items():
        if amount:
            raise MeterhouseError(f"{path.name}: the postings of {invoice_id} are off by {amount} {currency}", AGAIN)
    billed = {(csv_text(i.invoice_id), i.currency_code): i.billed_amount for i in invoices if i.billed_amount}
    demand_same(path, "what is owed", owed, billed)
    demand_same(path, "what was earned", earned, _by_service(invoices))
    totals: dict[str, Decimal] = defaultdict(Decimal)
    for (_, currency), amount in owed.items():
        totals[currency] += amount
    return dict(totals)


def _by_service(invoices: Iterable[Invoice]) -> dict[tuple[str, str, str], Decimal]:
    sums: dict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
    for invoice in invoices:
        for line in invoice.lines:
            sums[csv_text(invoice.invoice_id), invoice.currency_code, csv_text(line.service)] += line.billed_amount
    return sums


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def debited_of(path: Path, row: dict[str, str]) -> Decimal:
    """Debit minus credit of a row. Raises MeterhouseError unless it is on one side, and above zero there."""
    try:
        debit, credit = Decimal(row["debit"]), Decimal(row["credit"])
    except (InvalidOperation, KeyError, TypeError) as problem:
        raise MeterhouseError(f"{path.name} cannot be read: {problem!r}", AGAIN) from problem
    if min(debit, credit) != 0 or max(debit, credit) <= 0:
        of = row.get("invoice_id") or row["tenant_id"]
        raise MeterhouseError(f"{path.name}: {of} has a posting of {debit} and {credit}", AGAIN)
    return debit - credit


def demand_same(path: Path, what: str, written: Mapping[Any, Decimal], billed: Mapping[Any, Decimal]) -> None:
    for key in sorted(written.keys() | billed.keys()):
        if written.get(key, 0) != billed.get(key, 0):
            raise MeterhouseError(
                f"{path.name}: {what} of {' '.join(key)} is {written.get(key, 0)}, billed is {billed.get(key, 0)}",
                AGAIN,
            )
