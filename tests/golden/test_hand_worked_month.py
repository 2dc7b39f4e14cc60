"""One tenant-month worked by hand from BILLING_RULES; every line and the total to the cent."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from orchestration import duck, pipeline
from orchestration.settings import Settings

Land = Callable[[str, str, "str | bytes"], Path]
KNOWN = "2024-01-01T00:00:00Z"
DAY = "2024-10-10T12:00:00Z"

CONTRACT = {
    "tenants": f"tenant_id,name,billing_currency,payment_method_id,updated_at\ngold,Gold,USD,pm,{KNOWN}\n",
    "account_map": "tenant_id,system,account_id,kind,valid_from,updated_at\n"
    + "".join(
        f"gold,{system},{account},platform,{KNOWN},{KNOWN}\n"
        for system, account in (("twilio", "AC1"), ("kustomer", "org"), ("whatsapp", "waba"))
    ),
    "subscriptions": "tenant_id,plan_id,full_time_licences,term_start,term_months,valid_from,updated_at\n"
    f"gold,professional,3,2024-01-01,12,{KNOWN},{KNOWN}\n"
    # Two tenants that use nothing, for the dates of their renewals (PRC-06).
    f"leap,professional,1,2024-02-29,12,{KNOWN},{KNOWN}\n"
    f"monthly,professional,1,2025-01-31,1,{KNOWN},{KNOWN}\n",
    "order_overrides": "order_id,tenant_id,meter,field,price_key,value,valid_from,updated_at\n"
    f"O1,gold,whatsapp_conversation,included_quantity,,2,{KNOWN},{KNOWN}\n",
}

CALL = "sid,account_sid,from,to,direction,status,start_time,duration,date_created\n"


def _usage() -> dict[str, str]:
    calls = [
        ("CA1", "+13105550100", "+12125550100", "inbound", 61),  # 2 min local
        ("CA2", "+13105550100", "+18005550100", "inbound", 60),  # 1 min toll-free
        ("CA3", "+12125550100", "+14165550100", "outbound-api", 1),  # 1 min US/Canada
        ("CA4", "+12125550100", "+18765550100", "outbound-api", 120),  # 2 min Jamaica: international
        ("CA5", "+12125550100", "client:agent", "outbound-dial", 90),  # to an agent: not billed
    ]
    messages = [
        ("SM1", "outbound-api", "undelivered", 3, 0),  # filtered, still 3 segments
        ("SM2", "outbound-api", "failed", 1, 0),  # failed: not billed
        ("SM3", "outbound-api", "delivered", 1, 1),  # media: one MMS although its sid says SM
        ("SM4", "inbound", "received", 1, 0),
    ]
    conversations = [
        ("w1", "c1", "5511987650000", "user_initiated", "2024-10-02T00:00:00Z"),  # Brazil: pool
        ("w2", "c2", "4915112345678", "user_initiated", "2024-10-03T00:00:00Z"),  # Germany: pool
        ("w3", "c3", "919812345678", "user_initiated", "2024-10-04T00:00:00Z"),  # India: pool used up
        ("w4", "c4", "4915112345678", "business_initiated", "2024-10-01T00:00:00Z"),  # never pool
    ]
    epoch = {
        "2024-10-01": 1727740800,
        "2024-10-02": 1727827200,
        "2024-10-03": 1727913600,
        "2024-10-04": 1728000000,
    }
    return {
        "twilio_calls": CALL
        + "".join(f"{sid},AC1,{a},{b},{d},completed,{DAY},{s},{DAY}\n" for sid, a, b, d, s in calls),
        "twilio_messages": "sid,account_sid,direction,status,num_segments,num_media,date_created,date_sent\n"
        + "".join(f"{sid},AC1,{d},{st},{seg},{media},{DAY},{DAY}\n" for sid, d, st, seg, media in messages),
        "translations": "translation_id,org_id,source_lang,target_lang,character_count,status,completed_at\n"
        f"t1,org,en,de,23,completed,{DAY}\nt2,org,en,de,999980,completed,{DAY}\n",
        "kustomer_conversations": f"id,org_id,created_at\nk1,org,{DAY}\nk2,org,{DAY}\nk3,org,{DAY}\n",
        "kustomer_messages": "id,org_id,conversation_id,direction,channel,sent_at,assistant_type\n"
        + "".join(
            f"{k}a,org,{k},in,chat,2024-10-10T12:00:00Z,\n{k}b,org,{k},out,chat,2024-10-10T12:00:09Z,{kind}\n"
            for k, kind in (("k1", "premium"), ("k2", "premium"), ("k3", "lite"))
        ),
        "whatsapp_webhooks": "waba_id,wamid,status,timestamp,recipient_id,conversation_id,origin_type,"
        "expiration_timestamp,pricing_model,pricing_category,billable\n"
        + "".join(
            f"waba,{w},delivered,{epoch[at[:10]]},{to},{c},{cat},{epoch[at[:10]] + 86400},CBP,{cat},true\n"
            for w, c, to, cat, at in conversations
        ),
        "number_events": "tenant_id,phone_number,number_type,event,occurred_at\n"
        + "".join(f"gold,+1212555010{n},local,added,2024-10-0{n + 1}T00:00:00Z\n" for n in range(3)),
        "carrier_penalties": "notice_id,phone_number,amount,currency_code,violated_at,posted_at,status,status_at\n"
        f"N1,+12125550100,500.00,USD,{DAY},{DAY},open,{DAY}\n",
        # Professional: data 100 GB + 2 GB x 3 users = 106 GB; attachments 200 + 4 x 3 = 212 GB.
        "storage_snapshots": "org_id,environment_id,environment,meter,bytes,taken_at\n"
        "org,e,production,data,106000000001,2024-10-31T23:00:00Z\n"
        "org,e,production,attachment,212000000000,2024-10-31T23:00:00Z\n",
        "seat_snapshots": "org_id,full_time_users,taken_at\norg,3,2024-10-31T23:00:00Z\n",
    }


# (meter, price key, category) -> (pricing quantity, unit price, billed amount)
EXPECTED = {
    ("translated_word", "", "usage"): (200_001, "0.00050000", "100.000"),  # 1,000,003 / 5 up; 100.0005
    ("kiq_conversation", "", "usage"): (2, "0.00000000", "0.000"),
    ("voice_minute", "inbound_local", "usage"): (2, "0.01500000", "0.030"),
    ("voice_minute", "inbound_toll_free", "usage"): (1, "0.03500000", "0.040"),  # half away from zero
    ("voice_minute", "outbound_us_ca", "usage"): (1, "0.02200000", "0.020"),
    ("voice_minute", "international", "usage"): (2, "0.50400000", "1.010"),  # 1.008
    ("sms_segment", "outbound", "usage"): (3, "0.00830000", "0.020"),  # 0.0249
    ("sms_segment", "inbound", "usage"): (1, "0.00790000", "0.010"),
    ("mms_message", "outbound", "usage"): (1, "0.02000000", "0.020"),
    ("phone_number", "us_ca", "included"): (1, "0.00000000", "0.000"),
    ("phone_number", "us_ca", "usage"): (2, "2.00000000", "4.000"),
    ("carrier_penalty", "N1", "usage"): (1, "500.00000000", "500.000"),
    ("whatsapp_conversation", "Brazil|user_initiated", "included"): (1, "0.00000000", "0.000"),
    ("whatsapp_conversation", "Germany|user_initiated", "included"): (1, "0.00000000", "0.000"),
    ("whatsapp_conversation", "India|user_initiated", "usage"): (1, "0.00400000", "0.000"),
    ("whatsapp_conversation", "Germany|business_initiated", "usage"): (1, "0.13650000", "0.140"),
    ("data_storage", "", "usage"): (1, "10.00000000", "10.000"),  # one byte over is a block
}
TOTAL = "615.290"


def test_every_line_of_the_hand_worked_month(settings: Settings, land: Land) -> None:
    for source, content in (CONTRACT | _usage()).items():
        land(source, "all.csv", content)
    release = pipeline.run_all(settings).release
    assert release is not None
    with duck.connect(release.database, settings, read_only=True) as connection:
        lines = connection.execute(
            "select meter, price_key, charge_category, pricing_quantity, unit_price::varchar, "
            "billed_amount::varchar from marts.fct_invoice_lines"
        ).fetchall()
        invoices = connection.execute(
            "select invoice_id, billed_amount::varchar, status from marts.fct_invoices"
        ).fetchall()
    with duck.connect(settings.warehouse_path, settings) as connection:
        renewals = connection.execute(
            "select tenant_id, term_from::varchar from intermediate.int_prc_06__term_renewals "
            "where (tenant_id = 'leap' and renewal_number between 1 and 4) "
            "or (tenant_id = 'monthly' and renewal_number between 1 and 3) order by all"
        ).fetchall()
    assert renewals == [
        ("leap", "2025-02-28"),
        ("leap", "2026-02-28"),
        ("leap", "2027-02-28"),
        ("leap", "2028-02-29"),
        ("monthly", "2025-02-28"),
        ("monthly", "2025-03-31"),
        ("monthly", "2025-04-30"),
    ]
    assert {(m, k, c): (q, p, b) for m, k, c, q, p, b in lines} == EXPECTED
    assert len(lines) == len(EXPECTED)
    assert invoices == [("gold/2024-10/pm", TOTAL, "draft")]
