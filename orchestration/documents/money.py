"""Amounts as documents show and read them: rounding to the minor unit, grouping, sums per currency."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation, localcontext

from orchestration.errors import MeterhouseError
from orchestration.wording import MINUS


def to_minor_unit(amount: Decimal, minor_unit: int) -> Decimal:
    """`amount` with exactly `minor_unit` decimals, half away from zero."""
    with localcontext() as context:
        context.prec = 60
        return amount.quantize(Decimal(1).scaleb(-minor_unit), rounding=ROUND_HALF_UP)


def plain(amount: Decimal, minor_unit: int) -> str:
    """`-1234.50`: what machines read. Never an exponent, never a negative zero."""
    rounded = to_minor_unit(amount, minor_unit)
    return f"{abs(rounded) if rounded == 0 else rounded:f}"


def shown(amount: Decimal, minor_unit: int) -> str:
    """`−1,234.50`: what people read."""
    text = f"{to_minor_unit(abs(amount), minor_unit):,f}"
    return f"{MINUS}{text}" if plain(amount, minor_unit).startswith("-") else text


def shown_quantity(quantity: int) -> str:
    """`−12,000`."""
    return f"{quantity:,}".replace("-", MINUS)


def shown_unit_price(price: Decimal, minor_unit: int) -> str:
    """A unit price with all its decimals, but at least the currency's."""
    exact = f"{abs(price):,f}"
    whole, _, decimals = exact.partition(".")
    decimals = decimals.rstrip("0").ljust(minor_unit, "0")
    sign = MINUS if price < 0 else ""
    return f"{sign}{whole}.{decimals}" if decimals else f"{sign}{whole}"


def read_shown(text: str) -> Decimal:
    """The amount behind `shown`. Raises MeterhouseError for text that is no amount."""
    try:
        return Decimal(text.strip().replace(",", "").replace(MINUS, "-"))
    except InvalidOperation:
        raise MeterhouseError(f"{text!r} is not an amount", "Write the document again.") from None


def totals_per_currency(amounts: Iterable[tuple[str, int, Decimal]]) -> dict[str, str]:
    """Sums of (currency, minor unit, amount) as plain text, by currency code."""
    sums: dict[str, Decimal] = {}
    units: dict[str, int] = {}
    for currency, minor_unit, amount in amounts:
        sums[currency] = sums.get(currency, Decimal(0)) + amount
        units[currency] = minor_unit
    return {currency: plain(sums[currency], units[currency]) for currency in sorted(sums)}
