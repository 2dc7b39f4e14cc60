"""NUM-01..03 and PEN-01..02: number fees from the event log, fines passed through."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from tests.oracle.extracts import Row, read_seed
from tests.oracle.months import DAY, following, holds_at, midnight, month_of
from tests.oracle.orders import Orders
from tests.oracle.states import Records
from tests.oracle.tenancy import AccountMap
from tests.oracle.units import Unit


@dataclass(frozen=True)
class Interval:
    tenant: str
    number: str
    added: datetime
    removed: datetime | None


def e164(written: str) -> str | None:
    """+ and 7 to 15 digits, however it is written; None if it is not a number."""
    bare = "".join(sign for sign in written if not sign.isspace() and sign not in "().-")
    digits = bare.removeprefix("+")
    is_number = digits.isascii() and digits.isdigit() and 7 <= len(digits) <= 15 and digits[0] != "0"
    return f"+{digits}" if is_number else None


def intervals(events: Records) -> list[Interval]:
    """[added, removed) intervals of each number a tenant had; adding it twice changes nothing."""
    log: dict[tuple[str, str], dict[datetime, set[str]]] = defaultdict(lambda: defaultdict(set))
    for row in events.winners:
        number = e164(row["phone_number"])
        if number is not None and row["event"] in ("added", "removed"):
            log[row["tenant_id"], number][row["occurred_at"]].add(row["event"])
    found = []
    for (tenant, number), instants in log.items():
        since: datetime | None = None
        for at, said in sorted(instants.items()):
            if since is not None and "removed" in said:
                found.append(Interval(tenant, number, since, at))
                since = at if "added" in said else None
            elif since is None and said == {"added", "removed"}:
                found.append(Interval(tenant, number, at, at))
            elif since is None and "added" in said:
                since = at
        if since is not None:
            found.append(Interval(tenant, number, since, None))
    return found


# Number, tenant, reason, first day, days with a snapshot.
Difference = tuple[str, str, str, date | None, int | None]


def log_differences(events: Records, snapshots: Records, accounts: AccountMap) -> set[Difference]:
    """NUM-03: where the log and the daily snapshots of the tenants' own accounts differ."""
    held = intervals(events)
    seen: set[str] = set()
    listed: dict[tuple[str, str, date], set[str]] = defaultdict(set)
    for row in snapshots.winners:
        number, day = e164(row["phone_number"]) or row["phone_number"], row["snapshot_date"]
        seen.add(number)
        found = accounts.find("twilio", row["account_sid"], midnight(day)) if day is not None else None
        if found is not None and found[1] == "platform":
            listed[found[0], row["account_sid"], day].add(number)
    days: dict[tuple[str, str, str], set[date]] = defaultdict(set)
    for (tenant, account, day), numbers in listed.items():
        start, end = midnight(day), midnight(day + DAY)
        there = {n for (t, _, d), found in listed.items() if (t, d) == (tenant, day) for n in found}
        for interval in held:
            whole = interval.added <= start and (interval.removed is None or interval.removed >= end)
            if interval.tenant != tenant or interval.number not in seen or interval.number in there or not whole:
                continue
            homes = {a for (t, a, _), found in listed.items() if t == tenant and interval.number in found}
            if not homes or account in homes:
                days[interval.number, tenant, "number_missing_in_snapshots"].add(day)
        for number in numbers:
            mine = [i for i in held if (i.tenant, i.number) == (tenant, number)]
            had = any(i.added < end and (i.removed is None or i.removed > start) for i in mine)
            if not had and any(i.number == number for i in held):
                days[number, tenant, "number_not_active_in_log"].add(day)
    told: set[Difference] = {(*key, min(found), len(found)) for key, found in days.items()}
    holders: dict[str, set[str]] = defaultdict(set)
    shared: dict[tuple[str, str], datetime] = {}
    for one in held:
        holders[one.number].add(one.tenant)
        for other in held:
            since = max(one.added, other.added)
            ends = [at for at in (one.removed, other.removed) if at is not None]
            if one.number == other.number and one.tenant != other.tenant and (not ends or since < min(ends)):
                shared[one.number, one.tenant] = min(since, shared.get((one.number, one.tenant), since))
    told |= {(*key, "number_at_two_tenants", at.date(), None) for key, at in shared.items()}
    told |= {(n, min(t), "number_not_in_snapshots", None, None) for n, t in holders.items() if n not in seen}
    return told | {(number, "", "number_not_in_log", None, None) for number in seen - holders.keys()}


class Numbers:
    """Fees per tenant, number and month, from `first[tenant]` or its first month `invoiced` to `last`.

    A number added in the month metering `began` or later costs from then on.
    """

    def __init__(
        self,
        events: Records,
        seeds: Path,
        first: dict[str, date],
        last: date | None,
        invoiced: Mapping[str, date],
        began: date | None,
    ) -> None:
        self._events = events
        self._began = began or date.max
        self._intervals = intervals(events)
        self._regions = {row["calling_prefix"]: row["region"] for row in read_seed(seeds, "voice_prefixes")}
        # What was invoiced stays owed, whenever the first usage arrives.
        self._first = {tenant: min(month, invoiced.get(tenant, month)) for tenant, month in first.items()}
        for row in events.winners:
            # A tenant with no other data is metered from its first number event.
            if row["tenant_id"] not in first:
                month = month_of(row["occurred_at"])
                self._first[row["tenant_id"]] = min(month, self._first.get(row["tenant_id"], month))
        # An open number runs to the last month in which anything was metered, or that its tenant's own log mentions.
        self._last: dict[str, date] = {}
        for interval in self._intervals:
            ends = [month_of(at) for at in (interval.added, interval.removed) if at is not None]
            ends += [last] if last is not None else []
            ends += [
                month_of(row["occurred_at"])
                for row in events.winners
                if row["tenant_id"] == interval.tenant
                and row["event"] in ("added", "removed")
                and e164(row["phone_number"])
            ]
            self._last[interval.tenant] = max([*ends, self._last.get(interval.tenant, date.min)])

    def _price_key(self, number: str) -> str:
        if not number.startswith("+1"):
            return "international"
        return "international" if self._regions.get(number[1:5]) == "international" else "us_ca"

    def _held(self) -> dict[tuple[str, date], dict[str, datetime]]:
        """The numbers that cost something, by tenant and month, each with the day it was added."""
        held: dict[tuple[str, date], dict[str, datetime]] = defaultdict(dict)
        for interval in self._intervals:
            month = month_of(interval.added)
            if month < self._began:
                month = max(self._first[interval.tenant], month)
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
        return held

    def fees(self, orders: Orders) -> Iterator[Unit]:
        held = self._held()
        added = Counter(
            (row["tenant_id"], e164(row["phone_number"]), month_of(row["occurred_at"]))
            for row in self._events.winners
            if row["event"] == "added"
        )
        for (tenant, month), numbers in held.items():
            ranked = sorted(numbers.items(), key=lambda item: (item[1], item[0]))
            for rank, (number, since) in enumerate(ranked):
                # GEN-06: decided on the 1st, or on the day first added, if later.
                ordered = orders.included_at(tenant, "phone_number", "", max(since, midnight(month)))
                included = ordered[1] if ordered else 1
                yield Unit(
                    *("number_events", tenant, month, max(since, midnight(month)), "phone_number"),
                    self._price_key(number),
                    relief="first_number" if rank < included else "",
                    records=added[tenant, number, month],
                    clause="NUM-01",
                )

    def rest(self) -> Iterator[Unit]:
        """Log entries that cause no fee of their own."""
        held = self._held()
        for row in self._events.winners:
            month = month_of(row["occurred_at"])
            if row["event"] not in ("added", "removed"):
                fate, reason = "quarantined", "unknown_event"
            elif e164(row["phone_number"]) is None:
                fate, reason = "quarantined", "not_a_number"
            elif row["event"] == "removed":
                fate, reason = "excluded", "closes_interval"
            elif e164(row["phone_number"]) not in held[row["tenant_id"], month]:
                fate, reason = "excluded", "before_first_metered_month"
            else:
                continue
            yield Unit(
                *("number_events", row["tenant_id"], month, row["occurred_at"], "phone_number", "", 0, fate, reason)
            )


@dataclass
class Fine:
    """A notice that is billed, held or credited in a month."""

    unit: Unit
    amount: Decimal
    currency: str


@dataclass
class _Course:
    """What happened to a notice: the month that bears it, or why none does, and the month that credits it."""

    month: date
    fate: str = "countable"
    reason: str = ""
    credited: date | None = None
    clause: str = "PEN-01"
    # The state whose amount is billed and credited.
    billed: Row | None = None


def _closes(month: date) -> datetime:
    """A month closes 72 hours after its end."""
    return midnight(following(month)) + timedelta(hours=72)


def _course(row: Row, history: list[Row]) -> _Course:
    """PEN-02: the course given by a notice's states, newest first; `row` is the newest."""

    def instants(*statuses: str) -> list[datetime]:
        return sorted(state["status_at"] for state in history if state["status"] in statuses)

    if row["status"] not in ("open", "contested", "upheld", "overturned"):
        course = _Course(month_of(row["posted_at"]), "quarantined", "unknown_status")
    else:
        course = _Course(month_of(row["posted_at"]))
    disputed = next(iter(instants("contested", "overturned")), None)
    waits = disputed is not None and disputed < _closes(course.month)
    if disputed is not None and waits:
        course.clause = "PEN-02"
        decided = next((at for at in instants("upheld") if at >= disputed), None)
        if decided is not None:
            course.month, waits = month_of(decided), False
    # Only opening or upholding it again undoes an overturning.
    standing = [state["status_at"] for state in history if state["status"] not in ("contested", "overturned")]
    undone = max(standing, default=datetime.min)
    overturned = next((at for at in instants("overturned") if at >= undone), None)
    if overturned is not None and row["status"] in ("contested", "overturned"):
        # The overturning state may carry 0; the bill has the amount from before. `history` is newest first.
        before = (s for s in history if s["status"] != "overturned" and s["status_at"] <= overturned)
        course.billed = next(before, None)
        if waits or overturned < _closes(course.month):
            course.month, course.fate, course.reason = month_of(overturned), "excluded", "overturned"
        else:
            course.credited = month_of(overturned)
    elif waits and row["status"] == "contested":
        course.fate, course.reason = "quarantined", "contested_held"
    return course


def penalties(records: Records, numbers: list[Interval]) -> Iterator[Fine]:
    """PEN-01, PEN-02: every notice, for the tenant that had the number."""
    for row in records.winners:
        holders = [
            i
            for i in numbers
            if i.number == e164(row["phone_number"]) and holds_at(i.added, i.removed, row["violated_at"])
        ]
        newest = max((i.added for i in holders), default=None)
        tenant = min((i.tenant for i in holders if i.added == newest), default=None)
        course = _course(row, records.states[id(row)])
        billed = course.billed or row
        if tenant is None:
            course.fate, course.reason, course.credited = "quarantined", "unmapped_number", None
        elif Decimal(billed["amount"]) < 0 and course.reason != "unknown_status":
            course.fate, course.reason, course.credited = "quarantined", "negative_amount", None
        meter = (row["posted_at"], "carrier_penalty", row["notice_id"])
        money = (billed["amount"], billed["currency_code"].upper())
        bill = Unit(
            *("carrier_penalties", tenant, course.month, *meter, 1, course.fate, course.reason), clause=course.clause
        )
        yield Fine(bill, *money)
        if course.credited is not None:
            credit = Unit("carrier_penalties", tenant, course.credited, *meter, -1, records=0, clause="PEN-02")
            yield Fine(credit, *money)
