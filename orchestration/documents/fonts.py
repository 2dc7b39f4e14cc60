"""Which font draws which character: DejaVu (in this folder), else a CJK font every PDF viewer supplies.

What neither has is drawn as a box (U+25A1) and `has_every_glyph` says so; the exact text then
stands in the e-invoice and the CSV. Right-to-left text is put into visual order by `bidi`.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from xml.sax.saxutils import escape

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.ttfonts import TTFont

from orchestration.documents.bidi import visual_order
from orchestration.documents.text import clean

REGULAR = "DejaVuSansCondensed"
BOLD = "DejaVuSansCondensed-Bold"
_FOLDER = Path(__file__).parent / "fonts"
_CHINESE, _JAPANESE, _KOREAN = "STSong-Light", "HeiseiMin-W3", "HYSMyeongJo-Medium"
_BOX = "\u25a1"


@lru_cache(maxsize=1)
def register() -> frozenset[int]:
    """Registers the fonts once per process; the code points DejaVu draws, in both weights."""
    for name in (REGULAR, BOLD):
        pdfmetrics.registerFont(TTFont(name, str(_FOLDER / f"{name}.ttf")))
    pdfmetrics.registerFontFamily(REGULAR, normal=REGULAR, bold=BOLD, italic=REGULAR, boldItalic=BOLD)
    for name in (_CHINESE, _JAPANESE, _KOREAN):
        pdfmetrics.registerFont(UnicodeCIDFont(name))
    drawn = frozenset.intersection(*(frozenset(pdfmetrics.getFont(name).face.charToGlyph) for name in (REGULAR, BOLD)))
    return frozenset(point for point in drawn if point <= 0xFFFF)  # beyond it reportlab's text layer is not valid


def _cjk_font(character: str) -> str | None:
    point = ord(character)
    if point > 0xFFFF:  # the CID fonts' encodings are UCS-2
        return None
    name = unicodedata.name(character, "")
    if name.startswith(("HIRAGANA", "KATAKANA", "HALFWIDTH KATAKANA")):
        return _JAPANESE
    if name.startswith("HANGUL"):
        return _KOREAN
    if name.startswith(("CJK", "IDEOGRAPHIC", "FULLWIDTH")):
        return _CHINESE
    return None


def has_every_glyph(text: str) -> bool:
    """Whether every character of `text` can be drawn."""
    drawn = register()
    return all(ord(character) in drawn or _cjk_font(character) for character in visual_order(clean(text)))


def needs_the_readers_fonts(text: str) -> bool:
    """Whether `text` has characters drawn by a font that is not in the document: without one a viewer shows nothing."""
    drawn = register()
    return any(ord(character) not in drawn and _cjk_font(character) for character in clean(text))


def markup(text: str) -> str:
    """`text` as reportlab paragraph markup: escaped, in visual order, other fonts where DejaVu has no glyph."""
    drawn = register()
    # A text in Kana or Hangul keeps one font for its ideographs too, or strokes change inside a name.
    prepared = visual_order(clean(text))
    fonts = {_cjk_font(character) for character in prepared}
    ideographs = _JAPANESE if _JAPANESE in fonts else _KOREAN if _KOREAN in fonts else _CHINESE

    def font(character: str) -> str | None:
        if ord(character) in drawn:
            return None
        found = _cjk_font(character)
        return ideographs if found == _CHINESE else found or ""

    parts = []
    for name, group in groupby(prepared, key=font):
        run = "".join(group)
        if name is None:
            parts.append(escape(run))
        elif name == "":
            parts.append(_BOX * len(run))
        else:
            parts.append(f'<font name="{name}">{escape(run)}</font>')
    return "".join(parts)
