"""A seed whose first line is mistyped is told by file and column, and what was loaded before stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestration.warehouse.seed_header import SeedBroken, seed_columns

KINDS = {"meter": "varchar", "unit_price": "decimal(18, 8)", "source": "varchar"}


def test_the_columns_come_in_the_order_of_the_file(tmp_path: Path) -> None:
    seed = tmp_path / "prices.csv"
    seed.write_text('﻿source,"unit_price", meter\na,1,b\n', encoding="utf-8")
    assert seed_columns(seed, KINDS) == ["source", "unit_price", "meter"]


@pytest.mark.parametrize(
    ("header", "told"),
    [
        (b"meter,unit_prise,source", "has 'unit_prise', which is not one of its columns (did you mean unit_price?)"),
        (b"meter;unit_price;source", "has 'meter;unit_price;source', which is not one of its columns"),
        (b"meter,unit_price,source,note", "has 'note', which is not one of its columns"),
        (b"meter,unit_price,source,", "has '', which is not one of its columns"),
        (b"meter,meter,unit_price,source", "has meter 2 times"),
        (b"meter,source", "lacks unit_price"),
        (b"", "lacks meter, unit_price, source"),
        (b"m\xe9ter,unit_price,source", "cannot be read as UTF-8 text"),
    ],
)
def test_any_other_first_line_is_told_in_plain_words(tmp_path: Path, header: bytes, told: str) -> None:
    seed = tmp_path / "terms" / "prices.csv"
    seed.parent.mkdir()
    seed.write_bytes(header + b"\n")
    with pytest.raises(SeedBroken) as error:
        seed_columns(seed, KINDS)
    assert told in str(error.value)
    assert "terms/prices.csv" in str(error.value)
    if header.isascii():
        assert "Its columns are meter, unit_price, source, separated by commas" in str(error.value)


def test_a_seed_that_is_not_there_is_told_too(tmp_path: Path) -> None:
    with pytest.raises(SeedBroken, match=r"prices\.csv cannot be read"):
        seed_columns(tmp_path / "prices.csv", KINDS)
