"""What a customer reads in the PDF, taken from its text layer."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from io import BytesIO
from typing import Any

import pytest
from pypdf import PdfReader
from reportlab.platypus import Spacer

from orchestration.documents import pdf
from orchestration.documents.pdf import invoice_pdf
from orchestration.documents.pdf_reading import read_back
from orchestration.errors import MeterhouseError
from tests.orchestration.documents.rows import (
    ACME,
    DRAFT,
    GLOBEX,
    INVOICES,
    LINES,
    NASTY,
    TOKYO,
    correction,
    invoice,
    line,
    load,
    of,
)


def text_of(content: bytes) -> str:
    """All pages' text, as a reader other than ours finds it."""
    return "\n".join(page.extract_text() for page in PdfReader(BytesIO(content)).pages)


def test_total_number_and_every_line_amount_stand_in_the_text() -> None:
    figures = read_back(invoice_pdf(of(ACME)))
    assert figures.label == "InvoiceINV-2024-0010"
    assert figures.currency == "USD"
    assert figures.totals == (Decimal("270.25"), Decimal("270.25"))
    amounts = ("72.00", "8.51", "5.99", "33.75", "0.00", "150.00")
    assert figures.lines == {number: Decimal(amount) for number, amount in enumerate(amounts, start=1)}
    # KIQ, Voice 8.51 + 5.99, WhatsApp 33.75 + 0, Storage
    assert figures.subtotals == tuple(map(Decimal, ("72.00", "14.50", "33.75", "150.00")))


def test_it_says_who_when_what_for_and_that_it_is_net() -> None:
    text = text_of(invoice_pdf(of(ACME)))
    for said in (
        *("Meterhouse Inc.", "530 5th Avenue", "Name of t-acme", "INV-2024-0010", "4 December 2024"),
        *("3 January 2025", "November 2024", "USD 270.25", "All amounts are net", "Page 1 of"),
        *("How this was calculated", "2000 covered by the pool.", "Three blocks above the limit.", "1,249,780,000,123"),
    ):
        assert said in text


def test_a_correction_names_its_month_and_the_invoice_it_corrects_in_a_section_of_its_own() -> None:
    text = text_of(invoice_pdf(of(GLOBEX)))
    usage, corrections = text.split("Corrections and credits of earlier usage")
    assert "KIQ conversation" in usage and "SMS" not in usage
    assert "Usage of October 2024, invoiced on" in corrections and "INV-2024-0009" in corrections
    assert read_back(invoice_pdf(of(GLOBEX))).lines == {1: Decimal("6.00"), 2: Decimal("0.50"), 3: Decimal("-0.95")}


def test_a_credit_note_is_called_one_and_reads_back_with_the_sign_of_its_rows() -> None:
    figures = read_back(invoice_pdf(of(NASTY)))
    assert figures.label == "CreditnoteCN-2024-0001"
    assert set(figures.totals) == {Decimal("-10.95")}
    assert figures.lines == {1: Decimal("-0.95"), 2: Decimal("-10.00")}
    assert "Due date" not in text_of(invoice_pdf(of(NASTY)))


def test_a_credit_note_says_what_it_credits_without_a_minus_as_its_e_invoice_does() -> None:
    # 120 at 0.0079 and 20 at 0.5 come back, 3.00 is charged: 0.95 + 10.00 - 3.00 = 7.95.
    rows = [
        correction(ACME, "old", -120, "0.0079", "-0.95"),
        correction(ACME, "new", -20, "0.5", "-10.00"),
        line(ACME, "kiq", 6, "0.5", "3.00"),
    ]
    note = load([invoice(ACME, "-7.95", 3, "CN-1", document_type="credit_note")], rows)[0]
    text = text_of(invoice_pdf(note))
    _, corrections = text.split("Corrections and credits of earlier usage")
    for said in ("Credited to you, net", "USD 7.95", "Credited", "−6", "−3.00", "those with a minus are charged"):
        assert said in text
    assert "Billed" not in text and "−" not in corrections
    assert {"120", "20", "0.95", "10.00"} <= set(corrections.split()) and "3.00" not in corrections
    assert read_back(invoice_pdf(note)).lines == {1: Decimal("3.00"), 2: Decimal("-10.00"), 3: Decimal("-0.95")}
    assert "minus" not in text_of(invoice_pdf(of(GLOBEX)))


def test_a_draft_says_so_on_every_page_and_asks_for_nothing() -> None:
    content = invoice_pdf(of(DRAFT))
    assert all("DRAFT" in page.extract_text() for page in PdfReader(BytesIO(content)).pages)
    assert "It is not a request for payment" in text_of(content)
    assert "DRAFT" not in text_of(invoice_pdf(of(ACME)))


@pytest.mark.parametrize(
    ("price_id", "said"),
    [
        ("pool", "Covered by your plan"),
        ("first_number", "Covered by your plan"),
        ("order_pool", "Included in your Order"),
        ("meta_free", "Free of charge under WhatsApp's own rules"),
    ],
)
def test_a_free_line_says_who_makes_it_free(price_id: str, said: str) -> None:
    free = {"charge_category": "included", "price_id": price_id}
    rows = [line(ACME, "Brazil|referral_conversion", 1, "0", "0", **free)]
    text = text_of(invoice_pdf(load([invoice(ACME, "0", 1, "INV-1")], rows)[0]))
    assert said in text and "Brazil, free entry point" in text


def test_a_fine_keeps_the_reference_of_its_notice() -> None:
    rows = [line(ACME, "FCC_2024|07_a", 1, "500", "500", meter="carrier_penalty")]
    assert "FCC_2024|07_a" in text_of(invoice_pdf(load([invoice(ACME, "500", 1, "INV-1")], rows)[0]))


def test_a_fine_s_credit_is_not_said_to_be_usage() -> None:
    fine = {"meter": "carrier_penalty", "charge_category": "credit", "corrects_invoice_number": "INV-2024-0009"}
    rows = [line(ACME, "N1", -1, "500", "-500", **fine)]
    text = text_of(invoice_pdf(load([invoice(ACME, "-500", 1, "CN-1", document_type="credit_note")], rows)[0]))
    assert "Credited in November 2024, invoiced on" in text and "Usage of" not in text


def test_yen_have_no_decimals() -> None:
    assert "JPY 11,811" in text_of(invoice_pdf(of(TOKYO)))
    assert read_back(invoice_pdf(of(TOKYO))).lines == {1: Decimal(11111), 2: Decimal(700)}


def test_the_same_rows_give_the_same_bytes_in_any_order() -> None:
    once = [invoice_pdf(found) for found in load()]
    assert once == [invoice_pdf(found) for found in load(reversed(INVOICES), reversed(LINES))]


def many(count: int) -> list:
    """One invoice of `count` lines of 1.00."""
    rows = [line(ACME, f"key_{number}", 1, "1", "1.00") for number in range(count)]
    return load([invoice(ACME, f"{count}.00", count, "INV-2024-0099")], rows)


def test_a_long_invoice_repeats_the_header_and_numbers_every_page() -> None:
    content = invoice_pdf(many(150)[0])
    pages = [page.extract_text() for page in PdfReader(BytesIO(content)).pages]
    assert len(pages) > 4
    for number, page in enumerate(pages, start=1):
        assert f"Page {number} of {len(pages)}" in page and "INV-2024-0099" in page
        assert ("Unit price" in page) == ("key" in page)
    assert read_back(content).lines == dict.fromkeys(range(1, 151), Decimal("1.00"))


def test_text_that_looks_like_an_amount_is_not_taken_for_one() -> None:
    lure = "1 999.00 USD 999.00"
    changed = replace(
        of(DRAFT), bill_to_name="USD 999.00", bill_to_address="1", seller_name="USD 999.00", tenant_id=lure
    )
    disguised = replace(
        changed, lines=tuple(replace(x, meter_description=lure, price_key="7.00") for x in changed.lines)
    )
    figures = read_back(invoice_pdf(disguised))
    assert figures.lines == {1: Decimal("5.00")} and set(figures.totals) == {Decimal("5.00")}


def test_endless_text_does_not_break_the_page() -> None:
    found = of(ACME)
    lines = tuple(replace(x, meter_description="word " * 2000, explanation="x" * 9000) for x in found.lines)
    assert len(read_back(invoice_pdf(replace(found, bill_to_name="n" * 5000, lines=lines))).lines) == 6


@pytest.mark.parametrize("letter", ["i", "W", "W ", "株", "ש", "ไ", "\u202e", "a\u0301", "<&>"])
def test_whatever_is_too_long_is_cut_and_the_figures_stay(letter: str) -> None:
    """Every text of an invoice that is somebody's, of 3,000 of the widest letters as of the narrowest."""
    endless = letter * 3_000
    for found in (of(GLOBEX), of(DRAFT)):
        texts = ("service", "meter_description", "price_key", "explanation", "consumed_unit", "pricing_unit")
        told: dict[str, Any] = dict.fromkeys(texts, endless)
        lines = tuple(
            replace(x, **told, corrects_invoice_number=endless if x.corrects_invoice_number else None)
            for x in found.lines
        )
        names = [name for name in vars(found) if name.startswith(("seller_", "bill_to_"))]
        names += ["buyer_tax_id", "tenant_id", "payment_method_id", "tax_exemption_reason"]
        changed: dict[str, Any] = dict.fromkeys(names, endless)
        content = invoice_pdf(replace(found, lines=lines, **changed))
        assert sorted(read_back(content).lines.values()) == sorted(line.billed_amount for line in found.lines)
        assert set(read_back(content).totals) == {found.billed_amount}


def test_what_is_cut_ends_in_an_ellipsis_and_what_fits_does_not() -> None:
    assert "…" in text_of(invoice_pdf(replace(of(ACME), bill_to_address="street " * 300)))
    assert "…" not in text_of(invoice_pdf(of(NASTY)))


def test_what_has_no_room_on_a_page_is_told_with_the_invoice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "_letterhead", lambda _: Spacer(1, 5_000))
    with pytest.raises(MeterhouseError, match=r"the PDF of Invoice INV-2024-0010 cannot be laid out"):
        invoice_pdf(of(ACME))


def test_characters_without_a_font_are_said_to_be_boxes() -> None:
    assert "A box stands for a character" in text_of(invoice_pdf(replace(of(ACME), bill_to_name="บริษัท")))
    assert "A box stands" not in text_of(invoice_pdf(of(NASTY)))


@pytest.mark.parametrize(("name", "said"), [("株式会社", True), ("한국", True), ("Société", False), ("شركة", False)])
def test_what_a_viewer_may_have_no_font_for_is_said_to_be_missing(name: str, said: bool) -> None:
    text = " ".join(text_of(invoice_pdf(replace(of(ACME), bill_to_name=name))).split())
    assert ("your PDF viewer's fonts" in text) is said


def test_what_is_no_pdf_is_refused() -> None:
    for content in (b"", b"no pdf", invoice_pdf(of(ACME))[:2000]):
        with pytest.raises(MeterhouseError):
            read_back(content)
