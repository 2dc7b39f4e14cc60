"""The labelled peculiarities of the sample: what real extracts do, and what must become of it.

Each trap names the rule it tries. Ordinary usage is in usage.py.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

from orchestration.sampling.usage import Usage, month_start, next_start
from orchestration.sampling.world import World, hex_id, iso

SUPERSEDED_NEWER = ("superseded", "newer_state")
SUPERSEDED_CONFLICT = ("superseded", "conflict")
EXACT_COPY = ("duplicate", "exact_copy")


def add_traps(world: World, usage: Usage) -> None:
    """Every trap once or a few times, in tenants 1 to 20."""
    for month in world.months:
        _repeats(world, usage, month)
        _voice(world, usage, month)
        _texts(world, usage, month)
        _translations(world, usage, month)
        _chats(world, usage, month)
        _whatsapp(world, usage, month)
    _late_and_edges(world, usage)
    _pools(world, usage)
    _numbers_and_penalties(world, usage)
    _vendors_own_totals(world, usage)


def _repeats(world: World, usage: Usage, month: date) -> None:
    tenant, at = world.tenant(1), month_start(month) + timedelta(days=3, hours=5)
    # GEN-02: an exact copy in the same file, and one in another month's file.
    copied = usage.put("twilio_messages", month, usage.message(tenant, at))
    usage.put("twilio_messages", month, dict(copied), EXACT_COPY, "exact duplicate inside a source")
    call = usage.put("twilio_calls", month, usage.call(tenant, at))
    usage.put("twilio_calls", world.months[-1], dict(call), EXACT_COPY, "exact duplicate across files")
    # A state update: queued, sent, delivered; only the last state counts.
    final = usage.message(tenant, at + timedelta(hours=1))
    for step, status in enumerate(("queued", "sent")):
        earlier = final | {"status": status, "date_updated": final["date_sent"] - timedelta(minutes=5 - step)}
        usage.put("twilio_messages", month, earlier, SUPERSEDED_NEWER, "state update")
    usage.put("twilio_messages", month, final)
    # A conflict: same key and update time, other content; the hash decides, the loser is listed.
    one = usage.translation(tenant, at, character_count=500)
    usage.put("translations", month, one)
    usage.put("translations", month, one | {"character_count": 501}, SUPERSEDED_CONFLICT, "conflicting duplicate")


def _voice(world: World, usage: Usage, month: date) -> None:
    tenant, at = world.tenant(2), month_start(month) + timedelta(days=5, hours=9)
    parent = usage.put("twilio_calls", month, usage.call(tenant, at), label="multi-leg call")
    usage.put(
        "twilio_calls",
        month,
        usage.call(tenant, at, parent_call_sid=parent["sid"], direction="outbound-dial", to="client:agent_7"),
        ("excluded", "agent_leg"),
        "agent leg",
    )
    usage.put(
        "twilio_calls",
        month,
        usage.call(tenant, at, parent_call_sid=parent["sid"], direction="outbound-dial", to="+442071838751"),
        label="forwarded call",
    )
    usage.put("twilio_calls", month, usage.call(tenant, at, **{"from": "anonymous"}), label="withheld caller")
    for status in ("busy", "no-answer"):
        call = usage.call(tenant, at, status=status, duration="0", direction="outbound-api", to="+13105550109")
        usage.put("twilio_calls", month, call, ("excluded", "not_completed"), f"{status} call")
    usage.put(
        "twilio_calls",
        month,
        usage.call(tenant, at, duration="0"),
        ("excluded", "zero_duration"),
        "answered for no time",
    )
    usage.put(
        "twilio_calls",
        month,
        usage.call(tenant, at, status="failed", duration="17"),
        ("quarantined", "duration_without_completion"),
        "failed call with duration",
    )
    usage.put(
        "twilio_calls",
        month,
        usage.call(tenant, at, account_sid="AC" + hex_id("nobody")),
        ("quarantined", "unmapped_account"),
        "unknown account",
    )
    usage.put(
        "twilio_calls",
        month,
        usage.call(tenant, at, account_sid=world.tenant(4).third_party_sid),
        ("excluded", "third_party_service"),
        "third-party account",
    )
    midnight = next_start(month) - timedelta(seconds=30)
    usage.put(
        "twilio_calls",
        month,
        usage.call(tenant, midnight, duration="600", end_time=midnight + timedelta(seconds=600)),
        label="call across midnight at month end",
    )


def _texts(world: World, usage: Usage, month: date) -> None:
    tenant, at = world.tenant(3), month_start(month) + timedelta(days=7, hours=11)
    filtered = usage.message(tenant, at, status="undelivered", error_code="30007")
    usage.put("twilio_messages", month, filtered, label="filtered SMS")
    failed = usage.message(tenant, at, status="failed", error_code="30006")
    usage.put("twilio_messages", month, failed, ("excluded", "not_billable_status"), "failed SMS")
    mms = usage.message(tenant, at, num_media="2")
    usage.put("twilio_messages", month, mms, label="MMS with an SMS sid")
    inbound = usage.message(tenant, at, direction="inbound", status="received", num_media="1", num_segments="0")
    usage.put("twilio_messages", month, inbound, label="inbound MMS without segments")
    usage.put(
        "twilio_messages",
        month,
        usage.message(tenant, at, num_segments="0"),
        ("quarantined", "zero_segments"),
        "delivered without segments",
    )
    usage.put(
        "twilio_messages",
        month,
        usage.message(tenant, at, to="whatsapp:+5511987650003"),
        ("excluded", "whatsapp_channel"),
        "WhatsApp address among texts",
    )


def _translations(world: World, usage: Usage, month: date) -> None:
    tenant, at = world.tenant(5), month_start(month) + timedelta(days=9)
    for changes, reason, label in (
        ({"status": "failed", "completed_at": None}, "not_completed", "failed translation"),
        ({"character_count": 0}, "empty_text", "empty translation"),
        ({"target_lang": "en"}, "same_language", "source is target"),
    ):
        record = usage.translation(tenant, at, **changes)
        usage.put("translations", month, record, ("excluded", reason), label)
    for language in ("fr", "es", "pt"):
        record = usage.translation(tenant, at, target_lang=language)
        usage.put("translations", month, record, label="several target languages")
    # TRW-03, PRC-03: tenant 5 renews on 15 October; the same use on either side of it.
    for day in (10, 20):
        record = usage.translation(tenant, month_start(month) + timedelta(days=day), character_count=100_003)
        usage.put("translations", month, record, label="words around a renewal")


def _chats(world: World, usage: Usage, month: date) -> None:
    tenant, at = world.tenant(6), month_start(month) + timedelta(days=11)
    later = [at + timedelta(seconds=30 * step) for step in range(4)]
    both: list[tuple[datetime, str, str | None]] = [(later[0], "in", None), (later[1], "out", "premium")]

    def conversation(**changes: object) -> dict[str, object]:
        record = usage.conversation(tenant, at, **changes)
        usage.put("kustomer_conversations", month, record, ("excluded", "contract_data"))
        return record

    cases: tuple[tuple[str, dict[str, object], list[tuple[datetime, str, str | None]], tuple[str, str]], ...] = (
        ("spam conversation", {"spam": True}, both, ("excluded", "spam")),
        ("imported conversation", {"imported_at": iso(at)}, both, ("excluded", "imported")),
        (
            "lite assistant",
            {},
            [(later[0], "in", None), (later[1], "out", "lite")],
            ("excluded", "no_premium_reply"),
        ),
        (
            "reply before the customer",
            {},
            [(later[0], "out", "premium"), (later[1], "in", None)],
            ("excluded", "no_back_and_forth"),
        ),
        ("bot only", {}, [(later[0], "out", "premium")], ("excluded", "no_back_and_forth")),
        (
            "person only",
            {},
            [(later[0], "in", None), (later[1], "out", None)],
            ("excluded", "no_premium_reply"),
        ),
        ("handed to an agent", {"transferred_to_agent_at": iso(later[3])}, both, ("counted", "")),
    )
    for label, changes, steps, fate in cases:
        usage.chat(tenant, conversation(**changes), month, steps, fate, label)
    usage.chat(tenant, conversation(), month, both, ("excluded", "no_premium_reply"), "unsupported channel", "email")
    target = conversation()
    merged = conversation(merged_target_id=target["id"])
    usage.chat(tenant, merged, month, [(later[0], "in", None)], label="merged conversation")
    usage.chat(tenant, target, month, [(later[1], "out", "premium")], label="merged conversation")
    unknown = usage.conversation(tenant, at, org_id=hex_id("no org", length=24))
    usage.put("kustomer_conversations", month, unknown, ("excluded", "contract_data"))
    stranger = {"org_id": unknown["org_id"]}
    for step in both:
        usage.chat(tenant, unknown, month, [step], ("quarantined", "unmapped_account"), "unknown org")
        usage.records["kustomer_messages", month][-1].update(stranger)
    odd: list[tuple[datetime, str, str | None]] = [(later[0], "in", None), (later[1], "out", "Premium")]
    usage.chat(
        *(tenant, conversation(), month, odd, ("quarantined", "unknown_sender")), label="assistant of an unknown kind"
    )


def _whatsapp(world: World, usage: Usage, month: date) -> None:
    tenant, at = world.tenant(9), month_start(month) + timedelta(days=13)
    category = "service" if month >= date(2024, 11, 1) else "user_initiated"
    plain = {"origin_type": category, "pricing_category": category}
    free = {"origin_type": "referral_conversion", "pricing_category": "referral_conversion"}
    usage.put(
        "whatsapp_webhooks",
        month,
        usage.status(tenant, at, **free, billable=False, expiration_timestamp=at + timedelta(hours=72)),
        label="free entry point",
    )
    usage.put(
        "whatsapp_webhooks",
        month,
        usage.status(tenant, at, **plain, status="read"),
        label="read without delivered",
    )
    failed = usage.status(
        tenant,
        at,
        status="failed",
        conversation_id=None,
        origin_type=None,
        pricing_category=None,
        pricing_model=None,
        billable=None,
        expiration_timestamp=None,
    )
    usage.put("whatsapp_webhooks", month, failed, ("excluded", "not_delivered"), "failed status")
    inbound = {
        "waba_id": tenant.waba_id,
        "wamid": "wamid." + usage.next_id("inbound").upper(),
        "timestamp": at,
        "direction": "in",
        "from": "5511987650001",
    }
    usage.put("whatsapp_webhooks", month, inbound, ("excluded", "inbound_message"), "inbound message")
    stranger = usage.status(tenant, at, **plain, waba_id="999999999999999")
    usage.put("whatsapp_webhooks", month, stranger, ("quarantined", "unmapped_account"), "unknown WABA")


def _late_and_edges(world: World, usage: Usage) -> None:
    tenant, first, last = world.tenant(10), world.months[0], world.months[-1]
    late = usage.call(tenant, month_start(first) + timedelta(days=20))
    usage.put("twilio_calls", last, late, label="late row")
    # 00:30 at +01:00 on the 1st is still the month before, in UTC.
    ahead = timezone(timedelta(hours=1))
    edge = (next_start(first) - timedelta(minutes=30)).astimezone(ahead)
    usage.put("twilio_calls", first, usage.call(tenant, edge), label="foreign offset at the month's edge")
    for offset, label in ((-1, "last microsecond of a month"), (0, "first instant of a month")):
        at = next_start(first) + timedelta(microseconds=offset)
        record = usage.translation(tenant, at)
        record |= {
            "completed_at": at.isoformat(timespec="microseconds"),
            "requested_at": at.isoformat(timespec="microseconds"),
        }
        usage.put("translations", first, record, label=label)


def _pools(world: World, usage: Usage) -> None:
    """WAP-06 on the 2022 card: tenant 7's pool of 10 is exactly used up, tenant 8's of 5 exceeded."""
    month = world.months[0]
    markets = ("5511987650004", "4915112345679", "919812345679")
    for number, conversations in ((7, 10), (8, 8)):
        tenant = world.tenant(number)
        label = "pool exactly used up" if number == 7 else "pool exceeded with mixed countries"
        for index in range(conversations):
            at = month_start(month) + timedelta(days=2, hours=index)
            record = usage.status(tenant, at, recipient_id=markets[index % 3])
            usage.put("whatsapp_webhooks", month, record, label=label)
    business = usage.status(
        world.tenant(8),
        month_start(month) + timedelta(days=1),
        recipient_id=markets[1],
        origin_type="business_initiated",
        pricing_category="business_initiated",
    )
    usage.put("whatsapp_webhooks", month, business, label="business-initiated beside a pool")


def _numbers_and_penalties(world: World, usage: Usage) -> None:
    month, last = world.months[0], world.months[-1]
    moved_at = month_start(month) + timedelta(days=14)
    moved = "+12125559999"

    def event(number: int, phone: str, kind: str, at: datetime, label: str) -> None:
        record = {
            "tenant_id": world.tenant(number).tenant_id,
            "phone_number": phone,
            "number_type": "local",
            "event": kind,
            "occurred_at": iso(at),
            "updated_at": iso(at),
        }
        fate = ("excluded", "closes_interval")
        if kind == "added":
            before = at < month_start(world.months[0])
            fate = ("excluded", "before_first_metered_month") if before else ("counted", "")
        usage.put("number_events", month, record, fate, label)

    event(1, moved, "added", month_start(month) - timedelta(days=40), "number moved between tenants")
    event(1, moved, "removed", moved_at, "number moved between tenants")
    event(2, moved, "added", moved_at, "number moved between tenants")
    event(3, "+12125559998", "added", moved_at, "added and removed in one month")
    event(3, "+12125559998", "removed", moved_at + timedelta(days=3), "added and removed in one month")
    event(3, "+12125559997", "added", month_start(month) - timedelta(days=40), "removed on the first")
    event(3, "+12125559997", "removed", month_start(month), "removed on the first")

    def notice(notice_id: str, states: list[tuple[str, datetime]], final: tuple[str, str]) -> None:
        for index, (status, at) in enumerate(states):
            record = {
                "notice_id": notice_id,
                "phone_number": world.tenant(1).phone(0),
                "amount": "500.00",
                "currency_code": "USD",
                "violated_at": iso(month_start(month) + timedelta(days=1)),
                "posted_at": iso(month_start(month) + timedelta(days=4)),
                "status": status,
                "status_at": iso(at),
                "updated_at": iso(at),
            }
            fate = final if index == len(states) - 1 else SUPERSEDED_NEWER
            usage.put("carrier_penalties", month, record, fate, f"penalty {notice_id}")

    posted, early = month_start(month) + timedelta(days=4), month_start(month) + timedelta(days=10)
    decided = month_start(last) + timedelta(days=2)
    notice("NOTE-OPEN", [("open", posted)], ("counted", ""))
    notice("NOTE-HELD", [("open", posted), ("contested", early)], ("quarantined", "contested_held"))
    notice("NOTE-UPHELD", [("open", posted), ("contested", early), ("upheld", decided)], ("counted", ""))
    notice(
        "NOTE-OVERTURNED",
        [("open", posted), ("contested", early), ("overturned", decided)],
        ("excluded", "overturned"),
    )
    late_contest = next_start(month) + timedelta(days=10)
    notice(
        "NOTE-CREDITED",
        [("open", posted), ("contested", late_contest), ("overturned", decided)],
        ("counted", ""),
    )


def _vendors_own_totals(world: World, usage: Usage) -> None:
    """A category in which others nest: a vendor's figure that is compared with nothing."""
    only = ("excluded", "reconciliation_only")
    for month in world.months:
        tenant, end = world.tenant(1), next_start(month)
        usage.put(
            "twilio_usage_records",
            month,
            {
                "account_sid": tenant.account_sid,
                "category": "calls",
                "start_date": month.isoformat(),
                "end_date": (end - timedelta(days=1)).date().isoformat(),
                "count": "100",
                "usage": "250",
                "usage_unit": "minutes",
                "price": "2.50000",
                "price_unit": "usd",
                "as_of": end.astimezone(UTC).isoformat(),
            },
            only,
        )
