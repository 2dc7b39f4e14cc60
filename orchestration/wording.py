"""How values are written out: long lists cut, numbers in digits, anybody's text made safe to show and to store."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

from orchestration.errors import MeterhouseError

# A true one, as wide as a digit; not the hyphen of text that machines read.
MINUS = "\N{MINUS SIGN}"
# What a terminal obeys instead of showing it, but line ends and tabs.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def some_of(names: Sequence[str], most: int) -> str:
    """The first `most` of `names`, and how many more there are: `a, b and 3 more`."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def in_digits(value: object) -> str:
    """A value as text; of a decimal every digit, for str() says 0E-8 for a price of nothing."""
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def visible(text: str) -> str:
    """`text` with control characters written as their escapes: a landed name or header must not move the cursor."""
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def error_text(error: MeterhouseError) -> str:
    """An error and what to do about it, as a terminal shows it."""
    return visible(f"error: {error}" + (f"\n  to do: {error.remedy}" if error.remedy else ""))


def storable_text(text: str) -> str:
    """`text` with halves of characters, which no database and no terminal takes, written as their escapes."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")
