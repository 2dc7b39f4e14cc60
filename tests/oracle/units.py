"""What a meter makes of records: units with an instant, a price key, and a fate before pricing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime


@dataclass
class Unit:
    """One metered thing. `fate` is countable, excluded or quarantined; `relief` is what makes it free."""

    source: str
    tenant: str | None
    month: date | None
    instant: datetime | None
    meter: str
    price_key: str = ""
    quantity: int = 1
    fate: str = "countable"
    reason: str = ""
    relief: str = ""
    records: int = 1
    clause: str = ""


def judged(found: tuple[str, str] | None, fate: str, reason: str) -> tuple[str | None, str, str]:
    """(tenant, fate, reason): the account map decides before the meter does (GEN-03, GEN-04)."""
    if found is None:
        return None, "quarantined", "unmapped_account"
    tenant, kind = found
    if kind == "third_party":
        return tenant, "excluded", "third_party_service"
    if kind != "platform":
        return tenant, "quarantined", "unknown_account_kind"
    return tenant, fate, reason


def ceil_div(amount: int, size: int) -> int:
    return -(-amount // size)
