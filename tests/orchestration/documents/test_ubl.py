"""E-invoices pass the UBL schema and CEN's EN 16931 rules, and a wrong figure does not."""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from lxml import etree

from orchestration.documents.invoice_facts import Invoice
from orchestration.documents.ubl import invoice_xml, state_head
from orchestration.documents.ubl_lines import quantity_and_price
from orchestration.documents.ubl_reading import read_xml
from orchestration.documents.ubl_rules import _rules_folder, validate
from orchestration.errors import MeterhouseError
from orchestration.settings import PROJECT_DIR
from tests.orchestration.documents.rows import (
    ACME,
    DRAFT,
    GLOBEX,
    INVOICES,
    KUWAIT,
    LINES,
    NASTY,
    TOKYO,
    invoice,
    line,
    load,
    of,
)

EUROPEAN: dict[str, Any] = {
    "seller_country": "IE",
    "seller_tax_id": "IE 6388047V",
    "bill_to_country": "DE",
    "buyer_tax_id": "DE123456789",
}
NAMES = {
    "cac": "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2",
    "cbc": "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2",
}


def found(xml: bytes, path: str) -> list[str]:
    """The texts at an XPath below the root, in order."""
    return [element.text or "" for element in etree.fromstring(xml).xpath(path, namespaces=NAMES)]


def in_category(invoice: Invoice, code: str) -> Invoice:
    reason = "Article 132 of Directive 2006/112/EC" if code == "E" else None
    return replace(invoice, tax_category_code=code, tax_exemption_reason=reason, **EUROPEAN)


@pytest.mark.parametrize("code", ["O", "Z", "E", "AE", "G", "K"])
@pytest.mark.parametrize("tenant", [ACME, GLOBEX, NASTY, TOKYO])
def test_every_tax_category_passes_schema_and_rules(tenant: str, code: str) -> None:
    assert validate(invoice_xml(in_category(of(tenant), code))) == []


def test_outside_the_scope_of_vat_no_vat_number_and_no_rate_is_stated() -> None:
    xml = invoice_xml(in_category(of(ACME), "O"))
    assert found(xml, "//cac:PartyTaxScheme") == [] and found(xml, "//cbc:Percent") == []
    assert found(xml, "//cbc:TaxExemptionReason") == ["Not subject to VAT"]


def test_a_zero_rate_is_stated_with_both_vat_numbers() -> None:
    xml = invoice_xml(in_category(of(ACME), "K"))
    assert found(xml, "//cac:PartyTaxScheme/cbc:CompanyID") == ["IE6388047V", "DE123456789"]
    assert set(found(xml, "//cbc:Percent")) == {"0"}
    assert found(xml, "//cac:DeliveryLocation//cbc:IdentificationCode") == ["DE"]


def test_the_head_of_an_invoice() -> None:
    xml = invoice_xml(of(ACME))
    assert found(xml, "/*/cbc:ID") == ["INV-2024-0010"]
    assert found(xml, "/*/cbc:IssueDate") == ["2024-12-04"] and found(xml, "/*/cbc:DueDate") == ["2025-01-03"]
    assert found(xml, "/*/cbc:InvoiceTypeCode") == ["380"]
    assert found(xml, "/*/cbc:BuyerReference") == [ACME]
    assert found(xml, "/*/cac:InvoicePeriod/*") == ["2024-11-01", "2024-11-30"]
    assert found(xml, "/*/cac:PaymentTerms/cbc:Note") == ["Payable by 2025-01-03 by payment method pm."]
    assert found(xml, "//cac:LegalMonetaryTotal/*") == ["270.25"] * 4
    assert found(xml, "//cbc:TaxAmount") == ["0.00", "0.00"]


def test_lines_keep_quantity_price_unit_and_zero_prices() -> None:
    xml = invoice_xml(of(ACME))
    assert found(xml, "//cac:InvoiceLine/cbc:LineExtensionAmount") == [
        "72.00",
        "8.51",
        "5.99",
        "33.75",
        "0.00",
        "150.00",
    ]
    assert found(xml, "//cbc:InvoicedQuantity") == ["120", "1001", "333", "540", "0", "3"]
    assert found(xml, "//cbc:PriceAmount") == ["0.6", "0.0085", "0.018", "0.0625", "0", "50"]
    codes = etree.fromstring(xml).xpath("//cbc:InvoicedQuantity/@unitCode", namespaces=NAMES)
    assert codes == ["MIN", "MIN", "MIN", "C62", "C62", "C62"]
    assert found(xml, "//cac:InvoiceLine/cac:DocumentReference/cbc:ID")[1] == "t-acme/2024-11/local"


def test_a_correction_refers_to_its_invoice_once_and_says_why_on_the_line() -> None:
    xml = invoice_xml(of(GLOBEX))
    assert found(xml, "//cac:BillingReference//cbc:ID") == ["INV-2024-0009"]
    assert found(xml, "//cac:InvoiceLine/cbc:Note") == [
        "Correction of invoice INV-2024-0009, usage of October 2024: 50 minutes at 0.01.",
        "Correction of invoice INV-2024-0009, usage of October 2024: -120 minutes at 0.0079.",
    ]
    assert found(xml, "//cbc:InvoicedQuantity") == ["10", "50", "-120"]
    assert found(xml, "//cac:InvoiceLine/cbc:LineExtensionAmount") == ["6.00", "0.50", "-0.95"]


def test_a_line_s_key_is_in_words() -> None:
    lines = [
        line(ACME, "outbound_us_ca", 1, "1", "1.00"),
        line(ACME, "Brazil|user_initiated", 1, "1", "1.00"),
        line(ACME, "NOTE_us_ca|1", 1, "1", "1.00", meter="carrier_penalty"),
    ]
    xml = invoice_xml(load([invoice(ACME, "3.00", 3, "INV-1")], lines)[0])
    described = {text.partition("(")[2] for text in found(xml, "//cac:Item/cbc:Description")}
    assert described == {"outbound to the US and Canada)", "Brazil, user-initiated)", "NOTE_us_ca|1)"}


def test_a_credit_note_has_positive_amounts_and_reads_back_negative() -> None:
    xml = invoice_xml(of(NASTY))
    assert etree.QName(etree.fromstring(xml)).localname == "CreditNote"
    assert found(xml, "/*/cbc:CreditNoteTypeCode") == ["381"]
    assert found(xml, "//cbc:PayableAmount") == ["10.95"]
    assert found(xml, "//cbc:CreditedQuantity") == ["120", "20"]
    assert found(xml, "//cac:CreditNoteLine/cbc:LineExtensionAmount") == ["0.95", "10.00"]
    assert read_xml(xml).lines == {1: Decimal("-0.95"), 2: Decimal("-10.00")}
    assert set(read_xml(xml).totals) == {Decimal("-10.95")}


def test_a_charge_within_a_credit_note_is_negative_there() -> None:
    note = of(NASTY)
    first = replace(note.lines[0], pricing_quantity=3, unit_price=Decimal(1), billed_amount=Decimal("3.00"))
    second = replace(note.lines[1], pricing_quantity=-20, unit_price=Decimal("0.5"), billed_amount=Decimal("-10.00"))
    xml = invoice_xml(replace(note, billed_amount=Decimal("-7.00"), lines=(first, second)))
    assert found(xml, "//cac:CreditNoteLine/cbc:LineExtensionAmount") == ["-3.00", "10.00"]
    assert found(xml, "//cbc:PriceAmount") == ["1", "0.5"]
    assert validate(xml) == []


@pytest.mark.parametrize(
    ("quantity", "price", "billed", "expected"),
    [
        (3, "-2", "-6.00", (-3, Decimal(2), "MIN")),  # a price is never negative
        (0, "0.5", "-1.25", (-1, Decimal("1.25"), "C62")),  # corrected in price alone: one piece
        (1001, "0.0085", "8.51", (1001, Decimal("0.0085"), "MIN")),
    ],
)
def test_quantity_and_price_always_make_the_amount(quantity: int, price: str, billed: str, expected: Any) -> None:
    changed = replace(
        of(DRAFT).lines[0], pricing_quantity=quantity, unit_price=Decimal(price), billed_amount=Decimal(billed)
    )
    assert quantity_and_price(changed, 2) == expected


def test_yen_are_whole() -> None:
    assert found(invoice_xml(of(TOKYO)), "//cbc:PayableAmount") == ["11811"]


def test_names_in_any_script_arrive_as_written_without_control_characters() -> None:
    xml = invoice_xml(of(NASTY))
    assert 'شركة الاتصالات <&>" 北京科技有限公司' in found(xml, "//cbc:RegistrationName")[1]
    assert "+1 <b>bold</b> &  bell" in found(xml, "//cac:Item/cbc:Name")


def test_a_country_in_small_letters_is_the_country() -> None:
    xml = invoice_xml(replace(in_category(of(ACME), "K"), bill_to_country="de"))
    assert validate(xml) == []
    assert found(xml, "//cac:Country/cbc:IdentificationCode")[1:] == ["DE", "DE"]


def test_a_fine_s_credit_says_so_and_refers_to_the_invoice_that_billed_it() -> None:
    fine = {"meter": "carrier_penalty", "charge_category": "credit", "corrects_invoice_number": "INV-2024-0009"}
    rows = [line(ACME, "N1", -1, "500", "-500", explanation="Credit of invoice INV-2024-0009: Overturned.", **fine)]
    xml = invoice_xml(load([invoice(ACME, "-500", 1, "CN-1", document_type="credit_note")], rows)[0])
    assert validate(xml) == []
    assert found(xml, "//cac:InvoiceDocumentReference/cbc:ID") == ["INV-2024-0009"]
    assert found(xml, "//cac:CreditNoteLine/cbc:Note") == ["Credit of invoice INV-2024-0009: Overturned."]


@pytest.mark.parametrize(
    ("tenant", "changes", "complaint"),
    [
        (DRAFT, {}, "is a draft"),
        (KUWAIT, {}, "KWD, which has 3 decimals"),
        (ACME, {"tax_category_code": "S"}, "tax category S"),
        (ACME, {"bill_to_country": "USA"}, "names 'USA' as the buyer's country"),
        (ACME, {"bill_to_country": " "}, "names no country of the buyer"),
        (ACME, {"seller_country": ""}, "names no country of the seller"),
        (ACME, {"seller_country": "United States"}, "names 'United States' as the seller's country"),
        (ACME, {"tax_category_code": "X"}, "tax category 'X'"),
        (ACME, {"tax_category_code": "E"}, "without a reason"),
        (ACME, {"billed_amount": Decimal("270.26")}, "its lines add up to 270.25"),
    ],
)
def test_what_has_no_e_invoice_is_refused_with_the_reason(tenant: str, changes: Any, complaint: str) -> None:
    with pytest.raises(MeterhouseError, match=complaint) as refused:
        invoice_xml(replace(of(tenant), **changes))
    assert refused.value.remedy


def test_a_country_cen_does_not_know_is_refused_where_the_countries_are_given() -> None:
    state_head(replace(of(ACME), bill_to_country="UK"))
    with pytest.raises(MeterhouseError, match="names 'UK' as the buyer's country"):
        state_head(replace(of(ACME), bill_to_country="UK"), {"GB", "US"})


def test_the_countries_listed_are_those_of_cen_s_rules() -> None:
    """All of BR-CL-14 but Kosovo's 1A, which is not two letters."""
    rules = (_rules_folder() / "EN16931-UBL-validation.xslt").read_text(encoding="utf-8")
    before = rules[: rules.index(">BR-CL-14<")]
    known = set(re.findall(r"contains\(' ([A-Z0-9 ]+) '", before)[-1].split())
    with (PROJECT_DIR / "seeds/reference/countries.csv").open(encoding="utf-8") as file:
        listed = [row["country_code"] for row in csv.DictReader(file)]
    assert len(listed) == len(set(listed))
    assert set(listed) == known - {"1A"}
    for country in ("XI", "NA"):
        assert validate(invoice_xml(replace(of(ACME), bill_to_country=country))) == []
    (broken,) = validate(invoice_xml(replace(of(ACME), bill_to_country="UK")))
    assert broken.startswith("BR-CL-14")


def test_the_refusal_of_a_standard_rate_says_whose_work_tax_is() -> None:
    with pytest.raises(MeterhouseError) as refused:
        invoice_xml(replace(of(ACME), tax_category_code="S"))
    assert "Tax is calculated by the ERP" in refused.value.remedy


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ((b">270.25</cbc:PayableAmount>", b">270.26</cbc:PayableAmount>"), "BR-CO-16"),
        ((b">8.51<", b">8.52<"), "BR-CO-10"),
        ((b">8.51<", b">8.514<"), "BR-DEC-23"),
        ((b">0.0085<", b">-0.0085<"), "BR-27"),
        ((b">USD<", b">XXQ<"), "BR-CL-04"),
        ((b"<cbc:IssueDate>2024-12-04</cbc:IssueDate>", b""), "schema"),
        ((b"<cbc:ID>O<", b"<cbc:ID>S<"), "BR-S-"),
    ],
)
def test_a_wrong_figure_breaks_the_rule_that_is_about_it(change: tuple[bytes, bytes], rule: str) -> None:
    xml = invoice_xml(of(ACME))
    assert change[0] in xml
    assert any(broken.startswith(rule) for broken in validate(xml.replace(*change)))


def test_reverse_charge_without_the_buyer_s_number_breaks_a_rule() -> None:
    broken = validate(invoice_xml(replace(in_category(of(ACME), "AE"), buyer_tax_id=None)))
    assert any(rule.startswith("BR-AE-02") for rule in broken)


def test_what_is_no_invoice_is_said_to_be_none() -> None:
    assert validate(b"<a/>") == ["a is neither a UBL invoice nor a credit note"]
    assert validate(b"<a")[0].startswith("not XML")
    with pytest.raises(MeterhouseError, match="cannot be read"):
        read_xml(b"<Invoice/>")


def test_the_same_rows_give_the_same_bytes_in_any_order() -> None:
    once, again = load(tenant_id=ACME), load(reversed(INVOICES), reversed(LINES), tenant_id=ACME)
    assert [invoice_xml(x) for x in once] == [invoice_xml(x) for x in again]
