"""Seller, buyer and place of supply of an e-invoice."""

from __future__ import annotations

import re

from lxml import etree

from orchestration.documents.invoice_facts import Invoice
from orchestration.documents.ubl_tax import TaxStatement
from orchestration.documents.ubl_xml import add, add_tax_scheme, group, month_end

_VAT_NUMBER = re.compile(r"[A-Z]{2}[A-Z0-9+*]{2,}")


def _vat_number(text: str) -> str | None:
    compact = re.sub(r"[ .\-]", "", text).upper()
    return compact if _VAT_NUMBER.fullmatch(compact) else None


def _add_address(party: etree._Element, street: str, city: str, postal_code: str, country: str) -> None:
    address = group(party, "PostalAddress")
    for name, content in (("StreetName", street), ("CityName", city), ("PostalZone", postal_code)):
        if content:
            add(address, name, content)
    add(group(address, "Country"), "IdentificationCode", country_code(country))


def country_code(text: str) -> str:
    """The country as EN 16931 writes it: `de` is DE (BR-CL-14 knows capitals only)."""
    return text.strip().upper()


def _add_tax_number(party: etree._Element, number: str | None, local_allowed: bool) -> None:
    """A VAT number begins with a country; any other is the seller's local tax registration."""
    if not number:
        return
    vat = _vat_number(number)
    if vat is None and not local_allowed:
        return
    scheme = group(party, "PartyTaxScheme")
    add(scheme, "CompanyID", vat or number)
    add_tax_scheme(scheme, "VAT" if vat else "LOC")


def add_seller(root: etree._Element, invoice: Invoice, tax: TaxStatement) -> None:
    """The issuing entity with address, company number and, where allowed, tax number."""
    party = group(group(root, "AccountingSupplierParty"), "Party")
    _add_address(party, invoice.seller_address, invoice.seller_city, invoice.seller_postal_code, invoice.seller_country)
    if tax.names_parties:
        _add_tax_number(party, invoice.seller_tax_id, local_allowed=True)
    legal = group(party, "PartyLegalEntity")
    add(legal, "RegistrationName", invoice.seller_name)
    if invoice.seller_company_id:
        add(legal, "CompanyID", invoice.seller_company_id)


def add_buyer(root: etree._Element, invoice: Invoice, tax: TaxStatement) -> None:
    """Who is billed. The address is one text, given whole as the first address line."""
    party = group(group(root, "AccountingCustomerParty"), "Party")
    _add_address(party, invoice.bill_to_address, "", "", invoice.bill_to_country)
    if tax.names_parties:
        _add_tax_number(party, invoice.buyer_tax_id, local_allowed=False)
    add(group(party, "PartyLegalEntity"), "RegistrationName", invoice.bill_to_name)


def add_delivery(root: etree._Element, invoice: Invoice, tax: TaxStatement) -> None:
    """Date and country of supply, which an intra-community supply must state (BR-IC-11, BR-IC-12)."""
    if tax.category != "K":
        return
    delivery = group(root, "Delivery")
    add(delivery, "ActualDeliveryDate", f"{month_end(invoice.billing_month)}")
    address = group(group(delivery, "DeliveryLocation"), "Address")
    add(group(address, "Country"), "IdentificationCode", country_code(invoice.bill_to_country))
