"""Figures told with a materialization: rows, and by month what the UI draws over the partitions.

Floats for plots only; an amount anybody is billed is exact text beside it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import dagster as dg
import duckdb

from orchestration.documents.money import plain
from orchestration.sql_literals import sql_text

# Beside the rows: what of a mart is summed by month, as (label expression, value expression).
SUMMED = {
    "marts.fct_invoices": ("'billed_' || currency_code", "sum(billed_amount)"),
    "marts.fct_invoice_lines": ("'billed_' || currency_code", "sum(billed_amount)"),
    "marts.fct_usage_monthly": ("'quantity_' || meter", "sum(consumed_quantity)"),
    "marts.rpt_record_fates": ("'records_' || fate", "sum(record_count)"),
}


def tables_there(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """Every table of the build file, by schema and name; views have no rows to tell."""
    rows = connection.execute(
        "select schema_name || '.' || table_name from duckdb_tables() where database_name = current_database()"
    ).fetchall()
    return {name for (name,) in rows}


def row_count(connection: duckdb.DuckDBPyConnection, relation: str) -> dict[str, int]:
    """How many rows the table has, counted: the engine's own estimate counts those that were deleted as well."""
    (count,) = connection.execute(f"select count(*) from {relation}").fetchone() or (0,)
    return {"dagster/row_count": int(count)}


def month_figures(
    connection: duckdb.DuckDBPyConnection, relation: str, months: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """Figures of a table's months (as 2024-11), by month; one without rows has 0 of them."""
    found: dict[str, dict[str, Any]] = {month: {"dagster/partition_row_count": 0, "rows": 0} for month in months}
    if not months:
        return found
    within = _within(months)
    rows = connection.execute(
        f"select strftime(billing_month, '%Y-%m'), count(*) from {relation} where {within} group by 1"
    ).fetchall()
    for month, count in rows:
        found[month] |= {"dagster/partition_row_count": int(count), "rows": int(count)}
    if relation in SUMMED:
        label, value = SUMMED[relation]
        for month, name, amount in connection.execute(
            f"select strftime(billing_month, '%Y-%m'), {label}, ({value})::varchar from {relation} "
            f"where {within} group by 1, 2 order by 1, 2"
        ).fetchall():
            if name is not None and amount is not None:
                found[month][name] = float(amount)
                if name.startswith("billed_"):
                    found[month][f"exact_{name}"] = amount
    return found


def _within(months: Sequence[str]) -> str:
    return f"billing_month in ({', '.join('date ' + sql_text(f'{month}-01') for month in months)})"


def invoice_figures(connection: duckdb.DuckDBPyConnection, months: Iterable[str]) -> dict[str, dict[str, Any]]:
    """A release's invoices, lines and fates by month: counts, totals as exact text, and the same to plot."""
    wanted = list(months)
    found: dict[str, dict[str, Any]] = {month: {"invoices": 0, "lines": 0} for month in wanted}
    totals: dict[str, dict[str, str]] = defaultdict(dict)
    if not wanted:
        return found
    within = _within(wanted)
    for month, currency, unit, invoices, lines, amount in connection.execute(
        "select strftime(billing_month, '%Y-%m'), currency_code, max(minor_unit), count(*), sum(line_count)::bigint, "
        f"sum(billed_amount) from marts.fct_invoices where {within} group by 1, 2 order by 1, 2"
    ).fetchall():
        found[month]["invoices"] += int(invoices)
        found[month]["lines"] += int(lines)
        found[month][f"billed_{currency}"] = float(amount)
        totals[month][currency] = plain(amount, unit)
    for month, fate, records in connection.execute(
        "select strftime(billing_month, '%Y-%m'), fate, sum(record_count)::bigint from marts.rpt_record_fates "
        f"where {within} group by 1, 2 order by 1, 2"
    ).fetchall():
        found[month][f"records_{fate}"] = int(records)
    for month, amounts in totals.items():
        found[month]["totals"] = dg.MetadataValue.json(amounts)
    return found
