"""From the APIs to invoices: pulled is the same as dropped, and a newer state supersedes the one pulled before."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from orchestration import duck, pipeline
from orchestration.pipeline import RunReport
from orchestration.publishing.release import require_release
from orchestration.quality.content_hash import candidate_hashes
from orchestration.settings import Settings
from tests.orchestration.pulling.conftest import Pulling
from tests.orchestration.pulling.resources import (
    call,
    conversation,
    conversation_message,
    message,
    recording,
    rfc,
    sid,
    usage_record,
)
from tests.orchestration.pulling.server import LISTS, USER

KNOWN = "2024-01-01T00:00:00Z"
CONTRACT = {
    "tenants": f"tenant_id,name,billing_currency,payment_method_id,updated_at\ngold,Gold,USD,pm,{KNOWN}\n",
    "account_map": "tenant_id,system,account_id,kind,valid_from,updated_at\n"
    f"gold,twilio,{USER},platform,{KNOWN},{KNOWN}\ngold,kustomer,org,platform,{KNOWN},{KNOWN}\n",
    "subscriptions": "tenant_id,plan_id,full_time_licences,term_start,term_months,valid_from,updated_at\n"
    f"gold,professional,3,2024-01-01,12,{KNOWN},{KNOWN}\n",
}
AT = "2024-11-05T10:00:00Z"
Lists = dict[str, list[dict[str, Any]]]

FIRST: Lists = {
    "Calls": [
        *(call(n, f"2024-11-05 10:{n:02}") for n in range(5)),
        call(9, "2024-11-07 23:00", status="in-progress", duration=None, end_time=None, price=None),
    ],
    "Messages": [
        *(message(n, f"2024-11-06 10:{n:02}") for n in range(4)),
        message(9, "2024-11-07 23:00", status="sent", price=None),
    ],
    "Recordings": [recording(1, "2024-11-05 10:00", call_sid=sid("CA", 1), duration="61")],
    "Usage/Records/Daily": [usage_record(c, f"2024-11-0{d}") for c in ("calls", "sms") for d in (5, 6, 7)],
    "/v1/conversations": [conversation(1, AT), conversation(2, AT)],
    "/v1/messages": [
        conversation_message(1, "2024-11-05T10:00:01Z"),
        conversation_message(
            11,
            "2024-11-05T10:00:09Z",
            conversation_id="conv1",
            direction="out",
            assistant_id="bot",
            assistant_type="premium",
        ),
    ],
}
LATER = "2024-11-08 01:00"
CHANGED: Lists = {
    "Calls": [call(9, "2024-11-07 23:00", duration="121", price="-0.0255", date_updated=rfc(LATER))],
    "Messages": [message(9, "2024-11-07 23:00", status="failed", price=None, date_updated=rfc(LATER))],
    "/v1/conversations": [conversation(2, AT, updated_at="2024-11-08T02:00:00Z", spam=True)],
}


def _contract(settings: Settings) -> None:
    for source, text in CONTRACT.items():
        path = settings.landing / source / "all.csv"
        path.parent.mkdir(parents=True)
        path.write_text(text, encoding="utf-8")


def _key(resource: dict[str, Any]) -> Any:
    return resource.get("sid") or resource.get("id") or (resource["category"], resource["start_date"])


def _hold(pull: Pulling, changes: Lists) -> None:
    for name, resources in FIRST.items():
        changed = {_key(resource): resource for resource in changes.get(name, ())}
        account = "" if name.startswith("/") else USER
        pull.api.hold(account, name, [changed.get(_key(resource), resource) for resource in resources])


def _drop(landing: Path, name: str, number: int, resources: list[dict[str, Any]]) -> None:
    """As a page dropped by hand."""
    page: dict[str, object]
    if name.startswith("/"):
        source, page = f"kustomer_{name.rpartition('/')[2]}", {"data": resources, "links": {"next": None}}
    else:
        list_key = LISTS[name][0]
        source, page = f"twilio_{list_key}", {list_key: resources, "next_page_uri": None, "page": 0}
    path = landing / source / f"page{number}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(page, indent=1), encoding="utf-8")


def _marts(settings: Settings) -> dict[str, str]:
    with duck.connect(require_release(settings).database, settings, read_only=True) as connection:
        hashes = candidate_hashes(connection)
    # What moved between two releases tells of the releases, not of the usage.
    hashes.pop("rpt_release_changes")
    return hashes


def _billed(settings: Settings) -> dict[str, int]:
    with duck.connect(require_release(settings).database, settings, read_only=True) as connection:
        rows = connection.execute(
            "select meter, sum(pricing_quantity)::bigint from marts.fct_invoice_lines "
            "where meter in ('voice_minute', 'sms_segment', 'kiq_conversation') group by all"
        ).fetchall()
    return dict(rows)


def _superseded(settings: Settings) -> dict[str, int]:
    with duck.connect(require_release(settings).database, settings, read_only=True) as connection:
        rows = connection.execute(
            "select source, sum(record_count)::bigint from marts.rpt_record_fates "
            "where fate = 'superseded' group by all"
        ).fetchall()
    return dict(rows)


def _accepted(report: RunReport) -> dict[str, int]:
    assert [r.status for r in report.ingest.receipts] == ["accepted"] * len(report.ingest.receipts)
    assert sum(r.rows_quarantined for r in report.ingest.receipts) == 0
    return {r.source: r.rows_accepted for r in report.ingest.receipts if r.source not in CONTRACT}


def test_pulled_is_the_same_as_dropped_and_newer_states_supersede(pull: Pulling, tmp_path: Path) -> None:
    pull.api.largest_page = 2
    _contract(pull.settings)
    _hold(pull, {})
    landed = {report.source: report.landed for report in pull(since="2024-11-01")}
    assert landed == {
        "twilio_calls": 6,
        "twilio_messages": 5,
        "twilio_recordings": 1,
        "twilio_usage_records": 6,
        "kustomer_conversations": 2,
        "kustomer_messages": 2,
    }
    assert _accepted(pipeline.run_all(pull.settings)) == landed
    # Five calls of 61 seconds; the one going on is not billed yet. Five messages of one segment.
    assert _billed(pull.settings) == {"voice_minute": 10, "sms_segment": 5, "kiq_conversation": 1}

    _hold(pull, CHANGED)
    pull.now = pull.now.replace(day=9)
    changed = {report.source: report.landed for report in pull() if report.landed}
    assert changed == {"twilio_calls": 1, "twilio_messages": 1, "kustomer_conversations": 1}
    assert _accepted(pipeline.run_all(pull.settings)) == changed
    # 121 seconds more are three minutes; the message that failed after all is not billed.
    assert _billed(pull.settings) == {"voice_minute": 13, "sms_segment": 4, "kiq_conversation": 1}
    assert _superseded(pull.settings) == changed

    dropped = Settings(home=tmp_path / "dropped", landing=tmp_path / "by_hand", memory_limit="1GB")
    _contract(dropped)
    for number, lists in enumerate((FIRST, CHANGED)):
        for name, resources in lists.items():
            _drop(dropped.landing, name, number, resources)
    _accepted(pipeline.run_all(dropped))
    assert _marts(pull.settings) == _marts(dropped)
    assert [report.landed for report in pull()] == [0] * 6
    assert not pipeline.has_work(pull.settings)
