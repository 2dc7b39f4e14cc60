"""Steps the tests of closing share: run at an instant, sign everything, close."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from orchestration import clock, duck, pipeline
from orchestration.closing import ledger, scope, signing
from orchestration.closing.close import CloseRequest, close_month
from orchestration.closing.ledger import Entry
from orchestration.publishing.release import require_release
from orchestration.settings import Settings


def instant(text: str) -> datetime:
    """`2024-10-04` or `2024-10-04T12:00` as UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def run_at(settings: Settings, monkeypatch: pytest.MonkeyPatch, text: str) -> pipeline.RunReport:
    """The main job as if it were this instant."""
    monkeypatch.setattr(clock, "utc_now", lambda: instant(text))
    return pipeline.run_all(settings)


def sign_all(settings: Settings, month: str, now: datetime) -> None:
    """Sign every hold of the month that is not signed yet, and sign off its drafts, if any."""
    first_day = date.fromisoformat(f"{month}-01")
    with duck.connect(require_release(settings).database, settings, read_only=True) as connection:
        holds = signing.holds_of(connection, first_day)
        drafts = scope.drafts(connection)
    signed = signing.signed_holds(ledger.entries(settings))
    if open_holds := [hold.hold_id for hold in holds if hold.hold_id not in signed]:
        signing.sign_holds(settings, holds, open_holds, by="Hanna", why="looked at", now=now)
    if any(draft.billing_month == first_day for draft in drafts):
        signing.sign_off(settings, first_day, drafts, by="Sam", now=now)


def close_at(settings: Settings, month: str, text: str, **request: Any) -> Entry:
    """Sign everything and close the month as if it were this instant."""
    sign_all(settings, month, instant(text))
    wanted = CloseRequest(date.fromisoformat(f"{month}-01"), "Carla", **request)
    return close_month(settings, wanted, instant(text))


def invoice_lines(settings: Settings, month: str) -> set[tuple[Any, ...]]:
    """(meter, price key, category, class, usage month, quantity, unit price, billed) of a month's lines."""
    with duck.connect(require_release(settings).database, settings, read_only=True) as connection:
        rows = connection.execute(
            "select meter, price_key, charge_category, charge_class, strftime(usage_month, '%Y-%m'), "
            "pricing_quantity, unit_price::decimal(18, 4)::varchar, billed_amount::decimal(18, 2)::varchar "
            "from marts.fct_invoice_lines where strftime(billing_month, '%Y-%m') = ?",
            [month],
        ).fetchall()
    assert len(rows) == len(set(rows))
    return set(rows)


def held(settings: Settings, month: str) -> set[tuple[str, str]]:
    """(hold, facts) of what is to sign before a month closes, but for findings."""
    with duck.connect(require_release(settings).database, settings, read_only=True) as connection:
        holds = signing.holds_of(connection, date.fromisoformat(f"{month}-01"))
    return {(hold.hold, hold.facts) for hold in holds if hold.hold != "finding"}


def invoices(settings: Settings) -> list[tuple[Any, ...]]:
    """(id, number, status, document type, billed) of every invoice."""
    with duck.connect(require_release(settings).database, settings, read_only=True) as connection:
        return connection.execute(
            "select invoice_id, invoice_number, status, document_type, billed_amount::decimal(18, 2)::varchar "
            "from marts.fct_invoices order by billing_month, invoice_id"
        ).fetchall()
