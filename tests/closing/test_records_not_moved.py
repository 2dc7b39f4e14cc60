"""GEN-06, GEN-09: terms agreed late charge otherwise for records that stay where they are; their lines have them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from orchestration import duck
from orchestration.closing.explanation import explain_line, lines_without_records
from orchestration.publishing.release import require_release
from orchestration.settings import Settings
from tests.closing.steps import close_at, invoice_lines, run_at
from tests.small_extracts import CALLS, WEBHOOKS, conversation_status, inbound_call

Land = Callable[[str, str, "str | bytes"], Path]
KNOWN = "2024-01-01T00:00:00Z"
LATE = "2024-10-10T00:00:00Z"
ORDERS = "order_id,tenant_id,meter,field,price_key,value,valid_from,updated_at\n"


def _records(settings: Settings) -> dict[str, set[tuple[str, int]]]:
    """The records behind every line, by its id."""
    with duck.connect(require_release(settings).database, settings, read_only=True) as connection:
        rows = connection.execute("select line_id from marts.fct_invoice_lines order by 1").fetchall()
    return {
        line: {(record["record_key"], record["quantity"]) for record in explain_line(settings, line).records}
        for (line,) in rows
    }


def test_a_pool_and_a_fee_agreed_late_are_explained_by_the_records_that_stood(
    settings: Settings, land: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    land("tenants", "t.csv", f"tenant_id,name,billing_currency,payment_method_id,updated_at\nacme,A,USD,card,{KNOWN}\n")
    land(
        "account_map",
        "m.csv",
        "tenant_id,system,account_id,kind,valid_from,updated_at\n"
        f"acme,twilio,AC1,platform,{KNOWN},{KNOWN}\nacme,whatsapp,waba,platform,{KNOWN},{KNOWN}\n",
    )
    pool = "acme,voice_minute,included_quantity,"
    fee = "acme,whatsapp_fee,unit_price,"
    land("order_overrides", "1.csv", f"{ORDERS}O1,{pool},10,{KNOWN},{KNOWN}\nO2,{fee},0.10,{KNOWN},{KNOWN}\n")
    # CA0 was not answered: no minute of it counts, and it is told beside the line all the same.
    called = (("CA0", "2024-09-04", 0), ("CA1", "2024-09-05", 8), ("CA2", "2024-09-06", 8))
    land("twilio_calls", "1.csv", CALLS + "".join(inbound_call(*call) for call in called))
    land(
        "whatsapp_webhooks",
        "1.csv",
        WEBHOOKS + conversation_status("w1", "delivered", 1725494400, "c1", "4915112345678"),
    )
    run_at(settings, monkeypatch, "2024-10-02")
    calls, conversation = {("CA1", 8), ("CA2", 8)}, {("waba|c1", 1)}
    unanswered = [("excluded", "zero_duration", 1, 1)]
    draft = _records(settings)
    assert sorted(map(sorted, draft.values())) == sorted(map(sorted, (calls, calls, conversation, conversation)))
    close_at(settings, "2024-09", "2024-10-04")
    run_at(settings, monkeypatch, "2024-10-05")
    assert _records(settings) == draft, "what a draft says is what its close keeps"

    # 12 minutes instead of 10 are included, the fee is 0.20 instead of 0.10; no record changes.
    land("order_overrides", "2.csv", f"{ORDERS}O1,{pool},12,{KNOWN},{LATE}\nO2,{fee},0.20,{KNOWN},{LATE}\n")
    run_at(settings, monkeypatch, "2024-11-02")
    germany = "Germany|user_initiated"
    assert invoice_lines(settings, "2024-10") == {
        ("voice_minute", "inbound_local", "included", "correction", "2024-09", 2, "0.0000", "0.00"),
        # 16 - 12 = 4 minutes are 0.06; 6 were invoiced at 0.09.
        ("voice_minute", "inbound_local", "usage", "correction", "2024-09", -2, "0.0150", "-0.03"),
        ("whatsapp_fee", germany, "usage", "correction", "2024-09", -1, "0.1000", "-0.10"),
        ("whatsapp_fee", germany, "usage", "correction", "2024-09", 1, "0.2000", "0.20"),
    }
    corrections = {line: records for line, records in _records(settings).items() if "/corrects/" in line}
    assert {line.split("/")[4] for line in corrections} == {"voice_minute", "whatsapp_fee"}
    for line, records in corrections.items():
        assert records == (calls if "voice_minute" in line else conversation), line
        assert explain_line(settings, line).left_out == (unanswered if "voice_minute" in line else []), line
    close_at(settings, "2024-10", "2024-11-04")
    run_at(settings, monkeypatch, "2024-11-05")
    assert {line: records for line, records in _records(settings).items() if "/corrects/" in line} == corrections
    for line in corrections:
        assert explain_line(settings, line).left_out == (unanswered if "voice_minute" in line else []), line
    assert lines_without_records(settings) == []

    # What comes late tells only itself: what stood is on the lines before. Of the conversation that is known it is
    # one more of its messages' statuses, which counts nothing and is a raw record behind the line like any other.
    land("twilio_calls", "2.csv", CALLS + inbound_call("CA3", "2024-09-07", 1))
    known = conversation_status("w1", "read", 1725494400, "c1", "4915112345678")
    land(
        "whatsapp_webhooks",
        "2.csv",
        WEBHOOKS + known + conversation_status("w2", "delivered", 1725580800, "c2", "4915112345679"),
    )
    run_at(settings, monkeypatch, "2024-12-02")
    late = {line: records for line, records in _records(settings).items() if line.startswith("acme/2024-11/")}
    assert {line.split("/")[4]: records for line, records in late.items()} == {
        "voice_minute": {("CA3", 1)},
        "whatsapp_conversation": {("waba|c1", 0), ("waba|c2", 1)},
        "whatsapp_fee": {("waba|c1", 0), ("waba|c2", 1)},
    }
    close_at(settings, "2024-11", "2024-12-04")
    assert lines_without_records(settings) == []
