"""What a month's end has earned and not billed, as postings: balanced per tenant, and read back from the file.

What is earned is debited to the account of what is not billed yet and credited to revenue, service by service. Each
posting says on which day it is reversed: the first of the next month, from when on invoices stand for it.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

from orchestration.documents.journal import debit_and_credit, debited_of, demand_same, rows_of
from orchestration.documents.ledger_accounts import Accounts
from orchestration.documents.text import csv_text
from orchestration.errors import MeterhouseError


@dataclass(frozen=True)
class Unbilled:
    """What a tenant used in a month of one meter and nobody was invoiced; `state` is drafted or blocked."""

    tenant_id: str
    currency_code: str
    state: str
    usage_month: date
    service: str
    meter: str
    amount: Decimal


@dataclass(frozen=True)
class AccrualPosting:
    """One row of the accrual. `service` and `usage_month` are empty for what is debited as not billed yet."""

    posted_on: str
    reversed_on: str
    tenant_id: str
    currency_code: str
    state: str
    usage_month: str
    ledger_account: str
    service: str
    meter: str
    debit: str
    credit: str
    text: str


def accrual_postings(
    rows: Sequence[Unbilled], accounts: Accounts, minor_units: Mapping[str, int], next_month: date
) -> Iterator[AccrualPosting]:
    """The postings of all tenants. Raises MeterhouseError where a service has no account."""
    days = (str(next_month - timedelta(days=1)), str(next_month))
    owed: dict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
    earned: dict[tuple[str, str, str], dict[tuple[str, str, str, str], Decimal]] = defaultdict(dict)
    for row in rows:
        group = (row.tenant_id, row.currency_code, row.state)
        account, meter = accounts.of(row.service, row.meter)
        key = (f"{row.usage_month:%Y-%m}", account, row.service, meter)
        owed[group] += row.amount
        earned[group][key] = earned[group].get(key, Decimal(0)) + row.amount
    for group in sorted(owed):
        tenant, currency, state = group
        decimals = minor_units.get(currency, 3)
        if owed[group]:
            sides = debit_and_credit(owed[group], decimals)
            yield AccrualPosting(
                *days, *group, "", accounts.unbilled, "", "", *sides, f"{tenant} not billed yet ({state})"
            )
        for (month, account, service, meter), amount in sorted(earned[group].items()):
            if amount:
                text = f"{tenant} {meter or service}, usage of {month} ({state})"
                sides = debit_and_credit(-amount, decimals)
                yield AccrualPosting(*days, *group, month, account, service, meter, *sides, text)


def write_accrual(
    rows: Sequence[Unbilled], accounts: Accounts, minor_units: Mapping[str, int], next_month: date, path: Path
) -> int:
    """Write the postings. Returns how many there are."""
    count = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow([field.name for field in fields(AccrualPosting)])
        for posting in accrual_postings(rows, accounts, minor_units, next_month):
            table.writerow([csv_text(value) for value in posting.__dict__.values()])
            count += 1
    return count


def check_accrual(path: Path, rows: Sequence[Unbilled]) -> dict[str, Decimal]:
    """Read the file back. Returns what is not billed by currency.

    Raises MeterhouseError unless the postings of each tenant balance, and are what each of its services earned.
    """
    balance: dict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
    posted: dict[tuple[str, str, str, str], Decimal] = defaultdict(Decimal)
    earned: dict[tuple[str, str, str, str], Decimal] = defaultdict(Decimal)
    totals: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows_of(path):
        group, debited = (row["tenant_id"], row["currency_code"], row["state"]), debited_of(path, row)
        balance[group] += debited
        if row["service"]:
            posted[*group, row["service"]] -= debited
        else:
            totals[row["currency_code"]] += debited
    for (tenant, currency, _), amount in balance.items():
        if amount:
            raise MeterhouseError(
                f"{path.name}: the postings of {tenant} are off by {amount} {currency}", "Export again."
            )
    for unbilled in rows:
        key = (csv_text(unbilled.tenant_id), unbilled.currency_code, unbilled.state, csv_text(unbilled.service))
        earned[key] += unbilled.amount
    demand_same(path, "what was earned", posted, earned)
    return dict(totals)
