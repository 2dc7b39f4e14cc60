"""What tenants owe as of the release: open amounts of every issued invoice by age, and who owes most (GEN-11).

Of every month's invoices, not only of the report's: what is owed has no month. Empty before the first close.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb

# In the order somebody chases them; what is settled is not open.
BUCKETS = ("over_90", "61-90", "31-60", "1-30", "not_due", "credit")
NAMES = {
    "over_90": "More than 90 days past due",
    "61-90": "61 to 90 days past due",
    "31-60": "31 to 60 days past due",
    "1-30": "1 to 30 days past due",
    "not_due": "Not due yet",
    "credit": "Credit: paid too much, or a credit note",
}


@dataclass(frozen=True)
class OpenBucket:
    """Open invoices of one currency and age."""

    currency: str
    name: str
    invoices: int
    amount: Decimal


@dataclass(frozen=True)
class OpenTenant:
    """What one tenant owes in one currency, credits taken off, and how much of it is past due and for how long."""

    currency: str
    tenant_id: str
    tenant_name: str
    invoices: int
    past_due: Decimal
    oldest_days: int
    amount: Decimal


@dataclass(frozen=True)
class Receivables:
    """What is open: by age, and the tenants that owe something. `issued` counts invoices, settled ones too.

    Ages are counted up to the day `aged_to`; None where nothing is issued.
    """

    issued: int
    buckets: list[OpenBucket]
    tenants: list[OpenTenant]
    aged_to: date | None = None


def receivables(connection: duckdb.DuckDBPyConnection) -> Receivables:
    """What is open in the release."""
    counted = connection.execute("select count(*), max(aged_to) from marts.rpt_receivables").fetchone()
    aged: list[Any] = connection.execute(
        "select currency_code, aging_bucket, count(*), sum(open_amount) from marts.rpt_receivables "
        "where aging_bucket != 'settled' group by all"
    ).fetchall()
    aged.sort(key=lambda row: (row[0], BUCKETS.index(row[1])))
    owing: list[Any] = connection.execute(
        """select
            r.currency_code, r.tenant_id, coalesce(max(t.tenant_name), r.tenant_id), count(*),
            coalesce(sum(r.open_amount) filter (where r.days_past_due > 0), 0)::decimal(38, 6),
            max(r.days_past_due), sum(r.open_amount) as owed
        from marts.rpt_receivables as r left join marts.dim_tenants as t on r.tenant_id = t.tenant_id
        where r.aging_bucket != 'settled' group by r.currency_code, r.tenant_id having owed > 0
        order by r.currency_code, owed desc, r.tenant_id"""
    ).fetchall()
    return Receivables(
        int(counted[0]) if counted else 0,
        [OpenBucket(currency, NAMES[bucket], count, amount) for currency, bucket, count, amount in aged],
        [OpenTenant(*row) for row in owing],
        counted[1] if counted else None,
    )
