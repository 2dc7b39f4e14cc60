"""What every peer gets and returns. Standard library only: peers run in environments of their own.

A peer is called as `python PEER.py INPUT PARAMETERS OUT`; it writes OUT (JSON) and the lines beside it (CSV).
Instants are UTC, months are text like 2024-09, prices are whole numbers of 10^-8, amounts are cents.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable
from pathlib import Path

PRICE_STEPS = 100_000_000
CENT_STEPS = PRICE_STEPS // 100
Key = tuple[str, str, str, str, bool]  # tenant, month, meter, price key, covered by the pool


def arguments() -> tuple[Path, Path, Path]:
    """Input folder, parameter folder, answer file."""
    landing, parameters, out = (Path(text) for text in sys.argv[1:4])
    return landing, parameters, out


def _rows(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        rows = csv.reader(lines)
        next(rows)
        return list(rows)


def price_steps(text: str) -> int:
    """0.0005 as 50000."""
    whole, _, fraction = text.partition(".")
    return int(whole) * PRICE_STEPS + int((fraction + "00000000")[:8])


def accounts(parameters: Path) -> dict[str, str]:
    """Account to tenant."""
    return dict(_rows(parameters / "accounts.csv"))


def prices(parameters: Path) -> dict[tuple[str, str, str], int]:
    """(meter, price key, month) to price."""
    return {
        (meter, key, month[:7]): price_steps(price) for meter, key, month, price in _rows(parameters / "prices.csv")
    }


def pools(parameters: Path) -> dict[tuple[str, str], int]:
    """(tenant, month) to included conversations."""
    return {(tenant, month[:7]): int(size) for tenant, month, size in _rows(parameters / "pools.csv")}


def market_prefixes(parameters: Path) -> dict[str, str]:
    """Every four leading digits to their market, longest calling prefix first."""
    found = dict(_rows(parameters / "markets.csv"))
    return {
        digits: next((found[digits[:length]] for length in (4, 3, 2, 1) if digits[:length] in found), "Other")
        for digits in (f"{number:04d}" for number in range(10_000))
    }


def voice_key(is_inbound: bool, called: str, area_codes: dict[str, str]) -> str:
    """VOI-03 from the first five characters of the called number."""
    region = area_codes.get(called[1:])
    if not called.startswith("+1") or region == "international":
        return "international"
    if not is_inbound:
        return "outbound_us_ca"
    return "inbound_toll_free" if region == "toll_free" else "inbound_local"


def area_codes(parameters: Path) -> dict[str, str]:
    """Calling prefix to region."""
    return dict(_rows(parameters / "area_codes.csv"))


def cents(quantity: int, price: int) -> int:
    """Quantity times price, rounded once, half away from zero; neither is negative here."""
    return (quantity * price + CENT_STEPS // 2) // CENT_STEPS


def rated(usage: Iterable[tuple[Key, int]], price_of: dict[tuple[str, str, str], int]) -> list[tuple[object, ...]]:
    """Lines of summed usage, for engines that compute a few thousand products no faster than Python."""
    lines: list[tuple[object, ...]] = []
    for (tenant, month, meter, price_key, is_pooled), quantity in usage:
        price = 0 if is_pooled else price_of[meter, price_key, month]
        lines.append((tenant, month, meter, price_key, quantity, price, cents(quantity, price)))
    return lines


def finish(
    out: Path,
    lines: Iterable[tuple[object, ...]],
    seconds: float,
    *,
    version: str,
    reads: str,
    load_seconds: float = 0.0,
) -> None:
    """Write the answer: lines are (tenant, month, meter, price key, quantity, price, cents)."""
    with out.with_suffix(".csv").open("w", encoding="utf-8", newline="") as target:
        writer = csv.writer(target, lineterminator="\n")
        writer.writerow(("tenant_id", "billing_month", "meter", "price_key", "quantity", "unit_price", "amount"))
        for tenant, month, meter, price_key, quantity, price, amount in lines:
            unit = f"{int(str(price)) // PRICE_STEPS}.{int(str(price)) % PRICE_STEPS:08d}"
            money = f"{int(str(amount)) // 100}.{int(str(amount)) % 100:02d}"
            writer.writerow((tenant, f"{month}-01", meter, price_key, int(str(quantity)), unit, money))
    told = {"seconds": seconds, "load_seconds": load_seconds, "version": version, "reads": reads}
    out.write_text(json.dumps(told), encoding="utf-8")
