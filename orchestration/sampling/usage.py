"""Usage records of the sample as flat records, each with the fate a reader of the rules expects.

`Usage` collects records by source and counts expectations as (source, fate, reason); `counted`
stands for billed, included or zero-rated, which depend on prices and pools.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from orchestration.sampling.world import Tenant, World, hex_id, iso

COUNTED = ("counted", "")


@dataclass
class Trap:
    """A labelled peculiarity: where it is and what should become of it."""

    label: str
    source: str
    records: list[str]
    fate: str
    reason: str
    count: int


@dataclass
class Usage:
    """Records by (source, month of delivery), expectations and labelled traps."""

    seed: int
    records: dict[tuple[str, date], list[dict[str, Any]]] = field(default_factory=dict)
    expected: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    traps: list[Trap] = field(default_factory=list)
    serial: int = 0

    def put(
        self,
        source: str,
        month: date,
        record: dict[str, Any],
        fate: tuple[str, str] = COUNTED,
        label: str | None = None,
    ) -> dict[str, Any]:
        """Deliver `record` with the files of `month`, expecting `fate`."""
        self.records.setdefault((source, month), []).append(record)
        self.expected[(source, *fate)] += 1
        if label:
            self.label(record, source, fate, label)
        return record

    def label(self, record: dict[str, Any], source: str, fate: tuple[str, str], label: str) -> None:
        """Name a peculiarity of a record that was delivered."""
        key = str(record.get("sid") or record.get("id") or record.get("wamid") or record)
        for trap in self.traps:
            if (trap.label, trap.source, trap.fate, trap.reason) == (label, source, *fate):
                trap.records.append(key)
                trap.count += 1
                return
        self.traps.append(Trap(label, source, [key], *fate, 1))

    def next_id(self, kind: str) -> str:
        self.serial += 1
        return hex_id(self.seed, kind, self.serial)

    def call(self, tenant: Tenant, at: datetime, **changes: Any) -> dict[str, Any]:
        """A completed inbound call leg of 90 seconds, changed as asked."""
        duration = int(changes.get("duration") or 90)
        return {
            "sid": "CA" + self.next_id("call"),
            "account_sid": tenant.account_sid,
            "parent_call_sid": None,
            "from": "+13105550100",
            "to": tenant.phone(0),
            "direction": "inbound",
            "status": "completed",
            "start_time": at,
            "end_time": at + timedelta(seconds=duration),
            "duration": "90",
            "price": "-0.00850",
            "price_unit": "USD",
            "date_created": at,
            "date_updated": at + timedelta(seconds=duration + 5),
        } | changes

    def message(self, tenant: Tenant, at: datetime, **changes: Any) -> dict[str, Any]:
        """A delivered outbound SMS of one segment, changed as asked."""
        return {
            "sid": "SM" + self.next_id("message"),
            "account_sid": tenant.account_sid,
            "from": tenant.phone(0),
            "to": "+13105550101",
            "direction": "outbound-api",
            "status": "delivered",
            "num_segments": "1",
            "num_media": "0",
            "date_created": at,
            "date_sent": at,
            "date_updated": at + timedelta(seconds=3),
            "price": "-0.00750",
            "price_unit": "USD",
            "error_code": None,
        } | changes

    def status(self, tenant: Tenant, at: datetime, **changes: Any) -> dict[str, Any]:
        """A delivered WhatsApp status that opens a conversation of its own, changed as asked."""
        return {
            "waba_id": tenant.waba_id,
            "wamid": "wamid." + self.next_id("wamid").upper(),
            "status": "delivered",
            "timestamp": at,
            "recipient_id": "5511987650001",
            "conversation_id": self.next_id("whatsapp conversation"),
            "origin_type": "user_initiated",
            "expiration_timestamp": at + timedelta(hours=24),
            "pricing_model": "CBP",
            "pricing_type": None,
            "pricing_category": "user_initiated",
            "billable": True,
            "direction": "out",
            "from": None,
        } | changes

    def translation(self, tenant: Tenant, at: datetime, **changes: Any) -> dict[str, Any]:
        """A completed translation of 23 characters, changed as asked."""
        return {
            "translation_id": "trl_" + self.next_id("translation")[:24],
            "org_id": tenant.org_id,
            "user_id": f"usr_{tenant.number:04d}",
            "source_lang": "en",
            "target_lang": "de",
            "character_count": 23,
            "status": "completed",
            "requested_at": iso(at),
            "completed_at": iso(at),
            "updated_at": iso(at),
        } | changes

    def conversation(self, tenant: Tenant, at: datetime, **changes: Any) -> dict[str, Any]:
        """An ended chat conversation, changed as asked."""
        return {
            "id": self.next_id("conversation")[:24],
            "org_id": tenant.org_id,
            "customer_id": self.next_id("customer")[:24],
            "channels": ["chat"],
            "created_at": iso(at),
            "ended_at": iso(at + timedelta(minutes=30)),
            "imported_at": None,
            "spam": False,
            "merged_target_id": None,
            "transferred_to_agent_at": None,
            "updated_at": iso(at + timedelta(minutes=31)),
        } | changes

    def chat(
        self,
        tenant: Tenant,
        conversation: dict[str, Any],
        month: date,
        steps: list[tuple[datetime, str, str | None]],
        fate: tuple[str, str] = COUNTED,
        label: str | None = None,
        channel: str = "chat",
    ) -> None:
        """Messages of a conversation: (instant, in or out, assistant type)."""
        for at, direction, assistant in steps:
            self.put(
                "kustomer_messages",
                month,
                {
                    "id": self.next_id("chat message")[:24],
                    "org_id": tenant.org_id,
                    "conversation_id": conversation["id"],
                    "direction": direction,
                    "channel": channel,
                    "sent_at": iso(at),
                    "assistant_id": f"ast_{tenant.number:04d}" if assistant else None,
                    "assistant_type": assistant,
                    "updated_at": iso(at),
                },
                fate,
                label,
            )


def month_start(month: date) -> datetime:
    return datetime(month.year, month.month, month.day, tzinfo=UTC)


def next_start(month: date) -> datetime:
    return datetime(month.year + month.month // 12, month.month % 12 + 1, 1, tzinfo=UTC)


def random_instant(rng: random.Random, month: date) -> datetime:
    seconds = int((next_start(month) - month_start(month)).total_seconds())
    return month_start(month) + timedelta(seconds=rng.randrange(3600, seconds - 7200))


def add_bulk(world: World, usage: Usage, records: int, seed: int) -> None:
    """Ordinary usage: 55 % chat messages, 20 % translations, 10 % calls, 10 % texts, 5 % WhatsApp."""
    rng = random.Random(seed)
    # Tenants with labelled WhatsApp pools keep them to themselves; use is skewed like 1/rank.
    weights = [1 / tenant.number for tenant in world.tenants]
    per_month = records // len(world.months)
    for month in world.months:
        chosen = rng.choices(world.tenants, weights, k=per_month)
        done = 0
        for tenant in chosen:
            if done >= per_month:
                break
            at = random_instant(rng, month)
            draw = rng.random()
            if draw < 0.245:
                done += _bulk_chat(usage, tenant, month, at, rng)
            elif draw < 0.245 + 0.335:
                characters = rng.choice((4, 5, 6, 18, 23, 60, 140, 300))
                usage.put("translations", month, usage.translation(tenant, at, character_count=characters))
                done += 1
            elif draw < 0.245 + 0.335 + 0.168:
                done += _bulk_call(usage, tenant, month, at, rng)
            elif draw < 0.245 + 0.335 + 0.168 + 0.168 or not tenant.has_whatsapp or tenant.number in (7, 8):
                inbound = rng.random() < 0.4
                usage.put(
                    "twilio_messages",
                    month,
                    usage.message(
                        tenant,
                        at,
                        num_segments=str(rng.choice((1, 1, 1, 2, 3))),
                        **({"direction": "inbound", "status": "received"} if inbound else {}),
                    ),
                )
                done += 1
            else:
                done += _bulk_whatsapp(usage, tenant, month, at, rng)


def _bulk_chat(usage: Usage, tenant: Tenant, month: date, at: datetime, rng: random.Random) -> int:
    conversation = usage.conversation(tenant, at)
    usage.put("kustomer_conversations", month, conversation, ("excluded", "contract_data"))
    steps: list[tuple[datetime, str, str | None]] = [(at, "in", None)]
    for reply in range(rng.choice((1, 1, 2))):
        steps.append((at + timedelta(seconds=20 + 60 * reply), "out", "premium"))
        steps.append((at + timedelta(seconds=50 + 60 * reply), "in", None))
    usage.chat(tenant, conversation, month, steps)
    return len(steps)


def _bulk_call(usage: Usage, tenant: Tenant, month: date, at: datetime, rng: random.Random) -> int:
    duration = rng.choice((1, 45, 59, 60, 61, 120, 185, 600))
    outbound = rng.random() < 0.5
    changes: dict[str, Any] = {"duration": str(duration), "end_time": at + timedelta(seconds=duration)}
    if outbound:
        to = rng.choice(("+13105550102", "+14165550103", "+442071838750", "+18765550104", "+77015550105"))
        changes |= {"direction": "outbound-api", "from": tenant.phone(0), "to": to}
    else:
        changes |= {"to": tenant.phone(rng.randrange(4))}
    call = usage.put("twilio_calls", month, usage.call(tenant, at, **changes))
    if rng.random() < 0.15:
        recording = usage.put(
            "twilio_recordings",
            month,
            {
                "sid": "RE" + usage.next_id("recording"),
                "account_sid": tenant.account_sid,
                "call_sid": call["sid"],
                "duration": str(duration),
                "status": "completed",
                "start_time": at,
                "date_created": at,
                "date_updated": at + timedelta(seconds=duration + 4),
                "price": "0.0025",
                "price_unit": "USD",
            },
        )
        usage.put(
            "twilio_transcriptions",
            month,
            {
                "sid": "TR" + usage.next_id("transcription"),
                "account_sid": tenant.account_sid,
                "recording_sid": recording["sid"],
                "duration": str(duration),
                "status": "completed",
                "date_created": at,
                "date_updated": at + timedelta(seconds=60),
                "price": "0.00000",
                "price_unit": "USD",
            },
        )
        return 3
    return 1


def _bulk_whatsapp(usage: Usage, tenant: Tenant, month: date, at: datetime, rng: random.Random) -> int:
    recipient = rng.choice(("5511987650002", "4915112345678", "919812345678", "14155550106", "18765550107"))
    era = ("service", "marketing", "utility", "authentication")
    category = rng.choice(era if month >= date(2024, 11, 1) else ("user_initiated", "business_initiated", *era))
    shared: dict[str, Any] = {
        "wamid": "wamid." + usage.next_id("wamid").upper(),
        "conversation_id": usage.next_id("whatsapp conversation"),
        "recipient_id": recipient,
        "origin_type": category,
        "pricing_category": category,
        "expiration_timestamp": at + timedelta(hours=24),
    }
    statuses = ("sent", "delivered", "read")[: rng.choice((2, 3, 3))]
    for step, status in enumerate(statuses):
        expiry = {} if status == "sent" else {"expiration_timestamp": None}
        usage.put(
            "whatsapp_webhooks",
            month,
            usage.status(tenant, at + timedelta(seconds=step * 7), **{**shared, **expiry, "status": status}),
        )
    return len(statuses)
