"""GEN-08, GEN-09: a tenant changes its currency, and what was invoiced before stays in the one it was invoiced in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from orchestration import duck
from orchestration.publishing.release import require_release
from orchestration.settings import Settings
from tests.closing.steps import close_at, held, run_at
from tests.small_extracts import CALLS, inbound_call

Land = Callable[[str, str, "str | bytes"], Path]
KNOWN = "2024-01-01T00:00:00Z"
TENANTS = "tenant_id,name,billing_currency,payment_method_id,updated_at\n"


def _invoiced(settings: Settings) -> list[tuple[str | None, ...]]:
    """(invoice, currency, class, usage month, minutes, billed) of every line."""
    with duck.connect(require_release(settings).database, settings, read_only=True) as connection:
        return connection.execute(
            "select invoice_id, currency_code, charge_class, strftime(usage_month, '%Y-%m'), "
            "pricing_quantity::varchar, billed_amount::decimal(18, 2)::varchar "
            "from marts.fct_invoice_lines order by all"
        ).fetchall()


def test_a_closed_month_keeps_the_currency_it_was_invoiced_in(
    settings: Settings, land: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    land("tenants", "usd.csv", f"{TENANTS}acme,Acme,USD,card,{KNOWN}\n")
    land(
        "account_map",
        "map.csv",
        f"tenant_id,system,account_id,kind,valid_from,updated_at\nacme,twilio,AC1,platform,{KNOWN},{KNOWN}\n",
    )
    land("twilio_calls", "september.csv", CALLS + inbound_call("CA1", "2024-09-10", 100))
    run_at(settings, monkeypatch, "2024-10-02")
    close_at(settings, "2024-09", "2024-10-04")
    # 100 minutes at 0.015.
    september = ("acme/2024-09/card", "USD", None, "2024-09", "100", "1.50")

    land("tenants", "eur.csv", f"{TENANTS}acme,Acme,EUR,card,2024-10-15T00:00:00Z\n")
    land("twilio_calls", "october.csv", CALLS + inbound_call("CA2", "2024-10-20", 200))
    run_at(settings, monkeypatch, "2024-11-02")
    october = ("acme/2024-10/card", "EUR", None, "2024-10", "200", "3.00")
    assert _invoiced(settings) == [september, october], "nothing is credited, nothing billed a second time"
    euro = "voice_minute.inbound_local.eur.2022-01-01"
    assert held(settings, "2024-10") == {
        ("currency_changed", "USD 1.50 to EUR 3.00"),
        ("new_price", f"voice_minute at {euro}: 1 tenant, EUR 3.00 billed"),
        ("placeholder_price", f"EUR 3.00 billed at 1 placeholder price: {euro}"),
        ("placeholder_seller", "MH: Example Platform Inc. is a placeholder"),
    }

    # Late: 300 minutes are 4.50, less the 1.50 invoiced, in the currency of that month's invoice.
    land("twilio_calls", "late.csv", CALLS + inbound_call("CA3", "2024-09-20", 200))
    run_at(settings, monkeypatch, "2024-11-03")
    late = ("acme/2024-10/card/USD", "USD", "correction", "2024-09", "200", "3.00")
    assert _invoiced(settings) == [september, october, late]

    # Once closed, October stays in euros, whatever comes after.
    close_at(settings, "2024-10", "2024-11-04")
    land("tenants", "back.csv", f"{TENANTS}acme,Acme,USD,card,2024-11-10T00:00:00Z\n")
    run_at(settings, monkeypatch, "2024-12-02")
    assert _invoiced(settings) == [september, october, late]


def test_a_fine_billed_before_the_change_is_credited_in_the_currency_it_was_billed_in(
    settings: Settings, land: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    fines = "notice_id,phone_number,amount,currency_code,violated_at,posted_at,status,status_at\n"
    notice = "F1,+12125550100,500.00,USD,2024-09-05T00:00:00Z,2024-09-12T00:00:00Z"
    land("tenants", "usd.csv", f"{TENANTS}acme,Acme,USD,card,{KNOWN}\n")
    land(
        "number_events",
        "n.csv",
        "tenant_id,phone_number,number_type,event,occurred_at\nacme,+12125550100,local,added,2024-09-01T00:00:00Z\n",
    )
    land("carrier_penalties", "1.csv", f"{fines}{notice},open,2024-09-12T00:00:00Z\n")
    run_at(settings, monkeypatch, "2024-10-02")
    close_at(settings, "2024-09", "2024-10-04")
    september = [
        ("acme/2024-09/card", "USD", None, "2024-09", "1", "0.00"),  # the first number
        ("acme/2024-09/card", "USD", None, "2024-09", "1", "500.00"),
    ]

    # Overturned in October, with the tenant in euros since: nothing is converted, and what was billed comes back.
    # Another one of October is in euros: the month has fines in two currencies.
    land("tenants", "eur.csv", f"{TENANTS}acme,Acme,EUR,card,2024-10-05T00:00:00Z\n")
    another = "F2,+12125550100,40.00,EUR,2024-10-06T00:00:00Z,2024-10-14T00:00:00Z,open,2024-10-14T00:00:00Z"
    land("carrier_penalties", "2.csv", f"{fines}{notice},overturned,2024-10-12T00:00:00Z\n{another}\n")
    land(
        "account_map",
        "map.csv",
        f"tenant_id,system,account_id,kind,valid_from,updated_at\nacme,twilio,AC1,platform,{KNOWN},{KNOWN}\n",
    )
    land("twilio_calls", "october.csv", CALLS + inbound_call("CA1", "2024-10-20", 200))
    run_at(settings, monkeypatch, "2024-11-02")
    october = [
        ("acme/2024-10/card", "EUR", None, "2024-10", "1", "0.00"),
        ("acme/2024-10/card", "EUR", None, "2024-10", "1", "40.00"),
        ("acme/2024-10/card", "EUR", None, "2024-10", "200", "3.00"),
        ("acme/2024-10/card/USD", "USD", None, "2024-10", "-1", "-500.00"),
    ]
    assert _invoiced(settings) == september + october

    # Closed, October is a month in euros, though its credit is not.
    close_at(settings, "2024-10", "2024-11-04")
    run_at(settings, monkeypatch, "2024-12-02")
    assert _invoiced(settings) == september + october
