"""The price book from the seeds: what is in force at which time (PRC-01..06)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import cast

from tests.oracle.extracts import Row, read_seed
from tests.oracle.months import DAY, holds_at, midnight, plus_months, start_after_notice
from tests.oracle.orders import Orders
from tests.oracle.states import Records


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


@dataclass(frozen=True)
class Version:
    """One published version of something: its id, dates and content."""

    id: str
    published: date
    starts: date
    withdrawn: date | None
    row: dict[str, str]

    @property
    def never_applies(self) -> bool:
        return self.withdrawn is not None and self.withdrawn < self.starts


def in_force(versions: list[Version], day: date) -> Version | None:
    """PRC-05: of the versions started by `day`, the one published last; a withdrawn update never starts.

    A later publication that starts at the same time or earlier ends an older one, even one still pending.
    """
    alive = [v for v in versions if not v.never_applies]
    standing = [
        v for v in alive if not any((w.published, w.id) > (v.published, v.id) and w.starts <= v.starts for w in alive)
    ]
    started = [v for v in standing if v.starts <= day]
    return max(started, key=lambda v: v.starts) if started else None


class PriceBook:
    """Prices, rate cards, plans and settings in force on a given day."""

    def __init__(self, seeds: Path) -> None:
        self.rules = {row["meter"]: row["notice_rule"] for row in read_seed(seeds, "notice_rules")}
        self._prices: dict[tuple[str, str, str], list[Version]] = defaultdict(list)
        for row in read_seed(seeds, "price_updates"):
            published = max(d for d in (_day(row["pricing_page_on"]), _day(row["billing_portal_on"])) if d)
            version = self._version(
                row, row["price_update_id"], self.rules[row["meter"]], published, _day(row["named_effective_on"])
            )
            self._prices[row["meter"], row["price_key"], row["currency_code"]].append(version)
        self._cards: dict[tuple[str, str], list[Version]] = defaultdict(list)
        for row in read_seed(seeds, "whatsapp_cards"):
            published_on = date.fromisoformat(row["published_on"])
            version = self._version(row, row["card_id"], "next_month", published_on, _day(row["named_effective_on"]))
            self._cards[row["unit"], row["currency_code"]].append(version)
        self._rates = {
            (row["card_id"], row["market"], row["category"]): Decimal(row["unit_price"])
            for row in read_seed(seeds, "whatsapp_card_rates")
        }
        self.initiated_by = {row["category"]: row["initiated_by"] for row in read_seed(seeds, "whatsapp_categories")}
        self._pools = self._versions(seeds, "plan_whatsapp_pools", "pool_update_id", ("plan_id",))
        self._limits = self._versions(seeds, "plan_storage_limits", "limit_update_id", ("plan_id", "meter"))
        self._blocks = self._versions(seeds, "storage_blocks", "block_update_id", ("meter",))
        self._settings: dict[str, list[Version]] = defaultdict(list)
        for row in read_seed(seeds, "billing_settings"):
            day = date.fromisoformat(row["published_on"])
            self._settings[row["setting"]].append(
                self._version(row, f"{row['setting']}|{day}", "next_full_month_after_30_days", day, None)
            )

    @staticmethod
    def _version(row: dict[str, str], id: str, rule: str, published: date, named: date | None) -> Version:
        starts = start_after_notice(rule, published, named)
        return Version(id, published, starts, _day(row.get("withdrawn_on", "")), row)

    def _versions(
        self, seeds: Path, name: str, id_column: str, keys: tuple[str, ...]
    ) -> dict[tuple[str, ...], list[Version]]:
        found: dict[tuple[str, ...], list[Version]] = defaultdict(list)
        for row in read_seed(seeds, name):
            if "published_on" in row:  # PRC-04
                rule, published = "then_current", date.fromisoformat(row["published_on"])
            else:  # PRC-01
                rule = "next_full_month_after_30_days"
                published = max(date.fromisoformat(row[c]) for c in ("pricing_page_on", "billing_portal_on"))
            found[tuple(row[k] for k in keys)].append(self._version(row, row[id_column], rule, published, None))
        return found

    def setting(self, name: str, day: date) -> str | None:
        version = in_force(self._settings[name], day)
        return version.row["value"] if version else None

    def price(self, meter: str, key: str, currency: str, day: date) -> tuple[str, Decimal] | None:
        """(price id, unit price) of a usage meter or storage on a day."""
        version = in_force(self._prices[meter, key, currency], day)
        return (version.id, Decimal(version.row["unit_price"])) if version else None

    def word_price(self, currency: str, chosen: Callable[[Version], bool]) -> tuple[str, Decimal] | None:
        """PRC-03: of the versions `chosen` accepts, the one published last."""
        versions = [v for v in self._prices["translated_word", "", currency] if chosen(v)]
        last = max(versions, key=lambda v: (v.published, v.id)) if versions else None
        return (last.id, Decimal(last.row["unit_price"])) if last else None

    def word_prices_begin(self, currency: str) -> date:
        """The day the first price of words in a currency was published."""
        versions = self._prices["translated_word", "", currency]
        return min((v.published for v in versions if not v.never_applies), default=date.max)

    def card_price(self, unit: str, market: str, category: str, currency: str, day: date) -> tuple[str, Decimal] | None:
        """PRC-02, WAP-04: the rate of the day's card; a category without a column falls back to its group."""
        card = in_force(self._cards[unit, currency], day)
        if card is None:
            return None
        fallbacks = [category]
        if category == "authentication_international":
            fallbacks.append("authentication")
        fallbacks.append(f"{self.initiated_by.get(category)}_initiated")
        for name in fallbacks:
            if (card.id, market, name) in self._rates:
                return f"{card.id}|{market}|{name}", self._rates[card.id, market, name]
        return None

    def knows_plan(self, plan: str) -> bool:
        """Whether pools and limits of the plan were ever published."""
        return any(plan == key[0] for key, versions in self._pools.items() if versions)

    def pool_per_licence(self, plan: str, month: date) -> int:
        version = in_force(self._pools[plan,], month)
        return int(version.row["conversations_per_licence"]) if version else 0

    def storage_limit(self, plan: str, meter: str, last_day: date) -> tuple[int, int] | None:
        version = in_force(self._limits[plan, meter], last_day)
        return (int(version.row["base_bytes"]), int(version.row["bytes_per_user"])) if version else None

    def storage_block(self, meter: str, last_day: date) -> int:
        version = in_force(self._blocks[meter,], last_day)
        assert version is not None
        return int(version.row["block_bytes"])


class Terms:
    """PRC-06: each tenant's subscription terms, asked for by instant; renewals count from the original start."""

    HORIZON = date(2036, 1, 1)

    def __init__(self, subscriptions: Records, orders: Orders) -> None:
        self._rows: dict[str, list[Row]] = defaultdict(list)
        for row in subscriptions.winners:
            if row["term_months"] == 0 or (row["valid_to"] is not None and row["valid_to"] <= row["valid_from"]):
                continue
            # Of a contract's first day all counts; of the days before it, none does.
            is_from_its_start = row["valid_from"] < midnight(row["term_start"] + DAY)
            begins = midnight(row["term_start"]) if is_from_its_start else row["valid_from"]
            if row["valid_to"] is None or row["valid_to"] > begins:
                self._rows[row["tenant_id"]].append({**row, "begins": begins})
        # By tenant and contract (the term's start): its days of renewal, and its start.
        self._days: dict[str, dict[date, set[date]]] = {}
        for tenant, rows in self._rows.items():
            contracts = {row["term_start"] for row in rows}
            self._days[tenant] = {
                start: self._counted([row for row in rows if row["term_start"] == start]) for start in contracts
            }
            moved: dict[tuple[date, date], date] = {}
            # In the order in which the Orders took effect: if two name a date for one renewal, the later one counts.
            for takes_hold, named in orders.renewal_dates(tenant):
                coming = [
                    (day, comes_at, start)
                    for start, days in self._days[tenant].items()
                    for day in days
                    if day > takes_hold and start <= named and day != start
                    if (comes_at := self._comes(tenant, start, day)) is not None
                ]
                if coming:
                    day, _, start = min(coming)
                    moved[start, day] = named
            self._days[tenant] = {
                start: {moved.get((start, day), day) for day in days} for start, days in self._days[tenant].items()
            }

    @staticmethod
    def _row(rows: list[Row], instant: datetime) -> Row | None:
        """The row in force: of several, the one begun last."""
        holding = [row for row in rows if holds_at(row["begins"], row["valid_to"], instant)]
        return max(holding, key=lambda row: row["valid_from"]) if holding else None

    def _last(self, rows: list[Row], instant: datetime) -> Row | None:
        """The row that was in force last before an instant at which none is."""
        ends = [row["valid_to"] for row in rows if row["valid_to"] is not None and row["valid_to"] <= instant]
        return self._row(rows, max(ends) - datetime.resolution) if ends else None

    def _next(self, rows: list[Row], instant: datetime) -> Row | None:
        """The row that comes into force next after an instant at which none is."""
        begins = [row["begins"] for row in rows if row["begins"] > instant]
        return self._row(rows, min(begins)) if begins else None

    def _counted(self, rows: list[Row]) -> set[date]:
        """One contract's start and renewals, each by the length in force on its day, or the last one before it."""
        start = rows[0]["term_start"]
        days = set()
        for length in {row["term_months"] for row in rows}:
            count = 0
            while (day := plus_months(start, length * count)) < self.HORIZON:
                at = midnight(day)
                row = self._row(rows, at) or self._last(rows, at) or self._next(rows, at)
                if row is not None and row["term_months"] == length:
                    days.add(day)
                count += 1
        return days

    def _contract(self, tenant: str, instant: datetime) -> date | None:
        """The start of the contract an instant belongs to."""
        rows = self._rows.get(tenant, [])
        if (row := self._row(rows, instant)) is not None:
            return cast("date", row["term_start"])
        # Nobody's: the last contract goes on until a newer one has started.
        last, coming = self._last(rows, instant), self._next(rows, instant)
        begun = [row["term_start"] for row in (last, coming) if row and midnight(row["term_start"]) <= instant]
        return max(begun, default=None)

    def _changes(self, tenant: str) -> set[datetime]:
        """Every instant at which another contract may come into force."""
        rows = self._rows.get(tenant, [])
        instants = {at for row in rows for at in (row["begins"], row["valid_to"]) if at is not None}
        return instants | {midnight(row["term_start"]) for row in rows}

    def _comes(self, tenant: str, start: date, day: date) -> datetime | None:
        """When a renewal takes place: its contract may be displaced on the day, and back before the next one."""
        until = min((other for other in self._days[tenant][start] if other > day), default=date.max)
        instants = {midnight(day), *(at for at in self._changes(tenant) if midnight(day) < at < midnight(until))}
        return min((at for at in instants if self._contract(tenant, at) == start), default=None)

    def started(self, tenant: str, instant: datetime) -> tuple[date, bool] | None:
        """(first day, is the contract's first term) for the term an instant falls in."""
        start = self._contract(tenant, instant)
        if start is None:
            return None
        day = max(day for day in self._days[tenant][start] if midnight(day) <= instant)
        return day, day == start


def last_of_month(rows: list[Row], month: date, next_month: date) -> Row | None:
    """WAP-05, STO-03: the subscription last in force in the month; one that was taken back never was in force."""
    inside = [
        row
        for row in rows
        if row["valid_from"] < midnight(next_month)
        and (row["valid_to"] is None or row["valid_to"] > max(midnight(month), row["valid_from"]))
    ]
    end = midnight(next_month)
    return max(inside, key=lambda row: (min(row["valid_to"] or end, end), row["valid_from"])) if inside else None
