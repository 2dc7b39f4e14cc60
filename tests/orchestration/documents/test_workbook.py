"""The workbook, read by openpyxl and not by our own reader, reconciles to the minor unit."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from orchestration.documents.invoice_facts import Invoice
from orchestration.documents.workbook import exact_double, write_workbook
from orchestration.documents.workbook_reading import read_workbook
from orchestration.errors import MeterhouseError
from tests.orchestration.documents.rows import ACME, DRAFT, INVOICES, LINES, TOTALS, load, of


def opened(invoices: list[Invoice], path: Path, values: bool) -> Any:
    write_workbook(invoices, path / "month.xlsx")
    return openpyxl.load_workbook(path / "month.xlsx", data_only=values)


def table(sheet: Any) -> list[dict[str, Any]]:
    rows = list(sheet.iter_rows(values_only=True))
    return [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]


def test_every_amount_read_again_is_the_decimal_that_was_written(tmp_path: Path) -> None:
    book = opened(load(), tmp_path, values=True)
    units = {"JPY": Decimal(1), "USD": Decimal("0.01"), "KWD": Decimal("0.001")}
    for sheet, rows, key in (("Invoices", INVOICES, "invoice_id"), ("Lines", LINES, "line_id")):
        read = {
            row[key]: Decimal(row["billed_amount"]).quantize(units[row["currency_code"]]) for row in table(book[sheet])
        }
        assert read == {row[key]: row["billed_amount"] for row in rows}


def test_totals_are_formulas_whose_stored_values_are_the_sums(tmp_path: Path) -> None:
    formulas, values = (table(opened(load(), tmp_path, shown)["Totals"]) for shown in (False, True))
    by_currency = {row["currency_code"]: row for row in values if row["currency_code"] in TOTALS}
    for currency, total in TOTALS.items():
        row = by_currency[currency]
        assert row["invoices_billed"] == row["lines_billed"] == float(total)
        assert row["check"] == "agree"
    assert [row["check"] for row in values if row["currency_code"] == "all currencies"] == ["agree"]
    first = formulas[0]
    assert first["invoices_billed"].startswith("=ROUND(SUMIFS(Invoices!")
    assert first["lines_billed"].startswith("=ROUND(SUMIFS(Lines!")
    assert first["check"].startswith("=IF(B2=C2")


def test_drafts_are_told_apart_on_every_line_and_in_the_totals(tmp_path: Path) -> None:
    book = opened(load(), tmp_path, values=True)
    draft = of(DRAFT).invoice_id
    assert {row["status"] for row in table(book["Lines"]) if row["invoice_id"] == draft} == {"draft"}
    assert {row["status"] for row in table(book["Lines"]) if row["invoice_id"] != draft} == {"issued"}
    totals = {row["currency_code"]: row["of_which_draft"] for row in table(book["Totals"])}
    assert (totals["USD"], totals["JPY"]) == (5.00, 0)
    formula = table(openpyxl.load_workbook(tmp_path / "month.xlsx")["Totals"])[2]["of_which_draft"]
    assert formula.startswith("=ROUND(SUMIFS(Invoices!") and formula.endswith(',"draft"),2)')


def test_the_formulas_sum_the_columns_and_rows_they_mean(tmp_path: Path) -> None:
    book = opened(load(), tmp_path, values=False)
    for column, sheet in (("B2", "Invoices"), ("C2", "Lines")):
        amounts, currencies = book["Totals"][column].value.split("SUMIFS(")[1].split(",")[:2]
        for cells, heading in ((amounts, "billed_amount"), (currencies, "currency_code")):
            letter, last = cells.split("!$")[1].split("$")[0], int(cells.split("$")[-1])
            assert book[sheet][f"{letter}1"].value == heading
            assert last == book[sheet].max_row


def test_a_difference_between_invoices_and_lines_shows(tmp_path: Path) -> None:
    wrong = replace(of(ACME), billed_amount=Decimal("270.26"))
    checks = [row["check"] for row in table(opened([wrong], tmp_path, values=True)["Totals"]) if row["check"]]
    assert checks == ["DIFFER", "DIFFER"]
    assert not read_workbook(tmp_path / "month.xlsx").agrees


def test_cells_are_typed_and_headers_frozen_and_filtered(tmp_path: Path) -> None:
    book = opened(load(), tmp_path, values=True)
    for sheet in (book["Invoices"], book["Lines"]):
        assert sheet.freeze_panes == "A2" and sheet.auto_filter.ref.startswith("A1:")
    row = next(row for row in table(book["Invoices"]) if row["tenant_id"] == ACME)
    assert row["issued_at"] == datetime(2024, 12, 4, 9) and row["due_on"] == datetime(2025, 1, 3)
    assert row["line_count"] == 6
    line = next(row for row in table(book["Lines"]) if row["price_key"] == "local" and row["tenant_id"] == ACME)
    assert line["unit_price"] == 0.0085 and line["is_placeholder_price"] is False


def test_a_time_is_not_wider_than_its_column(tmp_path: Path) -> None:
    sheet = opened(load(), tmp_path, values=True)["Invoices"]
    cell = next(cell for cell in sheet[1] if cell.value == "issued_at")
    assert sheet.column_dimensions[cell.column_letter].width > len("2024-12-04 09:00:00")


def test_text_that_looks_like_a_formula_stays_text(tmp_path: Path) -> None:
    sheet = opened([of(DRAFT), *load()], tmp_path, values=False)["Invoices"]
    cell = next(cell for row in sheet.iter_rows() for cell in row if cell.value == '=HYPERLINK("x")')
    assert cell.data_type == "s"


def test_markup_in_a_name_is_not_taken_for_a_rich_string(tmp_path: Path) -> None:
    rich = replace(of(ACME), bill_to_name="<r><t>free</t></r>")
    assert table(opened([rich], tmp_path, values=True)["Invoices"])[0]["bill_to_name"] == "'<r><t>free</t></r>"


def test_the_same_rows_give_the_same_bytes_in_any_order(tmp_path: Path) -> None:
    write_workbook(load(), tmp_path / "a.xlsx")
    write_workbook(load(reversed(INVOICES), reversed(LINES))[::-1], tmp_path / "b.xlsx")
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()
    created = openpyxl.load_workbook(tmp_path / "a.xlsx").properties.created
    assert created == datetime(2024, 12, 4, 9)


@pytest.mark.parametrize(("amount", "unit"), [("9999999999999.99", 2), ("-999999999999.999", 3), ("0.29", 2)])
def test_fifteen_digits_survive_a_double(amount: str, unit: int) -> None:
    assert round(Decimal(exact_double(Decimal(amount), unit)), unit) == Decimal(amount)


def test_an_amount_a_double_cannot_carry_is_refused() -> None:
    with pytest.raises(MeterhouseError, match="too many digits"):
        exact_double(Decimal("99999999999999.99"), 2)


def test_what_is_no_workbook_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.xlsx").write_bytes(b"no workbook")
    with pytest.raises(MeterhouseError, match=r"x\.xlsx cannot be read"):
        read_workbook(tmp_path / "x.xlsx")
