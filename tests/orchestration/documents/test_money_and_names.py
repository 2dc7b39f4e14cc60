"""Amounts as text, file names and text direction: the small things every document leans on."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.documents.bidi import visual_order
from orchestration.documents.folder_names import safe_name
from orchestration.documents.fonts import has_every_glyph, markup
from orchestration.documents.money import plain, read_shown, shown, shown_unit_price, totals_per_currency
from orchestration.documents.text import clean, one_line
from orchestration.errors import MeterhouseError

steady = settings(max_examples=200, derandomize=True, deadline=None)


@pytest.mark.parametrize(
    ("amount", "unit", "for_machines", "for_people"),
    [
        ("1234.5", 2, "1234.50", "1,234.50"),
        ("-1234567.005", 2, "-1234567.01", "−1,234,567.01"),  # half away from zero
        ("11110.5", 0, "11111", "11,111"),
        ("0.0875", 3, "0.088", "0.088"),
        ("-0.004", 2, "0.00", "0.00"),
        ("1E+3", 2, "1000.00", "1,000.00"),
    ],
)
def test_amounts_as_text(amount: str, unit: int, for_machines: str, for_people: str) -> None:
    assert plain(Decimal(amount), unit) == for_machines
    assert shown(Decimal(amount), unit) == for_people
    assert read_shown(for_people) == Decimal(for_machines)


def test_a_unit_price_keeps_every_decimal_and_at_least_the_currency_s() -> None:
    assert shown_unit_price(Decimal("0.00008000"), 2) == "0.00008"
    assert shown_unit_price(Decimal("1250.00000000"), 2) == "1,250.00"
    assert shown_unit_price(Decimal("100.00000000"), 0) == "100"
    assert shown_unit_price(Decimal("-0.50000000"), 2) == "−0.50"


def test_currencies_are_never_added_together() -> None:
    rows = [("USD", 2, Decimal("1.10")), ("JPY", 0, Decimal(5)), ("USD", 2, Decimal("2.20"))]
    assert totals_per_currency(rows) == {"JPY": "5", "USD": "3.30"}


def test_text_that_is_no_amount_is_refused() -> None:
    with pytest.raises(MeterhouseError, match="is not an amount"):
        read_shown("12.3.4")


@pytest.mark.parametrize(
    ("identifier", "name"),
    [
        ("t-1", "t-1"),
        ("a/b", "a%2Fb"),
        ("..", "%2E%2E"),
        ("", "%"),
        ("%2F", "%252F"),
        ("é", "%C3%A9"),
        ("a~b", "a%7Eb"),
    ],
)
def test_names_of_folders(identifier: str, name: str) -> None:
    assert safe_name(identifier) == name


@steady
@given(st.text(max_size=60), st.text(max_size=60))
def test_two_ids_never_share_a_name_and_no_name_leaves_its_folder(one: str, other: str) -> None:
    assert (safe_name(one) == safe_name(other)) == (one == other)
    assert not set(safe_name(one)) & set("/\\.:\0") and len(safe_name(one)) <= 120


def test_a_name_too_long_for_a_disk_is_cut_and_still_its_own() -> None:
    assert len({safe_name("x" * length) for length in range(100, 300)}) == 200
    assert max(len(safe_name("x" * length)) for length in range(100, 300)) <= 120


def test_right_to_left_text_is_drawn_joined_and_reversed() -> None:
    assert visual_order("אבג") == "גבא"
    assert visual_order("Acme (אב) 12") == "Acme (בא) 12"
    assert visual_order("אב (SAL)") == "(SAL) בא"
    assert visual_order("بت") == "\ufe96\ufe91"  # initial beh, final teh, drawn from the left
    assert visual_order("plain (text)") == "plain (text)"


def test_a_comma_and_a_space_inside_a_latin_name_stay_inside_it() -> None:
    assert visual_order("אב Acme, Inc") == "Acme, Inc בא"
    assert visual_order("Acme אב, גד Inc") == "Acme דג ,בא Inc"


def test_a_text_of_any_length_is_put_in_order_in_one_pass() -> None:
    begun = time.process_time()
    assert len(visual_order("א, " * 100_000)) == 300_000
    assert time.process_time() - begun < 5


def test_every_script_of_our_customers_has_a_font_and_others_are_said_to_have_none() -> None:
    assert all(
        has_every_glyph(name) for name in ("Łódź", "Ελλάς", "Москва", "北京", "日本かな", "한국", "שלום", "شركة")
    )
    assert not has_every_glyph("ไทย")
    assert markup("a<ไ>&") == "a&lt;□&gt;&amp;"


def test_characters_that_neither_pdf_nor_xml_can_carry_are_left_out() -> None:
    assert clean("a\u0000b\nc\u202ed") == "a b cd"
    assert one_line("a\rb\u202ec\ud800") == "a b\u202ec"
