"""Hand-made rows of one month, every amount worked out in the comment beside it, and a connection that holds them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import duckdb

from orchestration.documents.invoice_facts import INVOICE_COLUMNS, LINE_COLUMNS, Invoice, load_invoices

MONTH = date(2024, 11, 1)
_SQL_TYPES = {
    **dict.fromkeys(("billing_month", "usage_month", "due_on"), "date"),
    "issued_at": "timestamp",
    "is_placeholder_price": "boolean",
    "unit_price": "decimal(18,8)",
    "rated_amount": "decimal(36,8)",
    "billed_amount": "decimal(18,3)",
    **dict.fromkeys(
        (
            *("line_count", "minor_unit", "consumed_quantity", "included_quantity"),
            *("drawn_quantity", "pricing_quantity", "raw_rows"),
        ),
        "bigint",
    ),
}
ACME, GLOBEX, NASTY, TOKYO, DRAFT, KUWAIT = "t-acme", "t-globex", "../t/شركة", "t-tokyo", "t-draft", "t-kuwait"
NASTY_NAME = 'شركة الاتصالات <&>" 北京科技有限公司 ' + "Very Long Name of a Holding Company " * 6


def line(tenant: str, key: str, quantity: int, price: str, billed: str, **changes: Any) -> dict[str, Any]:
    """A usage line: `quantity` pieces at `price`, billed as `billed`."""
    row = {
        "invoice_id": f"{tenant}/2024-11/pm",
        "line_id": f"{tenant}/2024-11/{key}",
        "tenant_id": tenant,
        "billing_month": MONTH,
        "usage_month": MONTH,
        "service": "Voice",
        "meter": "voice_minute",
        "meter_description": "minute of a billable call leg",
        "price_key": key,
        "clause_id": "VOI-02",
        "price_id": "voice-2022",
        "price_origin": "price_book",
        "is_placeholder_price": False,
        "consumed_quantity": quantity,
        "consumed_unit": "minute",
        "included_quantity": 0,
        "drawn_quantity": 0,
        "pricing_quantity": quantity,
        "pricing_unit": "minute",
        "unit_price": Decimal(price),
        "rated_amount": quantity * Decimal(price),
        "billed_amount": Decimal(billed),
        "currency_code": "USD",
        "charge_category": "usage",
        "charge_class": None,
        "corrects_line_id": None,
        "corrects_invoice_number": None,
        "explanation": f"{quantity} minutes at {price}.",
        "raw_rows": abs(quantity),
    }
    return {**row, **changes}


def correction(tenant: str, key: str, quantity: int, price: str, billed: str, **changes: Any) -> dict[str, Any]:
    """A correction of October's invoice INV-2024-0009."""
    fixed = {
        "usage_month": date(2024, 10, 1),
        "charge_category": "credit" if quantity < 0 else "usage",
        "charge_class": "correction",
        "corrects_line_id": f"{tenant}/2024-10/{key}",
        "corrects_invoice_number": "INV-2024-0009",
        "explanation": f"Correction of invoice INV-2024-0009, usage of October 2024: {quantity} minutes at {price}.",
    }
    return line(tenant, key, quantity, price, billed, **{**fixed, **changes})


def invoice(tenant: str, total: str, lines: int, number: str | None, **changes: Any) -> dict[str, Any]:
    """An issued invoice of `lines` lines over `total`; a draft when it has no number."""
    row = {
        "invoice_id": f"{tenant}/2024-11/pm",
        "invoice_number": number,
        "document_type": "invoice",
        "status": "issued" if number else "draft",
        "tenant_id": tenant,
        "tenant_name": f"Name of {tenant}",
        "billing_month": MONTH,
        "payment_method_id": "pm",
        "currency_code": "USD",
        "minor_unit": 2,
        "billed_amount": Decimal(total),
        "line_count": lines,
        "issued_at": datetime(2024, 12, 4, 9) if number else None,
        "due_on": date(2025, 1, 3) if number else None,
        "issuing_entity": "us",
        "seller_name": "Meterhouse Inc.",
        "seller_address": "530 5th Avenue",
        "seller_city": "New York",
        "seller_postal_code": "10036",
        "seller_country": "US",
        "seller_company_id": "5812345",
        "seller_tax_id": None,
        "bill_to_name": f"Name of {tenant}",
        "bill_to_address": "12 Long Street, Building B, Springfield",
        "bill_to_country": "US",
        "buyer_tax_id": None,
        "tax_category_code": "O",
        "tax_exemption_reason": None,
        "content_sha256": "0" * 64,
    }
    return {**row, **changes}


_POOLED = {
    "service": "WhatsApp",
    "meter": "whatsapp_conversation",
    "meter_description": "WhatsApp conversation",
    "consumed_unit": "conversation",
    "pricing_unit": "conversation",
}
_INCLUDED = {"charge_category": "included", "included_quantity": 2000, "explanation": "2000 covered by the pool."}
_STORAGE = {
    "service": "Storage",
    "meter": "data_storage",
    "meter_description": "block of data storage above the limit",
    "consumed_unit": "byte",
    "consumed_quantity": 1_249_780_000_123,
    "included_quantity": 1_099_511_627_776,
    "pricing_unit": "block",
    "explanation": "Three blocks above the limit.",
}
_YEN, _DINAR = {"currency_code": "JPY"}, {"currency_code": "KWD"}

LINES = [
    # 72.00 + 8.51 + 5.99 + 0 + 33.75 + 150.00 = 270.25
    line(ACME, "kiq", 120, "0.60", "72.00", service="KIQ", meter_description="KIQ conversation"),
    line(ACME, "local", 1001, "0.0085", "8.51"),  # 8.5085
    line(ACME, "toll_free", 333, "0.018", "5.99"),  # 5.994
    line(ACME, "wa_pool", 0, "0", "0", consumed_quantity=2000, **_POOLED, **_INCLUDED),
    line(ACME, "wa_business", 540, "0.0625", "33.75", **_POOLED),
    line(ACME, "storage", 3, "50", "150.00", **_STORAGE),
    # 6.00 - 0.95 + 0.50 = 5.55
    line(GLOBEX, "kiq", 10, "0.60", "6.00", service="KIQ", meter_description="KIQ conversation"),
    correction(GLOBEX, "sms_old", -120, "0.0079", "-0.95"),  # -0.948
    correction(GLOBEX, "sms_new", 50, "0.01", "0.50"),
    # -0.95 - 10.00 = -10.95
    correction(NASTY, "=cmd", -120, "0.0079", "-0.95", explanation="=cmd|' /C calc'!A0 <&>\""),
    correction(NASTY, "@sum", -20, "0.5", "-10.00", meter_description="+1 <b>bold</b> & \u0007bell"),
    # 11,111 + 700 = 11,811
    line(TOKYO, "local", 12345, "0.9", "11111", **_YEN),  # 11,110.5
    line(TOKYO, "toll_free", 7, "100", "700", **_YEN),
    line(DRAFT, "local", 5, "1", "5.00"),
    line(KUWAIT, "local", 7, "0.0125", "0.088", **_DINAR),  # 0.0875
]
INVOICES = [
    invoice(ACME, "270.25", 6, "INV-2024-0010"),
    invoice(GLOBEX, "5.55", 3, "INV-2024-0011"),
    invoice(NASTY, "-10.95", 2, "CN-2024-0001", document_type="credit_note", bill_to_name=NASTY_NAME),
    invoice(TOKYO, "11811", 2, "INV-2024-0012", minor_unit=0, **_YEN),
    invoice(DRAFT, "5.00", 1, None, bill_to_name='=HYPERLINK("x")', tenant_name="=1+1"),
    invoice(KUWAIT, "0.088", 1, "INV-2024-0013", minor_unit=3, **_DINAR),
]
TOTALS = {"JPY": "11811", "KWD": "0.088", "USD": "269.85"}  # 270.25 + 5.55 - 10.95 + 5.00


def connect(invoices: Iterable[dict[str, Any]], lines: Iterable[dict[str, Any]]) -> duckdb.DuckDBPyConnection:
    """A database in memory with the tables `invoices` and `lines` in the given row order."""
    connection = duckdb.connect(":memory:")
    for table, columns, rows in (("invoices", INVOICE_COLUMNS, invoices), ("lines", LINE_COLUMNS, lines)):
        typed = ", ".join(f"{column} {_SQL_TYPES.get(column, 'varchar')}" for column in columns)
        connection.execute(f"create table {table} ({typed})")
        values = [[row[column] for column in columns] for row in rows]
        if values:
            connection.executemany(f"insert into {table} values ({', '.join('?' * len(columns))})", values)
    return connection


def load(
    invoices: Iterable[dict[str, Any]] = INVOICES, lines: Iterable[dict[str, Any]] = LINES, **only: Any
) -> list[Invoice]:
    """The rows as invoices, through the database."""
    with connect(invoices, lines) as connection:
        return load_invoices(connection, "invoices", "lines", month=MONTH, **only)


def of(tenant: str) -> Invoice:
    """The one invoice of a tenant."""
    (found,) = load(tenant_id=tenant)
    return found
