"""Who a record belongs to (GEN-03, GEN-04), and how a tenant is billed (GEN-08, GEN-12)."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Any

from tests.oracle.extracts import Row
from tests.oracle.months import holds_at
from tests.oracle.states import Records


class AccountMap:
    """Tenant and kind of an upstream account at an instant; of several intervals in force, the one begun last.

    Of those begun together, the one updated last (GEN-02).
    """

    def __init__(self, records: Records) -> None:
        self._intervals: dict[tuple[str, str], list[Row]] = defaultdict(list)
        for row in records.winners:
            # A row that was taken back ends where it begins: it was never in force.
            if row["valid_to"] is None or row["valid_to"] > row["valid_from"]:
                self._intervals[row["system"], row["account_id"]].append(row)

    def find(self, system: str, account: str | None, instant: datetime | None) -> tuple[str, str] | None:
        """(tenant, kind) or None."""
        if account is None or instant is None:
            return None
        holding = [
            row
            for row in self._intervals.get((system, account), [])
            if holds_at(row["valid_from"], row["valid_to"], instant)
        ]
        if not holding:
            return None
        last = max(holding, key=lambda row: (row["valid_from"], row["updated_at"], row["tenant_id"]))
        return last["tenant_id"], last["kind"].strip().lower()

    @property
    def tenants(self) -> set[str]:
        return {row["tenant_id"] for rows in self._intervals.values() for row in rows}


class Tenants:
    """Currency and payment methods; a tenant missing from the tenants extract is billed in USD."""

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
