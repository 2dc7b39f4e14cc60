"""Who a record belongs to (GEN-03, GEN-04), and how a tenant is billed (GEN-08, GEN-12)."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Any

from tests.oracle.extracts import Row
from tests.oracle.months import holds_at
from tests.oracle.states import Records


class AccountMap:
    """Tenant and kind of an upstream account at an instant; an interval ends where the account's next begins."""

    def __init__(self, records: Records) -> None:
        self._intervals: dict[tuple[str, str], list[tuple[datetime, datetime | None, str, str]]] = defaultdict(list)
        grouped: dict[tuple[str, str], list[Row]] = defaultdict(list)
        for row in records.winners:
            grouped[row["system"], row["account_id"]].append(row)
        for key, rows in grouped.items():
            rows.sort(key=lambda row: (row["valid_from"], row["tenant_id"]))
            for row, after in zip(rows, [*rows[1:], None], strict=True):
                ends: list[datetime] = [row["valid_to"]] if row["valid_to"] is not None else []
                ends += [after["valid_from"]] if after is not None else []
                self._intervals[key].append(
                    (row["valid_from"], min(ends) if ends else None, row["tenant_id"], row["kind"].strip().lower())
                )

    def find(self, system: str, account: str | None, instant: datetime | None) -> tuple[str, str] | None:
        """(tenant, kind) or None."""
        if account is None or instant is None:
            return None
        for start, end, tenant, kind in self._intervals.get((system, account), []):
            if holds_at(start, end, instant):
                return tenant, kind
        return None

    @property
    def tenants(self) -> set[str]:
        return {tenant for intervals in self._intervals.values() for _, _, tenant, _ in intervals}


class Tenants:
    """Currency and payment methods; a tenant nobody described is billed in USD."""

    def __init__(self, records: Records) -> None:
        self._rows: dict[str, Row] = {row["tenant_id"]: row for row in records.winners}

    def _get(self, tenant: str, column: str) -> Any:
        return self._rows.get(tenant, {}).get(column)

    def currency(self, tenant: str) -> str:
        return str(self._get(tenant, "billing_currency") or "USD").upper()

    def payment_method(self, tenant: str, meter: str) -> str:
        usual = self._get(tenant, "payment_method_id") or "default"
        if meter.startswith("whatsapp_"):
            return str(self._get(tenant, "whatsapp_payment_method_id") or usual)
        return str(usual)
