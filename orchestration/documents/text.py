"""Somebody's text made fit for a document: no control characters, one line, no formula."""

from __future__ import annotations

import unicodedata

_BREAKS = ("Cc", "Zl", "Zp")
# The full-width ones begin a formula in a spreadsheet set to Japanese or Chinese; as escapes, for they look alike.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def one_line(text: str) -> str:
    """`text` with control characters and line ends as spaces: CSV rows stay rows, XML stays XML."""
    kept = (" " if unicodedata.category(character) in _BREAKS else character for character in text)
    return "".join(
        character for character in kept if unicodedata.category(character) != "Cs" and character not in "\ufffe\uffff"
    )


def clean(text: str) -> str:
    """`text` in NFC on one line, without the characters that say how to draw others and that mean nothing read."""
    drawn = (
        character
        for character in one_line(unicodedata.normalize("NFC", text))
        if unicodedata.category(character) not in ("Cf", "Co", "Cn")
    )
    return "".join(drawn).strip()


def csv_text(text: str) -> str:
    """Text as a cell of a CSV file holds it: on one line, and behind an apostrophe where it could run as a formula.

    What a spreadsheet leaves out before it looks for a formula, blanks and signs that draw nothing, is no cover.
    """
    plain = one_line(text)
    begun = next((sign for sign in plain if not sign.isspace() and unicodedata.category(sign) != "Cf"), "")
    return f"'{plain}" if text.startswith(_FORMULA) or begun in _FORMULA else plain
