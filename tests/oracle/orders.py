"""Terms of Orders (GEN-06): prices, included quantities, and which one wins."""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

from tests.oracle.extracts import Row, read_seed
from tests.oracle.months import holds_at, last_instant
from tests.oracle.states import Records

_DIGITS = re.compile(r"\+?(?=\.?[0-9])[0-9]*\.?[0-9]*")


def _number(text: str | None) -> Decimal | None:
    """A number written in digits, 0 or greater."""
    text = (text or "").strip()
    return Decimal(text) if _DIGITS.fullmatch(text) else None


def whole_number(text: str | None) -> int | None:
    number = _number(text)
    return int(number) if number is not None and number == int(number) and number < 2**63 else None


def _price(text: str | None) -> Decimal | None:
    """A price below a million with at most eight decimals."""
    number = _number(text)
    return number if number is not None and number < 10**6 and number * 10**8 == int(number * 10**8) else None


def _price_keys(seeds: Path) -> set[tuple[str, str]]:
    """Every meter with each of its price keys."""
    known = {(row["meter"], row["price_key"]) for row in read_seed(seeds, "price_updates")}
    markets = {row["market"] for row in read_seed(seeds, "whatsapp_markets")} | {"Other"}
    categories = [row["category"] for row in read_seed(seeds, "whatsapp_categories")]
    keys = [f"{market}|{category}" for market in markets for category in categories]
    return known | {(f"whatsapp_{kind}", key) for kind in ("conversation", "message", "fee") for key in keys}


class Orders:
    """Exact price key first, then the latest start, then the greatest order id."""

    def __init__(self, records: Records, seeds: Path) -> None:
        self._terms: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
        keys = _price_keys(seeds)
        for row in records.winners:
            # A renewal belongs to the subscription (PRC-06): a meter or key beside it has no meaning.
            named = row["price_key"] and row["field"] != "renewal_date"
            if named and (row["meter"], row["price_key"]) not in keys:
                continue
            self._terms[row["tenant_id"], row["meter"], row["field"]].append(row)

    def _best(self, rows: list[Row]) -> Row | None:
        return max(rows, key=lambda r: (r["price_key"] or "", r["valid_from"], r["order_id"])) if rows else None

    def price(self, tenant: str, meter: str, price_key: str, instant: datetime) -> tuple[Row, Decimal] | None:
        """The Order term that prices this unit, and its price."""
        rows = [
            row
            for row in self._terms.get((tenant, meter, "unit_price"), [])
            if (row["price_key"] or "") in ("", price_key)
            and holds_at(row["valid_from"], row["valid_to"], instant)
            and _price(row["value"]) is not None
        ]
        best = self._best(rows)
        price = _price(best["value"]) if best else None
        return (best, price) if best is not None and price is not None else None

    def included(self, tenant: str, meter: str, price_key: str, month: date) -> tuple[Row, int] | None:
        """The included quantity in force at the month's last instant, for exactly this key or any."""
        return self.included_at(tenant, meter, price_key, last_instant(month))

    def included_at(self, tenant: str, meter: str, price_key: str, instant: datetime) -> tuple[Row, int] | None:
        """The included quantity in force at `instant`, for exactly this key or any."""
        rows = [
            row
            for row in self._terms.get((tenant, meter, "included_quantity"), [])
            if (row["price_key"] or "") in ("", price_key)
            and holds_at(row["valid_from"], row["valid_to"], instant)
            and whole_number(row["value"]) is not None
        ]
        best = self._best(rows)
        quantity = whole_number(best["value"]) if best else None
        return (best, quantity) if best is not None and quantity is not None else None

    def kiq_basis(self, tenant: str, instant: datetime) -> str | None:
        rows = [
            row
            for row in self._terms.get((tenant, "kiq_conversation", "kiq_basis"), [])
            if row["value"] in ("kiq_01", "kiq_03")
            and not row["price_key"]
            and holds_at(row["valid_from"], row["valid_to"], instant)
        ]
        best = self._best(rows)
        return str(best["value"]) if best else None

    def renewal_dates(self, tenant: str) -> list[tuple[date, date]]:
        """(day the Order takes effect, renewal day it names) for each renewal-date term, in order of taking effect."""
        rows = [row for key, rows in self._terms.items() if key[0] == tenant for row in rows]
        named = [
            row
            for row in rows
            if row["field"] == "renewal_date"
            and (row["valid_to"] is None or row["valid_to"] > row["valid_from"])
            # An Order that is not yet in force on the day it names cannot be meant.
            and date.fromisoformat(row["value"]) >= row["valid_from"].date()
        ]
        named.sort(key=lambda row: (row["valid_from"], row["order_id"], row["value"]))
        return [(row["valid_from"].date(), date.fromisoformat(row["value"])) for row in named]

    def price_changes(self, tenant: str, meter: str) -> set[datetime]:
        """Instants at which one of the Orders' prices of the meter begins or ends."""
        return {
            at
            for row in self._terms.get((tenant, meter, "unit_price"), [])
            if _price(row["value"]) is not None and (row["valid_to"] is None or row["valid_to"] > row["valid_from"])
            for at in (row["valid_from"], row["valid_to"])
            if at is not None
        }
