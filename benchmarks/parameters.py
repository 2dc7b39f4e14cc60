"""What the limit query and the peers get besides usage: which account is whose, prices, pools, markets.

Read from the contract files of the landing and from the price book's seeds, by the rules and without
the project's models, so that the yardstick is independent. Covers only what the benchmark's contract
data need: US dollars, no Orders, terms that renew every January.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

from orchestration.settings import PROJECT_DIR

SEEDS = PROJECT_DIR / "seeds"
Row = dict[str, str]


@dataclass
class Parameters:
    """Small tables: each a list of tuples in the order of `COLUMNS`."""

    accounts: list[tuple[str, str]] = field(default_factory=list)
    prices: list[tuple[str, str, date, Decimal]] = field(default_factory=list)
    pools: list[tuple[str, date, int]] = field(default_factory=list)
    markets: list[tuple[str, str]] = field(default_factory=list)
    area_codes: list[tuple[str, str]] = field(default_factory=list)


# Table to its columns with DuckDB types; portable enough for every peer that speaks SQL.
COLUMNS: dict[str, dict[str, str]] = {
    "accounts": {"account_id": "varchar", "tenant_id": "varchar"},
    "prices": {"meter": "varchar", "price_key": "varchar", "billing_month": "date", "unit_price": "decimal(18, 8)"},
    "pools": {"tenant_id": "varchar", "billing_month": "date", "pool_quantity": "bigint"},
    "markets": {"calling_prefix": "varchar", "market": "varchar"},
    "area_codes": {"calling_prefix": "varchar", "region": "varchar"},
}


def _rows(path: Path) -> list[Row]:
    with path.open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def _next_month(day: date) -> date:
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


def _last_published(updates: list[tuple[date, date, Row]], month: date) -> Row | None:
    """PRC-05: of those that have started, the one published last."""
    started = [(published, row) for published, effective, row in updates if effective <= month]
    return max(started, key=lambda found: found[0])[1] if started else None


def _list_prices(months: list[date]) -> list[tuple[str, str, date, Decimal]]:
    by_key: dict[tuple[str, str], list[tuple[date, date, Row]]] = {}
    for row in _rows(SEEDS / "terms" / "price_updates.csv"):
        if row["currency_code"] != "USD":
            continue
        published = max(date.fromisoformat(row["pricing_page_on"]), date.fromisoformat(row["billing_portal_on"]))
        # PRC-01: the first month that begins strictly after thirty days; words wait for a renewal instead.
        at_renewal = row["meter"] == "translated_word"
        effective = published + timedelta(days=1) if at_renewal else _next_month(published + timedelta(days=30))
        withdrawn = _day(row["withdrawn_on"])
        if withdrawn is None or withdrawn >= effective:
            by_key.setdefault((row["meter"], row["price_key"]), []).append((published, effective, row))
    prices = []
    for (meter, price_key), updates in by_key.items():
        for month in months:
            # PRC-03: what was published before the renewal on the first of January counts all year.
            found = _last_published(updates, date(month.year, 1, 1) if meter == "translated_word" else month)
            if found is not None:
                prices.append((meter, price_key, month, Decimal(found["unit_price"])))
    return prices


def _card_prices(months: list[date]) -> list[tuple[str, str, date, Decimal]]:
    cards = []
    for row in _rows(SEEDS / "terms" / "whatsapp_cards.csv"):
        if row["unit"] == "conversation" and row["currency_code"] == "USD":
            published = date.fromisoformat(row["published_on"])
            named = _day(row["named_effective_on"]) or date.min
            cards.append((published, max(_next_month(published), named), row))
    rates = _rows(SEEDS / "terms" / "whatsapp_card_rates.csv")
    prices = []
    for month in months:
        card = _last_published(cards, month)
        prices += [
            ("whatsapp_conversation", f"{rate['market']}|{rate['category']}", month, Decimal(rate["unit_price"]))
            for rate in rates
            if card is not None and rate["card_id"] == card["card_id"]
        ]
    return prices


def _pools(landing: Path, months: list[date]) -> list[tuple[str, date, int]]:
    """WAP-05: allowance of the plan times licences, as last in force in the month."""
    allowance = {
        row["plan_id"]: int(row["conversations_per_licence"])
        for row in _rows(SEEDS / "terms" / "plan_whatsapp_pools.csv")
    }
    subscriptions = sorted(_rows(landing / "subscriptions" / "all.csv"), key=lambda row: row["valid_from"])
    pools = []
    for month in months:
        last: dict[str, Row] = {}
        for row in subscriptions:
            if row["valid_from"] < _next_month(month).isoformat():
                last[row["tenant_id"]] = row
        for tenant, row in last.items():
            if size := allowance[row["plan_id"]] * int(row["full_time_licences"]):
                pools.append((tenant, month, size))
    return pools


def load_parameters(landing: Path, months: list[date]) -> Parameters:
    """Parameters for the usage of `months` under the contract files of `landing`."""
    return Parameters(
        accounts=[(row["account_id"], row["tenant_id"]) for row in _rows(landing / "account_map" / "all.csv")],
        prices=_list_prices(months) + _card_prices(months),
        pools=_pools(landing, months),
        markets=[
            (row["calling_prefix"], row["market"])
            for row in _rows(SEEDS / "reference" / "whatsapp_markets.csv")
            if not row["valid_to"]
        ],
        area_codes=[
            (row["calling_prefix"], row["region"]) for row in _rows(SEEDS / "reference" / "voice_prefixes.csv")
        ],
    )
