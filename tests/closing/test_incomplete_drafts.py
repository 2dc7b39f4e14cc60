"""What the tenants extract lacks holds a close, and is said again of what is issued all the same."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from orchestration import duck
from orchestration.closing import signing
from orchestration.closing.e_invoices import without_e_invoice_text
from orchestration.publishing.release import require_release
from orchestration.settings import Settings
from tests.closing.steps import close_at, run_at

KNOWN, LATER = "2024-01-01T00:00:00Z", "2024-10-03T00:00:00Z"
TENANTS = "tenant_id,name,bill_to_address,bill_to_country,payment_method_id,updated_at\n"
WORDS = "translation_id,org_id,source_lang,target_lang,character_count,status,completed_at\n"


def _held(settings: Settings) -> list[tuple[str | None, str]]:
    with duck.connect(require_release(settings).database, settings, read_only=True) as connection:
        holds = signing.holds_of(connection, date(2024, 9, 1))
    return sorted((hold.tenant_id, hold.facts.split(", 1 record")[0]) for hold in holds if hold.hold == "finding")


def test_a_draft_without_country_or_payment_method_is_held_until_the_tenant_is_delivered_with_them(
    settings: Settings, land: Callable[[str, str, str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both are to pay 10.00; acme is delivered complete in time, bolt closes with UK, which is no code (it is GB)."""
    land("tenants", "all.csv", f"{TENANTS}acme,Acme,,,,{KNOWN}\nbolt,Bolt,2 High St,UK,card,{KNOWN}\n")
    accounts = "".join(f"{tenant},kustomer,{tenant},platform,{KNOWN},{KNOWN}\n" for tenant in ("acme", "bolt"))
    land("account_map", "all.csv", f"tenant_id,system,account_id,kind,valid_from,updated_at\n{accounts}")
    words = "".join(f"t-{org},{org},en,de,100000,completed,2024-09-07T00:00:00Z\n" for org in ("acme", "bolt"))
    land("translations", "september.csv", WORDS + words)
    run_at(settings, monkeypatch, "2024-10-02")
    wrong = "bill_to_country 'UK' is not a country of ISO 3166-1, so there can be no e-invoice"
    assert _held(settings) == [
        (
            "acme",
            "bill_to_incomplete: bill_to_address is empty; bill_to_country is empty, so there can be no e-invoice",
        ),
        ("acme", "payment_method_missing: payment_method_id is empty, so the invoice names 'default'"),
        ("bolt", f"bill_to_incomplete: {wrong}"),
    ]

    land("tenants", "acme.csv", f"{TENANTS}acme,Acme,1 High St,US,card,{LATER}\n")
    run_at(settings, monkeypatch, "2024-10-03")
    assert _held(settings) == [("bolt", f"bill_to_incomplete: {wrong}")]

    entry = close_at(settings, "2024-09", "2024-10-04")
    assert entry.body["invoices"] == 2
    assert without_e_invoice_text(settings, entry) == (
        "1 of them can have no e-invoice, PDF only: invoice MH-2024-000002 names 'UK' as the buyer's country"
    )
