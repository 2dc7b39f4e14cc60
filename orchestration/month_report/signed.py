"""Who answers for the month: its status, the holds on its drafts, and what the ledger records of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb

from orchestration.closing import four_eyes, scope, signing
from orchestration.closing.ledger import Entry

KINDS = ("hold_signed", "sign_off", "close")


@dataclass(frozen=True)
class Status:
    """Whether the month is a draft, closed, or closed but for some tenants; `closing` is the entry that closed it.

    `is_behind`: the ledger closed more than the release shows, which the next run puts right.
    """

    word: str
    closing: LedgerFact | None
    left_open: tuple[str, ...]
    is_behind: bool


@dataclass(frozen=True)
class LedgerFact:
    """One entry of the ledger about the month."""

    sequence: int
    kind: str
    recorded_at: str
    recorded_by: str
    text: str
    why: str


@dataclass(frozen=True)
class HoldFact:
    """A hold on the month, and who signed it where somebody did."""

    hold: str
    tenant_id: str | None
    facts: str
    remedy: str
    signed_by: str
    signed_at: str
    why: str


def ledger_facts(found: list[Entry], month: date) -> list[LedgerFact]:
    """Signatures, sign-offs and closes of the month, oldest first."""
    mine = [e for e in found if e.kind in KINDS and e.body["month"] == scope.month_text(month)]
    return [_fact(entry) for entry in mine]


def one_person_facts(found: list[Entry], month: date) -> list[str]:
    """Closes of the month by who had signed off what they closed, in words; oldest first."""
    mine = [entry for entry in scope.closes(found) if entry.body["month"] == scope.month_text(month)]
    told = [four_eyes.one_person_text(found, entry) for entry in mine]
    return [text for text in told if text]


def status_of(found: list[Entry], drafts: list[scope.Draft], month: date) -> Status:
    """The month's status, from the ledger and the release's drafts of the month."""
    text = scope.month_text(month)
    closing = scope.close_of(found, month)
    if closing is None:
        return Status("draft", None, (), False)
    left = tuple(sorted(tenant for tenant, open_month in scope.left_open(found) if open_month == text))
    behind = any(draft.tenant_id not in left for draft in drafts)
    return Status("partly_closed" if left else "closed", _fact(closing), left, behind)


def standing_holds(connection: duckdb.DuckDBPyConnection, found: list[Entry], month: date) -> list[HoldFact]:
    """Holds on the month's drafts, those nobody signed first."""
    signed = signing.signed_holds(found)
    facts = [_hold(hold, signed.get(hold.hold_id)) for hold in signing.holds_of(connection, month)]
    return sorted(facts, key=lambda fact: bool(fact.signed_by))


def past_holds(found: list[Entry], month: date, standing: set[str]) -> list[HoldFact]:
    """Holds of the month signed in the ledger that no longer stand, as they were signed."""
    text = scope.month_text(month)
    signed = signing.signed_holds([e for e in found if e.kind == "hold_signed" and e.body["month"] == text])
    facts = []
    for hold_id, entry in sorted(signed.items(), key=lambda item: (item[1].sequence, item[0])):
        if hold_id not in standing:
            told = entry.body["holds"][hold_id]
            hold = signing.Hold(hold_id, month, told["hold"], told["tenant_id"], told["facts"], "")
            facts.append(_hold(hold, entry))
    return sorted(facts, key=lambda fact: (fact.hold, fact.tenant_id or "", fact.facts))


def sign_off_stands(found: list[Entry], drafts: list[scope.Draft], month: date) -> bool:
    """Whether somebody signed off exactly these drafts."""
    return bool(drafts) and signing.standing_sign_off(found, month, signing.content_of(drafts)) is not None


def _hold(hold: signing.Hold, entry: Entry | None) -> HoldFact:
    signature = ("", "", "") if entry is None else (entry.recorded_by, instant(entry.recorded_at), entry.body["why"])
    return HoldFact(hold.hold, hold.tenant_id, hold.facts, hold.remedy, *signature)


def _fact(entry: Entry) -> LedgerFact:
    words: dict[str, Callable[[dict[str, Any]], str]] = {
        "hold_signed": lambda body: _count(len(body["holds"]), "hold"),
        "sign_off": lambda body: _count(body["invoices"], "draft invoice"),
        "close": _close_text,
    }
    why = entry.body.get("why") or entry.body.get("early_reason") or ""
    text = words[entry.kind](entry.body)
    return LedgerFact(entry.sequence, entry.kind, instant(entry.recorded_at), entry.recorded_by, text, why)


def _close_text(body: dict[str, Any]) -> str:
    text = _count(body["invoices"], "invoice")
    if body["tenants"]:
        text += f", only for {', '.join(body['tenants'])}"
    if body["left_out"]:
        text += f", leaving out {', '.join(body['left_out'])}"
    return f"{text}; judged as release {body['release_id']}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def instant(recorded_at: str) -> str:
    """`2025-01-10T00:00:00.000000Z` as `2025-01-10 00:00 UTC`."""
    return f"{recorded_at[:10]} {recorded_at[11:16]} UTC"
