"""The tenants of the sample and their contract data: accounts, plans, Orders, purchases.

Only who exists and what they agreed; what they used is in bulk.py and traps.py.
"""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Any

from orchestration.settings import PROJECT_DIR

PLANS = ("business", "professional", "enterprise", "professional_ai", "enterprise_ai", "ultimate_ai")
FIRST_DAY = datetime(2023, 1, 1, tzinfo=UTC)


def hex_id(*parts: object, length: int = 32) -> str:
    """A stable id that looks like a vendor's."""
    return hashlib.sha256("|".join(map(str, parts)).encode()).hexdigest()[:length]


def iso(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True)
class Tenant:
    """One tenant of the sample; `number` counts from 1, low numbers use most."""

    number: int
    seed: int

    @property
    def tenant_id(self) -> str:
        return f"tnt_{self.number:04d}"

    @property
    def plan_id(self) -> str:
        if self.number in (7, 8):
            return "professional"
        return PLANS[self.number % len(PLANS)]

    @property
    def licences(self) -> int:
        return {7: 2, 8: 1}.get(self.number, 3 + 40 // self.number)

    @property
    def currency(self) -> str:
        return "EUR" if self.number == 11 else "USD"

    @property
    def has_whatsapp(self) -> bool:
        return self.number != 11

    @cached_property
    def account_sid(self) -> str:
        return "AC" + hex_id(self.seed, "account", self.number)

    @cached_property
    def third_party_sid(self) -> str:
        return "AC" + hex_id(self.seed, "own account", self.number)

    @cached_property
    def waba_id(self) -> str:
        return str(10**14 + int(hex_id(self.seed, "waba", self.number), 16) % 10**14)

    @cached_property
    def org_id(self) -> str:
        return hex_id(self.seed, "org", self.number, length=24)

    def phone(self, index: int = 0) -> str:
        area = ("212", "415", "646", "800")[index % 4]
        return f"+1{area}55{(self.number * 7 + index) % 100:02d}{self.number % 1000:03d}"


@dataclass
class World:
    """All contract rows of a sample by source, as flat records."""

    tenants: list[Tenant]
    months: list[date]
    records: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def add(self, source: str, **record: Any) -> dict[str, Any]:
        self.records.setdefault(source, []).append(record)
        return record

    def tenant(self, number: int) -> Tenant:
        return self.tenants[(number - 1) % len(self.tenants)]


def storage_limits() -> dict[tuple[str, str], tuple[int, int]]:
    """(plan, meter) to (base bytes, bytes per user), from the price book's own seed."""
    with (PROJECT_DIR / "seeds/terms/plan_storage_limits.csv").open(encoding="utf-8") as seed:
        return {
            (row["plan_id"], row["meter"]): (int(row["base_bytes"]), int(row["bytes_per_user"]))
            for row in csv.DictReader(seed)
        }


def build_world(tenant_count: int, months: list[date], seed: int) -> World:
    """Contract data of `tenant_count` tenants over `months` (first days)."""
    world = World([Tenant(number, seed) for number in range(1, tenant_count + 1)], months)
    known = iso(FIRST_DAY)
    for tenant in world.tenants:
        _add_tenant(world, tenant, known)
    _add_agreements(world, known)
    _add_snapshots(world)
    return world


def _add_tenant(world: World, tenant: Tenant, known: str) -> None:
    world.add(
        "tenants",
        tenant_id=tenant.tenant_id,
        name=f"Tenant {tenant.number:04d}",
        billing_currency="" if tenant.number % 3 == 0 and tenant.currency == "USD" else tenant.currency,
        bill_to_name=f"Tenant {tenant.number:04d} Inc.",
        bill_to_address=f"{tenant.number} Market Street",
        bill_to_country="DE" if tenant.currency == "EUR" else "US",
        payment_method_id=f"pm_{tenant.number:04d}",
        whatsapp_payment_method_id=f"pm_{tenant.number:04d}_wa" if tenant.number % 6 == 2 else "",
        reseller_id="rsl_01" if tenant.number % 10 == 9 else "",
        created_at=known,
        updated_at=known,
    )
    accounts = [
        ("twilio", tenant.account_sid, "platform"),
        ("kustomer", tenant.org_id, "platform"),
    ]
    if tenant.has_whatsapp:
        accounts.append(("whatsapp", tenant.waba_id, "platform"))
    if tenant.number == 4:
        accounts.append(("twilio", tenant.third_party_sid, "third_party"))
    for system, account, kind in accounts:
        world.add(
            "account_map",
            tenant_id=tenant.tenant_id,
            system=system,
            account_id=account,
            kind=kind,
            valid_from=known,
            valid_to="",
            updated_at=known,
        )
    renews_mid_october = tenant.number == 5
    intervals: list[tuple[str, int, str, str]] = [(tenant.plan_id, tenant.licences, known, "")]
    if tenant.number == 6:  # plan and licences change in the middle of the second month
        change = iso(datetime(world.months[-1].year, world.months[-1].month, 1, tzinfo=UTC) - timedelta(days=16))
        intervals = [("professional", 3, known, change), ("enterprise", 5, change, "")]
    for plan, licences, valid_from, valid_to in intervals:
        world.add(
            "subscriptions",
            tenant_id=tenant.tenant_id,
            plan_id=plan,
            full_time_licences=licences,
            term_start="2023-10-15" if renews_mid_october else "2023-01-01",
            term_months=12,
            valid_from=valid_from,
            valid_to=valid_to,
            updated_at=known,
        )
    for index in range(1 + 6 // tenant.number):
        _number_event(world, tenant, tenant.phone(index), "added", FIRST_DAY + timedelta(days=index))


def _number_event(world: World, tenant: Tenant, number: str, event: str, at: datetime) -> None:
    kind = "toll_free" if number.startswith("+1800") else "local"
    world.add(
        "number_events",
        tenant_id=tenant.tenant_id,
        phone_number=number,
        number_type=kind,
        event=event,
        occurred_at=iso(at),
        updated_at=iso(at),
    )


def _add_agreements(world: World, known: str) -> None:
    first = datetime(world.months[0].year, world.months[0].month, 1, tzinfo=UTC)
    mid_month = iso(first + timedelta(days=14, hours=12))

    def order(number: int, order_id: str, meter: str, field_name: str, value: str, start: str = known) -> None:
        world.add(
            "order_overrides",
            order_id=order_id,
            tenant_id=world.tenant(number).tenant_id,
            meter=meter,
            field=field_name,
            price_key="",
            value=value,
            valid_from=start,
            valid_to="",
            updated_at=known,
        )

    order(2, "ORD-0002", "translated_word", "unit_price", "0.0004")
    order(3, "ORD-0003", "kiq_conversation", "unit_price", "0.25")
    order(9, "ORD-0009", "whatsapp_conversation", "included_quantity", "12")
    order(10, "ORD-0010", "voice_minute", "unit_price", "0.018", mid_month)
    order(12, "ORD-0012", "translated_word", "included_quantity", "1000")
    order(13, "ORD-0013", "whatsapp_conversation", "payment_schedule", "yearly_in_advance")
    for meter in ("data", "attachment"):
        world.add(
            "storage_purchases",
            tenant_id=world.tenant(14).tenant_id,
            meter=meter,
            bytes=20 * 10**9,
            valid_from=known,
            valid_to="",
            updated_at=known,
        )
    world.add(
        "suspensions",
        tenant_id=world.tenant(15).tenant_id,
        service="Voice",
        **{"from": mid_month, "to": iso(first + timedelta(days=20))},
        updated_at=mid_month,
    )
    world.add("payments", invoice_number="MH-2024-000001", paid_at=mid_month, amount="120.50", updated_at=mid_month)


def _add_snapshots(world: World) -> None:
    """Daily storage, seat and number snapshots; the traps of STO sit in tenants 16 to 19."""
    limits = storage_limits()
    day = datetime(world.months[0].year, world.months[0].month, 1, 23, 0, tzinfo=UTC)
    last_month = world.months[-1]
    end = datetime(last_month.year + last_month.month // 12, last_month.month % 12 + 1, 1, tzinfo=UTC)
    while day < end:
        taken_at = iso(day)
        for tenant in world.tenants:
            world.add(
                "seat_snapshots",
                org_id=tenant.org_id,
                full_time_users=tenant.licences,
                taken_at=taken_at,
                updated_at=taken_at,
            )
            for meter in ("data", "attachment"):
                base, per_user = limits[tenant.plan_id, f"{meter}_storage"]
                limit = base + per_user * tenant.licences
                level = limit // 2 + tenant.number * 1000 + day.day
                if tenant.number == 16:
                    level = limit  # exactly at the limit: no block
                elif tenant.number == 17:
                    level = limit + 1  # one byte over: one block
                elif tenant.number == 18 and 10 <= day.day <= 20:
                    level = limit + 5 * 10**9  # over, but cured before the month ends
                elif tenant.number == 19:
                    level = limit - 10**9  # its sandbox, below, lifts it over
                _storage(world, tenant, "production", meter, level, taken_at)
                if tenant.number == 19:
                    _storage(world, tenant, "sandbox", meter, 3 * 10**9, taken_at)
        if day.day in (1, 15):
            for event in world.records["number_events"]:
                if event["event"] == "added":
                    owner = next(t for t in world.tenants if t.tenant_id == event["tenant_id"])
                    world.add(
                        "twilio_phone_numbers",
                        sid="PN" + hex_id("number", event["phone_number"]),
                        account_sid=owner.account_sid,
                        phone_number=event["phone_number"],
                        date_created=FIRST_DAY,
                        date_updated=FIRST_DAY,
                        snapshot_date=day.date().isoformat(),
                    )
        day += timedelta(days=1)


def _storage(world: World, tenant: Tenant, environment: str, meter: str, level: int, taken_at: str) -> None:
    world.add(
        "storage_snapshots",
        org_id=tenant.org_id,
        environment_id=f"env_{tenant.number:04d}_{environment}",
        environment=environment,
        meter=meter,
        bytes=level,
        taken_at=taken_at,
        updated_at=taken_at,
    )
