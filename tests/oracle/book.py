"""The price book from the seeds: what is in force at which time (PRC-01..06)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

from tests.oracle.extracts import Row, read_seed
from tests.oracle.months import midnight, plus_months, start_after_notice
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
    """PRC-06: each tenant's subscription terms; renewals count from the original start."""

    HORIZON = date(2036, 1, 1)

    def __init__(self, subscriptions: Records, orders: Orders) -> None:
        contracts: dict[str, dict[date, list[Row]]] = defaultdict(lambda: defaultdict(list))
        for row in subscriptions.winners:
            taken_back = row["valid_to"] is not None and row["valid_to"] <= row["valid_from"]
            if row["term_months"] > 0 and not taken_back:
                contracts[row["tenant_id"]][row["term_start"]].append(row)
        self._starts: dict[str, list[tuple[date, bool]]] = {}
        for tenant, found in contracts.items():
            starts: list[tuple[date, bool, date]] = []
            ordered = sorted(found)
            for start, after in zip(ordered, [*ordered[1:], self.HORIZON], strict=True):
                starts += [(day, day == start, after) for day in self._counted(found[start], after)]
            moved: dict[date, date] = {}
            # In the order in which the Orders took effect: if two name a date for one renewal, the later one counts.
            for takes_hold, named in orders.renewal_dates(tenant):
                renewals = [day for day, is_first, _ in starts if not is_first and day > takes_hold]
                if renewals:
                    moved[min(renewals)] = named
            placed = [(day if is_first else moved.get(day, day), is_first, after) for day, is_first, after in starts]
            # The next contract is in force by then: there is nothing left to renew.
            self._starts[tenant] = sorted((day, is_first) for day, is_first, after in placed if day < after)

    @staticmethod
    def _counted(rows: list[Row], after: date) -> list[date]:
        """A contract's start and renewals until `after`; each row's length counts from the row's beginning."""
        rows = sorted(rows, key=lambda row: row["valid_from"])
        days = set()
        for row, following_row in zip(rows, [*rows[1:], None], strict=True):
            count = 0
            while (day := plus_months(row["term_start"], row["term_months"] * count)) < after:
                begun = row is rows[0] or row["valid_from"] <= midnight(day)
                if begun and (following_row is None or midnight(day) < following_row["valid_from"]):
                    days.add(day)
                count += 1
        return sorted(days)

    def started(self, tenant: str, instant: datetime) -> tuple[date, bool] | None:
        """(first day, is the contract's first term) for the term an instant falls in."""
        begun = [term for term in self._starts.get(tenant, []) if midnight(term[0]) <= instant]
        return begun[-1] if begun else None


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
