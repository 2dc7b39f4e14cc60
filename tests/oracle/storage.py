"""STO-01..05: bytes at month end against the limit, in whole blocks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime, timedelta

from tests.oracle.book import PriceBook
from tests.oracle.extracts import Row
from tests.oracle.months import DAY, following, holds_at, last_instant, midnight, month_of
from tests.oracle.orders import Orders
from tests.oracle.states import Records
from tests.oracle.tenancy import AccountMap
from tests.oracle.units import Unit, ceil_div, judged

_FRESH = timedelta(hours=48)


class Storage:
    """Storage blocks per tenant, meter and month; `stale` names tenant months that cannot be published."""

    def __init__(
        self,
        snapshots: Records,
        seats: Records,
        purchases: Records,
        subscriptions: Records,
        book: PriceBook,
        orders: Orders,
        accounts: AccountMap,
    ) -> None:
        self._snapshots, self._seats, self._purchases = snapshots.winners, seats.winners, purchases.winners
        self._subscriptions, self._book, self._orders = subscriptions.winners, book, orders
        self._accounts = accounts
        self.stale: set[tuple[str, date]] = set()

    def _seats_at(self, tenant: str, month: date, holding: set[str]) -> tuple[int, bool, bool] | None:
        """(full-time users, stale, known for all orgs `holding` bytes), by each org's last seat snapshot by then."""
        end = midnight(following(month))
        last: dict[str, Row] = {}
        for row in sorted(self._seats, key=lambda row: row["taken_at"]):
            if row["taken_at"] < end:
                last[row["org_id"]] = row
        mine = [
            row
            for org, row in last.items()
            if self._accounts.find("kustomer", org, last_instant(month)) == (tenant, "platform")
        ]
        if not mine:
            return None
        stale = any(row["full_time_users"] > 0 and row["taken_at"] < end - _FRESH for row in mine)
        complete = holding <= {row["org_id"] for row in mine}
        return sum(row["full_time_users"] for row in mine), stale, complete

    def _limit(self, tenant: str, meter: str, month: date, holding: set[str]) -> tuple[int, bool]:
        """(limit in bytes, whether the seats it rests on are stale)."""
        last_day = following(month) - DAY
        at_end = [
            row
            for row in self._subscriptions
            if row["tenant_id"] == tenant and holds_at(row["valid_from"], row["valid_to"], last_instant(month))
        ]
        subscription = max(at_end, key=lambda row: row["valid_from"], default=None)
        plan = self._book.storage_limit(subscription["plan_id"], meter, last_day) if subscription else None
        seats = self._seats_at(tenant, month, holding)
        stale = seats[1] or (plan is not None and not seats[2]) if seats else plan is not None
        limit = plan[0] + plan[1] * (seats[0] if seats else 0) if plan else 0
        limit += sum(
            row["bytes"]
            for row in self._purchases
            if row["tenant_id"] == tenant
            and meter in (row["meter"], f"{row['meter']}_storage")
            and holds_at(row["valid_from"], row["valid_to"], last_instant(month))
        )
        ordered = self._orders.included(tenant, meter, "", month)
        if ordered is None and subscription is not None and not self._book.knows_plan(subscription["plan_id"]):
            stale = True
        return (ordered[1] if ordered else limit), stale

    def _months(self, newest: date | None) -> list[date]:
        """Months to measure: those with any snapshot, and all between the first of them and `newest`."""
        months = {month_of(row["taken_at"]) for row in self._snapshots}
        month = min(months, default=date.max)
        while newest is not None and month < newest:
            months.add(month)
            month = following(month)
        return sorted(months)

    def units(self, newest: date | None) -> Iterator[Unit]:
        """Blocks per tenant month; `newest` is the last month with any data, which may still be running."""
        months = self._months(newest)
        by_environment: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
        for row in self._snapshots:
            by_environment[row["org_id"], row["environment_id"], row["meter"]].append(row)
        levels: dict[tuple[str, str, date], list[tuple[int, datetime, bool]]] = defaultdict(list)
        holding: dict[tuple[str, date], set[str]] = defaultdict(set)
        deciding: set[int] = set()
        left: set[int] = set()
        for rows in by_environment.values():
            rows.sort(key=lambda row: row["taken_at"])
            for month in months:
                before = [row for row in rows if row["taken_at"] < midnight(following(month))]
                if not before:
                    continue
                last = before[-1]
                fresh_month = month_of(last["taken_at"]) == month
                found = self._accounts.find("kustomer", last["org_id"], last_instant(month))
                if found is None or found[1] != "platform":
                    left.update({id(last)} if fresh_month else ())
                    continue
                if not fresh_month and last["bytes"] == 0:
                    continue
                if last["bytes"] > 0:
                    holding[found[0], month].add(last["org_id"])
                if fresh_month:
                    deciding.add(id(last))
                levels[found[0], f"{last['meter']}_storage", month].append(
                    (last["bytes"], last["taken_at"], fresh_month)
                )
        for (tenant, meter, month), held in levels.items():
            limit, stale = self._limit(tenant, meter, month, holding[tenant, month])
            if stale or any(size > 0 and taken < midnight(following(month)) - _FRESH for size, taken, _ in held):
                self.stale.add((tenant, month))
            excess = max(0, sum(size for size, _, _ in held) - limit)
            block = self._book.storage_block(meter, following(month) - DAY)
            yield Unit(
                *("storage_snapshots", tenant, month, last_instant(month), meter, "", ceil_div(excess, block)),
                records=sum(1 for _, _, fresh in held if fresh),
                clause="STO-04",
            )
        for row in self._snapshots:
            if id(row) in deciding:
                continue
            at = row["taken_at"]
            found = self._accounts.find("kustomer", row["org_id"], at)
            why = "left_before_month_end" if id(row) in left else "not_month_end"
            tenant_, fate, reason = judged(found, "excluded", why)
            meter = f"{row['meter']}_storage"
            yield Unit("storage_snapshots", tenant_, month_of(at), at, meter, "", 0, fate, reason)
