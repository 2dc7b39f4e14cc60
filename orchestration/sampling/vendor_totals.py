"""What Twilio and Meta say was used: their own totals of the sample's usage, worked out from its records alone.

Written after all usage is there. Nothing here knows how the models count, so that totals which agree say something.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from orchestration.sampling.usage import Usage, month_start, next_start
from orchestration.sampling.world import World

ONLY = ("excluded", "reconciliation_only")
# A day of the account's time zone, three hours behind UTC, begins so much later.
WABA_OFFSET = timedelta(hours=3)
# Of one category in the last month the vendor counted this much more: use that never landed.
NEVER_LANDED = "vendor counted more than landed"
MORE_BY_PERCENT = 5


def add_vendor_totals(world: World, usage: Usage) -> None:
    """Totals of the first tenant's accounts: of Twilio's by the UTC day, of Meta's by the month of its time zone."""
    tenant = world.tenant(1)
    for (category, unit, day), quantity in sorted(_twilio_days(usage, tenant.account_sid).items()):
        month = day.replace(day=1)
        if month in world.months:
            usage.put(
                "twilio_usage_records", month, _usage_record(tenant.account_sid, category, unit, day, quantity), ONLY
            )
    _count_more(world, usage, tenant.account_sid)
    opened = _conversations_opened(usage, tenant.waba_id)
    for month in world.months:
        start, end = month_start(month) + WABA_OFFSET, next_start(month) + WABA_OFFSET
        point = {"waba_id": tenant.waba_id, "start": start, "end": end, "country": "BR", "cost": "1.2500"}
        conversations = sum(start <= at < end for at in opened)
        usage.put(
            "whatsapp_conversation_analytics",
            month,
            point | {"conversation": conversations, "conversation_category": "SERVICE"},
            ONLY,
        )
        # Priced by the message is none of the sample's.
        usage.put(
            "whatsapp_pricing_analytics",
            month,
            point | {"cost": "0", "volume": 0, "pricing_category": "UTILITY", "pricing_type": "REGULAR"},
            ONLY,
        )


def _twilio_days(usage: Usage, account_sid: str) -> Counter[tuple[str, str, date]]:
    """Billed minutes, segments and messages by (category, unit, UTC day) of the account."""
    found: Counter[tuple[str, str, date]] = Counter()
    for call in _last_states(usage, "twilio_calls", account_sid):
        seconds = int(call["duration"] or 0)
        if call["status"] != "completed" or not seconds or "client:" in f"{call['from']}{call['to']}":
            continue
        way = "inbound" if call["direction"] == "inbound" else "outbound"
        found[f"calls-{way}", "minutes", _day(call["start_time"])] += -(-seconds // 60)
    for text in _last_states(usage, "twilio_messages", account_sid):
        if text["status"] not in ("received", "sent", "delivered", "undelivered", "read"):
            continue
        way = "inbound" if text["direction"] == "inbound" else "outbound"
        is_mms = int(text["num_media"] or 0) > 0
        quantity = 1 if is_mms else int(text["num_segments"] or 0)
        found[f"{'mms' if is_mms else 'sms'}-{way}", "messages", _day(text["date_sent"])] += quantity
    return found


def _last_states(usage: Usage, source: str, account_sid: str) -> list[dict[str, Any]]:
    """Of each sid of the account the state that was updated last."""
    last: dict[str, dict[str, Any]] = {}
    for (of_source, _), rows in sorted(usage.records.items()):
        for row in rows if of_source == source else ():
            if row["account_sid"] != account_sid:
                continue
            known = last.get(row["sid"])
            if known is None or known["date_updated"] < row["date_updated"]:
                last[row["sid"]] = row
    return list(last.values())


def _conversations_opened(usage: Usage, waba_id: str) -> list[datetime]:
    """When each delivered conversation of the account was opened: a day before it expires."""
    expiry: dict[str, datetime] = {}
    delivered: set[str] = set()
    for (source, _), rows in usage.records.items():
        for row in rows if source == "whatsapp_webhooks" else ():
            if row["waba_id"] != waba_id or not row.get("conversation_id"):
                continue
            if row["expiration_timestamp"] is not None:
                expiry[row["conversation_id"]] = row["expiration_timestamp"]
            if row["status"] in ("delivered", "read"):
                delivered.add(row["conversation_id"])
    return [expiry[conversation] - timedelta(hours=24) for conversation in delivered]


def _usage_record(account_sid: str, category: str, unit: str, day: date, quantity: int) -> dict[str, Any]:
    return {
        "account_sid": account_sid,
        "category": category,
        "start_date": day.isoformat(),
        "end_date": day.isoformat(),
        "count": str(quantity),
        "usage": str(quantity),
        "usage_unit": unit,
        "price": f"{quantity * Decimal('0.0085'):.5f}",
        "price_unit": "usd",
        "as_of": (datetime(day.year, day.month, day.day, 12, tzinfo=UTC) + timedelta(days=2)).isoformat(),
    }


def _count_more(world: World, usage: Usage, account_sid: str) -> None:
    """The trap: texts that Twilio counted on the last day of the sample and nobody delivered."""
    rows = usage.records.get(("twilio_usage_records", world.months[-1]), [])
    of_category = [row for row in rows if row["category"] == "sms-outbound" and row["account_sid"] == account_sid]
    if not of_category:
        return
    last = of_category[-1]
    more = max(1, sum(int(row["usage"]) for row in of_category) * MORE_BY_PERCENT // 100)
    last["usage"] = last["count"] = str(int(last["usage"]) + more)
    usage.label(last, "twilio_usage_records", ONLY, NEVER_LANDED)


def _day(at: datetime) -> date:
    return at.astimezone(UTC).date()
