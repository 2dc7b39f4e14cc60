"""Small helpers to write UBL elements."""

from __future__ import annotations

from calendar import monthrange
from datetime import date

from lxml import etree

from orchestration.documents.text import clean

CAC = "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
CBC = "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2"


def group(parent: etree._Element, name: str) -> etree._Element:
    """A new aggregate element at the end of `parent`."""
    return etree.SubElement(parent, f"{{{CAC}}}{name}")


def add(parent: etree._Element, name: str, content: str, **attributes: str) -> etree._Element:
    """A new basic element with text, free of characters XML cannot carry."""
    element = etree.SubElement(parent, f"{{{CBC}}}{name}", attributes)
    element.text = clean(content)
    return element


def add_amount(parent: etree._Element, name: str, amount: str, currency: str) -> None:
    """An amount with its currency."""
    add(parent, name, amount, currencyID=currency)


def add_tax_scheme(parent: etree._Element, scheme: str) -> None:
    """The tax scheme a category or number belongs to."""
    add(group(parent, "TaxScheme"), "ID", scheme)


def month_end(month: date) -> date:
    """The last day of the month."""
    return month.replace(day=monthrange(month.year, month.month)[1])
