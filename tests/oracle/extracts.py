"""Reading flat CSV extracts: every row typed, with its source. Each file's content counts once."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

Row = dict[str, Any]

# The columns of each source, in the order of its canonical row; '*' marks the type.
_COLUMNS = {
    "twilio_calls": "sid account_sid parent_call_sid from to direction status start_time:t end_time:t duration:i "
    "price:d price_unit date_created:t date_updated:t",
    "twilio_messages": "sid account_sid from to direction status num_segments:i num_media:i date_created:t "
    "date_sent:t date_updated:t price:d price_unit error_code",
    "twilio_recordings": "sid account_sid call_sid duration:i status start_time:t date_created:t date_updated:t "
    "price:d price_unit",
    "twilio_transcriptions": "sid account_sid recording_sid duration:i status date_created:t date_updated:t "
    "price:d price_unit",
    "twilio_phone_numbers": "sid account_sid phone_number date_created:t date_updated:t snapshot_date:y",
    "twilio_usage_records": "account_sid category start_date:y end_date:y count:d usage:d usage_unit price:d "
    "price_unit as_of:t",
    "whatsapp_webhooks": "waba_id wamid status timestamp:u recipient_id conversation_id origin_type "
    "expiration_timestamp:u pricing_model pricing_type pricing_category billable:b direction from _kind",
    "whatsapp_conversation_analytics": "waba_id start:u end:u phone_number country conversation_type "
    "conversation_direction conversation_category conversation:i cost:d",
    "whatsapp_pricing_analytics": "waba_id start:u end:u phone_number country pricing_type pricing_category tier "
    "volume:i cost:d",
    "kustomer_conversations": "id org_id customer_id channels created_at:t ended_at:t imported_at:t spam:b "
    "merged_target_id transferred_to_agent_at:t updated_at:t",
    "kustomer_messages": "id org_id conversation_id direction channel sent_at:t assistant_id assistant_type "
    "updated_at:t",
    "translations": "translation_id org_id user_id source_lang target_lang character_count:i status requested_at:t "
    "completed_at:t updated_at:t",
    "storage_snapshots": "org_id environment_id environment meter bytes:i taken_at:t updated_at:t",
    "seat_snapshots": "org_id full_time_users:i taken_at:t updated_at:t",
    "number_events": "tenant_id phone_number number_type event occurred_at:t updated_at:t",
    "carrier_penalties": "notice_id phone_number amount:d currency_code violated_at:t posted_at:t status status_at:t "
    "updated_at:t",
    "tenants": "tenant_id name billing_currency bill_to_name bill_to_address bill_to_country payment_method_id "
    "whatsapp_payment_method_id reseller_id created_at:t updated_at:t",
    "account_map": "tenant_id system account_id kind valid_from:t valid_to:t updated_at:t",
    "subscriptions": "tenant_id plan_id full_time_licences:i term_start:y term_months:i valid_from:t valid_to:t "
    "updated_at:t",
    "order_overrides": "order_id tenant_id meter field price_key value valid_from:t valid_to:t updated_at:t",
    "storage_purchases": "tenant_id meter bytes:i valid_from:t valid_to:t updated_at:t",
    "suspensions": "tenant_id service from:t to:t updated_at:t",
    "payments": "invoice_number paid_at:t amount:d updated_at:t",
}
SOURCES = tuple(_COLUMNS)
EPOCH = datetime(1970, 1, 1)


def columns(source: str) -> list[tuple[str, str]]:
    """(column, type letter) in canonical order."""
    pairs = [item.partition(":") for item in _COLUMNS[source].split()]
    return [(name, letter or "s") for name, _, letter in pairs]


def _instant(text: str) -> datetime:
    parsed = datetime.fromisoformat(text) if text[:1].isdigit() else parsedate_to_datetime(text)
    if parsed.tzinfo is None:
        raise ValueError(f"{text!r} has no offset")
    return parsed.astimezone(UTC).replace(tzinfo=None)


def _value(text: str | None, letter: str) -> Any:
    text = (text or "").strip() or None if letter != "s" else (text if text != "" else None)
    if text is None:
        return None
    match letter:
        case "t":
            return _instant(text)
        case "u":
            return EPOCH + timedelta(seconds=int(text))
        case "i":
            return int(text)
        case "d":
            return Decimal(text)
        case "b":
            return text.lower() in ("true", "t", "1")
        case "y":
            return date.fromisoformat(text)
    return text.strip() or None


def canonical_text(row: Row, source: str) -> str:
    """The row as one text with missing values marked, which GEN-02's last tie-break hashes."""
    parts = []
    for name, letter in columns(source):
        value = row[name]
        if value is None:
            parts.append(chr(30))
        elif isinstance(value, bool):
            parts.append("true" if value else "false")
        elif isinstance(value, datetime):
            text = value.isoformat(sep=" ")
            parts.append(text.rstrip("0") if "." in text else text)
        elif letter == "d":
            parts.append(f"{value:.6f}")
        else:
            parts.append(str(value))
    return chr(31).join(parts)


def read_landing(landing: Path) -> dict[str, list[Row]]:
    """Typed rows of every source; files with equal content count as one file."""
    found: dict[str, list[Row]] = {source: [] for source in SOURCES}
    for source in SOURCES:
        seen: set[str] = set()
        for path in sorted((landing / source).glob("*.csv*")):
            content = path.read_bytes()
            content = gzip.decompress(content) if path.suffix == ".gz" else content
            digest = hashlib.sha256(content).hexdigest()
            if digest in seen:
                continue
            seen.add(digest)
            for raw in csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")):
                row = {name: _value(raw.get(name), letter) for name, letter in columns(source)}
                if source == "whatsapp_webhooks":
                    row["_kind"] = row["status"] or row["direction"] or "in"
                found[source].append(row)
    return found


def read_seed(seeds: Path, name: str) -> list[dict[str, str]]:
    """A seed's rows as text."""
    (path,) = seeds.glob(f"*/{name}.csv")
    with path.open(encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text))
