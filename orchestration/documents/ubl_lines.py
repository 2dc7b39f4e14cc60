"""The lines of an e-invoice: quantity and sign, price, period of usage, and why a correction."""

from __future__ import annotations

from decimal import Decimal

from lxml import etree

from orchestration.documents.invoice_facts import Invoice, InvoiceLine
from orchestration.documents.money import plain, to_minor_unit
from orchestration.documents.price_keys import key_in_words
from orchestration.documents.text import clean
from orchestration.documents.ubl_tax import TaxStatement
from orchestration.documents.ubl_xml import add, add_amount, add_tax_scheme, group

# UN/ECE Recommendation 20; what is counted in pieces is C62.
_UNIT_CODES = {"minute": "MIN", "hour": "HUR", "second": "SEC", "byte": "AD", "gigabyte": "E34"}


def unit_code(unit: str) -> str:
    """The unit's UN/ECE code."""
    return _UNIT_CODES.get(unit.lower().rstrip("s"), "C62")


def quantity_and_price(line: InvoiceLine, minor_unit: int) -> tuple[int, Decimal, str]:
    """Quantity, unit price (never negative, BR-27) and unit code, whose product rounds to the line's amount.

    Where the rows have no such pair (a correction of the price alone) it is one piece at the whole amount.
    """
    quantity, price = line.pricing_quantity, line.unit_price
    if price < 0:
        quantity, price = -quantity, -price
    if to_minor_unit(quantity * price, minor_unit) == line.billed_amount:
        return quantity, price, unit_code(line.pricing_unit)
    return (-1 if line.billed_amount < 0 else 1), abs(line.billed_amount), "C62"


def _note(line: InvoiceLine) -> str:
    """The line's explanation, which itself says what it corrects or credits."""
    return line.explanation if line.is_correction or line.charge_category == "included" else ""


def add_line(root: etree._Element, invoice: Invoice, tax: TaxStatement, number: int, line: InvoiceLine) -> None:
    """One line; in a credit note what is credited is positive."""
    kind = "CreditNote" if invoice.is_credit_note else "Invoice"
    quantity, price, code = quantity_and_price(line, invoice.minor_unit)
    element = group(root, f"{kind}Line")
    add(element, "ID", str(number))
    if note := _note(line):
        add(element, "Note", note)
    add(
        element,
        "CreditedQuantity" if invoice.is_credit_note else "InvoicedQuantity",
        str(quantity * invoice.sign),
        unitCode=code,
    )
    amount = plain(line.billed_amount * invoice.sign, invoice.minor_unit)
    add_amount(element, "LineExtensionAmount", amount, invoice.currency_code)
    reference = group(element, "DocumentReference")
    add(reference, "ID", line.line_id)
    add(reference, "DocumentTypeCode", "130")
    item = group(element, "Item")
    key = f" ({key_in_words(line.meter, line.price_key)})" if line.price_key else ""
    add(item, "Description", f"{line.service}: {line.meter_description}{key}")
    add(item, "Name", clean(line.meter_description) or line.meter)
    category = group(item, "ClassifiedTaxCategory")
    add(category, "ID", tax.category)
    if tax.rate is not None:
        add(category, "Percent", tax.rate)
    add_tax_scheme(category, "VAT")
    add_amount(group(element, "Price"), "PriceAmount", f"{price.normalize():f}", invoice.currency_code)
