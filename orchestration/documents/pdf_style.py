"""How a PDF invoice looks: page, columns, colours, text styles and the flowable that sets a figure flush right."""

from __future__ import annotations

from datetime import date
from typing import Any

from reportlab.lib.colors import Color, HexColor
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.platypus import Flowable

from orchestration.billing_month import month_name
from orchestration.documents.fonts import BOLD, REGULAR

PAGE_WIDTH, PAGE_HEIGHT = A4
MARGIN = 18 * mm
BOTTOM = 24 * mm
FRAME_WIDTH = PAGE_WIDTH - 2 * MARGIN

INK = HexColor("#1d2733")
QUIET = HexColor("#66717f")
ACCENT = HexColor("#1f4e79")
HAIR = HexColor("#d5dae0")
WASH = HexColor("#f3f6f9")

# Line number, description, used, included, billed, unit price, amount.
COLUMNS = tuple(width * mm for width in (8, 58, 23, 21, 21, 20, 23))
AMOUNT_LEFT = MARGIN + sum(COLUMNS[:-1])
NUMBER_RIGHT = MARGIN + COLUMNS[0]
FIGURE_SIZE = 8.0
AMOUNT_DUE_SIZE = 14.0
TOTAL_SIZE = 10.0
FOOTER_TOP = 17 * mm


def _style(name: str, size: float, leading: float, colour: Color = INK, **more: Any) -> ParagraphStyle:
    settings: dict[str, Any] = {"fontName": REGULAR, "splitLongWords": 1, **more}
    return ParagraphStyle(name, fontSize=size, leading=leading, textColor=colour, **settings)


BODY = _style("body", 8, 10.5)
SMALL = _style("small", 7, 9, QUIET)
SMALL_RIGHT = _style("small right", 7, 9, QUIET, alignment=TA_RIGHT)
LABEL = _style("label", 7.5, 10.5, QUIET)
STRONG = _style("strong", 8, 10.5, fontName=BOLD)
RIGHT = _style("right", 8, 10.5, alignment=TA_RIGHT)
NAME = _style("name", 12, 15, fontName=BOLD)
PARTY = _style("party", 9, 12, fontName=BOLD)
TITLE = _style("title", 22, 26, ACCENT, alignment=TA_RIGHT)
SERVICE = _style("service", 9, 12, ACCENT, fontName=BOLD)
SECTION = _style("section", 10.5, 14, ACCENT, fontName=BOLD, spaceBefore=14, spaceAfter=4, keepWithNext=1)
HEAD = _style("head", 7, 9, QUIET)
HEAD_RIGHT = _style("head right", 7, 9, QUIET, alignment=TA_RIGHT)


def long_date(day: date) -> str:
    """`4 December 2024`."""
    return f"{day.day} {month_name(day)}"


class Figure(Flowable):
    """One figure set flush right on one line, made smaller rather than wrapped when it is too wide."""

    def __init__(self, content: str, bold: bool = False, colour: Color = INK, size: float = FIGURE_SIZE) -> None:
        super().__init__()
        self.content, self.colour, self.size = content, colour, size
        self.font = BOLD if bold else REGULAR

    def wrap(self, available_width: float, available_height: float) -> tuple[float, float]:
        """Takes the whole width offered, one line high."""
        self.width = available_width
        natural = stringWidth(self.content, self.font, self.size)
        self.fitted = self.size * min(1.0, available_width / natural) if natural else self.size
        return available_width, self.size * 10.5 / 8

    def draw(self) -> None:
        """Draws it on the baseline a paragraph of the same size would have."""
        self.canv.setFont(self.font, self.fitted)
        self.canv.setFillColor(self.colour)
        self.canv.drawRightString(self.width, self.size * 0.31, self.content)
