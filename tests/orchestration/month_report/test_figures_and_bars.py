"""Figures as finance writes them, and bars as long as their figures."""

from __future__ import annotations

from decimal import Decimal

import pytest
from lxml import etree
from markupsafe import Markup

from orchestration.month_report import figures, plots


@pytest.mark.parametrize(
    ("value", "minor_unit", "text"),
    [
        ("1234567.890", 2, "1,234,567.89"),
        ("-0.050", 2, "−0.05"),
        ("1500.000", 0, "1,500"),
        ("0.000", 2, "0.00"),
        # A third decimal that the currency does not have is shown, not dropped.
        ("1.005", 2, "1.005"),
        ("1.250", 3, "1.250"),
    ],
)
def test_money_keeps_every_cent(value: str, minor_unit: int, text: str) -> None:
    assert figures.money(Decimal(value), minor_unit) == text


def test_a_move_has_its_sign() -> None:
    assert [figures.moved(Decimal(v), 2) for v in ("3.000", "-3.000", "0.000")] == ["+3.00", "−3.00", "0.00"]


def test_shares_and_sizes() -> None:
    assert figures.percent(Decimal("1"), Decimal("3")) == "33.3\N{NARROW NO-BREAK SPACE}%"
    assert figures.percent(Decimal("1"), Decimal(0)) == "–"
    assert figures.percent(Decimal("0.01"), Decimal("-5000")) == "0.0\N{NARROW NO-BREAK SPACE}%"  # never −0.0
    assert figures.gigabytes(1_234_567_890_000) == "1,234.57"
    assert [figures.size(n) for n in (1, 2, 9_999_999, 2_000_000_000)] == [
        "1 byte",
        "2 bytes",
        "9,999,999 bytes",
        "2.00 GB",
    ]


def test_codes_read_as_words() -> None:
    assert (figures.words("not_month_end"), figures.heading("sms_segment")) == ("not month end", "SMS segment")


def _pieces(drawing: Markup) -> list[tuple[str, str, str]]:
    return [(r.get("class"), r.get("x"), r.get("width")) for r in etree.fromstring(drawing).iter("rect")]


def test_a_bar_is_as_long_as_its_share_of_the_largest() -> None:
    assert _pieces(plots.bar(Decimal("1.00"), Decimal("4.00"), "a")) == [("amount", "0.00", "25.00")]
    assert _pieces(plots.bar(Decimal("-4.00"), Decimal("4.00"), "a")) == [("fall", "0.00", "100.00")]
    assert _pieces(plots.bar(0, 0, "a")) == [("amount", "0.00", "0.00")]


def test_a_move_goes_from_the_middle_to_its_side() -> None:
    assert _pieces(plots.signed_bar(Decimal(2), Decimal(4), "a"))[0] == ("rise", "50.00", "25.00")
    assert _pieces(plots.signed_bar(Decimal(-4), Decimal(4), "a"))[0] == ("fall", "0.00", "50.00")


def test_a_level_fills_its_limit_and_no_more() -> None:
    assert _pieces(plots.level_bar(50, 200, "a"))[1] == ("amount", "0.00", "25.00")
    assert _pieces(plots.level_bar(200, 200, "a"))[1] == ("amount", "0.00", "100.00")
    assert _pieces(plots.level_bar(201, 200, "a"))[1] == ("over", "0.00", "100.00")


def test_a_label_is_text() -> None:
    drawing = plots.bar(1, 1, '"><script>')
    assert etree.fromstring(drawing).get("aria-label") == '"><script>'
