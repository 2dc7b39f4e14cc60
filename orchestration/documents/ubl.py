"""An issued invoice as EN 16931 UBL 2.1: Invoice, or CreditNote (amounts positive) for a negative total."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, time
from decimal import Decimal

from lxml import etree

from orchestration.documents.invoice_facts import Invoice, check_invoice, numbered_lines
from orchestration.documents.money import plain
from orchestration.documents.text import clean
from orchestration.documents.ubl_lines import add_line
from orchestration.documents.ubl_parties import add_buyer, add_delivery, add_seller, country_code
from orchestration.documents.ubl_tax import TaxStatement, tax_statement
from orchestration.documents.ubl_xml import CAC, CBC, add, add_amount, add_tax_scheme, group, month_end
from orchestration.errors import MeterhouseError

_ROOT = "urn:oasis:names:specification:ubl:schema:xsd:{0}-2"
_COUNTRY = re.compile(r"[A-Z]{2}")
_GUIDELINE = "urn:cen.eu:en16931:2017"


def invoice_xml(invoice: Invoice) -> bytes:
    """The e-invoice. Raises MeterhouseError for a draft, a currency with 3 decimals, or a tax category not at zero."""
    check_invoice(invoice)
    if not invoice.is_issued or invoice.invoice_number is None or invoice.issued_at is None:
        raise MeterhouseError(f"invoice {invoice.label} is a draft", "Issue it first; a draft has no e-invoice.")
    tax = state_head(invoice)
    kind = "CreditNote" if invoice.is_credit_note else "Invoice"
    root = etree.Element(f"{{{_ROOT.format(kind)}}}{kind}", nsmap={None: _ROOT.format(kind), "cac": CAC, "cbc": CBC})
    add(root, "CustomizationID", _GUIDELINE)
    add(root, "ID", invoice.invoice_number)
    add(root, "IssueDate", f"{invoice.issued_at.date()}")
    if not invoice.is_credit_note:
        if invoice.due_on:
            add(root, "DueDate", f"{invoice.due_on}")
        add(root, "InvoiceTypeCode", "380")
    else:
        add(root, "CreditNoteTypeCode", "381")
    add(root, "DocumentCurrencyCode", invoice.currency_code)
    add(root, "BuyerReference", invoice.tenant_id)
    period = group(root, "InvoicePeriod")
    add(period, "StartDate", f"{invoice.billing_month}")
    add(period, "EndDate", f"{month_end(invoice.billing_month)}")
    for number in sorted({line.corrects_invoice_number for line in invoice.lines if line.corrects_invoice_number}):
        add(group(group(root, "BillingReference"), "InvoiceDocumentReference"), "ID", number)
    add_seller(root, invoice, tax)
    add_buyer(root, invoice, tax)
    add_delivery(root, invoice, tax)
    add(group(root, "PaymentTerms"), "Note", _payment_terms(invoice))
    _add_totals(root, invoice, tax, invoice.billed_amount * invoice.sign)
    for position, line in numbered_lines(invoice):
        add_line(root, invoice, tax, position, line)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def state_head(invoice: Invoice, countries: Collection[str] = ()) -> TaxStatement:
    """What the e-invoice states about tax, once its head is one that an e-invoice can have; asks for no lines.

    `countries`, if any are given, are those CEN's rules know. Raises MeterhouseError for a currency with 3 decimals, a
    country it cannot name, or a tax category not at zero.
    """
    if invoice.minor_unit > 2:
        raise MeterhouseError(
            f"invoice {invoice.label} is in {invoice.currency_code}, which has {invoice.minor_unit} decimals",
            "EN 16931 allows amounts with at most two decimals: send the PDF.",
        )
    for whose, country, rule, where in (
        ("seller", invoice.seller_country, "BR-09", "issuing_entities.csv"),
        ("buyer", invoice.bill_to_country, "BR-11", "the tenants extract"),
    ):
        code = country_code(country)
        if not code:
            raise MeterhouseError(
                f"invoice {invoice.label} names no country of the {whose}",
                f"EN 16931 requires one ({rule}): send the PDF, and give it in {where} before the next close.",
            )
        if not _COUNTRY.fullmatch(code) or (countries and code not in countries):
            raise MeterhouseError(
                f"invoice {invoice.label} names {country!r} as the {whose}'s country",
                "EN 16931 uses two-letter country codes (ISO 3166-1, such as US): send the PDF, and correct the "
                f"country in {where} before the next close.",
            )
    return tax_statement(invoice)


def as_if_issued(draft: Invoice) -> Invoice:
    """The draft with what it lacks for an e-invoice, its number and its day, to see whether anything else does."""
    day = datetime.combine(month_end(draft.billing_month), time())
    return replace(draft, status="issued", invoice_number=draft.invoice_id, issued_at=day)


def _payment_terms(invoice: Invoice) -> str:
    if invoice.is_credit_note:
        return "No payment is due; the amount is credited."
    method = f" by payment method {clean(invoice.payment_method_id)}" if invoice.payment_method_id else ""
    return f"Payable by {invoice.due_on}{method}." if invoice.due_on else f"Payable on receipt{method}."


def _add_totals(root: etree._Element, invoice: Invoice, tax: TaxStatement, total: Decimal) -> None:
    amount, zero = plain(total, invoice.minor_unit), plain(Decimal(0), invoice.minor_unit)
    taxes = group(root, "TaxTotal")
    add_amount(taxes, "TaxAmount", zero, invoice.currency_code)
    subtotal = group(taxes, "TaxSubtotal")
    add_amount(subtotal, "TaxableAmount", amount, invoice.currency_code)
    add_amount(subtotal, "TaxAmount", zero, invoice.currency_code)
    category = group(subtotal, "TaxCategory")
    add(category, "ID", tax.category)
    if tax.rate is not None:
        add(category, "Percent", tax.rate)
    if tax.reason_code:
        add(category, "TaxExemptionReasonCode", tax.reason_code)
    if tax.reason:
        add(category, "TaxExemptionReason", tax.reason)
    add_tax_scheme(category, "VAT")
    sums = group(root, "LegalMonetaryTotal")
    for name in ("LineExtensionAmount", "TaxExclusiveAmount", "TaxInclusiveAmount", "PayableAmount"):
        add_amount(sums, name, amount, invoice.currency_code)
