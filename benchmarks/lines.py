"""Invoice lines as every side of the benchmark must give them, and the comparison without which no time is shown.

A line is (tenant, month, meter, price key, quantity, unit price, amount). What a pool covers is a line of
its own at price 0.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb

METERS = ("kiq_conversation", "translated_word", "voice_minute", "sms_segment", "whatsapp_conversation")
# Whole numbers of the smallest steps: a quantity, a price in 10^-8, an amount in cents.
Key = tuple[str, str, str, str, int]
Line = tuple[int, int]
Lines = dict[Key, Line]

# By month of usage: a closed month is its lines plus the corrections for it on later invoices.
OURS = f"""
select tenant_id, usage_month, meter, coalesce(price_key, ''), pricing_quantity, unit_price, billed_amount
from marts.fct_invoice_lines
where meter in {METERS}
"""


class LinesDiffer(Exception):
    """The two sides do not bill the same; no time may be shown."""


@dataclass(frozen=True)
class Comparison:
    """Lines compared and the total they agree on."""

    lines: int
    total: Decimal


def as_lines(rows: list[tuple[str, date, str, str, int, Decimal, Decimal]]) -> Lines:
    """Lines by key; rows with the same key are added up."""
    lines: Lines = {}
    for tenant, month, meter, price_key, quantity, unit_price, amount in rows:
        if unit_price is None or amount is None:
            raise LinesDiffer(f"no price for {tenant} {month} {meter} {price_key}")
        key = (tenant, f"{month:%Y-%m}", meter, price_key, int(Decimal(unit_price).scaleb(8)))
        before = lines.get(key, (0, 0))
        lines[key] = (before[0] + int(quantity), before[1] + int(Decimal(amount).scaleb(2)))
    return lines


def lines_of_release(database: Path) -> Lines:
    """Our lines, from the published marts."""
    with duckdb.connect(str(database), read_only=True) as connection:
        return as_lines(connection.execute(OURS).fetchall())


def lines_of_csv(path: Path) -> Lines:
    """Lines written by a peer or the limit's process: seven columns, after a header."""
    with path.open(encoding="utf-8", newline="") as text:
        rows = csv.reader(text)
        next(rows)
        return as_lines(
            [
                (tenant, date.fromisoformat(month[:10]), meter, key, int(quantity), Decimal(price), Decimal(amount))
                for tenant, month, meter, key, quantity, price, amount in rows
            ]
        )


def compare(expected: Lines, found: Lines, name: str, shown: int = 20) -> Comparison:
    """Raise LinesDiffer, naming the differing lines, unless both agree to the cent and the unit."""
    keys = sorted(key for key in expected.keys() | found.keys() if expected.get(key) != found.get(key))
    if keys:
        listed = "\n".join(
            f"  {' '.join(map(str, key))}: {_text(expected, key)} / {_text(found, key)}" for key in keys[:shown]
        )
        more = f"\n  and {len(keys) - shown:,} more" if len(keys) > shown else ""
        raise LinesDiffer(
            f"{name}: {len(keys):,} lines differ from the limit query's (units and cents, limit / {name}):\n"
            + listed
            + more
        )
    return Comparison(len(expected), Decimal(sum(cents for _, cents in expected.values())).scaleb(-2))


def _text(lines: Lines, key: Key) -> str:
    return "no line" if key not in lines else f"{lines[key][0]} units {lines[key][1]} cents"
