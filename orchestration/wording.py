"""How values are said: how much of a long list, and a number in digits."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal


def some_of(names: Sequence[str], most: int) -> str:
    """The first `most` of `names`, and how many more there are: `a, b and 3 more`."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def in_digits(value: object) -> str:
    """A value as text; of a decimal every digit, for str() says 0E-8 for a price of nothing."""
    return f"{value:f}" if isinstance(value, Decimal) else str(value)
