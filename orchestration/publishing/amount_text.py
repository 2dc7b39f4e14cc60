"""Amounts of a release as people read them: `72.13 EUR`, with the currency's decimals, not the three of the column."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import duckdb

from orchestration.documents.money import plain


def minor_units(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Decimals of an amount per currency, as the invoices have it."""
    rows = connection.execute("select currency_code, max(minor_unit) from marts.fct_invoices group by 1").fetchall()
    return dict(rows)


def amount_text(amount: Decimal | str, currency: str, units: Mapping[str, int]) -> str:
    """`72.13`; all decimals there are of a currency without invoices, or where its own would lose something."""
    exact = Decimal(amount)
    text = plain(exact, units.get(currency, 3))
    return text if Decimal(text) == exact else f"{exact:f}"
