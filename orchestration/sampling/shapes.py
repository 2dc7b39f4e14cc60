"""Flat records as their vendor really emits them: list pages, webhook envelopes, JSON:API.

The inverse of ingestion/json_records.py, and on purpose not sharing code with it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime
from email.utils import format_datetime
from typing import Any

from orchestration.sampling.world import iso

Record = dict[str, Any]

PAGE_KEYS = {
    "twilio_calls": "calls",
    "twilio_messages": "messages",
    "twilio_recordings": "recordings",
    "twilio_transcriptions": "transcriptions",
    "twilio_phone_numbers": "incoming_phone_numbers",
    "twilio_usage_records": "usage_records",
}
ATTRIBUTES = {
    "channels": "channels",
    "created_at": "createdAt",
    "ended_at": "endedAt",
    "imported_at": "importedAt",
    "spam": "spam",
    "transferred_to_agent_at": "transferredToAgentAt",
    "updated_at": "updatedAt",
    "direction": "direction",
    "channel": "channel",
    "sent_at": "sentAt",
    "assistant_type": "assistantType",
}
RELATIONSHIPS = {
    "org_id": "org",
    "customer_id": "customer",
    "conversation_id": "conversation",
    "assistant_id": "assistant",
    "merged_target_id": "mergedTarget",
}


def rfc2822(value: Any) -> Any:
    return format_datetime(value) if isinstance(value, datetime) else value


def twilio_resource(record: Record) -> Record:
    """A Twilio resource: dates RFC 2822, everything else text, `uri` and `api_version` around it."""
    resource = {key: rfc2822(value) for key, value in record.items() if key != "snapshot_date"}
    return resource | {"api_version": "2010-04-01", "uri": f"/2010-04-01/{record.get('sid', '')}.json"}


def twilio_page(source: str, records: list[Record], page: int) -> Record:
    key = PAGE_KEYS[source]
    return {
        key: [twilio_resource(record) for record in records],
        "page": page,
        "page_size": len(records),
        "next_page_uri": None,
        "uri": f"/2010-04-01/Accounts/{key}.json?Page={page}",
    }


def _seconds(value: Any) -> str | None:
    return str(int(value.timestamp())) if isinstance(value, datetime) else None


def _status(record: Record) -> Record:
    status: Record = {
        "id": record["wamid"],
        "status": record["status"],
        "timestamp": _seconds(record["timestamp"]),
        "recipient_id": record["recipient_id"],
    }
    if record.get("conversation_id"):
        conversation: Record = {"id": record["conversation_id"], "origin": {"type": record["origin_type"]}}
        if record.get("expiration_timestamp"):
            conversation["expiration_timestamp"] = _seconds(record["expiration_timestamp"])
        status["conversation"] = conversation
        status["pricing"] = {
            "billable": record["billable"],
            "pricing_model": record["pricing_model"],
            "category": record["pricing_category"],
        }
    else:
        status["errors"] = [{"code": 131047, "title": "Re-engagement message"}]
    return status


def whatsapp_envelopes(records: list[Record], rng: random.Random) -> Iterator[Record]:
    """Webhook POST bodies of one to four events each, several entries in one."""
    position = 0
    while position < len(records):
        taken = records[position : position + rng.choice((1, 2, 3, 4))]
        position += len(taken)
        entries = []
        for record in taken:
            value: Record = {"messaging_product": "whatsapp", "metadata": {"phone_number_id": "1099"}}
            if record.get("direction") == "in":
                value["messages"] = [
                    {
                        "from": record["from"],
                        "id": record["wamid"],
                        "timestamp": _seconds(record["timestamp"]),
                        "type": "text",
                        "text": {"body": "hello"},
                    }
                ]
            else:
                value["statuses"] = [_status(record)]
            entries.append({"id": record["waba_id"], "changes": [{"field": "messages", "value": value}]})
        yield {"object": "whatsapp_business_account", "entry": entries}


def json_api(source: str, record: Record) -> Record:
    """A Kustomer resource as JSON:API."""
    attributes = {ATTRIBUTES[key]: value for key, value in record.items() if key in ATTRIBUTES}
    relations = {
        RELATIONSHIPS[key]: {"data": {"type": RELATIONSHIPS[key], "id": value}}
        for key, value in record.items()
        if key in RELATIONSHIPS and value
    }
    kind = "conversation" if source == "kustomer_conversations" else "message"
    return {"type": kind, "id": record["id"], "attributes": attributes, "relationships": relations}


def analytics(source: str, record: Record) -> Record:
    key = source.removeprefix("whatsapp_")
    point = {
        name: (int(value.timestamp()) if isinstance(value, datetime) else value)
        for name, value in record.items()
        if name != "waba_id"
    }
    return {"id": record["waba_id"], key: {"data": [{"data_points": [point]}]}}


def flat(record: Record) -> Record:
    """Instants as ISO 8601, lists as JSON text, the rest as it is."""
    out: Record = {}
    for key, value in record.items():
        if isinstance(value, datetime):
            out[key] = (
                iso(value) if key not in ("timestamp", "expiration_timestamp", "start", "end") else _seconds(value)
            )
        elif isinstance(value, list):
            out[key] = "[" + ", ".join(f'"{item}"' for item in value) + "]"
        elif isinstance(value, bool):
            out[key] = "true" if value else "false"
        else:
            out[key] = value
    return out
