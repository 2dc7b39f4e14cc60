"""Reads every written document again and compares it, to the minor unit, with the manifests and the invoices."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from orchestration.documents.invoice_facts import Invoice, numbered_lines
from orchestration.documents.lines_csv import read_lines
from orchestration.documents.money import plain, totals_per_currency
from orchestration.documents.pdf_reading import read_back
from orchestration.documents.pdf_text import LONGEST_LABEL, short
from orchestration.documents.text import clean, csv_text
from orchestration.documents.ubl_reading import read_xml
from orchestration.documents.ubl_rules import validate
from orchestration.documents.workbook import cell_text
from orchestration.documents.workbook_reading import read_workbook
from orchestration.errors import MeterhouseError

LINES, WORKBOOK, MANIFEST = "lines.csv", "invoices.xlsx", "manifest.json"
Amounts = Mapping[int, Decimal]
_Source = TypeVar("_Source")
_Figures = TypeVar("_Figures")


def reconcile(target: Path, invoices: Sequence[Invoice] | None = None) -> dict[str, Any]:
    """Compare every file below `target` with its manifests, and with the `invoices` where given.

    Returns the top manifest. Raises MeterhouseError naming file and figures at the first difference.
    """
    top = _read_json(target / MANIFEST)
    entries: list[tuple[str, dict[str, Any], Amounts]] = []
    for folder in sorted(top["tenants"]):
        entries += _reconcile_tenant(target / folder, folder, top["tenants"][folder])
    _same(MANIFEST, "totals", top["totals"], _totals(entry for _, entry, _ in entries))
    _same(MANIFEST, "number of invoices", top["invoice_count"], len(entries))
    _same(MANIFEST, "number of lines", top["line_count"], sum(len(lines) for _, _, lines in entries))
    if invoices is not None:
        _compare_with_rows(entries, invoices)
    _same_files(target, top["files"], "")
    return top


def _reconcile_tenant(folder: Path, name: str, summary: dict[str, Any]) -> list[tuple[str, dict[str, Any], Amounts]]:
    where = f"{name}/{MANIFEST}"
    manifest = _read(where, _read_json, folder / MANIFEST)
    entries = manifest["invoices"]
    for key in ("tenant_id", "invoice_count", "line_count", "totals"):
        _same(where, key, manifest[key], summary[key])
    _same(where, "totals", manifest["totals"], _totals(entries))
    _same(where, "number of invoices", manifest["invoice_count"], len(entries))
    written = _read(f"{name}/{LINES}", read_lines, folder / LINES)
    _same(f"{name}/{LINES}", "invoices", sorted(written), sorted(csv_text(e["invoice_id"]) for e in entries))
    for entry in entries:
        lines = written[csv_text(entry["invoice_id"])]
        total, unit = Decimal(entry["total"]), entry["minor_unit"]
        about = f"of invoice {entry['invoice_number'] or entry['invoice_id']}"
        _same(f"{name}/{LINES}", f"sum {about}", plain(_sum(lines), unit), plain(total, unit))
        _same(f"{name}/{LINES}", f"number of lines {about}", len(lines), entry["line_count"])
        _check_pdf(folder, name, entry, lines)
        if entry["xml"]:
            _check_xml(folder, name, entry, lines)
    _check_workbook(folder, name, entries, written)
    _same_files(folder, manifest["files"], f"{name}/")
    return [(name, entry, written[csv_text(entry["invoice_id"])]) for entry in entries]


def _check_pdf(folder: Path, name: str, entry: dict[str, Any], lines: Amounts) -> None:
    where, total = f"{name}/{entry['pdf']}", Decimal(entry["total"])
    figures = _read(where, read_back, _bytes(folder / entry["pdf"], where))
    label = "".join(short(entry["invoice_number"] or entry["invoice_id"], LONGEST_LABEL).split())
    kind = "Creditnote" if entry["document_type"] == "credit_note" else "Invoice"
    expected = f"{kind}{'' if entry['status'] == 'issued' else 'DRAFT'}{label}"
    if label.rstrip("…").isascii():  # other scripts come back as drawn, not as written
        _same(where, "title and number", figures.label, expected)
    _same(where, "currency", figures.currency, entry["currency_code"])
    for shown in (*figures.totals, _sum(dict(enumerate(figures.subtotals)))):
        _same(where, "total", plain(shown, entry["minor_unit"]), plain(total, entry["minor_unit"]))
    _same_lines(where, figures.lines, lines)


def _check_xml(folder: Path, name: str, entry: dict[str, Any], lines: Amounts) -> None:
    where = f"{name}/{entry['xml']}"
    content = _bytes(folder / entry["xml"], where)
    figures = _read(where, read_xml, content)
    _same(where, "number", figures.number, clean(entry["invoice_number"]))
    _same(where, "currency", figures.currency, entry["currency_code"])
    for total in figures.totals:
        _same(where, "total", plain(total, entry["minor_unit"]), entry["total"])
    _same_lines(where, figures.lines, lines)
    _same(where, "broken rules", validate(content), [])


def _check_workbook(folder: Path, name: str, entries: list[dict[str, Any]], written: Mapping[str, Amounts]) -> None:
    where = f"{name}/{WORKBOOK}"
    figures = _read(where, read_workbook, folder / WORKBOOK)
    for entry in entries:
        invoice_id = cell_text(entry["invoice_id"])
        shown = figures.invoices.get(invoice_id)
        _same(where, f"invoice {entry['invoice_id']}", shown, Decimal(entry["total"]))
        lines = {number: amount for (owner, number), amount in figures.lines.items() if owner == invoice_id}
        _same_lines(where, lines, written[csv_text(entry["invoice_id"])])
    _same(where, "number of invoices", len(figures.invoices), len(entries))
    _same(where, "number of lines", len(figures.lines), sum(len(lines) for lines in written.values()))
    totals = {currency: (Decimal(total),) * 2 for currency, total in _totals(entries).items()}
    _same(where, "totals", figures.totals, totals)
    _same(where, "check cells agree", figures.agrees, True)


def _compare_with_rows(entries: Sequence[tuple[str, dict[str, Any], Amounts]], invoices: Sequence[Invoice]) -> None:
    found = {entry["invoice_id"]: (name, entry, lines) for name, entry, lines in entries}
    _same(MANIFEST, "invoices", sorted(found), sorted(invoice.invoice_id for invoice in invoices))
    for invoice in invoices:
        name, entry, lines = found[invoice.invoice_id]
        where = f"{name}/{entry['pdf']}"
        _same(where, "number", entry["invoice_number"], invoice.invoice_number)
        _same(where, "total", Decimal(entry["total"]), invoice.billed_amount)
        _same_lines(where, lines, {number: line.billed_amount for number, line in numbered_lines(invoice)})


def _totals(entries: Any) -> dict[str, str]:
    return totals_per_currency((e["currency_code"], e["minor_unit"], Decimal(e["total"])) for e in entries)


def _sum(amounts: Amounts) -> Decimal:
    return sum(amounts.values(), Decimal(0))


def _same_lines(where: str, shown: Amounts, expected: Amounts) -> None:
    for number in sorted({*shown, *expected}):
        _same(where, f"line {number}", shown.get(number), expected.get(number))


def _same(where: str, what: str, shown: object, expected: object) -> None:
    if shown != expected:
        raise MeterhouseError(
            f"{where}: {what} reads {_said(shown)}, expected {_said(expected)}", "Write the documents again."
        )


def _said(value: object) -> str:
    return "nothing" if value is None else str(value)


def _same_files(folder: Path, expected: Mapping[str, str], prefix: str) -> None:
    present = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file() and p != folder / MANIFEST}
    _same(f"{prefix}{MANIFEST}", "files", sorted(present), sorted(expected))
    for name, path in sorted(present.items()):
        _same(f"{prefix}{name}", "sha256", hashlib.sha256(path.read_bytes()).hexdigest(), expected[name])


def _read(where: str, reader: Callable[[_Source], _Figures], source: _Source) -> _Figures:
    """What `reader` finds, its complaint led by the file's place."""
    try:
        return reader(source)
    except MeterhouseError as problem:
        raise MeterhouseError(f"{where}: {problem}", problem.remedy) from problem


def _bytes(path: Path, where: str) -> bytes:
    if not path.is_file():
        raise MeterhouseError(f"{where} is missing", "Write the documents again.")
    return path.read_bytes()


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise MeterhouseError(f"{path.name} cannot be read: {problem}", "Write the documents again.") from problem
    return content
