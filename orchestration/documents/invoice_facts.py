"""The rows every document is drawn from: a month's invoices with their lines, read once, checked once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeVar

import duckdb

from orchestration.documents.money import to_minor_unit
from orchestration.errors import MeterhouseError

_Row = TypeVar("_Row")

# The services of seeds/reference/meters.csv, in the order documents list them.
SERVICES = ("KIQ", "Voice", "WhatsApp", "Storage")


@dataclass(frozen=True)
class InvoiceLine:
    """One line: quantities in units, money in `currency_code`, net of tax."""

    invoice_id: str
    line_id: str
    tenant_id: str
    billing_month: date
    usage_month: date
    service: str
    meter: str
    meter_description: str
    price_key: str
    clause_id: str
    price_id: str
    price_origin: str
    is_placeholder_price: bool
    consumed_quantity: int
    consumed_unit: str
    included_quantity: int
    drawn_quantity: int
    pricing_quantity: int
    pricing_unit: str
    unit_price: Decimal
    rated_amount: Decimal
    billed_amount: Decimal
    currency_code: str
    charge_category: str
    charge_class: str | None
    corrects_line_id: str | None
    corrects_invoice_number: str | None
    explanation: str
    raw_rows: int

    @property
    def is_correction(self) -> bool:
        """Whether it corrects or credits something invoiced before; shown apart from the usage."""
        return self.charge_class == "correction" or self.charge_category == "credit"


@dataclass(frozen=True)
class Invoice:
    """One invoice or credit note of one tenant and month; `billed_amount` is net of tax."""

    invoice_id: str
    invoice_number: str | None
    document_type: str
    status: str
    tenant_id: str
    tenant_name: str
    billing_month: date
    payment_method_id: str
    currency_code: str
    minor_unit: int
    billed_amount: Decimal
    line_count: int
    issued_at: datetime | None
    due_on: date | None
    issuing_entity: str
    seller_name: str
    seller_address: str
    seller_city: str
    seller_postal_code: str
    seller_country: str
    seller_company_id: str
    seller_tax_id: str | None
    bill_to_name: str
    bill_to_address: str
    bill_to_country: str
    buyer_tax_id: str | None
    tax_category_code: str
    tax_exemption_reason: str | None
    content_sha256: str
    lines: tuple[InvoiceLine, ...] = ()

    @property
    def is_issued(self) -> bool:
        return self.status == "issued"

    @property
    def is_credit_note(self) -> bool:
        return self.document_type == "credit_note"

    @property
    def sign(self) -> int:
        """What documents for people and machines multiply by: a credit note says what is credited as positive."""
        return -1 if self.is_credit_note else 1

    @property
    def label(self) -> str:
        """The number people know it by; a draft has only its id."""
        return self.invoice_number or self.invoice_id


INVOICE_COLUMNS = tuple(field.name for field in fields(Invoice) if field.name != "lines")
LINE_COLUMNS = tuple(field.name for field in fields(InvoiceLine))
# Of a line in a list. The status too: a draft's lines must not be taken for an invoice's when they travel alone.
LISTED_COLUMNS = ("invoice_number", "line_number", "status", *LINE_COLUMNS)


def load_invoices(
    connection: duckdb.DuckDBPyConnection, invoices: str, lines: str, *, month: date, tenant_id: str | None = None
) -> list[Invoice]:
    """The month's invoices by invoice_id, each with its lines by line_id.

    `invoices` and `lines` name tables or views. Raises MeterhouseError when a line has no invoice
    or an invoice does not add up.
    """
    headers = load_headers(connection, invoices, month=month, tenant_id=tenant_id)
    found = _read(connection, lines, InvoiceLine, LINE_COLUMNS, month, tenant_id)
    by_invoice: dict[str, list[InvoiceLine]] = {header.invoice_id: [] for header in headers}
    for line in sorted(found, key=lambda line: line.line_id):
        if line.invoice_id not in by_invoice:
            raise MeterhouseError(f"line {line.line_id} belongs to no invoice of {month:%Y-%m}", "Recompute the month.")
        by_invoice[line.invoice_id].append(line)
    complete = [replace(header, lines=tuple(by_invoice[header.invoice_id])) for header in headers]
    for invoice in complete:
        check_invoice(invoice)
    return sorted(complete, key=lambda invoice: invoice.invoice_id)


def load_headers(
    connection: duckdb.DuckDBPyConnection, invoices: str, *, month: date, tenant_id: str | None = None
) -> list[Invoice]:
    """The month's invoices without their lines, in no order; `invoices` names a table, a view or a file's rows."""
    return [
        # A tenant nobody described has no address: an empty line, and no e-invoice.
        replace(header, bill_to_address=header.bill_to_address or "", bill_to_country=header.bill_to_country or "")
        for header in _read(connection, invoices, Invoice, INVOICE_COLUMNS, month, tenant_id)
    ]


def _read(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    kind: type[_Row],
    columns: Iterable[str],
    month: date,
    tenant_id: str | None,
) -> list[_Row]:
    rows = connection.execute(
        f"select {', '.join(columns)} from {relation} where billing_month = ? and (? is null or tenant_id = ?)",
        [month, tenant_id, tenant_id],
    ).fetchall()
    return [kind(*(_value(value) for value in row)) for row in rows]


def _value(value: Any) -> Any:
    if isinstance(value, float):
        raise MeterhouseError("an amount is a floating-point number", "Give the relation decimal columns.")
    return value


def check_invoice(invoice: Invoice) -> None:
    """Raises MeterhouseError unless the invoice adds up, in one currency, for one tenant, in whole minor units."""
    remedy = "Recompute the month; a document is made only from rows that add up."
    name = f"invoice {invoice.label}"
    total = sum((line.billed_amount for line in invoice.lines), Decimal(0))
    if total != invoice.billed_amount:
        raise MeterhouseError(f"{name} says {invoice.billed_amount}, but its lines add up to {total}", remedy)
    if len(invoice.lines) != invoice.line_count:
        raise MeterhouseError(f"{name} says {invoice.line_count} lines, but has {len(invoice.lines)}", remedy)
    for line in invoice.lines:
        if (line.tenant_id, line.currency_code) != (invoice.tenant_id, invoice.currency_code):
            raise MeterhouseError(f"{name} contains line {line.line_id} of another tenant or currency", remedy)
        if to_minor_unit(line.billed_amount, invoice.minor_unit) != line.billed_amount:
            raise MeterhouseError(f"line {line.line_id} bills {line.billed_amount}, not a whole minor unit", remedy)
    if invoice.is_credit_note != (invoice.billed_amount < 0):
        raise MeterhouseError(f"{name} is a {invoice.document_type} for {invoice.billed_amount}", remedy)
    if invoice.is_issued and (invoice.invoice_number is None or invoice.issued_at is None):
        raise MeterhouseError(f"{name} is issued without a number or a date", remedy)


def by_service(lines: Iterable[InvoiceLine]) -> list[tuple[str, list[InvoiceLine]]]:
    """Lines grouped in the order documents show services, names never seen before last."""
    groups: dict[str, list[InvoiceLine]] = {}
    for line in lines:
        groups.setdefault(line.service, []).append(line)
    rank = {service: position for position, service in enumerate(SERVICES)}
    return sorted(groups.items(), key=lambda group: (rank.get(group[0], len(SERVICES)), group[0]))


def numbered_lines(invoice: Invoice) -> list[tuple[int, InvoiceLine]]:
    """Every line with the number it carries in PDF, e-invoice and CSV: usage by service, corrections last."""
    usage = by_service(line for line in invoice.lines if not line.is_correction)
    corrections = by_service(line for line in invoice.lines if line.is_correction)
    ordered = [line for _, group in (*usage, *corrections) for line in group]
    return list(enumerate(ordered, start=1))


def listed_lines(invoice: Invoice) -> Iterator[tuple[Any, ...]]:
    """Every line as a row of LISTED_COLUMNS, by its number."""
    for number, line in numbered_lines(invoice):
        yield invoice.invoice_number, number, invoice.status, *(getattr(line, name) for name in LINE_COLUMNS)
