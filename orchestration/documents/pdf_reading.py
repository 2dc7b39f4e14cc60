"""Reads a PDF invoice's figures back from its own text layer, by where and how each text is set.

With the sign of the rows: what a credit note credits is negative again.

Position and font decide, not wording: somebody's text that looks like an amount stands in no amount column.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from io import BytesIO
from typing import Any

from pypdf import PdfReader
from pypdf.errors import PyPdfError

from orchestration.documents.fonts import BOLD, REGULAR
from orchestration.documents.money import read_shown
from orchestration.documents.pdf_style import (
    AMOUNT_DUE_SIZE,
    AMOUNT_LEFT,
    FOOTER_TOP,
    MARGIN,
    NUMBER_RIGHT,
    PAGE_WIDTH,
    TOTAL_SIZE,
)
from orchestration.errors import MeterhouseError
from orchestration.wording import MINUS

_AMOUNT = re.compile(rf"{MINUS}?\d[\d,]*(\.\d+)?")
_MONEY = re.compile(rf"([A-Z]{{3}}) ({_AMOUNT.pattern})")


@dataclass(frozen=True)
class PdfFigures:
    """What a PDF says: its footer label without spaces, totals (amount due, total) and amounts by line number."""

    label: str
    pages: int
    currency: str
    totals: tuple[Decimal, ...]
    subtotals: tuple[Decimal, ...]
    lines: dict[int, Decimal]


@dataclass(frozen=True)
class _Run:
    text: str
    page: int
    x: float
    y: float
    font: str
    size: float


def _runs(content: bytes) -> list[_Run]:
    found: list[_Run] = []
    for number, page in enumerate(PdfReader(BytesIO(content)).pages):

        def visit(text: str, cm: Any, tm: Any, font: Any, size: float, page_number: int = number) -> None:
            if not text.strip() or font is None or cm[1] or tm[1]:
                return
            x, y = tm[4] * cm[0] + cm[4], tm[5] * cm[3] + cm[5]
            name = str(font.get("/BaseFont", "")).split("+")[-1]
            found.append(_Run(text.strip(), page_number, round(x, 2), round(y, 2), name, size))

        page.extract_text(visitor_text=visit)
    return found


def read_back(content: bytes) -> PdfFigures:
    """The figures of a PDF made by `invoice_pdf`. Raises MeterhouseError when it cannot be read or lacks one."""
    try:
        runs = _runs(content)
    except (PyPdfError, ValueError, KeyError, TypeError) as problem:
        raise MeterhouseError(f"the PDF cannot be read: {problem}", "Write the documents again.") from problem
    body = [run for run in runs if run.y > FOOTER_TOP]
    footer = [run.text for run in runs if run.y <= FOOTER_TOP and run.page == 0 and run.x < PAGE_WIDTH / 2]
    money = [
        (match, run.size)
        for run in body
        if run.font == BOLD and (match := _MONEY.fullmatch(run.text)) and run.size in (AMOUNT_DUE_SIZE, TOTAL_SIZE)
    ]
    if not money or len({match[1] for match, _ in money}) != 1 or {size for _, size in money} != {14.0, 10.0}:
        raise MeterhouseError("the PDF shows no total, or totals in two currencies", "Write the documents again.")
    amounts = [run for run in body if run.x >= AMOUNT_LEFT and _AMOUNT.fullmatch(run.text)]
    numbers = {
        (run.page, run.y): int(run.text)
        for run in body
        if MARGIN + 1 < run.x < NUMBER_RIGHT and run.font == REGULAR and run.text.isdecimal()
    }
    lines: dict[int, Decimal] = {}
    for run in amounts:
        number = numbers.get((run.page, run.y))
        if run.font != REGULAR or number is None:
            continue
        if number in lines:
            raise MeterhouseError(f"the PDF shows line {number} twice", "Write the documents again.")
        lines[number] = read_shown(run.text)
    label = "".join("".join(footer).split())
    sign = -1 if label.startswith("Creditnote") else 1
    return PdfFigures(
        label=label,
        pages=max(run.page for run in runs) + 1,
        currency=money[0][0][1],
        totals=tuple(sign * read_shown(match[2]) for match, _ in money),
        subtotals=tuple(sign * read_shown(run.text) for run in amounts if run.font == BOLD),
        lines={number: sign * amount for number, amount in lines.items()},
    )
