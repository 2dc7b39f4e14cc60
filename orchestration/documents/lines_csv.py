"""A tenant's invoice lines as CSV, with the line number that PDF and e-invoice show, and its sums read back."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from orchestration.documents.invoice_facts import LISTED_COLUMNS, Invoice, listed_lines
from orchestration.documents.text import csv_text
from orchestration.errors import MeterhouseError
from orchestration.wording import in_digits


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return csv_text(value) if isinstance(value, str) else in_digits(value)


def write_lines(invoices: Iterable[Invoice], path: Path) -> None:
    """Every line of the invoices in order of invoice_id and line number; text never runs as a formula."""
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(LISTED_COLUMNS)
        for invoice in sorted(invoices, key=lambda invoice: invoice.invoice_id):
            for values in listed_lines(invoice):
                table.writerow([_cell(value) for value in values])


def read_lines(path: Path) -> dict[str, dict[int, Decimal]]:
    """Amount by line number, by invoice_id as the file writes it. Raises MeterhouseError for an unreadable file."""
    found: dict[str, dict[int, Decimal]] = {}
    try:
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                lines = found.setdefault(row["invoice_id"], {})
                number = int(row["line_number"])
                if number in lines:
                    raise MeterhouseError(f"{path.name} contains line {number} twice", "Write the documents again.")
                lines[number] = Decimal(row["billed_amount"])
    except (OSError, KeyError, ValueError, TypeError, InvalidOperation, csv.Error) as problem:
        raise MeterhouseError(f"{path.name} cannot be read: {problem!r}", "Write the documents again.") from problem
    return found
