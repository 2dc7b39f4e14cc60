"""Pricing units and drawing up lines (GEN-05..08, GEN-12, TRW-02, PRC-03, WAP-04)."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal

from tests.oracle.book import PriceBook, Terms
from tests.oracle.months import DAY, following, midnight
from tests.oracle.numbers import Fine
from tests.oracle.orders import Orders
from tests.oracle.tenancy import Tenants
from tests.oracle.units import Unit, ceil_div

_OWN_POOLS = {
    *("whatsapp_conversation", "whatsapp_message", "phone_number", "data_storage", "attachment_storage"),
    "carrier_penalty",
}


@dataclass(frozen=True, order=True)
class Line:
    """One invoice line; amounts in `currency`, quantities in the meter's unit (words, not characters)."""

    tenant: str
    month: date
    meter: str
    price_key: str
    price_id: str
    category: str
    included: int
    drawn: int
    priced: int
    unit_price: Decimal
    amount: Decimal
    currency: str
    payment_method: str
    clause: str


@dataclass
class _Group:
    """Units of one tenant, month, meter and price key at one price version."""

    price: Decimal | None
    units: list[Unit] = field(default_factory=list)


@dataclass
class Rated:
    lines: list[Line] = field(default_factory=list)
    unrated: set[tuple[str, date]] = field(default_factory=set)


class Rating:
    """Turns countable units into lines and gives each unit its final fate."""

    def __init__(
        self, book: PriceBook, orders: Orders, terms: Terms, tenants: Tenants, minor_units: dict[str, int]
    ) -> None:
        self._book, self._orders, self._terms, self._tenants = book, orders, terms, tenants
        self._minor_units = minor_units
        self._result = Rated()
        self._pooled: dict[tuple[str, date, str, str], int] = {}

    def _listed(self, unit: Unit, tenant: str, month: date, instant: datetime) -> tuple[str, Decimal] | None:
        currency = self._tenants.currency(tenant)
        if unit.meter == "translated_word":
            term = self._terms.started(tenant, instant)
            if term is None:
                return self._book.word_price(currency, lambda v: not v.never_applies and v.published <= instant.date())
            day, first = term
            if day <= (begin := self._book.word_prices_begin(currency)):
                # Begun before words had a price: the first one holds.
                return self._book.word_price(currency, lambda v: not v.never_applies and v.published == begin)
            return self._book.word_price(
                currency,
                lambda v: (
                    (v.published <= day if first else v.published < day) and (v.withdrawn is None or v.withdrawn >= day)
                ),
            )
        if unit.meter in ("whatsapp_conversation", "whatsapp_message"):
            market, category = unit.price_key.split("|")
            return self._book.card_price(
                unit.meter.removeprefix("whatsapp_"), market, category, currency, instant.date()
            )
        at_end = self._book.rules[unit.meter] == "then_current"
        return self._book.price(unit.meter, unit.price_key, currency, following(month) - DAY if at_end else month)

    def _line(self, unit: Unit, price_id: str, category: str, price: Decimal, **amounts: int | str) -> None:
        assert unit.tenant is not None and unit.month is not None
        currency, meter = self._tenants.currency(unit.tenant), str(amounts.get("meter", unit.meter))
        if currency not in self._minor_units:
            return
        priced = int(amounts["priced"])
        cent = Decimal(1).scaleb(-self._minor_units[currency])
        self._result.lines.append(
            Line(
                *(unit.tenant, unit.month, meter, unit.price_key, price_id, category),
                *(int(amounts.get("included", 0)), int(amounts.get("drawn", 0)), priced, price),
                *((price * priced).quantize(cent, ROUND_HALF_UP), currency),
                *(self._tenants.payment_method(unit.tenant, meter), str(amounts["clause"])),
            )
        )

    def rate(self, units: list[Unit]) -> Rated:
        groups: dict[tuple[str, date, str, str, str], _Group] = {}
        relieved: dict[tuple[str, date, str, str, str], list[Unit]] = defaultdict(list)
        fees: dict[tuple[str, date, str, str], tuple[Decimal, list[Unit]]] = {}
        for unit in units:
            if unit.fate != "countable":
                continue
            assert unit.tenant is not None and unit.month is not None and unit.instant is not None
            key = (unit.tenant, unit.month, unit.meter, unit.price_key)
            if unit.relief:
                relieved[*key, unit.relief].append(unit)
                continue
            ordered = self._orders.price(unit.tenant, unit.meter, unit.price_key, unit.instant)
            listed = None if ordered else self._listed(unit, unit.tenant, unit.month, unit.instant)
            price = ordered[1] if ordered else listed[1] if listed else None
            if ordered:
                price_id = f"order|{ordered[0]['order_id']}|{unit.meter}|{ordered[1]:.8f}"
            else:
                price_id = listed[0] if listed else ""
            group = groups.setdefault((*key, price_id), _Group(price))
            group.units.append(unit)
            if listed is not None and unit.meter.startswith("whatsapp_"):
                self._charge_fee(fees, unit, unit.tenant, unit.month, unit.instant)
        self._charge(groups)
        for (*_, relief), covered in relieved.items():
            quantity = sum(unit.quantity for unit in covered)
            self._line(
                *(covered[0], relief, "included", Decimal(0)),
                included=quantity,
                drawn=0 if relief == "meta_free" else quantity,
                priced=quantity,
                clause="NUM-02" if relief == "first_number" else "WAP-06",
            )
            for unit in covered:
                unit.fate, unit.reason = ("zero_rated" if relief == "meta_free" else "included"), relief
        for (*_, price_id), (price, charged) in fees.items():
            if price > 0:
                self._line(
                    charged[0], price_id, "usage", price, meter="whatsapp_fee", priced=len(charged), clause="WAP-04"
                )
        return self._result

    def _charge_fee(
        self,
        fees: dict[tuple[str, date, str, str], tuple[Decimal, list[Unit]]],
        unit: Unit,
        tenant: str,
        month: date,
        instant: datetime,
    ) -> None:
        ordered = self._orders.price(tenant, "whatsapp_fee", unit.price_key, instant)
        listed = self._book.price("whatsapp_fee", "", self._tenants.currency(tenant), month)
        if ordered:
            price_id, price = f"order|{ordered[0]['order_id']}|whatsapp_fee|{ordered[1]:.8f}", ordered[1]
        elif listed:
            price_id, price = listed
        else:
            self._result.unrated.add((tenant, month))
            return
        fees.setdefault((tenant, month, unit.price_key, price_id), (price, []))[1].append(unit)

    def _drawn(
        self, groups: dict[tuple[str, date, str, str, str], _Group]
    ) -> dict[tuple[str, date, str, str, str], int]:
        """GEN-06: what the Orders' included quantities cover of each group, unit by unit in order of time.

        Time is counted in stretches between changes of the meter's prices; in a stretch the lower key comes first.
        """
        turns: list[tuple[date, datetime, str, datetime, tuple[str, date, str, str, str], int]] = []
        for key, group in groups.items():
            tenant, month, meter, price_key, _ = key
            if meter in _OWN_POOLS or self._orders.included(tenant, meter, price_key, month) is None:
                continue
            changes = self._orders.price_changes(tenant, meter)
            for unit in group.units:
                assert unit.instant is not None
                stretch = max([midnight(month), *(at for at in changes if at <= unit.instant)])
                turns.append((month, stretch, price_key, unit.instant, key, unit.quantity))
        said: dict[tuple[str, date, str, str, str], int] = defaultdict(int)
        left: dict[tuple[str, date, str, str], int] = {}
        drawn: dict[tuple[str, date, str, str, str], int] = defaultdict(int)
        for *_, key, metered in sorted(turns):
            tenant, month, meter, price_key, _ = key
            said[key] += metered
            # A word counts where its first character is.
            quantity = metered
            if meter == "translated_word":
                quantity = ceil_div(said[key], 5) - ceil_div(said[key] - metered, 5)
            ordered = self._orders.included(tenant, meter, price_key, month)
            assert ordered is not None
            pool = (tenant, month, meter, ordered[0]["price_key"] or "")
            taken = min(quantity, left.setdefault(pool, ordered[1]))
            left[pool] -= taken
            drawn[key] += taken
        return drawn

    def _charge(self, groups: dict[tuple[str, date, str, str, str], _Group]) -> None:
        drawn_of = self._drawn(groups)
        for key, group in sorted(groups.items()):
            tenant, month, meter, price_key, price_id = key
            metered = sum(unit.quantity for unit in group.units)
            quantity = ceil_div(metered, 5) if meter == "translated_word" else metered
            ordered = None if meter in _OWN_POOLS else self._orders.included(tenant, meter, price_key, month)
            drawn = drawn_of[key]
            if group.price is None and quantity > 0:
                self._result.unrated.add((tenant, month))
            if group.price is not None and quantity > drawn:
                self._line(
                    *(group.units[0], price_id, "usage", group.price),
                    included=drawn,
                    priced=quantity - drawn,
                    clause=min(unit.clause for unit in group.units),
                )
            for unit in group.units:
                self._settle(unit, group.price, covered=drawn == quantity and ordered is not None and ordered[1] > 0)
            if drawn:
                relieved = relieved_of(group.units[0])
                self._pooled[relieved] = self._pooled.get(relieved, 0) + drawn
        for (tenant, month, meter, price_key), drawn in self._pooled.items():
            unit = Unit("", tenant, month, None, meter, price_key)
            self._line(
                *(unit, "order_pool", "included", Decimal(0)),
                included=drawn,
                drawn=drawn,
                priced=drawn,
                clause="GEN-06",
            )

    @staticmethod
    def _settle(unit: Unit, price: Decimal | None, *, covered: bool) -> None:
        if unit.source == "storage_snapshots" and unit.quantity == 0:
            unit.fate, unit.reason = "included", "within_limit"
        elif price is None:
            unit.fate, unit.reason = "quarantined", "unrated"
        elif covered:
            unit.fate, unit.reason = "included", "order_pool"
        else:
            unit.fate = "zero_rated" if price == 0 else "billed"

    def pass_through(self, fines: list[Fine]) -> None:
        """PEN-01, GEN-08: at cost, in the tenant's currency or not at all."""
        for fine in fines:
            unit = fine.unit
            if unit.fate != "countable":
                continue
            assert unit.tenant is not None and unit.month is not None
            if fine.currency != self._tenants.currency(unit.tenant):
                self._result.unrated.add((unit.tenant, unit.month))
                unit.fate, unit.reason = "quarantined", "unrated"
                continue
            self._line(
                *(unit, f"notice|{unit.price_key}", "credit" if unit.quantity < 0 else "usage", fine.amount),
                priced=unit.quantity,
                clause=unit.clause,
            )
            unit.fate = "billed"


def relieved_of(unit: Unit) -> tuple[str, date, str, str]:
    assert unit.tenant is not None and unit.month is not None
    return unit.tenant, unit.month, unit.meter, unit.price_key
