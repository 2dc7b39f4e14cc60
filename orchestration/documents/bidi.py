"""Right-to-left text for a drawer that knows only left to right: joined Arabic letters, runs reversed.

Enough for names and addresses on one line; directions nested in one run are not resolved, and where such
a text wraps its lines stand in drawing order.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from itertools import groupby, pairwise
from operator import itemgetter

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


def _settled(directions: list[str], base: str) -> list[str]:
    """Neutrals between two runs of one direction belong to them, all others to the text's own direction `base`."""
    following, after = [base] * len(directions), base
    for position in range(len(directions) - 1, -1, -1):
        following[position] = after
        after = after if directions[position] == "N" else directions[position]
    found, before = [], base
    for direction, after in zip(directions, following, strict=True):
        if direction != "N":
            before = direction
        found.append(direction if direction != "N" else before if before == after else base)
    return found


def visual_order(text: str) -> str:
    """`text` as it must be drawn from left to right; unchanged when nothing in it runs right to left."""
    if not any(unicodedata.bidirectional(character) in ("R", "AL") for character in text):
        return text
    joined = _join(text)
    directions = [_direction(character) for character in joined]
    base = next((direction for direction in directions if direction in "RL"), "L")
    # Brackets follow the text's own direction, so that a pair stays a pair (UAX 9, rule N0).
    directions = [base if direction == "B" else direction for direction in directions]
    drawn = []
    for direction, group in groupby(zip(_settled(directions, base), joined, strict=True), key=itemgetter(0)):
        run = "".join(character for _, character in group)
        drawn.append(run[::-1].translate(_MIRRORED) if direction == "R" else run)
    return "".join(reversed(drawn) if base == "R" else drawn)
