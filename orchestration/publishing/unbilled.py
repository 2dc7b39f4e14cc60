"""What a release has of usage that is priced and on no issued invoice, up to the end of a month."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from decimal import Decimal

import duckdb

from orchestration.documents.accrual import Unbilled


def load_unbilled(connection: duckdb.DuckDBPyConnection, month: date) -> list[Unbilled]:
    """By tenant, currency, state, month of usage and meter, in a fixed order; drafted or blocked, and not nothing."""
    rows = connection.execute(
        "select tenant_id, currency_code, state, usage_month, service, meter, unbilled_amount "
        "from marts.rpt_unbilled_revenue where state in ('drafted', 'blocked') and usage_month <= ? "
        "and unbilled_amount != 0 order by all",
        [month],
    ).fetchall()
    return [Unbilled(*row) for row in rows]


def totals_of(rows: Iterable[Unbilled]) -> dict[str, Decimal]:
    """Amounts by currency."""
    totals: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        totals[row.currency_code] += row.amount
    return dict(totals)
