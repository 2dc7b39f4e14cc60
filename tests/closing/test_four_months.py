"""One tenant over four months, every invoice worked by hand from BILLING_RULES (GEN-09, PEN-02, WAP-06).

Late usage, a changed state, a price agreed late, a fine contested, upheld and overturned, and a
correction of a correction; then everything that can be shown of it afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from orchestration import duck
from orchestration.closing.explanation import explain_line, lines_without_records
from orchestration.closing.replay import known_invoices
from orchestration.closing.verification import verify_ledger
from orchestration.publishing.release import require_release
from orchestration.settings import Settings
from tests.closing.steps import close_at, held, instant, invoice_lines, invoices, run_at
from tests.small_extracts import WEBHOOKS, conversation_status

Land = Callable[[str, str, "str | bytes"], Path]
KNOWN = "2024-01-01T00:00:00Z"
CALLS = "sid,account_sid,from,to,direction,status,start_time,duration,date_created,date_updated\n"
WORDS = "translation_id,org_id,source_lang,target_lang,character_count,status,completed_at\n"
FINES = "notice_id,phone_number,amount,currency_code,violated_at,posted_at,status,status_at\n"
ORDERS = "order_id,tenant_id,meter,field,price_key,value,valid_from,updated_at\n"
NUMBERS = "tenant_id,phone_number,number_type,event,occurred_at\n"
CONTRACT = {
    "tenants": f"tenant_id,name,billing_currency,payment_method_id,updated_at\nacme,Acme,USD,card,{KNOWN}\n",
    "account_map": "tenant_id,system,account_id,kind,valid_from,updated_at\n"
    + "".join(
        f"acme,{system},{account},platform,{KNOWN},{KNOWN}\n"
        for system, account in (("twilio", "AC1"), ("kustomer", "org"), ("whatsapp", "waba"))
    ),
    # A pool of two conversations a month, and a thousand words.
    "order_overrides": f"{ORDERS}O1,acme,whatsapp_conversation,included_quantity,,2,{KNOWN},{KNOWN}\n"
    f"O1,acme,translated_word,included_quantity,,1000,{KNOWN},{KNOWN}\n",
    "number_events": f"{NUMBERS}acme,+12125550100,local,added,2024-08-15T00:00:00Z\n"
    "acme,+12125550101,local,added,2024-09-10T00:00:00Z\n",
}


def _call(sid: str, day: str, seconds: int, updated: str) -> str:
    return (
        f"{sid},AC1,+13105550100,+12125550100,inbound,completed,{day}T12:00:00Z,{seconds},{day}T12:00:00Z,{updated}\n"
    )


def _conversation(name: str, to: str, epoch: int) -> str:
    return conversation_status(f"w-{name}", "delivered", epoch, name, to)


def _fine(status: str, at: str) -> str:
    return f"{FINES}F1,+12125550100,500.00,USD,2024-09-10T00:00:00Z,2024-09-12T00:00:00Z,{status},{at}\n"


def _line(
    meter: str,
    key: str,
    category: str,
    quantity: int,
    price: str,
    billed: str,
    corrects: str | None = None,
    month: str = "",
) -> tuple[object, ...]:
    return meter, key, category, "correction" if corrects else None, corrects or month, quantity, price, billed


def _september() -> dict[str, str]:
    return {
        # 61 s = 2 minutes, 30 s = 1 minute.
        "twilio_calls": CALLS
        + _call("CA1", "2024-09-05", 61, "2024-09-05T13:00:00Z")
        + _call("CA2", "2024-09-06", 30, "2024-09-06T13:00:00Z"),
        "translations": f"{WORDS}t1,org,en,de,1000003,completed,2024-09-07T00:00:00Z\n",
        # Opened on the 2nd, 5th and 8th: the pool of two takes Brazil and Germany, India is priced.
        "whatsapp_webhooks": WEBHOOKS
        + _conversation("brazil", "5511987650000", 1725235200)
        + _conversation("germany", "4915112345678", 1725494400)
        + _conversation("india", "919812345678", 1725753600),
        "carrier_penalties": _fine("contested", "2024-09-20T00:00:00Z"),
    }


SEPTEMBER = {
    _line("voice_minute", "inbound_local", "usage", 3, "0.0150", "0.05", month="2024-09"),  # 0.045
    # 1,000,003 characters are 200,001 words; the Order includes 1,000: 199,001 x 0.0005 = 99.5005.
    _line("translated_word", "", "included", 1_000, "0.0000", "0.00", month="2024-09"),
    _line("translated_word", "", "usage", 199_001, "0.0005", "99.50", month="2024-09"),
    _line("phone_number", "us_ca", "included", 1, "0.0000", "0.00", month="2024-09"),  # the first added
    _line("phone_number", "us_ca", "usage", 1, "2.0000", "2.00", month="2024-09"),
    _line("whatsapp_conversation", "Brazil|user_initiated", "included", 1, "0.0000", "0.00", month="2024-09"),
    _line("whatsapp_conversation", "Germany|user_initiated", "included", 1, "0.0000", "0.00", month="2024-09"),
    _line("whatsapp_conversation", "India|user_initiated", "usage", 1, "0.0040", "0.00", month="2024-09"),  # 0.004
    # The fine is contested, so held (PEN-02).
}

OCTOBER = {
    _line("voice_minute", "inbound_local", "usage", 1, "0.0150", "0.02", month="2024-10"),  # 10 s; 0.015
    _line("phone_number", "us_ca", "included", 1, "0.0000", "0.00", month="2024-10"),
    _line("phone_number", "us_ca", "usage", 1, "2.0000", "2.00", month="2024-10"),
    # Upheld on 15 October: billed in the month of the decision.
    _line("carrier_penalty", "F1", "usage", 1, "500.0000", "500.00", month="2024-10"),
    # September's calls are now 61, 90 and 100 s: 2 + 2 + 2 = 6 minutes, 0.09; 3 at 0.05 were invoiced.
    _line("voice_minute", "inbound_local", "usage", 3, "0.0150", "0.04", corrects="2024-09"),
    # A Mexican conversation of the 3rd turned up late: it has the pool's second place, and Germany's
    # of the 5th is out of the pool: 0.0819 = 0.08.
    _line("whatsapp_conversation", "Mexico|user_initiated", "included", 1, "0.0000", "0.00", corrects="2024-09"),
    _line("whatsapp_conversation", "Germany|user_initiated", "included", -1, "0.0000", "0.00", corrects="2024-09"),
    _line("whatsapp_conversation", "Germany|user_initiated", "usage", 1, "0.0819", "0.08", corrects="2024-09"),
}

NOVEMBER = {
    _line("voice_minute", "inbound_local", "usage", 1, "0.0150", "0.02", month="2024-11"),
    _line("phone_number", "us_ca", "included", 1, "0.0000", "0.00", month="2024-11"),
    # The Order's 1.50 holds from September on and was delivered in November.
    _line("phone_number", "us_ca", "usage", 1, "1.5000", "1.50", month="2024-11"),
    _line("phone_number", "us_ca", "usage", -1, "2.0000", "-2.00", corrects="2024-09"),
    _line("phone_number", "us_ca", "usage", 1, "1.5000", "1.50", corrects="2024-09"),
    _line("phone_number", "us_ca", "usage", -1, "2.0000", "-2.00", corrects="2024-10"),
    _line("phone_number", "us_ca", "usage", 1, "1.5000", "1.50", corrects="2024-10"),
    # Overturned on 20 November: a credit of that month; October's invoice stays.
    _line("carrier_penalty", "F1", "credit", -1, "500.0000", "-500.00", month="2024-11"),
}

DECEMBER = {
    # The call of 100 s is reported as 40 s: September is 2 + 2 + 1 = 5 minutes, 0.075 = 0.08; 0.05 + 0.04 were
    # invoiced, so -1 minute and 0.08 - 0.09. Nothing else happened: a credit note of its own.
    _line("voice_minute", "inbound_local", "usage", -1, "0.0150", "-0.01", corrects="2024-09"),
}

SELLER = ("placeholder_seller", "MH: Example Platform Inc. is a placeholder")

OCTOBER_HELD = {
    SELLER,
    # September's words and conversations, the late one among them, and nothing of either in October. The one call is
    # a third of September's three, but the other sources say that October is hardly landed.
    ("feed_missing", "translations: no record, after 1 the month before"),
    ("feed_missing", "whatsapp_webhooks: no record, after 4 the month before"),
    # The pool took all of Germany's in September.
    ("new_price", "whatsapp_conversation at meta_cbp_2022|Germany|user_initiated: 1 tenant, USD 0.08 billed"),
    # 0.02 + 2.00 + 500.00 against 0.05 + 99.50 + 2.00.
    ("biggest_mover", "USD 502.02 after 101.55, without corrections"),
    ("tenant_outside_history", "USD 502.02 against 101.55 in the month before, without corrections"),
}

NOVEMBER_HELD = {
    SELLER,
    # Agreed late, in force since September, and billed three times at once.
    ("new_price", "phone_number at order|O2|phone_number|1.50000000: 1 tenant, USD 4.50 billed"),
    ("biggest_mover", "USD -498.48 after 502.02, without corrections"),
    ("credit_note", "acme/2024-11/card: USD -499.48"),
}

DECEMBER_HELD = {
    SELLER,
    ("feed_missing", "twilio_calls: no record, after 1 the month before"),
    ("zero_usage_surprise", "no usage line, after USD -498.48 the month before"),
    ("biggest_mover", "USD 0.00 after -498.48, without corrections"),
    ("credit_note", "acme/2024-12/card: USD -0.01"),
}


def test_four_months_of_one_tenant(settings: Settings, land: Land, monkeypatch: pytest.MonkeyPatch) -> None:
    for source, content in (CONTRACT | _september()).items():
        land(source, "september.csv", content)
    run_at(settings, monkeypatch, "2024-10-02")
    assert invoice_lines(settings, "2024-09") == SEPTEMBER
    close_at(settings, "2024-09", "2024-10-04")

    late = _call("CA2", "2024-09-06", 90, "2024-10-09T00:00:00Z") + _call(
        "CA3", "2024-09-28", 100, "2024-10-09T00:00:00Z"
    )
    land("twilio_calls", "october.csv", CALLS + _call("CA4", "2024-10-10", 10, "2024-10-10T13:00:00Z"))
    land("twilio_calls", "late.csv", CALLS + late)
    land("whatsapp_webhooks", "late.csv", WEBHOOKS + _conversation("mexico", "5215512345678", 1725321600))
    land("carrier_penalties", "upheld.csv", _fine("upheld", "2024-10-15T00:00:00Z"))
    run_at(settings, monkeypatch, "2024-11-02")
    assert invoice_lines(settings, "2024-09") == SEPTEMBER, "a closed invoice never changes"
    assert invoice_lines(settings, "2024-10") == OCTOBER
    assert held(settings, "2024-10") == OCTOBER_HELD
    _what_moved_is_told_with_the_files_that_moved_it(settings)
    close_at(settings, "2024-10", "2024-11-04")

    land(
        "order_overrides",
        "late.csv",
        f"{ORDERS}O2,acme,phone_number,unit_price,,1.50,2024-09-01T00:00:00Z,2024-11-10T00:00:00Z\n",
    )
    land("twilio_calls", "november.csv", CALLS + _call("CA5", "2024-11-10", 10, "2024-11-10T13:00:00Z"))
    land("carrier_penalties", "overturned.csv", _fine("overturned", "2024-11-20T00:00:00Z"))
    gone = "".join(f"acme,+1212555010{n},local,removed,2024-12-01T00:00:00Z\n" for n in (0, 1))
    land("number_events", "removed.csv", NUMBERS + gone)
    run_at(settings, monkeypatch, "2024-12-02")
    assert invoice_lines(settings, "2024-11") == NOVEMBER
    assert held(settings, "2024-11") == NOVEMBER_HELD
    close_at(settings, "2024-11", "2024-12-04")

    land("twilio_calls", "again.csv", CALLS + _call("CA3", "2024-09-28", 40, "2024-12-12T00:00:00Z"))
    run_at(settings, monkeypatch, "2025-01-02")
    assert invoice_lines(settings, "2024-12") == DECEMBER
    assert held(settings, "2024-12") == DECEMBER_HELD
    close_at(settings, "2024-12", "2025-01-04")
    run_at(settings, monkeypatch, "2025-01-05")

    assert invoices(settings) == [
        ("acme/2024-09/card", "MH-2024-000001", "issued", "invoice", "101.55"),
        ("acme/2024-10/card", "MH-2024-000002", "issued", "invoice", "502.14"),
        ("acme/2024-11/card", "MH-2024-000003", "issued", "credit_note", "-499.48"),
        # Issued in January: numbers begin again with the year of issue.
        ("acme/2024-12/card", "MH-2025-000001", "issued", "credit_note", "-0.01"),
    ]
    _closed_and_corrections_are_what_recomputes(settings)
    _every_line_is_explained_by_its_records(settings)
    _what_was_known_can_be_shown_again(settings)
    proof = verify_ledger(settings)
    assert (proof.invoices, proof.lines) == (4, 8 + 8 + 8 + 1)
    assert lines_without_records(settings) == []


# October is known of through its calls; the numbers' log had said it all before.
NOT_BY_A_FILE_OF_ITS_OWN = "a change of other contract data or of another tenant's line"


def _what_moved_is_told_with_the_files_that_moved_it(settings: Settings) -> None:
    """October's eight lines are new since the first release; September, closed, did not move."""
    with duck.connect(require_release(settings).database, settings, read_only=True) as connection:
        moved = connection.execute(
            "select change, meter, strftime(usage_month, '%Y-%m'), sum(amount_moved)::varchar, min(causes) "
            "from marts.rpt_release_changes where billing_month = '2024-10-01' group by all order by all"
        ).fetchall()
        others = connection.execute(
            "select * from marts.rpt_release_changes where billing_month != '2024-10-01'"
        ).fetchall()
    calls = "file twilio_calls/late.csv; file twilio_calls/october.csv"
    assert moved == [
        ("added", "carrier_penalty", "2024-10", "500.000", "file carrier_penalties/upheld.csv"),
        ("added", "phone_number", "2024-10", "2.000", NOT_BY_A_FILE_OF_ITS_OWN),
        ("added", "voice_minute", "2024-09", "0.040", calls),
        ("added", "voice_minute", "2024-10", "0.020", calls),
        ("added", "whatsapp_conversation", "2024-09", "0.080", "file whatsapp_webhooks/late.csv"),
    ]
    assert others == []


def _closed_and_corrections_are_what_recomputes(settings: Settings) -> None:
    with duck.connect(settings.warehouse_path, settings) as connection:
        issued = connection.execute(
            "select usage_month::varchar, sum(billed_amount) from ledger.closed_lines group by 1 order by 1"
        ).fetchall()
        recomputed = connection.execute(
            "select billing_month::varchar, sum(billed_amount) from intermediate.int_gen_12__lines_invoiced "
            "group by 1 order by 1"
        ).fetchall()
    # September: 0.08 voice + 99.50 words + 1.50 number + 0.08 Germany; October: 0.02 + 1.50 + 500;
    # November: 0.02 + 1.50 - 500.
    expected = [
        ("2024-09-01", Decimal("101.160")),
        ("2024-10-01", Decimal("501.520")),
        ("2024-11-01", Decimal("-498.480")),
    ]
    assert issued == recomputed == expected


def _every_line_is_explained_by_its_records(settings: Settings) -> None:
    with duck.connect(settings.warehouse_path, settings) as connection:
        rows = connection.execute("select line_id from marts.fct_invoice_lines order by 1").fetchall()
    lines = [line for (line,) in rows]
    for line in lines:
        assert explain_line(settings, line).records, line
    voice = [line for line in lines if "voice_minute" in line]
    september, october, december = sorted(
        line for line in voice if "corrects" in line or line.startswith("acme/2024-09")
    )
    assert _records(settings, september) == {("CA1", 2), ("CA2", 1)}
    # Of CA2 what it grew by, CA3 whole: together the three minutes of the line.
    assert _records(settings, october) == {("CA2", 1), ("CA3", 2)}
    assert _records(settings, december) == {("CA3", -1)}
    explained = explain_line(settings, december)
    assert "5 minutes (USD 0.08) now counted, 6 minutes (USD 0.09) invoiced before" in explained.sentence
    assert "a difference of -1 minute at USD 0.015: 0.08 - 0.09 = USD -0.01; list price" in explained.sentence
    assert explained.sentence.startswith("Correction of invoice MH-2024-000001, usage of September 2024 (")
    assert explained.sentence.count("MH-2024-000001") == 1
    (order,) = [line for line in lines if line.startswith("acme/2024-11/phone_number") and line.endswith("/usage")]
    assert "instead of the list price of USD 2.00" in explain_line(settings, order).sentence


def _records(settings: Settings, line: str) -> set[tuple[str, int]]:
    return {(record["record_key"], record["quantity"]) for record in explain_line(settings, line).records}


def _what_was_known_can_be_shown_again(settings: Settings) -> None:
    """September's draft at 101.55; October's invoice after its close; the last draft of December.

    At the very instant of a publication or a close it is known.
    """
    from datetime import date

    for month, at, source, total in (
        ("2024-09", "2024-10-02", "release 000001", "101.550"),
        ("2024-09", "2024-10-03", "release 000001", "101.550"),
        ("2024-09", "2024-10-04", "the ledger", "101.550"),
        ("2024-09", "2025-02-01", "the ledger", "101.550"),
        ("2024-10", "2024-11-03", "release 000002", "502.140"),
        ("2024-12", "2025-01-03", "release 000004", "-0.010"),
    ):
        known = known_invoices(settings, "acme", date.fromisoformat(f"{month}-01"), instant(at))
        assert known.source.startswith(source), (month, at)
        assert [str(found["billed_amount"]) for found in known.invoices] == [total]
