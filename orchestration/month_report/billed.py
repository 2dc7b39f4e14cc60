"""What the month bills: totals, meters, tenants, movers, corrections and what the newest release moved.

Amounts of different currencies are never added: every row names its currency.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb

LARGEST_CHANGES = 15
_NAMES = "left join marts.dim_tenants as names on names.tenant_id ="


@dataclass(frozen=True)
class CurrencyTotal:
    """All documents of the month in one currency; `on_placeholders` is the part of `amount` at placeholder prices."""

    currency: str
    invoices: int
    credit_notes: int
    lines: int
    issued: Decimal
    draft: Decimal
    on_placeholders: Decimal
    amount: Decimal


@dataclass(frozen=True)
class MeterTotal:
    """What one meter bills; `quantity` is the priced one in `unit`, `corrections` the part of `amount` they are."""

    currency: str
    service: str
    meter: str
    description: str
    quantity: int
    unit: str
    corrections: Decimal
    amount: Decimal


@dataclass(frozen=True)
class TenantTotal:
    """What one tenant is billed over its documents; `numbers` are those of issued ones."""

    currency: str
    tenant_id: str
    tenant_name: str
    documents: int
    drafts: int
    numbers: tuple[str, ...]
    lines: int
    amount: Decimal


@dataclass(frozen=True)
class Mover:
    """A tenant's month against the month before; None where it has no document."""

    currency: str
    tenant_id: str
    tenant_name: str
    before: Decimal | None
    after: Decimal | None
    moved: Decimal


@dataclass(frozen=True)
class ChangeCount:
    """Lines of the month that the newest release added, removed or changed."""

    currency: str
    change: str
    lines: int
    moved: Decimal


@dataclass(frozen=True)
class ChangedLine:
    """One line that the newest release moved, and why as far as it is known."""

    currency: str
    tenant_id: str
    tenant_name: str
    change: str
    usage_month: date
    meter: str
    price_key: str
    before: Decimal | None
    after: Decimal | None
    moved: Decimal
    causes: str


@dataclass(frozen=True)
class Correction:
    """A line that corrects an earlier month (GEN-09)."""

    currency: str
    tenant_id: str
    tenant_name: str
    usage_month: date
    meter: str
    price_key: str
    quantity: int
    unit: str
    amount: Decimal
    invoice_number: str | None
    corrects: str | None
    explanation: str


def _rows(connection: duckdb.DuckDBPyConnection, query: str, values: list[Any]) -> list[Any]:
    return connection.execute(query, values).fetchall()


def currency_totals(connection: duckdb.DuckDBPyConnection, month: date) -> list[CurrencyTotal]:
    """Documents, lines and amounts per currency; empty for a month without invoices."""
    query = """with placeholders as (
            select currency_code, sum(billed_amount)::decimal(38, 3) as amount
            from marts.fct_invoice_lines where billing_month = $1 and is_placeholder_price group by currency_code
        )
        select
            currency_code,
            count(*) filter (where document_type = 'invoice'),
            count(*) filter (where document_type = 'credit_note'),
            sum(line_count)::bigint,
            coalesce(sum(billed_amount) filter (where status = 'issued'), 0)::decimal(38, 3),
            coalesce(sum(billed_amount) filter (where status = 'draft'), 0)::decimal(38, 3),
            coalesce(any_value(placeholders.amount), 0)::decimal(38, 3),
            sum(billed_amount)
        from marts.fct_invoices left join placeholders using (currency_code)
        where billing_month = $1 group by currency_code order by currency_code"""
    return [CurrencyTotal(*row) for row in _rows(connection, query, [month])]


def meter_totals(connection: duckdb.DuckDBPyConnection, month: date) -> list[MeterTotal]:
    """Totals per meter, services together, the largest first."""
    query = """with totals as (
            select
                currency_code, service, meter, max(meter_description) as description,
                coalesce(sum(pricing_quantity) filter (where charge_category != 'included'), 0)::bigint as quantity,
                max(pricing_unit) as unit,
                coalesce(sum(billed_amount) filter (where charge_class = 'correction'), 0)::decimal(38, 3)
                    as corrections,
                sum(billed_amount) as amount
            from marts.fct_invoice_lines where billing_month = ? group by currency_code, service, meter
        )
        select * from totals
        order by currency_code, sum(amount) over (partition by currency_code, service) desc, service,
            amount desc, meter"""
    return [MeterTotal(*row) for row in _rows(connection, query, [month])]


def tenant_totals(connection: duckdb.DuckDBPyConnection, month: date) -> list[TenantTotal]:
    """Totals per tenant, the largest first."""
    query = """select
            currency_code, tenant_id, max(tenant_name), count(*), count(*) filter (where status = 'draft'),
            coalesce(list(invoice_number order by invoice_number) filter (where invoice_number is not null), []),
            sum(line_count)::bigint, sum(billed_amount) as amount
        from marts.fct_invoices where billing_month = ? group by currency_code, tenant_id
        order by currency_code, amount desc, tenant_id"""
    rows: list[Any] = [(*row[:5], tuple(row[5]), *row[6:]) for row in _rows(connection, query, [month])]
    return [TenantTotal(*row) for row in rows]


def movers(connection: duckdb.DuckDBPyConnection, month: date, previous: date) -> list[Mover]:
    """Every tenant whose total differs from the month before, the biggest move first."""
    query = """with totals as (
            select
                currency_code, tenant_id, max(tenant_name) as tenant_name,
                sum(billed_amount) filter (where billing_month = $previous) as before,
                sum(billed_amount) filter (where billing_month = $month) as after,
                coalesce(after, 0) - coalesce(before, 0) as moved
            from marts.fct_invoices where billing_month in ($previous, $month)
            group by currency_code, tenant_id
        )
        select * from totals where moved != 0 order by currency_code, abs(moved) desc, tenant_id"""
    rows = connection.execute(query, {"month": month, "previous": previous}).fetchall()
    return [Mover(*row) for row in rows]


def change_counts(connection: duckdb.DuckDBPyConnection, month: date, release_id: str) -> list[ChangeCount]:
    """How many of the month's lines the release moved, and by how much."""
    query = """select currency_code, change, count(*), sum(amount_moved)
        from marts.rpt_release_changes where billing_month = ? and release_id = ? group by all order by all"""
    return [ChangeCount(*row) for row in _rows(connection, query, [month, release_id])]


def largest_changes(connection: duckdb.DuckDBPyConnection, month: date, release_id: str) -> list[ChangedLine]:
    """The lines the release moved most: 15 of each currency."""
    query = f"""select
            changes.currency_code, changes.tenant_id, coalesce(names.tenant_name, changes.tenant_id), change,
            usage_month,
            meter, price_key, amount_before, amount_after, amount_moved, causes
        from marts.rpt_release_changes as changes {_NAMES} changes.tenant_id
        where billing_month = ? and release_id = ?
        qualify row_number() over (partition by changes.currency_code order by abs(amount_moved) desc, line_id)
            <= {LARGEST_CHANGES}
        order by changes.currency_code, abs(amount_moved) desc, line_id"""
    return [ChangedLine(*row) for row in _rows(connection, query, [month, release_id])]


def corrections(connection: duckdb.DuckDBPyConnection, month: date) -> list[Correction]:
    """The corrections on the month's invoices."""
    query = f"""select
            lines.currency_code, lines.tenant_id, coalesce(names.tenant_name, lines.tenant_id), lines.usage_month,
            lines.meter, lines.price_key, lines.pricing_quantity, lines.pricing_unit, lines.billed_amount,
            invoices.invoice_number, lines.corrects_invoice_number, coalesce(lines.explanation, '')
        from marts.fct_invoice_lines as lines
        inner join marts.fct_invoices as invoices on lines.invoice_id = invoices.invoice_id
        {_NAMES} lines.tenant_id
        where lines.billing_month = ? and lines.charge_class = 'correction'
        order by lines.currency_code, lines.tenant_id, lines.usage_month, lines.meter, lines.line_id"""
    return [Correction(*row) for row in _rows(connection, query, [month])]
