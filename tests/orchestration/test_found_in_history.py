"""What a later landing has to do with rows of long ago is found among them: the marts are those of one landing.

Only what may be concerned is read again, by hash, day and part. Each case is a row of long ago that a narrower
look would miss.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from orchestration import pipeline
from orchestration.settings import Settings
from tests.project_copy import copy_of_project
from tests.small_extracts import MESSAGES, WEBHOOKS, conversation_status, exchange

Land = Callable[[str, str, "str | bytes"], Path]
CONTRACT = {
    "tenants": "tenant_id,name,billing_currency\nt,T,USD\n",
    "account_map": "tenant_id,system,account_id,kind,valid_from\nt,kustomer,org,platform,2024-01-01T00:00:00Z\n"
    "t,whatsapp,waba,platform,2024-01-01T00:00:00Z\n",
    # A release without a line is refused.
    "translations": "translation_id,org_id,source_lang,target_lang,character_count,status,completed_at\n"
    "w,org,en,de,100,completed,2024-07-05T10:00:00Z\n",
}
CONVERSATIONS = "id,org_id,customer_id,created_at,ended_at,spam,merged_target_id,updated_at\n"
AUGUST = 1722510000
# 2025-08-31T22:50:00Z
AUGUST_31 = 1756680600


def _conversation(name: str, created: str, ended: str = "", spam: str = "", merged: str = "", version: int = 1) -> str:
    return f"{name},org,customer,{created},{ended},{spam},{merged},2024-12-{version:02d}T00:00:00Z\n"


def _text(sid: str, day: str, version: int = 1) -> str:
    """A text of one segment that was delivered."""
    parties = "AC1,+12125550100,+13105550100,outbound-api"
    return f"{sid},{parties},delivered,1,0,{day}T10:00:00Z,2024-12-{version:02d}T00:00:00Z\n"


def _message(name: str, conversation: str, direction: str, at: str) -> str:
    """A customer's message, or a premium reply."""
    return f"{name},org,{conversation},{direction},chat,{at},{'premium' if direction == 'out' else ''}\n"


# Two messages of one window of 24 hours, which begins on the last day of August and takes a place in its pool.
WINDOW_EVENTS = WEBHOOKS.rstrip() + ",direction,from\n"
WINDOW = (
    f"waba,in1,,{AUGUST_31},,,,,,,,in,14155550100\n"
    f"waba,out1,delivered,{AUGUST_31 + 600},14155550100,,service,,PMP,service,true,,\n"
    f"waba,out2,delivered,{AUGUST_31 + 2 * 3600},14155550100,,service,,PMP,service,true,,\n"
)
POOL_OF_ONE = (
    "order_id,tenant_id,meter,field,value,price_key,valid_from\n"
    "o,t,whatsapp_conversation,included_quantity,1,,2024-01-01T00:00:00Z\n"
    "o,t,whatsapp_message,unit_price,0.5,,2024-01-01T00:00:00Z\n"
    "o,t,whatsapp_conversation,unit_price,0.25,,2024-01-01T00:00:00Z\n"
)
TEXTS = "sid,account_sid,from,to,direction,status,num_segments,num_media,date_created,date_updated\n"
# A tenant billed in a currency the price book has no price of texts in.
UNPRICED = {
    "tenants": "tenant_id,name,billing_currency\nu,U,CHF\n",
    "account_map": "tenant_id,system,account_id,kind,valid_from\nu,twilio,AC1,platform,2024-01-01T00:00:00Z\n",
}
# By case: what lands, landing by landing.
CASES: dict[str, tuple[dict[str, str], ...]] = {
    # October is summed again; that x is spam, and so not counted, stands in a file of January.
    "a conversation created long before it was answered": (
        {
            "kustomer_conversations": CONVERSATIONS + _conversation("x", "2024-01-10T00:00:00Z", spam="true"),
            "kustomer_messages": MESSAGES + exchange("x", "2024-10-05"),
        },
        {"kustomer_messages": MESSAGES + exchange("y", "2024-10-06")},
    ),
    # y is opened 23 hours after x ended: x is no longer resolved without a person (KIQ-03).
    "a conversation that the next one reopens": (
        {
            "kustomer_conversations": CONVERSATIONS
            + _conversation("x", "2024-08-01T10:00:00Z", ended="2024-09-01T10:00:00Z"),
            "kustomer_messages": MESSAGES + exchange("x", "2024-08-01"),
        },
        {"kustomer_conversations": CONVERSATIONS + _conversation("y", "2024-09-02T09:00:00Z")},
    ),
    # In its newer state y was opened 25 hours after x ended, and by nobody else: x is resolved after all.
    "a conversation that is reopened no more": (
        {
            "kustomer_conversations": CONVERSATIONS
            + _conversation("x", "2024-08-01T10:00:00Z", ended="2024-09-01T10:00:00Z")
            + _conversation("y", "2024-09-02T09:00:00Z"),
            "kustomer_messages": MESSAGES + exchange("x", "2024-08-01"),
        },
        {"kustomer_conversations": CONVERSATIONS + _conversation("y", "2024-09-02T11:00:00Z", version=2)},
    ),
    # The late message says who opened y: a person of the business, so x is resolved after all.
    "a conversation that turns out to be the business's": (
        {
            "kustomer_conversations": CONVERSATIONS
            + _conversation("x", "2024-08-01T10:00:00Z", ended="2024-09-01T10:00:00Z")
            + _conversation("y", "2024-09-02T09:00:00Z"),
            "kustomer_messages": MESSAGES + exchange("x", "2024-08-01"),
        },
        {"kustomer_messages": MESSAGES + "y1,org,y,out,email,2024-09-02T09:00:00Z,\n"},
    ),
    # The customer had written a minute before: y was opened by the customer, and reopens x.
    "a conversation that the customer opened before the business wrote": (
        {
            "kustomer_conversations": CONVERSATIONS
            + _conversation("x", "2024-08-01T10:00:00Z", ended="2024-09-01T10:00:00Z")
            + _conversation("y", "2024-09-02T09:00:00Z"),
            "kustomer_messages": MESSAGES + exchange("x", "2024-08-01") + "y1,org,y,out,email,2024-09-02T09:00:00Z,\n",
        },
        {"kustomer_messages": MESSAGES + _message("y0", "y", "in", "2024-09-02T08:59:00Z")},
    ),
    # z, created months before, is merged into x: with it y, merged into z before, is x, and x is not reopened.
    "a conversation that another is merged into by way of one of long ago": (
        {
            "kustomer_conversations": CONVERSATIONS
            + _conversation("x", "2024-08-01T10:00:00Z", ended="2024-09-01T10:00:00Z")
            + _conversation("y", "2024-09-02T09:00:00Z", merged="z")
            + _conversation("z", "2024-03-01T09:00:00Z"),
            "kustomer_messages": MESSAGES + exchange("x", "2024-08-01"),
        },
        {"kustomer_conversations": CONVERSATIONS + _conversation("z", "2024-03-01T09:00:00Z", merged="x", version=2)},
    ),
    # x itself changes: it ended a day earlier, so that y comes too late to reopen it.
    "a conversation that ended earlier than was said": (
        {
            "kustomer_conversations": CONVERSATIONS
            + _conversation("x", "2024-08-01T10:00:00Z", ended="2024-09-01T10:00:00Z")
            + _conversation("y", "2024-09-02T09:00:00Z"),
            "kustomer_messages": MESSAGES + exchange("x", "2024-08-01"),
        },
        {
            "kustomer_conversations": CONVERSATIONS
            + _conversation("x", "2024-08-01T10:00:00Z", ended="2024-08-31T10:00:00Z", version=2)
        },
    ),
    "a conversation whose own row comes months after its messages": (
        {"kustomer_messages": MESSAGES + exchange("x", "2024-08-01")},
        {"kustomer_conversations": CONVERSATIONS + _conversation("x", "2024-08-01T09:00:00Z", spam="true")},
    ),
    # The customer wrote in August, the answer came in November: one conversation, and November's.
    "a conversation answered months later": (
        {"kustomer_messages": MESSAGES + "x1,org,x,in,chat,2024-08-01T10:00:00Z,\n"},
        {"kustomer_messages": MESSAGES + "x2,org,x,out,chat,2024-11-01T10:00:00Z,premium\n"},
    ),
    "a conversation merged into one of long ago": (
        {"kustomer_messages": MESSAGES + exchange("x", "2024-08-01") + exchange("y", "2024-09-01")},
        {"kustomer_conversations": CONVERSATIONS + _conversation("y", "2024-09-01T09:00:00Z", merged="x")},
    ),
    # The first message of x itself: y's, merged into it before, completes an exchange with it.
    "a message of a conversation that another was merged into": (
        {
            "kustomer_messages": MESSAGES + _message("y1", "y", "in", "2024-08-01T10:00:00Z"),
            "kustomer_conversations": CONVERSATIONS
            + _conversation("x", "2024-08-01T09:00:00Z")
            + _conversation("y", "2024-08-01T09:00:00Z", merged="x"),
        },
        {"kustomer_messages": MESSAGES + _message("x1", "x", "out", "2024-08-01T10:05:00Z")},
    ),
    # Each of y, z and what comes to y lies in a part of its own: z opened the conversation in July.
    "a message of a conversation merged where another was": (
        {
            "kustomer_messages": MESSAGES + _message("y1", "y", "out", "2024-08-03T10:00:00Z"),
            "kustomer_conversations": CONVERSATIONS
            + _conversation("x", "2024-08-01T09:00:00Z")
            + _conversation("y", "2024-08-01T09:00:00Z", merged="x")
            + _conversation("z", "2024-08-01T09:00:00Z", merged="x"),
        },
        {"kustomer_messages": MESSAGES + _message("z1", "z", "in", "2024-07-31T10:05:00Z")},
        {"kustomer_messages": MESSAGES + _message("y2", "y", "out", "2024-09-02T10:05:00Z")},
    ),
    "a status of a message of long ago": (
        {"whatsapp_webhooks": WEBHOOKS + conversation_status("m", "sent", AUGUST, "c")},
        {"whatsapp_webhooks": WEBHOOKS + conversation_status("m", "delivered", AUGUST + 90 * 86400, "c")},
    ),
    # It expires earlier than was said, and so was opened in July.
    "a message of a conversation of long ago": (
        {"whatsapp_webhooks": WEBHOOKS + conversation_status("m", "delivered", AUGUST, "c")},
        {"whatsapp_webhooks": WEBHOOKS + conversation_status("n", "delivered", AUGUST - 86400, "c")},
    ),
    # It takes the only place in August's pool from the window: out2 lies in September, and is charged now.
    "a conversation that takes a window's place in the pool": (
        {"order_overrides": POOL_OF_ONE, "whatsapp_webhooks": WINDOW_EVENTS + WINDOW},
        {"whatsapp_webhooks": WEBHOOKS + conversation_status("k", "delivered", AUGUST_31 - 21 * 86400, "c")},
    ),
    # The one status of m turns out to be of a message that came in; the other conversation stays.
    "a message that there never was": (
        {
            "whatsapp_webhooks": WINDOW_EVENTS
            + f"waba,m,delivered,{AUGUST},14155550100,,service,,PMP,service,true,out,\n"
            + f"waba,n,delivered,{AUGUST},14155550100,,service,,PMP,service,true,out,\n"
        },
        {
            "whatsapp_webhooks": WINDOW_EVENTS
            + f"waba,m,delivered,{AUGUST + 60},14155550100,,service,,PMP,service,true,in,14155550100\n"
        },
    ),
    # The sums of both months stay what they were: only the ids of what is held change.
    "two texts without a price that change months with each other": (
        UNPRICED | {"twilio_messages": TEXTS + _text("SM1", "2024-08-01") + _text("SM2", "2024-09-01")},
        {"twilio_messages": TEXTS + _text("SM1", "2024-09-01", 2) + _text("SM2", "2024-08-01", 2)},
    ),
    "two texts of an account nobody has that change months with each other": (
        {"twilio_messages": TEXTS + _text("SM1", "2024-08-01") + _text("SM2", "2024-09-01")},
        {"twilio_messages": TEXTS + _text("SM1", "2024-09-01", 2) + _text("SM2", "2024-08-01", 2)},
    ),
    # No text is new; those of September wait on.
    "an Order's price that texts of long ago waited for": (
        UNPRICED | {"twilio_messages": TEXTS + _text("SM1", "2024-08-01") + _text("SM2", "2024-09-01")},
        {
            "order_overrides": "order_id,tenant_id,meter,field,value,price_key,valid_from,valid_to\n"
            "o,u,sms_segment,unit_price,0.01,,2024-08-01T00:00:00Z,2024-09-01T00:00:00Z\n"
        },
    ),
    # The late status says that the message was of d: nothing is left of c.
    "a conversation that a late status leaves": (
        {"whatsapp_webhooks": WEBHOOKS + conversation_status("m", "delivered", AUGUST, "c")},
        {"whatsapp_webhooks": WEBHOOKS + conversation_status("m", "read", AUGUST + 60, "d")},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_concerned_is_found(settings: Settings, land: Land, tmp_path: Path, case: str) -> None:
    for source, content in CONTRACT.items():
        land(source, "all.csv", content)
    before = after = None
    for number, landing in enumerate(CASES[case]):
        for source, content in landing.items():
            land(source, f"{number}.csv", content)
        before, after = after, pipeline.run_all(settings).release
    elsewhere = Settings(home=tmp_path / "at_once", landing=settings.landing, memory_limit="1GB")
    at_once = pipeline.run_all(elsewhere).release
    assert before is not None
    assert after is not None
    assert at_once is not None
    assert after.content_hash != before.content_hash
    assert after.content_hash == at_once.content_hash


def _project_of_one_hash(folder: Path) -> Path:
    """The project, but every hash it keeps is the same."""
    macros = copy_of_project(folder) / "macros" / "record_identity.sql"
    text = macros.read_text(encoding="utf-8")
    kept = "{{ return(key_hash(columns | join(', '))) }}"
    assert text.count(kept) == 1
    macros.write_text(text.replace(kept, "0::ubigint"), encoding="utf-8")
    return folder


def test_rows_that_share_a_hash_are_told_apart(settings: Settings, land: Land, tmp_path: Path) -> None:
    """Of each kind one row of long ago that nothing comes to, and one something comes to."""
    for source, content in CONTRACT.items():
        land(source, "all.csv", content)
    message = f"waba,alone,delivered,{AUGUST},14155550100,,user_initiated,,PMP,service,true\n"
    land("kustomer_messages", "first.csv", MESSAGES + exchange("x", "2024-08-01") + exchange("z", "2024-09-01"))
    land(
        "whatsapp_webhooks",
        "first.csv",
        WEBHOOKS
        + message
        + conversation_status("m", "sent", AUGUST, "c")
        + conversation_status("o", "delivered", AUGUST, "d"),
    )
    one_hash = Settings(
        home=tmp_path / "one_hash",
        landing=settings.landing,
        project_dir=_project_of_one_hash(tmp_path / "project"),
        memory_limit="1GB",
    )
    assert pipeline.run_all(one_hash).release is not None
    land("kustomer_messages", "second.csv", MESSAGES + exchange("y", "2024-10-01") + exchange("z", "2024-11-01"))
    land("kustomer_conversations", "second.csv", CONVERSATIONS + _conversation("x", "2024-08-01T09:00:00Z"))
    land(
        "whatsapp_webhooks",
        "second.csv",
        WEBHOOKS
        + conversation_status("m", "read", AUGUST + 60, "c")
        + conversation_status("n", "delivered", AUGUST - 86400, "d"),
    )
    after, at_once = pipeline.run_all(one_hash).release, pipeline.run_all(settings).release
    assert after is not None
    assert at_once is not None
    assert after.content_hash == at_once.content_hash
