"""The shared SQL with an engine's own expressions filled in, and the tables it reads. Standard library only."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import peer_io

# The columns read, by table; in calls the called number has another name, because `to` is reserved.
SOURCES = {
    "kustomer_messages": ("conversation_id", "org_id", "direction", "assistant_type", "sent_at"),
    "translations": ("translation_id", "org_id", "completed_at", "character_count", "status"),
    "twilio_calls": ("sid", "account_sid", "direction", "to", "start_time", "duration", "status"),
    "twilio_messages": ("sid", "account_sid", "direction", "date_sent", "num_segments", "num_media", "status"),
    "whatsapp_webhooks": (
        "conversation_id",
        "waba_id",
        "recipient_id",
        "pricing_category",
        "expiration_timestamp",
        "status",
        "billable",
    ),
}
WHOLE_NUMBERS = {"character_count", "duration", "num_segments", "num_media"}


def column_name(name: str) -> str:
    return "called" if name == "to" else name


def divided(argument: str) -> str:
    """`a|b` as the whole part of a / b, where whole numbers divide to whole numbers."""
    number, divisor = argument.split("|")
    return f"cast({number} as bigint) / {divisor}"


def query(expressions: dict[str, Callable[[str], str]]) -> str:
    """The shared query; `{name:argument}` becomes what the engine writes for it."""
    text = Path(__file__).with_name("sql_rating.sql").read_text(encoding="utf-8")
    return re.sub(r"\{(\w+):([^}]*)\}", lambda found: expressions[found[1]](found[2]), text)


def parameter_tables(parameters: Path) -> dict[str, tuple[str, list[tuple[object, ...]]]]:
    """Each table's column SQL and rows, by table name."""
    return {
        "accounts": ("account_id text, tenant_id text", list(peer_io.accounts(parameters).items())),
        "prices": (
            "meter text, price_key text, month text, unit_price bigint",
            [(*key, price) for key, price in peer_io.prices(parameters).items()],
        ),
        "pools": (
            "tenant_id text, month text, pool_quantity bigint",
            [(*key, size) for key, size in peer_io.pools(parameters).items()],
        ),
        "market_prefixes": ("prefix text, market text", list(peer_io.market_prefixes(parameters).items())),
        "area_codes": ("calling_prefix text, region text", list(peer_io.area_codes(parameters).items())),
    }
