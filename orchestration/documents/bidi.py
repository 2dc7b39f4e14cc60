"""Right-to-left text for a drawer that knows only left to right: joined Arabic letters, runs reversed.

Enough for names and addresses on one line; directions nested in one run are not resolved, and where such
a text wraps its lines stand in drawing order.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from itertools import pairwise

_FORMS = ("isolated", "initial", "medial", "final")
_PAIRED = "()[]{}<>«»"
_MIRRORED = str.maketrans(_PAIRED, ")(][}{><»«")


@lru_cache(maxsize=1)
def _presentation_forms() -> dict[str, dict[str, str]]:
    """Arabic letter to its shapes, from Unicode's own decompositions."""
    found: dict[str, dict[str, str]] = {}
    for point in (*range(0xFB50, 0xFDFF), *range(0xFE70, 0xFEFF)):
        form, *letters = unicodedata.decomposition(chr(point)).split() or [""]
        if form.strip("<>") in _FORMS and len(letters) == 1:
            found.setdefault(chr(int(letters[0], 16)), {})[form.strip("<>")] = chr(point)
    return found


def _join(text: str) -> str:
    forms = _presentation_forms()
    letters = [position for position, character in enumerate(text) if not unicodedata.combining(character)]
    joins_next: set[int] = set()
    joins_previous: set[int] = set()
    for here, following in pairwise(letters):
        if "initial" in forms.get(text[here], {}) and "final" in forms.get(text[following], {}):
            joins_next.add(here)
            joins_previous.add(following)
    shaped = list(text)
    for position in letters:
        before, after = position in joins_previous, position in joins_next
        form = "medial" if before and after else "final" if before else "initial" if after else "isolated"
        shapes = forms.get(text[position], {})
        shaped[position] = shapes.get(form, text[position])
    return "".join(shaped)


def _direction(character: str) -> str:
    kind = unicodedata.bidirectional(character)
    if character in _PAIRED:
        return "B"
    return "R" if kind in ("R", "AL", "NSM") else "L" if kind in ("L", "EN", "AN") else "N"


def visual_order(text: str) -> str:
    """`text` as it must be drawn from left to right; unchanged when nothing in it runs right to left."""
    if not any(unicodedata.bidirectional(character) in ("R", "AL") for character in text):
        return text
    joined = _join(text)
    directions = [_direction(character) for character in joined]
    base = next((direction for direction in directions if direction in "RL"), "L")
    # Brackets follow the text's own direction, so that a pair stays a pair (UAX 9, rule N0).
    directions = [base if direction == "B" else direction for direction in directions]
    # A neutral between two runs of one direction belongs to them, any other to the text's own direction.
    for position, direction in enumerate(directions):
        if direction == "N":
            before = next((d for d in reversed(directions[:position]) if d != "N"), base)
            after = next((d for d in directions[position + 1 :] if d != "N"), base)
            directions[position] = "n" + (before if before == after else base)
    runs: list[tuple[str, str]] = []
    for character, direction in zip(joined, (d[-1] for d in directions), strict=True):
        if runs and runs[-1][0] == direction:
            runs[-1] = (direction, runs[-1][1] + character)
        else:
            runs.append((direction, character))
    drawn = [run[::-1].translate(_MIRRORED) if direction == "R" else run for direction, run in runs]
    return "".join(reversed(drawn) if base == "R" else drawn)
