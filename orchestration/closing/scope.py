"""What is closed and what is still a draft, as the served release and the ledger have it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb

from orchestration.closing.ledger import Entry
from orchestration.errors import MeterhouseError


@dataclass(frozen=True)
class Draft:
    """A draft invoice: what it adds up to and what its content hashes to."""

    invoice_id: str
    tenant_id: str
    billing_month: date
    issuing_entity: str
    content_sha256: str


def drafts(connection: duckdb.DuckDBPyConnection) -> list[Draft]:
    """Every draft invoice of the release, sorted by id."""
    rows = connection.execute(
        "select invoice_id, tenant_id, billing_month, issuing_entity, content_sha256 from marts.fct_invoices "
        "where status = 'draft' order by invoice_id"
    ).fetchall()
    return [Draft(*row) for row in rows]


def closes(found: list[Entry]) -> list[Entry]:
    """The closes among the entries, oldest first."""
    return [entry for entry in found if entry.kind == "close"]


def close_of(found: list[Entry], month: date) -> Entry | None:
    """The entry that closed `month` for all tenants but those it names as left out."""
    return next((e for e in closes(found) if e.body["month"] == month_text(month) and e.body["tenants"] is None), None)


def left_open(found: list[Entry]) -> set[tuple[str, str]]:
    """(tenant, month as 2024-11) pairs left out of a close and not closed since."""
    still: set[tuple[str, str]] = set()
    for entry in closes(found):
        month = entry.body["month"]
        still |= {(tenant, month) for tenant in entry.body["left_out"]}
        still -= {(tenant, month) for tenant in entry.body["tenants"] or []}
    return still


def closed_until(found: list[Entry]) -> str:
    """The newest month closed for all, as 2024-11; empty before the first."""
    return max((e.body["month"] for e in closes(found) if e.body["tenants"] is None), default="")


def month_text(month: date) -> str:
    """A month's first day as 2024-11."""
    return f"{month:%Y-%m}"


def require_known(connection: duckdb.DuckDBPyConnection, tenants: Iterable[str]) -> None:
    """Raise MeterhouseError naming tenants that do not exist."""
    rows: list[Any] = connection.execute("select tenant_id from marts.dim_tenants").fetchall()
    unknown = sorted(set(tenants) - {tenant for (tenant,) in rows})
    if unknown:
        raise MeterhouseError(
            f"there is no tenant {', '.join(unknown)}", 'Find ids: meterhouse sql "select tenant_id from dim_tenants".'
        )


def months_with_drafts(drafts: list[Draft]) -> str:
    """What can be closed, in words."""
    months = sorted({month_text(draft.billing_month) for draft in drafts})
    return f"Months with drafts: {', '.join(months)}." if months else "There are no drafts to close."
