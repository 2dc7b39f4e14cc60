"""NUM-01..03 and PEN-01..02: number fees from the event log, fines passed through."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.oracle.extracts import Row, read_seed
from tests.oracle.months import following, holds_at, midnight, month_of
from tests.oracle.orders import Orders
from tests.oracle.states import Records
from tests.oracle.units import Unit


@dataclass(frozen=True)
class Interval:
    tenant: str
    number: str
    added: datetime
    removed: datetime | None


def intervals(events: Records) -> list[Interval]:
    """[added, removed) of each number a tenant had; adding it twice changes nothing."""
    log: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in events.winners:
        if row["event"] in ("added", "removed"):
            log[row["tenant_id"], row["phone_number"]].append(row)
    found = []
    for (tenant, number), rows in log.items():
        rows.sort(key=lambda row: (row["occurred_at"], row["event"] == "added"))
        since: datetime | None = None
        for row in rows:
            if row["event"] == "added" and since is None:
                since = row["occurred_at"]
            elif row["event"] == "removed" and since is not None:
                found.append(Interval(tenant, number, since, row["occurred_at"]))
                since = None
        if since is not None:
            found.append(Interval(tenant, number, since, None))
    return found


class Numbers:
    """Fees per tenant, number and month, from `first[tenant]` to `last`."""

    def __init__(self, events: Records, seeds: Path, first: dict[str, date], last: date | None) -> None:
        self._events = events
        self._intervals = intervals(events)
        self._regions = {row["calling_prefix"]: row["region"] for row in read_seed(seeds, "voice_prefixes")}
        self._first = dict(first)
        for row in events.winners:
            # A tenant nothing else is known of is metered from its first number event.
            if row["tenant_id"] not in first:
                month = month_of(row["occurred_at"])
                self._first[row["tenant_id"]] = min(month, self._first.get(row["tenant_id"], month))
        # An open number runs to the last month anything was metered in, or its tenant's own log speaks of.
        self._last: dict[str, date] = {}
        for interval in self._intervals:
            ends = [month_of(at) for at in (interval.added, interval.removed) if at is not None]
            ends += [last] if last is not None else []
            ends += [month_of(row["occurred_at"]) for row in events.winners if row["tenant_id"] == interval.tenant]
            self._last[interval.tenant] = max([*ends, self._last.get(interval.tenant, date.min)])

    def _price_key(self, number: str) -> str:
        if not number.startswith("+1"):
            return "international"
        return "international" if self._regions.get(number[1:5]) == "international" else "us_ca"

    def fees(self, orders: Orders) -> Iterator[Unit]:
        held: dict[tuple[str, date], dict[str, datetime]] = defaultdict(dict)
        for interval in self._intervals:
            month = max(self._first[interval.tenant], month_of(interval.added))
            while month <= self._last[interval.tenant]:
                if (
                    interval.removed is not None
                    and interval.removed <= midnight(month)
                    and interval.added < midnight(month)
                ):
                    break
                numbers = held[interval.tenant, month]
                numbers[interval.number] = min(interval.added, numbers.get(interval.number, interval.added))
                month = following(month)
        added = Counter(
            (row["tenant_id"], row["phone_number"], month_of(row["occurred_at"]))
            for row in self._events.winners
            if row["event"] == "added"
        )
        for (tenant, month), numbers in held.items():
            ordered = orders.included(tenant, "phone_number", "", month)
            included = ordered[1] if ordered else 1
            ranked = sorted(numbers.items(), key=lambda item: (item[1], item[0]))
            for rank, (number, since) in enumerate(ranked):
                yield Unit(
                    *("number_events", tenant, month, max(since, midnight(month)), "phone_number"),
                    self._price_key(number),
                    relief="first_number" if rank < included else "",
                    records=added[tenant, number, month],
                    clause="NUM-01",
                )

    def rest(self) -> Iterator[Unit]:
        """Log entries that make no fee of their own."""
        for row in self._events.winners:
            month = month_of(row["occurred_at"])
            if row["event"] == "removed":
                fate, reason = "excluded", "closes_interval"
            elif row["event"] != "added":
                fate, reason = "quarantined", "unknown_event"
            elif month < self._first[row["tenant_id"]]:
                fate, reason = "excluded", "before_first_metered_month"
            else:
                continue
            yield Unit(
                *("number_events", row["tenant_id"], month, row["occurred_at"], "phone_number", "", 0, fate, reason)
            )


@dataclass
class Fine:
    """A notice as it is billed, held or credited in a month."""

    unit: Unit
    amount: Decimal
    currency: str


def penalties(records: Records, numbers: list[Interval]) -> Iterator[Fine]:
    """PEN-01, PEN-02. A posting month closes 72 hours after its end."""
    for row in records.winners:
        history = records.states[id(row)]

        def instants(status: str, states: list[Row] = history) -> list[Any]:
            return [state["status_at"] for state in states if state["status"] == status]

        holders = [
            i for i in numbers if i.number == row["phone_number"] and holds_at(i.added, i.removed, row["violated_at"])
        ]
        newest = max((i.added for i in holders), default=None)
        tenant = min((i.tenant for i in holders if i.added == newest), default=None)
        posted = month_of(row["posted_at"])
        closes = midnight(following(posted)) + timedelta(hours=72)
        contested, overturned = min(instants("contested"), default=None), max(instants("overturned"), default=None)
        is_held = contested is not None and contested < closes
        never_billed = is_held or (overturned is not None and overturned < closes)
        month, fate, reason, credit = posted, "countable", "", False
        if row["status"] == "upheld" and is_held:
            month = month_of(max(instants("upheld")))
        elif row["status"] == "contested" and is_held:
            fate, reason = "quarantined", "contested_held"
        elif row["status"] == "overturned" and never_billed and overturned is not None:
            month, fate, reason = month_of(overturned), "excluded", "overturned"
        elif row["status"] == "overturned":
            credit = True
        elif row["status"] not in ("open", "contested", "upheld"):
            fate, reason = "quarantined", "unknown_status"
        if tenant is None:
            fate, reason, credit = "quarantined", "unmapped_number", False
        clause = "PEN-02" if row["status"] in ("upheld", "contested") else "PEN-01"
        common = ("carrier_penalties", tenant)
        yield Fine(
            Unit(*common, month, row["posted_at"], "carrier_penalty", row["notice_id"], 1, fate, reason, clause=clause),
            *(row["amount"], row["currency_code"]),
        )
        if credit and overturned is not None:
            yield Fine(
                Unit(
                    *(*common, month_of(overturned), row["posted_at"], "carrier_penalty", row["notice_id"], -1),
                    records=0,
                    clause="PEN-02",
                ),
                *(row["amount"], row["currency_code"]),
            )
