"""GEN-02: one winner per record, repeats counted, in whatever order they came."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.oracle.extracts import SOURCES, Row, canonical_text, read_seed

_KEYS = {
    "twilio_phone_numbers": ("account_sid", "sid", "snapshot_date"),
    "twilio_usage_records": ("account_sid", "category", "start_date", "end_date"),
    "whatsapp_webhooks": ("waba_id", "wamid", "_kind"),
    "whatsapp_conversation_analytics": (
        *("waba_id", "start", "end", "phone_number", "country"),
        *("conversation_type", "conversation_direction", "conversation_category"),
    ),
    "whatsapp_pricing_analytics": (
        *("waba_id", "start", "end", "phone_number", "country", "pricing_type", "pricing_category", "tier"),
    ),
    "kustomer_conversations": ("id",),
    "kustomer_messages": ("id",),
    "translations": ("translation_id",),
    "storage_snapshots": ("org_id", "environment_id", "meter", "taken_at"),
    "seat_snapshots": ("org_id", "taken_at"),
    "number_events": ("tenant_id", "phone_number", "number_type", "event", "occurred_at"),
    "carrier_penalties": ("notice_id",),
    "tenants": ("tenant_id",),
    "account_map": ("tenant_id", "system", "account_id", "valid_from"),
    "subscriptions": ("tenant_id", "valid_from"),
    "order_overrides": ("order_id", "tenant_id", "meter", "field", "price_key", "valid_from"),
    "storage_purchases": ("tenant_id", "meter", "valid_from"),
    "suspensions": ("tenant_id", "service", "from"),
    "payments": ("invoice_number", "paid_at", "amount"),
}
_UPDATE_TIME = {
    "whatsapp_webhooks": "timestamp",
    "carrier_penalties": "status_at",
    "twilio_usage_records": "as_of",
    # Meta gives no update time: its count for one stretch of time only grows.
    "whatsapp_conversation_analytics": "conversation",
    "whatsapp_pricing_analytics": "volume",
}
_RANKED = {
    "twilio_calls": "call",
    "twilio_messages": "message",
    "twilio_recordings": "recording",
    "twilio_transcriptions": "transcription",
    "translations": "translation",
    "carrier_penalties": "penalty",
}


def _update_time(source: str) -> str:
    if source in _UPDATE_TIME:
        return _UPDATE_TIME[source]
    return "date_updated" if source.startswith("twilio") else "updated_at"


@dataclass
class Records:
    """Winning rows of a source, all their distinct states, and their repeats."""

    winners: list[Row] = field(default_factory=list)
    states: dict[int, list[Row]] = field(default_factory=dict)
    # (winner, fate, reason) -> raw rows, one entry per kind of repeat.
    repeats: list[tuple[Row, str, str, int]] = field(default_factory=list)


def resolve(source: str, rows: list[Row], ranks: dict[tuple[str, str], int]) -> Records:
    """Collapse exact copies, then pick each key's winner."""
    update_time = _update_time(source)
    by_key: dict[tuple[Any, ...], Counter[str]] = defaultdict(Counter)
    contents: dict[str, Row] = {}
    for row in rows:
        text = canonical_text(row, source)
        contents[text] = row
        by_key[tuple(row[name] for name in _KEYS.get(source, ("sid",)))][text] += 1

    def claim(text: str) -> tuple[Any, ...]:
        row = contents[text]
        updated = row[update_time]
        rank = ranks.get((_RANKED[source], row["status"]), -1) if source in _RANKED else 0
        return (updated is not None, updated or 0, rank, hashlib.md5(text.encode()).hexdigest())

    result = Records()
    for copies in by_key.values():
        ordered = sorted(copies, key=claim, reverse=True)
        winner = contents[ordered[0]]
        result.winners.append(winner)
        result.states[id(winner)] = [contents[text] for text in ordered]
        duplicates = sum(copies.values()) - len(copies)
        if duplicates:
            result.repeats.append((winner, "duplicate", "exact_copy", duplicates))
        newest = winner[update_time]
        for text in ordered[1:]:
            updated = contents[text][update_time]
            older = updated is not None and newest is not None and updated < newest
            result.repeats.append((winner, "superseded", "newer_state" if older else "conflict", 1))
    return result


def resolve_all(landed: dict[str, list[Row]], seeds: Path) -> dict[str, Records]:
    ranks = {(r["record_type"], r["status"]): int(r["status_rank"]) for r in read_seed(seeds, "statuses")}
    return {source: resolve(source, landed[source], ranks) for source in SOURCES}
