"""Resources as the vendors send them: Twilio's own examples with other ids and values, JSON:API beside them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from orchestration.sampling.shapes import json_api
from tests.orchestration.pulling.server import USER

PAYLOADS = Path(__file__).parent.parent / "ingestion" / "payloads" / "twilio"


def _example(name: str, list_key: str) -> dict[str, Any]:
    return dict(json.loads((PAYLOADS / name).read_text(encoding="utf-8"))[list_key][0])


_CALL = _example("calls_list_page1.json", "calls")
_MESSAGE = _example("messages_list_page1.json", "messages")
_RECORDING = _example("recordings_list.json", "recordings")
_USAGE = _example("usage_records_list.json", "usage_records")


def rfc(text: str) -> str:
    """`2024-11-05 10:00` (UTC) as Twilio writes it."""
    return format_datetime(datetime.fromisoformat(text).replace(tzinfo=UTC))


def sid(prefix: str, number: int) -> str:
    return f"{prefix}{number:032x}"


def call(number: int, at: str, **values: Any) -> dict[str, Any]:
    """A completed inbound call of two minutes begun a minute; `values` replaces fields."""
    times = {"date_created": rfc(at), "date_updated": rfc(at), "start_time": rfc(at), "end_time": rfc(at)}
    own = {"sid": sid("CA", number), "account_sid": USER, "parent_call_sid": None, "direction": "inbound"}
    numbers = {
        "from": "+13105550100",
        "to": "+12125550100",
        "duration": "61",
        "price": "-0.0170",
        "status": "completed",
    }
    return _CALL | times | own | numbers | values


def message(number: int, at: str, **values: Any) -> dict[str, Any]:
    times = {"date_created": rfc(at), "date_updated": rfc(at), "date_sent": rfc(at)}
    own = {"sid": sid("SM", number), "account_sid": USER, "status": "delivered", "direction": "outbound-api"}
    return _MESSAGE | times | own | values


def recording(number: int, at: str, **values: Any) -> dict[str, Any]:
    times = {"date_created": rfc(at), "date_updated": rfc(at), "start_time": rfc(at)}
    return _RECORDING | times | {"sid": sid("RE", number), "account_sid": USER} | values


def usage_record(category: str, day: str, **values: Any) -> dict[str, Any]:
    own = {"account_sid": USER, "category": category, "start_date": day, "end_date": day}
    return _USAGE | own | {"as_of": f"{day}T23:00:00+00:00"} | values


def conversation(number: int, at: str, **values: Any) -> dict[str, Any]:
    record = {"id": f"conv{number}", "org_id": "org", "channels": ["chat"], "created_at": at, "updated_at": at}
    return json_api("kustomer_conversations", record | values)


def conversation_message(number: int, at: str, **values: Any) -> dict[str, Any]:
    record = {"id": f"msg{number}", "org_id": "org", "conversation_id": f"conv{number}", "direction": "in"}
    return json_api("kustomer_messages", record | {"channel": "chat", "sent_at": at, "updated_at": at} | values)
