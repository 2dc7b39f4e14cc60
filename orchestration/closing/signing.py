"""Signatures before a close: the sign-off of a month's drafts, and each hold. All are ledger entries.

A sign-off is bound to the content of the drafts and a hold's id to its facts: when those change,
what was signed no longer counts.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import duckdb

from orchestration.closing import ledger
from orchestration.closing.ledger import Entry
from orchestration.closing.scope import Draft, month_text, months_with_drafts
from orchestration.errors import MeterhouseError
from orchestration.settings import Settings


@dataclass(frozen=True)
class Hold:
    """Something about a draft month that somebody must have looked at (rpt_close_holds)."""

    hold_id: str
    billing_month: date
    hold: str
    tenant_id: str | None
    facts: str
    remedy: str


def content_of(drafts: list[Draft]) -> str:
    """One hash over the drafts somebody signs off."""
    return hashlib.sha256("\n".join(f"{d.invoice_id} {d.content_sha256}" for d in drafts).encode()).hexdigest()


def holds_of(connection: duckdb.DuckDBPyConnection, month: date) -> list[Hold]:
    """The holds of a month, from the release."""
    rows: list[Any] = connection.execute(
        "select hold_id, billing_month, hold, tenant_id, facts, remedy from marts.rpt_close_holds "
        "where billing_month = ? order by hold, tenant_id, hold_id",
        [month],
    ).fetchall()
    return [Hold(*row) for row in rows]


def signed_holds(found: list[Entry]) -> dict[str, Entry]:
    """Who signed which hold: the newest signature of each."""
    return {hold_id: entry for entry in found if entry.kind == "hold_signed" for hold_id in entry.body["holds"]}


def signers_text(holds: list[Hold], signed: dict[str, Entry]) -> str:
    """How many of the holds each person has signed, as `17 by Ann, 1 by Sam`; empty where nobody has."""
    counted = Counter(signed[hold.hold_id].recorded_by for hold in holds if hold.hold_id in signed)
    return ", ".join(f"{count} by {name}" for name, count in sorted(counted.items()))


def standing_sign_off(found: list[Entry], month: date, content: str) -> Entry | None:
    """The newest sign-off of exactly this content of the month, or None."""
    mine = [e for e in found if e.kind == "sign_off" and e.body["month"] == month_text(month)]
    return mine[-1] if mine and mine[-1].body["content_sha256"] == content else None


def sign_off(settings: Settings, month: date, drafts: list[Draft], *, by: str, now: datetime) -> Entry:
    """Record that somebody approves these drafts of the month. Needs the writer lock."""
    mine = [draft for draft in drafts if draft.billing_month == month]
    if not mine:
        raise MeterhouseError(f"{month_text(month)} has no draft invoice", months_with_drafts(drafts))
    body = {"month": month_text(month), "content_sha256": content_of(mine), "invoices": len(mine)}
    return ledger.append(settings, "sign_off", body, by=by, now=now)


def sign_holds(
    settings: Settings, holds: list[Hold], wanted: list[str] | None, *, by: str, why: str, now: datetime
) -> Entry:
    """Record a signature under `wanted` holds, or where None under all that nobody has signed. Needs the writer lock.

    A hold that is named is signed again, whoever signed it before. Raises MeterhouseError for an unknown hold, for a
    signature without a reason, and where nothing is left to sign.
    """
    if not why.strip():
        raise MeterhouseError("a hold cannot be signed without a reason", "Give the reason: --why TEXT.")
    by_id = {hold.hold_id: hold for hold in holds}
    unknown = sorted(set(wanted or []) - set(by_id))
    if unknown:
        raise MeterhouseError(
            f"the month has no hold {', '.join(unknown)}", "List its holds: meterhouse holds --month MONTH."
        )
    signed = signed_holds(ledger.entries(settings))
    chosen = sorted(wanted if wanted is not None else by_id.keys() - signed)
    if not chosen and holds:
        raise MeterhouseError(
            f"every hold of {month_text(holds[0].billing_month)} is signed already: {signers_text(holds, signed)}",
            "Nothing to do. To sign one again, name it by its id.",
        )
    if not chosen:
        raise MeterhouseError("there is no hold to sign", "Nothing to do.")
    body = {
        "month": month_text(by_id[chosen[0]].billing_month),
        "holds": {i: {"hold": by_id[i].hold, "tenant_id": by_id[i].tenant_id, "facts": by_id[i].facts} for i in chosen},
        "why": why.strip(),
    }
    return ledger.append(settings, "hold_signed", body, by=by, now=now)
