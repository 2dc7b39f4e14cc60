"""Reads a workbook's figures back from its cells, without recalculating: what a plain reader shows."""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from lxml import etree

from orchestration.documents.money import to_minor_unit
from orchestration.documents.workbook import AGREE
from orchestration.errors import MeterhouseError

_NS = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_SHEETS = {
    "Invoices": "xl/worksheets/sheet1.xml",
    "Lines": "xl/worksheets/sheet2.xml",
    "Totals": "xl/worksheets/sheet3.xml",
}
_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")
_PARSER = etree.XMLParser(resolve_entities=False, no_network=True)


@dataclass(frozen=True)
class WorkbookFigures:
    """What a workbook says: amount by invoice, by (invoice, line number), and the cached totals by currency."""

    invoices: dict[str, Decimal]
    lines: dict[tuple[str, int], Decimal]
    totals: dict[str, tuple[Decimal, Decimal]]
    checks: tuple[str, ...]

    @property
    def agrees(self) -> bool:
        """Whether every check cell says so."""
        return bool(self.checks) and all(check == AGREE for check in self.checks)


def _strings(archive: zipfile.ZipFile) -> list[str]:
    if "xl/sharedStrings.xml" not in archive.namelist():
        return []
    root = etree.fromstring(archive.read("xl/sharedStrings.xml"), _PARSER)
    written = ("".join(text.text or "" for text in item.iter(f"{_NS}t")) for item in root.iter(f"{_NS}si"))
    return [_ESCAPED.sub(lambda match: chr(int(match[1], 16)), text) for text in written]


def _rows(archive: zipfile.ZipFile, sheet: str, strings: list[str]) -> list[dict[str, str]]:
    root = etree.fromstring(archive.read(_SHEETS[sheet]), _PARSER)
    rows = []
    for row in root.iter(f"{_NS}row"):
        cells = {}
        for cell in row.iter(f"{_NS}c"):
            value = cell.findtext(f"{_NS}v")
            if value is not None:
                column = re.sub(r"\d", "", cell.get("r") or "")
                cells[column] = strings[int(value)] if cell.get("t") == "s" else value
        rows.append(cells)
    headings = rows[0]
    return [{heading: row[column] for column, heading in headings.items() if column in row} for row in rows[1:]]


def read_workbook(path: Path) -> WorkbookFigures:
    """The workbook's figures, rounded to the minor unit. Raises MeterhouseError when it cannot be read."""
    try:
        with zipfile.ZipFile(path) as archive:
            strings = _strings(archive)
            invoices, lines, totals = (_rows(archive, sheet, strings) for sheet in _SHEETS)
        units = {row["currency_code"]: int(row["minor_unit"]) for row in invoices}

        def amount(row: dict[str, str], column: str) -> Decimal:
            return to_minor_unit(Decimal(row[column]), units[row["currency_code"]])

        keys = [(row["invoice_id"], row["line_number"]) for row in lines]
        if len(keys) != len(set(keys)):
            raise ValueError("a line appears twice")
        return WorkbookFigures(
            {row["invoice_id"]: amount(row, "billed_amount") for row in invoices},
            {(row["invoice_id"], int(row["line_number"])): amount(row, "billed_amount") for row in lines},
            {
                row["currency_code"]: (amount(row, "invoices_billed"), amount(row, "lines_billed"))
                for row in totals
                if row.get("currency_code") in units
            },
            tuple(row["check"] for row in totals if "check" in row),
        )
    except (OSError, zipfile.BadZipFile, etree.XMLSyntaxError, KeyError, ValueError, ArithmeticError) as problem:
        raise MeterhouseError(f"{path.name} cannot be read: {problem!r}", "Write the documents again.") from problem
