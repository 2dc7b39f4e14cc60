"""How the page writes figures: thousands separators, the currency's decimals, a true minus; never a float."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal

from orchestration.billing_month import month_name
from orchestration.wording import MINUS

_NAMES = {"kiq": "KIQ", "sms": "SMS", "mms": "MMS", "whatsapp": "WhatsApp", "meta": "Meta"}
_GIGABYTE = Decimal(10**9)


def money(amount: Decimal | None, minor_unit: int) -> str:
    """An amount with its currency's decimals, or with all it has where those would lose something."""
    if amount is None:
        return "–"
    rounded = amount.quantize(Decimal(1).scaleb(-minor_unit), ROUND_HALF_EVEN)
    return _with_minus(f"{rounded if rounded == amount else amount.normalize():,f}")


def moved(amount: Decimal, minor_unit: int) -> str:
    """A difference: as money, with a plus above zero."""
    return f"+{money(amount, minor_unit)}" if amount > 0 else money(amount, minor_unit)


def whole(number: int) -> str:
    """A count or quantity."""
    return _with_minus(f"{number:,}")


def quantity(number: Decimal) -> str:
    """A quantity, with decimals only where it has some."""
    return money(number, 0)


def percent(part: Decimal | int, of: Decimal | int | None) -> str:
    """A share in percent with one decimal; a dash where there is nothing to take it of."""
    if not of:
        return "–"
    share = (Decimal(part) * 100 / Decimal(of)).quantize(Decimal("0.1"), ROUND_HALF_EVEN)
    return f"{_with_minus(f'{share or abs(share):,f}')}\N{NARROW NO-BREAK SPACE}%"


def gigabytes(size: int | None) -> str:
    """Bytes as GB of 10^9 (STO-01) with two decimals."""
    if size is None:
        return "–"
    return f"{(Decimal(size) / _GIGABYTE).quantize(Decimal('0.01'), ROUND_HALF_EVEN):,f}"


def size(count: int) -> str:
    """Bytes in GB, to the byte where two decimals of a GB would hide them."""
    if count < 10**7:
        return f"{count:,} {'byte' if count == 1 else 'bytes'}"
    return f"{gigabytes(count)} GB"


def month_short(month: date) -> str:
    """`Nov 2024`."""
    return f"{month_name(month)[:3]} {month.year}"


def words(code: str) -> str:
    """A code as words: `not_month_end` as `not month end`, `sms_segment` as `SMS segment`."""
    return " ".join(_NAMES.get(word, word) for word in code.split("_"))


def heading(code: str) -> str:
    """A code as words that start a cell: `voice_minute` as `Voice minute`."""
    text = words(code)
    return text[:1].upper() + text[1:]


def _with_minus(text: str) -> str:
    return text.replace("-", MINUS)
