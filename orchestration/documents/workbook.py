"""A month as a spreadsheet: sheets Invoices, Lines and Totals, typed cells, totals by formula with their values.

Numbers in a spreadsheet are doubles: an amount is written only when the double, rounded to the
minor unit, is that amount again (up to 15 digits).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import xlsxwriter
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from orchestration.documents.invoice_facts import INVOICE_COLUMNS, LISTED_COLUMNS, Invoice, listed_lines
from orchestration.documents.money import to_minor_unit
from orchestration.documents.text import one_line
from orchestration.errors import MeterhouseError

AGREE, DIFFER = "agree", "DIFFER"
# A time wider than its column is shown as ####; text is cut off by the cell beside it.
_WIDTHS = {
    **{"explanation": 60, "seller_address": 30, "bill_to_address": 40, "bill_to_name": 28, "tenant_name": 28},
    **{"issued_at": 20, "invoice_id": 34, "line_id": 50, "price_id": 34, "meter_description": 34},
}
_EXACT_DIGITS = 15
_LONGEST_TEXT = 32_767
_MOST_ROWS = 1_048_575


class _Sheets:
    """The open workbook with one format per kind of cell."""

    def __init__(self, book: Workbook) -> None:
        self.book = book
        self._formats: dict[str, Any] = {}
        self.header = book.add_format({"bold": True, "bg_color": "#1F4E79", "font_color": "#FFFFFF"})

    def format(self, number_format: str) -> Any:
        if number_format not in self._formats:
            self._formats[number_format] = self.book.add_format({"num_format": number_format})
        return self._formats[number_format]

    def money(self, minor_unit: int) -> Any:
        return self.format("#,##0" + (f".{'0' * minor_unit}" if minor_unit else ""))


def exact_double(amount: Decimal, minor_unit: int) -> float:
    """The double that stands for `amount` in a spreadsheet. Raises MeterhouseError when no double can."""
    double = float(amount)
    if abs(amount) < 10 ** (_EXACT_DIGITS - minor_unit) and to_minor_unit(Decimal(double), minor_unit) == amount:
        return double
    raise MeterhouseError(f"{amount} has too many digits for a spreadsheet", "Export the month as CSV.")


def write_workbook(invoices: Sequence[Invoice], path: Path) -> None:
    """Write the month's workbook, the same bytes for the same invoices.

    Raises MeterhouseError for an amount no double can carry, or more lines than a sheet has rows.
    """
    ordered = sorted(invoices, key=lambda invoice: invoice.invoice_id)
    if sum(len(invoice.lines) for invoice in ordered) > _MOST_ROWS:
        raise MeterhouseError("the month has more lines than a sheet has rows", "Export the month as CSV.")
    with xlsxwriter.Workbook(str(path), {"strings_to_formulas": False, "strings_to_urls": False}) as book:
        book.set_properties({"title": "Invoices", "created": _created(ordered)})
        book.set_calc_mode("auto")
        sheets = _Sheets(book)
        _write_invoices(sheets, ordered)
        _write_lines(sheets, ordered)
        _write_totals(sheets, ordered)


def _created(invoices: Sequence[Invoice]) -> datetime:
    """The newest issue; without one the billing month. Never the clock."""
    issued = [invoice.issued_at for invoice in invoices if invoice.issued_at]
    months = [datetime.combine(invoice.billing_month, time()) for invoice in invoices]
    return max(issued or months or [datetime(2000, 1, 1)]).replace(microsecond=0, tzinfo=None)


def _start(sheets: _Sheets, name: str, headings: Sequence[str], rows: int) -> Worksheet:
    sheet = sheets.book.add_worksheet(name)
    for column, heading in enumerate(headings):
        sheet.write_string(0, column, heading, sheets.header)
        sheet.set_column(column, column, _WIDTHS.get(heading, max(12, len(heading) + 4)))
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, max(rows, 1), len(headings) - 1)
    return sheet


def _write_cell(sheets: _Sheets, sheet: Worksheet, row: int, column: int, value: Any, minor_unit: int) -> None:
    name = LISTED_COLUMNS[column] if sheet.get_name() == "Lines" else INVOICE_COLUMNS[column]
    if value is None:
        return
    if isinstance(value, bool):
        sheet.write_boolean(row, column, value)
    elif isinstance(value, datetime):
        sheet.write_datetime(row, column, value.replace(tzinfo=None), sheets.format("yyyy-mm-dd hh:mm:ss"))
    elif isinstance(value, date):
        month = name in ("billing_month", "usage_month")
        sheet.write_datetime(row, column, value, sheets.format("yyyy-mm" if month else "yyyy-mm-dd"))
    elif name == "billed_amount":
        sheet.write_number(row, column, exact_double(value, minor_unit), sheets.money(minor_unit))
    elif isinstance(value, int | Decimal):
        _write_quantity(sheets, sheet, row, column, value)
    else:
        sheet.write_string(row, column, cell_text(str(value)))


def cell_text(text: str) -> str:
    """Text as a cell holds it: on one line, not too long, no `<r>` that would be written unescaped as a rich string."""
    text = one_line(text)
    text = f"'{text}" if text.startswith("<r>") else text
    return text if len(text) <= _LONGEST_TEXT else f"{text[: _LONGEST_TEXT - 1]}…"


def _write_quantity(sheets: _Sheets, sheet: Worksheet, row: int, column: int, value: int | Decimal) -> None:
    """A quantity or price as number; as text when a double would not be exactly it."""
    digits = Decimal(value).normalize().as_tuple().digits
    if len(digits) > _EXACT_DIGITS:
        sheet.write_string(row, column, f"{value:f}" if isinstance(value, Decimal) else str(value))
        return
    shape = "#,##0.00######" if isinstance(value, Decimal) else "#,##0"
    sheet.write_number(row, column, float(value) if isinstance(value, Decimal) else value, sheets.format(shape))


def _write_invoices(sheets: _Sheets, invoices: Sequence[Invoice]) -> None:
    sheet = _start(sheets, "Invoices", INVOICE_COLUMNS, len(invoices))
    for row, invoice in enumerate(invoices, start=1):
        for column, name in enumerate(INVOICE_COLUMNS):
            _write_cell(sheets, sheet, row, column, getattr(invoice, name), invoice.minor_unit)


def _write_lines(sheets: _Sheets, invoices: Sequence[Invoice]) -> None:
    sheet = _start(sheets, "Lines", LISTED_COLUMNS, sum(len(invoice.lines) for invoice in invoices))
    row = 0
    for invoice in invoices:
        for values in listed_lines(invoice):
            row += 1
            for column, value in enumerate(values):
                _write_cell(sheets, sheet, row, column, value, invoice.minor_unit)


def _column(headings: Sequence[str], name: str, sheet: str, last_row: int) -> str:
    letters = xlsxwriter.utility.xl_col_to_name(headings.index(name), col_abs=True)
    return f"{sheet}!{letters}$2:{letters}${max(last_row, 2)}"


def _write_totals(sheets: _Sheets, invoices: Sequence[Invoice]) -> None:
    headings = ("currency_code", "invoices_billed", "lines_billed", "check", "of_which_draft")
    units = {invoice.currency_code: invoice.minor_unit for invoice in invoices}
    sheet = _start(sheets, "Totals", headings, len(units))
    sheet.set_column(1, 2, 20)
    last_line = sum(len(invoice.lines) for invoice in invoices) + 1
    ranges = [
        [_column(headers, name, place, last) for name in ("billed_amount", "currency_code")]
        for headers, place, last in (
            (INVOICE_COLUMNS, "Invoices", len(invoices) + 1),
            (LISTED_COLUMNS, "Lines", last_line),
        )
    ]
    amounts, currencies = ranges[0]
    statuses = _column(INVOICE_COLUMNS, "status", "Invoices", len(invoices) + 1)
    drafts = f'{amounts},{currencies},$A{{0}},{statuses},"draft"'
    every = True
    for row, (currency, minor_unit) in enumerate(sorted(units.items()), start=1):
        mine = [invoice for invoice in invoices if invoice.currency_code == currency]
        sums = (
            sum((invoice.billed_amount for invoice in mine), Decimal(0)),
            sum((line.billed_amount for invoice in mine for line in invoice.lines), Decimal(0)),
        )
        sheet.write_string(row, 0, currency)
        for column, ((amounts, currencies), total) in enumerate(zip(ranges, sums, strict=True), start=1):
            formula = f"=ROUND(SUMIFS({amounts},{currencies},$A{row + 1}),{minor_unit})"
            value = exact_double(total, minor_unit)
            sheet.write_formula(row, column, formula, sheets.money(minor_unit), value)
        draft = sum((invoice.billed_amount for invoice in mine if not invoice.is_issued), Decimal(0))
        formula = f"=ROUND(SUMIFS({drafts.format(row + 1)}),{minor_unit})"
        sheet.write_formula(row, 4, formula, sheets.money(minor_unit), exact_double(draft, minor_unit))
        agree = sums[0] == sums[1]
        every = every and agree
        formula = f'=IF(B{row + 1}=C{row + 1},"{AGREE}","{DIFFER}")'
        sheet.write_formula(row, 3, formula, None, AGREE if agree else DIFFER)
    last = len(units) + 1
    sheet.write_string(last + 1, 0, "all currencies", sheets.header)
    checks = f'=IF(COUNTIF(D2:D{max(last, 2)},"{AGREE}")={len(units)},"{AGREE}","{DIFFER}")'
    sheet.write_formula(last + 1, 3, checks, None, AGREE if every else DIFFER)
