"""Plain bars as inline SVG. Every bar stands beside its figure in the table and says it again to a screen reader.

Lengths are decimals of a hundredth of the bar's width, so equal facts draw equal bytes.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

from markupsafe import Markup

_HUNDREDTH = Decimal("0.01")


def bar(value: Decimal | int, largest: Decimal | int, label: str) -> Markup:
    """A bar from the left edge, `largest` filling the width; a negative value is hatched by its own class."""
    kind = "fall" if value < 0 else "amount"
    return _drawing(Markup('<rect class="{}" width="{}" height="8"/>').format(kind, _length(abs(value), largest)), label)


def signed_bar(value: Decimal, largest: Decimal, label: str) -> Markup:
    """A bar from the middle: to the right above zero, to the left below; `largest` fills half the width."""
    length = _length(abs(value), largest) / 2
    start = 50 - length if value < 0 else Decimal(50)
    shape = Markup('<rect class="{}" x="{}" width="{}" height="8"/><rect class="axis" x="49.75" width="0.5" height="8"/>')
    return _drawing(shape.format("fall" if value < 0 else "rise", _text(start), _text(length)), label)


def level_bar(used: int, limit: int, label: str) -> Markup:
    """How much of a limit is used: the limit fills the width, and what is above it is cut off and marked."""
    kind = "over" if used > limit else "amount"
    shape = Markup('<rect class="room" width="100" height="8"/><rect class="{}" width="{}" height="8"/>')
    return _drawing(shape.format(kind, _length(min(used, limit), limit)), label)


def _drawing(shapes: Markup, label: str) -> Markup:
    frame = Markup('<svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" role="img" aria-label="{}">{}</svg>')
    return frame.format(label, shapes)


def _length(value: Decimal | int, largest: Decimal | int) -> Decimal:
    if not largest:
        return Decimal("0.00")
    return (Decimal(value) * 100 / Decimal(largest)).quantize(_HUNDREDTH, ROUND_HALF_EVEN)


def _text(length: Decimal) -> str:
    return f"{length:.2f}"
