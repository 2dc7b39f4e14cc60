"""Somebody's text in a PDF: any character, however long; what would fill a page is cut and ends in an ellipsis.

The whole text stands in the e-invoice and the data files.
"""

from __future__ import annotations

from reportlab.lib.styles import ParagraphStyle
from reportlab.platypus import Flowable, Paragraph

from orchestration.documents.fonts import markup
from orchestration.documents.pdf_style import BODY
from orchestration.documents.text import clean

LONGEST_TEXT = 800
# Of the widest letters the footer has room for as many.
LONGEST_LABEL = 200
# Lines of one text at most. All texts of a row or a party together stay well below a page.
MOST_LINES = 12


def short(content: str, longest: int = LONGEST_TEXT) -> str:
    """`content` as it is drawn: cleaned, and of so many characters at most."""
    drawn = clean(content)
    return drawn if len(drawn) <= longest else f"{drawn[: longest - 1]}…"


def text(content: str, style: ParagraphStyle = BODY, most_lines: int = MOST_LINES) -> Flowable:
    """A wrapping paragraph of somebody's text, of `most_lines` lines at most."""
    return _Cut(short(content), style, most_lines)


class _Cut(Flowable):
    """A paragraph that ends in an ellipsis where it would have more lines: how wide its letters are is seen only then.

    Without it a row could be taller than a page, and no invoice of any tenant would be written.
    """

    def __init__(self, content: str, style: ParagraphStyle, most_lines: int) -> None:
        super().__init__()
        self._content, self._style = content, style
        self._most_height = most_lines * style.leading
        self._paragraph = Paragraph(markup(content), style)

    def wrap(self, available_width: float, available_height: float) -> tuple[float, float]:
        """Takes the whole width offered, and the height of the lines that are left."""
        size = self._paragraph.wrap(available_width, available_height)
        if size[1] > self._most_height:
            self._paragraph = self._longest(available_width)
            size = self._paragraph.wrap(available_width, available_height)
        self.width, self.height = size
        return self.width, self.height

    def _longest(self, width: float) -> Paragraph:
        fitting, too_long = 0, len(self._content)
        while too_long - fitting > 1:
            middle = (fitting + too_long) // 2
            if self._begun(middle).wrap(width, self._most_height)[1] <= self._most_height:
                fitting = middle
            else:
                too_long = middle
        return self._begun(fitting)

    def _begun(self, length: int) -> Paragraph:
        return Paragraph(markup(f"{self._content[:length]}…"), self._style)

    def draw(self) -> None:
        """Draws the paragraph where this one stands."""
        self._paragraph.canv = self.canv
        self._paragraph.draw()
