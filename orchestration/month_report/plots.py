"""Plain bars as inline SVG. Every bar stands beside its figure in the table and says it again to a screen reader.

Lengths are decimals with two places, a hundredth of the bar's width being 1: equal facts draw equal bytes.
"""

from __future__ import annotations

from decimal import Decimal

from markupsafe import Markup


def bar(value: Decimal | int, largest: Decimal | int, label: str) -> Markup:
    """A bar from the left edge, `largest` filling the width; a negative value in the colour of a fall."""
    kind = "fall" if value < 0 else "amount"
    return _drawing(_piece(kind, Decimal(0), _length(value, largest)), label)


def signed_bar(value: Decimal, largest: Decimal, label: str) -> Markup:
    """A bar from the middle: to the right above zero, to the left below; `largest` fills half the width."""
    length = _length(value, largest) / 2
    start = 50 - length if value < 0 else Decimal(50)
    shape = _piece("fall" if value < 0 else "rise", start, length)
    return _drawing(shape + _piece("axis", Decimal("49.75"), Decimal("0.5")), label)


def level_bar(used: int, limit: int, label: str) -> Markup:
    """How much of a limit is used; the limit fills the width, and what is above it is cut off and coloured."""
    level = _piece("over" if used > limit else "amount", Decimal(0), _length(min(used, limit), limit))
    return _drawing(_piece("room", Decimal(0), Decimal(100)) + level, label)


def _drawing(shapes: Markup, label: str) -> Markup:
    frame = '<svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" role="img" aria-label="{}">{}</svg>'
    return Markup(frame).format(label, shapes)


def _piece(kind: str, start: Decimal, length: Decimal) -> Markup:
    return Markup('<rect class="{}" x="{}" width="{}" height="8"/>').format(kind, f"{start:.2f}", f"{length:.2f}")


def _length(value: Decimal | int, largest: Decimal | int) -> Decimal:
    return abs(Decimal(value)) * 100 / Decimal(largest) if largest else Decimal(0)
