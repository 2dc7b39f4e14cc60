"""A payment whose date was typed wrong pays its invoice and makes nobody past due; it can be taken back (GEN-11)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from orchestration import duck
from orchestration.closing import signing
from orchestration.publishing.release import require_release
from orchestration.settings import Settings
from tests.closing.steps import close_at, run_at

KNOWN = "2024-01-01T00:00:00Z"
WORDS = "translation_id,org_id,source_lang,target_lang,character_count,status,completed_at\n"
PAID = "invoice_number,paid_at,amount\n"
AHEAD = "2036-11-30T17:00:00Z"


def _asked(settings: Settings, query: str) -> list[tuple[Any, ...]]:
    with duck.connect(require_release(settings).database, settings, read_only=True) as connection:
        return connection.execute(query).fetchall()


def _standing(settings: Settings) -> list[tuple[Any, ...]]:
    paid = "paid_amount::decimal(18, 2)::varchar"
    return _asked(settings, f"select invoice_number, {paid}, days_past_due from marts.rpt_receivables order by 1")


def _aged_to(settings: Settings) -> date:
    ((day,),) = _asked(settings, "select distinct aged_to from marts.rpt_receivables")
    assert isinstance(day, date)
    return day


def _findings(settings: Settings) -> set[tuple[Any, ...]]:
    return set(
        _asked(settings, "select finding, severity, tenant_id from marts.rpt_findings where source = 'payments'")
    )


def test_a_date_typed_wrong_makes_nobody_past_due_and_can_be_taken_back(
    settings: Settings, land: Callable[[str, str, str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two invoices of 10.00, issued on 4 October, due 30 days later: believed are payments up to 18 November."""
    names = ("acme", "bolt")
    tenants = "".join(f"{name},{name},1 High St,US,card,{KNOWN}\n" for name in names)
    land(
        "tenants", "all.csv", f"tenant_id,name,bill_to_address,bill_to_country,payment_method_id,updated_at\n{tenants}"
    )
    accounts = "".join(f"{name},kustomer,{name},platform,{KNOWN},{KNOWN}\n" for name in names)
    land("account_map", "all.csv", f"tenant_id,system,account_id,kind,valid_from,updated_at\n{accounts}")
    for month in ("09", "10"):
        words = "".join(f"{month}-{org},{org},en,de,100000,completed,2024-{month}-02T00:00:00Z\n" for org in names)
        land("translations", f"{month}.csv", WORDS + words)
    run_at(settings, monkeypatch, "2024-10-02")
    close_at(settings, "2024-09", "2024-10-04")

    # One of an invoice that was issued, and one of an invoice nobody issued.
    land("payments", "wrong.csv", f"{PAID}MH-2024-000001,{AHEAD},5.00\nMH-2024-000104,{AHEAD},5.00\n")
    run_at(settings, monkeypatch, "2024-10-20")
    assert _standing(settings) == [("MH-2024-000001", "5.00", 0), ("MH-2024-000002", "0.00", 0)]
    assert _asked(settings, "select * from marts.rpt_suspension_candidates where ground = 'past_due'") == []
    assert _findings(settings) == {
        ("payment_dated_ahead", "warning", "acme"),
        ("payment_unmatched", "info", None),
    }
    with duck.connect(require_release(settings).database, settings, read_only=True) as connection:
        held = [hold for hold in signing.holds_of(connection, date(2024, 10, 1)) if hold.hold == "finding"]
    assert [(hold.tenant_id, hold.facts.split(":")[0]) for hold in held] == [("acme", "payment_dated_ahead")]

    taken_back = f"MH-2024-000001,{AHEAD},-5.00\nMH-2024-000104,{AHEAD},-5.00\n"
    land("payments", "right.csv", f"{PAID}{taken_back}MH-2024-000001,2024-11-05T17:00:00Z,5.00\n")
    run_at(settings, monkeypatch, "2024-11-06")
    # The right date is believed, but payments of one tenant tell no day: the newest known is that of the issue.
    assert _standing(settings) == [("MH-2024-000001", "5.00", 0), ("MH-2024-000002", "0.00", 0)]
    assert _aged_to(settings) == date(2024, 10, 4)
    assert _findings(settings) == set()

    land("payments", "second.csv", f"{PAID}MH-2024-000002,2024-11-06T09:00:00Z,1.00\n")
    run_at(settings, monkeypatch, "2024-11-07")
    # Both vouch for the 5th, two days after 3 November: 5.00 of one are open, 9.00 of the other.
    assert _standing(settings) == [("MH-2024-000001", "5.00", 2), ("MH-2024-000002", "1.00", 2)]
    assert _aged_to(settings) == date(2024, 11, 5)

    # Typed as the 18th, which is believed, but by nobody else: only the other's 6th is reached by both.
    land("payments", "slipped.csv", f"{PAID}MH-2024-000001,2024-11-18T09:00:00Z,1.00\n")
    run_at(settings, monkeypatch, "2024-11-08")
    assert _standing(settings) == [("MH-2024-000001", "6.00", 3), ("MH-2024-000002", "1.00", 3)]
    assert _aged_to(settings) == date(2024, 11, 6)
    assert _findings(settings) == set()
