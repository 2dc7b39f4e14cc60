"""One event at a time in plain Python, as event-at-a-time rating engines do it, from gz NDJSON."""

from __future__ import annotations

import gzip
import json
import platform
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import peer_io

landing, parameters, out = peer_io.arguments()
started = time.perf_counter()
tenants = peer_io.accounts(parameters)
codes = peer_io.area_codes(parameters)
markets = peer_io.market_prefixes(parameters)
pools = peer_io.pools(parameters)
usage: Counter[peer_io.Key] = Counter()
BILLABLE = {"received", "sent", "delivered", "undelivered", "read", "partially_delivered"}


def events(source: str) -> Iterator[dict[str, Any]]:
    for path in sorted((landing / source).glob("*bulk*.ndjson.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                yield json.loads(line)


asked: dict[str, str] = {}
replied: dict[str, tuple[str, str]] = {}
for event in events("kustomer_messages"):
    key, at = event["conversation_id"], event["sent_at"]
    if event["direction"] == "in":
        if key not in asked or at < asked[key]:
            asked[key] = at
    elif event["assistant_type"] == "premium" and (key not in replied or at < replied[key][0]):
        replied[key] = (at, event["org_id"])
for conversation, (at, org) in replied.items():
    if conversation in asked and at > asked[conversation]:
        usage[tenants[org], at[:7], "kiq_conversation", "", False] += 1
asked.clear()
replied.clear()

seen: set[str] = set()
characters: Counter[tuple[str, str]] = Counter()
for event in events("translations"):
    if event["status"] == "completed" and event["translation_id"] not in seen:
        seen.add(event["translation_id"])
        characters[tenants[event["org_id"]], event["completed_at"][:7]] += event["character_count"]
for (tenant, month), count in characters.items():
    usage[tenant, month, "translated_word", "", False] = (count + 4) // 5

seen.clear()
for event in events("twilio_calls"):
    duration = int(event["duration"] or 0)
    if event["status"] == "completed" and duration > 0 and event["sid"] not in seen:
        seen.add(event["sid"])
        price_key = peer_io.voice_key(event["direction"] == "inbound", event["to"][:5], codes)
        month = event["start_time"][:7]
        usage[tenants[event["account_sid"]], month, "voice_minute", price_key, False] += (duration + 59) // 60

seen.clear()
for event in events("twilio_messages"):
    if event["num_media"] == "0" and event["status"] in BILLABLE and event["sid"] not in seen:
        seen.add(event["sid"])
        price_key = "inbound" if event["direction"] == "inbound" else "outbound"
        month = event["date_sent"][:7]
        usage[tenants[event["account_sid"]], month, "sms_segment", price_key, False] += int(event["num_segments"])

seen.clear()
draws: dict[tuple[str, str], list[tuple[int, str, str]]] = {}
expires: dict[str, tuple[int, str, str, str]] = {}
for event in events("whatsapp_webhooks"):
    if event["status"] in ("delivered", "read") and event["billable"]:
        key = event["conversation_id"]
        expiry = int(event["expiration_timestamp"])
        if key not in expires or expiry < expires[key][0]:
            market = markets[event["recipient_id"][:4]]
            expires[key] = (expiry, event["waba_id"], market, event["pricing_category"])
for key, (expiry, waba, market, category) in expires.items():
    opening = expiry - 86_400
    month = datetime.fromtimestamp(opening, UTC).strftime("%Y-%m")
    tenant = tenants[waba]
    if category in ("user_initiated", "service"):
        draws.setdefault((tenant, month), []).append((opening, key, f"{market}|{category}"))
    else:
        usage[tenant, month, "whatsapp_conversation", f"{market}|{category}", False] += 1
for (tenant, month), asked_for in draws.items():
    size = pools.get((tenant, month), 0)
    for rank, draw in enumerate(sorted(asked_for)):
        usage[tenant, month, "whatsapp_conversation", draw[2], rank < size] += 1

lines = peer_io.rated(usage.items(), peer_io.prices(parameters))
seconds = time.perf_counter() - started
peer_io.finish(out, lines, seconds, version=platform.python_version(), reads="gz NDJSON")
