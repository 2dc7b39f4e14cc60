"""The whole bill: raw extracts and seeds in, lines and fates out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

from tests.oracle import events, kiq
from tests.oracle.book import PriceBook, Terms
from tests.oracle.extracts import Row, read_landing, read_seed
from tests.oracle.lines import Line, Rating
from tests.oracle.months import following, midnight, month_of, plus_months
from tests.oracle.numbers import Difference, Numbers, intervals, log_differences, penalties
from tests.oracle.orders import Orders
from tests.oracle.states import Records, resolve_all
from tests.oracle.storage import Storage
from tests.oracle.tenancy import AccountMap, Tenants
from tests.oracle.units import Unit
from tests.oracle.whatsapp import WhatsApp

Fate = tuple[str, str, date | None, str, str]

# Records that are not usage: source -> (system or how the owner is named, owner column, instant column, reason).
_NO_USAGE = {
    "twilio_phone_numbers": ("twilio", "account_sid", "snapshot_date", "reconciliation_only"),
    "twilio_usage_records": ("twilio", "account_sid", "start_date", "reconciliation_only"),
    "whatsapp_conversation_analytics": ("whatsapp", "waba_id", "start", "reconciliation_only"),
    "whatsapp_pricing_analytics": ("whatsapp", "waba_id", "start", "reconciliation_only"),
    "kustomer_conversations": ("kustomer", "org_id", "created_at", "contract_data"),
    "seat_snapshots": ("kustomer", "org_id", "taken_at", "contract_data"),
    "payments": ("", "", "paid_at", "contract_data"),
    **dict.fromkeys(
        ("tenants", "account_map", "subscriptions", "order_overrides", "storage_purchases", "suspensions"),
        ("tenant", "tenant_id", "", "contract_data"),
    ),
}
# Owner and instant of a usage record, used for its repeats.
_OWN = {
    "twilio_calls": ("twilio", "account_sid", ("start_time", "date_created")),
    "twilio_messages": ("twilio", "account_sid", ("date_sent", "date_created")),
    "twilio_recordings": ("twilio", "account_sid", ("start_time", "date_created")),
    "twilio_transcriptions": ("twilio", "account_sid", ("date_created",)),
    "whatsapp_webhooks": ("whatsapp", "waba_id", ("timestamp",)),
    "kustomer_messages": ("kustomer", "org_id", ("sent_at",)),
    "translations": ("kustomer", "org_id", ("completed_at", "requested_at")),
    "storage_snapshots": ("kustomer", "org_id", ("taken_at",)),
    "number_events": ("tenant", "tenant_id", ("occurred_at",)),
    "carrier_penalties": ("", "", ("posted_at",)),
}


@dataclass
class Bill:
    """`lines` of tenant months that can be published, `fates` counting every raw row, `blocked` tenant months.

    `numbers`: differences between the number log and the snapshots.
    """

    lines: list[Line] = field(default_factory=list)
    fates: Counter[Fate] = field(default_factory=Counter)
    blocked: set[tuple[str, date]] = field(default_factory=set)
    numbers: set[Difference] = field(default_factory=set)


def _place(source: str, row: Row, accounts: AccountMap) -> tuple[str, date | None]:
    if source in _OWN:
        system, owner, columns = _OWN[source]
    else:
        system, owner, column, _ = _NO_USAGE[source]
        columns = (column,) if column else ()
    at = next((row[column] for column in columns if row[column] is not None), None)
    instant = at if at is None or isinstance(at, datetime) else midnight(at)
    month = month_of(instant) if instant else None
    if system == "tenant":
        return row[owner], month
    found = accounts.find(system, row[owner], instant) if system else None
    return (found[0] if found else ""), month


def _metered_from(
    units: list[Unit], records: dict[str, Records], accounts: AccountMap
) -> tuple[dict[str, date], date | None, date | None]:
    """First month each tenant is metered in, the last month with any data, and the month in which metering began."""
    months = [(u.tenant, u.month) for u in units if u.fate == "countable" and u.tenant and u.month]
    feeds = [("storage_snapshots", "kustomer", "org_id", "taken_at")]
    feeds.append(("twilio_phone_numbers", "twilio", "account_sid", "snapshot_date"))
    for source, system, owner, column in feeds:
        for row in records[source].winners:
            at = row[column]
            if at is not None:
                instant = at if isinstance(at, datetime) else midnight(at)
                found = accounts.find(system, row[owner], instant)
                if found is not None and found[1] == "platform":
                    months.append((found[0], month_of(instant)))
    first: dict[str, date] = {}
    for tenant, month in months:
        first[tenant] = min(month, first.get(tenant, month))
    return first, max((month for _, month in months), default=None), _began(set(months))


def _began(tenant_months: set[tuple[str, date]]) -> date | None:
    """First month of the stretch of months, none of them without usage, that holds the most tenant months."""
    counts = Counter(month for _, month in tenant_months)
    starts = [month for month in sorted(counts) if plus_months(month, -1) not in counts]

    def weight(start: date) -> int:
        return counts[start] + weight(following(start)) if start in counts else 0

    return max(starts, key=lambda start: (weight(start), -start.toordinal()), default=None)


def bill(
    landing: Path, seeds: Path, numbers_invoiced: Mapping[str, date] | None = None, first_closed: date | None = None
) -> Bill:
    """Everything that may be invoiced from the landed extracts, at the prices of the seeds' price book.

    `numbers_invoiced`: by tenant, the first month whose numbers were already invoiced. `first_closed`: the first
    month closed, if any is.
    """
    records = resolve_all(read_landing(landing), seeds)
    accounts, tenants = AccountMap(records["account_map"]), Tenants(records["tenants"])
    orders, book = Orders(records["order_overrides"], seeds), PriceBook(seeds)
    terms = Terms(records["subscriptions"], orders)
    voice = events.Voice(records["twilio_calls"], seeds, accounts)
    whatsapp = WhatsApp(
        *(records["whatsapp_webhooks"], records["subscriptions"], seeds, book, orders, accounts, tenants)
    )
    storage = Storage(
        records["storage_snapshots"],
        records["seat_snapshots"],
        records["storage_purchases"],
        records["subscriptions"],
        book,
        orders,
        accounts,
    )
    units = [
        *voice.minutes(),
        *voice.recordings(records["twilio_recordings"]),
        *voice.transcriptions(records["twilio_transcriptions"]),
        *events.text_messages(records["twilio_messages"], seeds, accounts),
        *events.translations(records["translations"], seeds, accounts),
        *kiq.conversations(records["kustomer_messages"], records["kustomer_conversations"], accounts, orders, book),
        *whatsapp.units(),
    ]
    first, last, began = _metered_from(units, records, accounts)
    numbers = Numbers(records["number_events"], seeds, first, last, numbers_invoiced or {}, first_closed or began)
    units += [*storage.units(last), *numbers.fees(orders), *numbers.rest()]
    fines = list(penalties(records["carrier_penalties"], intervals(records["number_events"])))
    minor_units = {row["currency_code"]: int(row["minor_unit"]) for row in read_seed(seeds, "currencies")}
    rating = Rating(book, orders, terms, tenants, minor_units)
    # Computed before rating gives the units their fates.
    without_pool = {
        (unit.tenant, unit.month)
        for unit in units
        if unit.source == "whatsapp_webhooks" and unit.fate == "countable" and unit.tenant and unit.month
        if whatsapp.waits_for_plan(unit.tenant, unit.month)
    }
    rated = rating.rate(units)
    rating.pass_through(fines)
    result = Bill(blocked=storage.stale | rated.unrated | without_pool)
    result.numbers = log_differences(records["number_events"], records["twilio_phone_numbers"], accounts)
    result.lines = sorted(line for line in rated.lines if (line.tenant, line.month) not in result.blocked)
    for unit in [*units, *(fine.unit for fine in fines)]:
        if unit.records:
            result.fates[unit.source, unit.tenant or "", unit.month, unit.fate, unit.reason] += unit.records
    for source, found in records.items():
        for row in found.winners if source in _NO_USAGE else []:
            tenant, month = _place(source, row, accounts)
            result.fates[source, tenant, month, "excluded", _NO_USAGE[source][3]] += 1
        for row, fate, reason, count in found.repeats:
            tenant, month = _place(source, row, accounts)
            result.fates[source, tenant, month, fate, reason] += count
    return result
