"""WAP-01..08: conversations, messages, markets and the pool."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.oracle.book import PriceBook, last_of_month
from tests.oracle.extracts import Row, read_seed
from tests.oracle.months import following, month_of
from tests.oracle.orders import Orders
from tests.oracle.states import Records
from tests.oracle.tenancy import AccountMap, Tenants
from tests.oracle.units import Unit, judged

_DAY = timedelta(hours=24)
_MESSAGE_ERA = datetime(2025, 7, 1)


@dataclass
class _Sent:
    """What the statuses of one outbound message say in combination."""

    waba: str
    wamid: str
    rows: list[Row]

    def greatest(self, column: str) -> Any:
        return max((row[column] for row in self.rows if row[column] is not None), default=None)

    def earliest(self, *statuses: str) -> datetime | None:
        return min((row["timestamp"] for row in self.rows if row["status"] in statuses), default=None)

    @property
    def category(self) -> str | None:
        found = self.greatest("pricing_category") or self.greatest("origin_type")
        return str(found).lower().replace("-", "_") if found else None

    @property
    def is_free_entry(self) -> bool:
        """WAP-01, in either era: the origin decides, whatever category the pricing names."""
        return "referral_conversion" in (self.greatest("origin_type"), self.category)

    @property
    def model(self) -> str | None:
        found = self.greatest("pricing_model")
        return str(found).upper() if found else None

    @property
    def progress(self) -> datetime | None:
        return self.earliest("sent", "delivered", "read")

    @property
    def first_seen(self) -> datetime:
        first: datetime = min(row["timestamp"] for row in self.rows)
        return first

    @property
    def is_delivered(self) -> bool:
        return self.earliest("delivered", "read") is not None

    @property
    def is_unbillable(self) -> bool:
        return any(row["billable"] is False for row in self.rows)


@dataclass
class _Candidate:
    """A WhatsApp unit on its way to relief and price."""

    unit: Unit
    waba: str
    id: str
    customer: str
    category: str | None
    is_meta_free: bool


class WhatsApp:
    """All WhatsApp units of the landed extracts, with relief by Meta and by the pool."""

    def __init__(
        self,
        events: Records,
        subscriptions: Records,
        seeds: Path,
        book: PriceBook,
        orders: Orders,
        accounts: AccountMap,
        tenants: Tenants,
    ) -> None:
        self._rows = events.winners
        self._book, self._orders, self._accounts, self._tenants = book, orders, accounts, tenants
        self._markets = [
            (row["calling_prefix"], row["market"], row["valid_from"], row["valid_to"])
            for row in read_seed(seeds, "whatsapp_markets")
        ]
        self._subscriptions: dict[str, list[Row]] = defaultdict(list)
        for row in subscriptions.winners:
            self._subscriptions[row["tenant_id"]].append(row)

    def _market(self, recipient: str | None, on: date) -> str:
        digits, day = (recipient or "").lstrip("+"), on.isoformat()
        matching = [
            (len(prefix), market)
            for prefix, market, start, end in self._markets
            if digits.startswith(prefix) and start <= day and (not end or day < end)
        ]
        return max(matching)[1] if matching else "Other"

    def _candidates(self) -> Iterator[_Candidate]:
        sent: dict[tuple[str, str], list[Row]] = defaultdict(list)
        for row in self._rows:
            if (row["direction"] or "out") != "in":
                sent[row["waba_id"], row["wamid"]].append(row)
        opened: dict[tuple[str, str], list[_Sent]] = defaultdict(list)
        for (waba, wamid), rows in sent.items():
            message = _Sent(waba, wamid, rows)
            conversation = message.greatest("conversation_id")
            model = message.model or ("CBP" if message.first_seen < _MESSAGE_ERA else "PMP")
            if conversation is not None and model == "CBP":
                opened[waba, conversation].append(message)
            else:
                yield self._message(message)
        for (waba, conversation), messages in opened.items():
            yield self._conversation(waba, conversation, messages)

    def _judge(
        self, waba: str, id: str, meter: str, instant: datetime, recipient: str | None, category: str | None,
        delivered: bool, records: int, lacks_conversation: bool, is_meta_free: bool,
    ) -> _Candidate:  # fmt: skip
        fate, reason = "countable", ""
        if not delivered:
            fate, reason = "excluded", "not_delivered"
        elif lacks_conversation:
            fate, reason = "quarantined", "missing_conversation"
        elif category is None:
            fate, reason = "quarantined", "missing_pricing_category"
        elif category not in self._book.initiated_by:
            fate, reason = "quarantined", "unknown_category"
        tenant, fate, reason = judged(self._accounts.find("whatsapp", waba, instant), fate, reason)
        market = self._market(recipient, instant.date())
        unit = Unit(
            *("whatsapp_webhooks", tenant, month_of(instant), instant, meter, f"{market}|{category or ''}"),
            *(1, fate, reason),
            records=records,
            clause="WAP-03" if meter == "whatsapp_message" else "WAP-02",
        )
        return _Candidate(unit, waba, id, (recipient or "").lstrip("+"), category, is_meta_free)

    def _conversation(self, waba: str, id: str, messages: list[_Sent]) -> _Candidate:
        category = max((m.category for m in messages if m.category is not None), default=None)
        if any(m.is_free_entry for m in messages):
            category = "referral_conversion"
        expiries = [e for m in messages for e in [row["expiration_timestamp"] for row in m.rows] if e is not None]
        free_entry = category == "referral_conversion"
        if expiries:
            instant = min(expiries) - (3 * _DAY if free_entry else _DAY)
        else:
            progress = [m.progress for m in messages if m.progress is not None]
            instant = min(progress) if progress else min(m.first_seen for m in messages)
        first = min(messages, key=lambda m: m.progress or m.first_seen)
        return self._judge(
            *(waba, id, "whatsapp_conversation", instant, first.greatest("recipient_id"), category),
            *(any(m.is_delivered for m in messages), sum(len(m.rows) for m in messages), False),
            any(m.is_unbillable for m in messages) or free_entry,
        )

    def _message(self, message: _Sent) -> _Candidate:
        instant = message.earliest("delivered") or message.earliest("read") or message.first_seen
        free = message.is_unbillable or str(message.greatest("pricing_type") or "").lower().startswith("free")
        free = free or message.is_free_entry
        return self._judge(
            *(message.waba, message.wamid, "whatsapp_message", instant, message.greatest("recipient_id")),
            *(message.category, message.is_delivered, len(message.rows), message.model == "CBP", free),
        )

    def _asked_price(self, candidate: _Candidate) -> Decimal:
        """The price a message would have: the Order's, else card plus fee (WAP-04)."""
        unit = candidate.unit
        assert unit.tenant is not None and unit.instant is not None and unit.month is not None
        ordered = self._orders.price(unit.tenant, unit.meter, unit.price_key, unit.instant)
        if ordered is not None:
            return ordered[1]
        currency = self._tenants.currency(unit.tenant)
        market = unit.price_key.split("|")[0]
        card = self._book.card_price("message", market, candidate.category or "", currency, unit.instant.date())
        if card is None:
            return Decimal(0)
        ordered_fee = self._orders.price(unit.tenant, "whatsapp_fee", unit.price_key, unit.instant)
        listed_fee = self._book.price("whatsapp_fee", "", currency, unit.month)
        fee = ordered_fee[1] if ordered_fee else listed_fee[1] if listed_fee else Decimal(0)
        return card[1] + fee

    def _windows(self, candidates: list[_Candidate]) -> dict[str, tuple[str, date, datetime, str, list[_Candidate]]]:
        """WAP-08: window id -> tenant, month, opening, WABA, the user-initiated messages inside."""
        wrote: dict[tuple[str, str], list[datetime]] = defaultdict(list)
        for row in self._rows:
            if row["direction"] == "in" and row["from"] is not None:
                wrote[row["waba_id"], row["from"].lstrip("+")].append(row["timestamp"])
        # A pool is a tenant's (WAP-05), so a window is too: no other tenant's message lies in it.
        answered: dict[tuple[str, str, str], list[_Candidate]] = defaultdict(list)
        for candidate in candidates:
            unit = candidate.unit
            by_user = self._book.initiated_by.get(candidate.category or "") == "user"
            if unit.meter == "whatsapp_message" and unit.fate == "countable" and by_user:
                assert unit.tenant is not None
                answered[candidate.waba, candidate.customer, unit.tenant].append(candidate)
        windows: dict[str, tuple[str, date, datetime, str, list[_Candidate]]] = {}
        for (waba, customer, tenant), messages in answered.items():
            asked = wrote[waba, customer]
            opened: datetime | None = None
            openings: list[datetime] = []
            for at in sorted({m.unit.instant for m in messages if m.unit.instant is not None}):
                is_answer = any(at - _DAY <= said < at for said in asked)
                if is_answer and (opened is None or at >= opened + _DAY):
                    opened = at
                    openings.append(at)
            for at in openings:
                inside = [m for m in messages if m.unit.instant is not None and at <= m.unit.instant < at + _DAY]
                windows[f"{waba}|{customer}|{at}"] = (tenant, month_of(at), at, waba, inside)
        return windows

    def waits_for_plan(self, tenant: str, month: date) -> bool:
        """Whether the pool belongs to an unknown plan."""
        last = last_of_month(self._subscriptions[tenant], month, following(month))
        unknown = last is not None and not self._book.knows_plan(last["plan_id"])
        return unknown and self._orders.included(tenant, "whatsapp_conversation", "", month) is None

    def _pool(self, tenant: str, month: date) -> int:
        """WAP-05, WAP-07: no proration, nothing carried over."""
        ordered = self._orders.included(tenant, "whatsapp_conversation", "", month)
        if ordered is not None:
            return ordered[1]
        last = last_of_month(self._subscriptions[tenant], month, following(month))
        return last["full_time_licences"] * self._book.pool_per_licence(last["plan_id"], month) if last else 0

    def units(self) -> Iterator[Unit]:
        candidates = list(self._candidates())
        windows = self._windows(candidates)
        # (tenant, month) -> candidates for a place: opening, id, WABA, the units it would relieve.
        asking: dict[tuple[str, date], list[tuple[datetime, str, str, list[Unit]]]] = defaultdict(list)
        for candidate in candidates:
            unit = candidate.unit
            if unit.fate != "countable":
                continue
            if candidate.is_meta_free:
                unit.relief = "meta_free"
            elif unit.meter == "whatsapp_conversation" and self._book.initiated_by[candidate.category or ""] == "user":
                assert unit.tenant is not None and unit.month is not None and unit.instant is not None
                asking[unit.tenant, unit.month].append((unit.instant, candidate.id, candidate.waba, [unit]))
        for id, (tenant, month, opened, waba, inside) in windows.items():
            priced = [m for m in inside if not m.is_meta_free]
            switched_on = (self._book.setting("message_era_pool", month) or "").lower() == "true"
            if switched_on and any(self._asked_price(m) > 0 for m in priced):
                asking[tenant, month].append((opened, id, waba, [m.unit for m in priced]))
        for (tenant, month), queue in asking.items():
            queue.sort(key=lambda place: place[:3])
            for _, _, _, relieved in queue[: self._pool(tenant, month)]:
                for unit in relieved:
                    unit.relief = "pool"
        yield from (candidate.unit for candidate in candidates)
        for row in self._rows:
            if row["direction"] == "in":
                at = row["timestamp"]
                found = self._accounts.find("whatsapp", row["waba_id"], at)
                tenant_, fate, reason = judged(found, "excluded", "inbound_message")
                yield Unit("whatsapp_webhooks", tenant_, month_of(at), at, "whatsapp_message", "", 1, fate, reason)
