"""The tables of a PDF invoice: usage by service, corrections, and how pools and storage were counted."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from reportlab.platypus import CondPageBreak, Flowable, Paragraph, Table, TableStyle

from orchestration.billing_month import month_name
from orchestration.documents.invoice_facts import Invoice, InvoiceLine, numbered_lines
from orchestration.documents.money import shown, shown_quantity, shown_unit_price
from orchestration.documents.pdf_style import (
    COLUMNS,
    FRAME_WIDTH,
    HAIR,
    HEAD,
    HEAD_RIGHT,
    INK,
    QUIET,
    SECTION,
    SERVICE,
    SMALL,
    SMALL_RIGHT,
    STRONG,
    WASH,
    Figure,
)
from orchestration.documents.pdf_text import text
from orchestration.documents.price_keys import key_in_words

# What covers units beside the plan's own pool and first number.
_COVERED_BY = {"meta_free": "Free of charge under WhatsApp's own rules", "order_pool": "Included in your Order"}
# A description of LONGEST_TEXT ordinary letters is so long in its column.
MOST_LINES_OF_LINE = 24
_HEADINGS = ("#", "Description", "Used", "Included", "Billed", "Unit price", "Amount")
_HEADINGS_OF_CREDIT = ("#", "Description", "Used", "Included", "Credited", "Unit price", "Amount")


def plural(quantity: int, unit: str) -> str:
    """The unit's name for a quantity."""
    return unit if abs(quantity) == 1 or not unit or unit.endswith("s") else f"{unit}s"


def _quantity(quantity: int, unit: str) -> list[Flowable]:
    return [Figure(shown_quantity(quantity)), text(plural(quantity, unit), SMALL_RIGHT)]


def _description(line: InvoiceLine) -> list[Flowable]:
    title = line.meter_description[:1].upper() + line.meter_description[1:]
    cell: list[Flowable] = [text(title, most_lines=MOST_LINES_OF_LINE)]
    if line.price_key:
        cell.append(text(key_in_words(line.meter, line.price_key), SMALL))
    if line.is_correction:
        corrected = f", invoiced on {line.corrects_invoice_number}" if line.corrects_invoice_number else ""
        # A fine's credit is of the month it was overturned in, which is not when the number was used (PEN-02).
        when = "Usage of" if line.charge_class == "correction" else "Credited in"
        cell.append(text(f"{when} {month_name(line.usage_month)}{corrected}", SMALL))
    elif line.charge_category == "included":
        cell.append(text(_COVERED_BY.get(line.price_id, "Covered by your plan"), SMALL))
    return cell


def _line_row(number: int, line: InvoiceLine, invoice: Invoice) -> list[Any]:
    sign = invoice.sign
    # What a pool or the plan covers is on a line of its own at price 0: none of it is billed.
    billed = 0 if line.charge_category == "included" else line.pricing_quantity
    return [
        Figure(str(number), colour=QUIET),
        _description(line),
        _quantity(line.consumed_quantity * sign, line.consumed_unit),
        Figure(shown_quantity(line.included_quantity * sign) if line.included_quantity else ""),
        _quantity(billed * sign, line.pricing_unit),
        Figure(shown_unit_price(line.unit_price, invoice.minor_unit)),
        Figure(shown(line.billed_amount * sign, invoice.minor_unit)),
    ]


def lines_table(invoice: Invoice, corrections: bool) -> Table | None:
    """Usage lines, or corrections, grouped by service with subtotals; None when there are none."""
    headings = _HEADINGS_OF_CREDIT if invoice.is_credit_note else _HEADINGS
    rows: list[list[Any]] = [[Paragraph(h, HEAD if i == 1 else HEAD_RIGHT) for i, h in enumerate(headings)]]
    style: list[tuple[Any, ...]] = [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LEFTPADDING", (0, 0), (-1, -1), 3),
        ("RIGHTPADDING", (0, 0), (-1, -1), 0),
        ("LEFTPADDING", (1, 0), (1, -1), 8),
        ("TOPPADDING", (0, 0), (-1, -1), 4),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 4),
        ("LINEBELOW", (0, 0), (-1, 0), 0.8, INK),
    ]
    groups: dict[str, list[tuple[int, InvoiceLine]]] = {}
    for number, line in numbered_lines(invoice):
        if line.is_correction == corrections:
            groups.setdefault(line.service, []).append((number, line))
    for service, numbered in groups.items():
        top = len(rows)
        rows.append([text(service, SERVICE, most_lines=2), *[""] * 6])
        style += [("SPAN", (0, top), (-1, top)), ("LEFTPADDING", (0, top), (0, top), 0)]
        style += [("TOPPADDING", (0, top), (-1, top), 10), ("NOSPLIT", (0, top), (0, top + 1))]
        for number, line in numbered:
            style.append(("LINEBELOW", (0, len(rows)), (-1, len(rows)), 0.4, HAIR))
            rows.append(_line_row(number, line, invoice))
        bottom = len(rows)
        subtotal = invoice.sign * sum((line.billed_amount for _, line in numbered), Decimal(0))
        name = f"{service}, corrections and credits" if corrections else f"{service}, subtotal"
        amount = Figure(shown(subtotal, invoice.minor_unit), bold=True)
        rows.append(["", text(name, STRONG, most_lines=2), "", "", "", "", amount])
        style += [
            ("SPAN", (1, bottom), (-2, bottom)),
            ("BACKGROUND", (0, bottom), (-1, bottom), WASH),
            ("NOSPLIT", (0, bottom - 1), (0, bottom)),
        ]
    if not groups:
        return None
    return Table(rows, colWidths=COLUMNS, repeatRows=1, style=TableStyle(style))


def explanations(invoice: Invoice) -> list[Flowable]:
    """How pools and storage were counted, in the words of the line's own explanation."""
    rows = [
        [Figure(str(number), colour=QUIET, size=7), text(line.explanation, SMALL)]
        for number, line in numbered_lines(invoice)
        if not line.is_correction
        and (line.charge_category == "included" or line.included_quantity or line.service == "Storage")
    ]
    if not rows:
        return []
    style = TableStyle(
        [
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LEFTPADDING", (0, 0), (-1, -1), 0),
            ("LEFTPADDING", (1, 0), (1, -1), 8),
            ("RIGHTPADDING", (0, 0), (-1, -1), 0),
            ("TOPPADDING", (0, 0), (-1, -1), 2),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
        ]
    )
    table = Table(rows, colWidths=(COLUMNS[0], FRAME_WIDTH - COLUMNS[0]), style=style)
    return [CondPageBreak(60), Paragraph("How this was calculated", SECTION), table]
