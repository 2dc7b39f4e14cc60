"""A time is allowed only for the same lines: to the unit, to the cent, and none missing."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from benchmarks.lines import LinesDiffer, as_lines, compare, lines_of_csv

NOVEMBER = date(2024, 11, 1)


def _rows(quantity: int = 100, amount: str = "1.50") -> list[tuple[str, date, str, str, int, Decimal, Decimal]]:
    return [
        ("tnt_0001", NOVEMBER, "voice_minute", "inbound_local", quantity, Decimal("0.015"), Decimal(amount)),
        ("tnt_0002", NOVEMBER, "translated_word", "", 7, Decimal("0.0005"), Decimal("0.00")),
    ]


def test_equal_lines_give_their_number_and_total() -> None:
    compared = compare(as_lines(_rows()), as_lines(_rows()), "ours")
    assert (compared.lines, compared.total) == (2, Decimal("1.50"))


@pytest.mark.parametrize("changed", [{"quantity": 101}, {"amount": "1.51"}])
def test_one_unit_or_one_cent_is_refused_and_named(changed: dict[str, str]) -> None:
    with pytest.raises(LinesDiffer, match="tnt_0001 2024-11 voice_minute inbound_local"):
        compare(as_lines(_rows()), as_lines(_rows(**changed)), "ours")  # type: ignore[arg-type]


def test_a_missing_line_and_one_too_many_are_refused() -> None:
    with pytest.raises(LinesDiffer, match="no line"):
        compare(as_lines(_rows()), as_lines(_rows()[:1]), "ours")
    with pytest.raises(LinesDiffer, match="no line"):
        compare(as_lines(_rows()[:1]), as_lines(_rows()), "ours")


def test_a_line_without_a_price_is_never_compared() -> None:
    unpriced = [(*_rows()[0][:5], None, None)]
    with pytest.raises(LinesDiffer, match="no price"):
        as_lines(unpriced)  # type: ignore[arg-type]


def test_lines_written_by_a_peer_are_read_back(tmp_path: Path) -> None:
    written = tmp_path / "lines.csv"
    written.write_text(
        "tenant_id,billing_month,meter,price_key,quantity,unit_price,amount\n"
        "tnt_0001,2024-11-01,voice_minute,inbound_local,100,0.01500000,1.50\n"
        "tnt_0002,2024-11-01,translated_word,,7,0.00050000,0.00\n",
        encoding="utf-8",
    )
    assert lines_of_csv(written) == as_lines(_rows())
