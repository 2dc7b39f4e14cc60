"""Which published month is the newest: what is shown first and exported when none is named."""

from __future__ import annotations

from datetime import date

import duckdb


def newest_month(connection: duckdb.DuckDBPyConnection, today: date) -> str | None:
    """The newest billing month with an invoice that has begun by `today` (UTC), as 2024-11; None where there is none.

    One record dated ahead makes a month of its own, with numbers and storage in it: nobody asks for that.
    """
    row = connection.execute(
        f"select strftime(max(billing_month), '%Y-%m') from marts.fct_invoices where billing_month <= date '{today}'"
    ).fetchone()
    return None if row is None else row[0]
