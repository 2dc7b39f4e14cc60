"""Somebody's text made fit for a document: no control characters, one line."""

from __future__ import annotations

import unicodedata

_BREAKS = ("Cc", "Zl", "Zp")


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
