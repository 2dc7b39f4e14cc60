"""Which months are published, and which of them is the newest: shown first, and exported when none is named."""

from __future__ import annotations

from datetime import date

import duckdb

from orchestration.errors import MeterhouseError


def published_months(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Months with invoices in a release, as 2024-11."""
    rows = connection.execute(
        "select distinct strftime(billing_month, '%Y-%m') from marts.fct_invoices order by 1"
    ).fetchall()
    return [month for (month,) in rows]


def not_published(month: str, published: list[str]) -> MeterhouseError:
    """What a person is told who asks for a month that is not among those published."""
    return MeterhouseError(
        f"no invoice of {month} is published", f"Published months: {', '.join(published) or 'none'}."
    )


def newest_month(connection: duckdb.DuckDBPyConnection, today: date) -> str | None:
    """The newest billing month with an invoice that has begun by `today` (UTC), as 2024-11; None where there is none.

    One record dated ahead makes a month of its own, with numbers and storage in it: nobody asks for that.
    """
    row = connection.execute(
        f"select strftime(max(billing_month), '%Y-%m') from marts.fct_invoices where billing_month <= date '{today}'"
    ).fetchone()
    return None if row is None else row[0]
