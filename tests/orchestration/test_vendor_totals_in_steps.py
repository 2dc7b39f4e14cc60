"""GEN-06: vendors' totals beside what landed come out the same whatever landed first, and cost months that are new."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from orchestration import pipeline
from orchestration.settings import Settings
from tests.small_extracts import CALLS, WEBHOOKS, conversation_status, inbound_call

Land = Callable[[str, str, "str | bytes"], Path]
CONTRACT = {
    "tenants": "tenant_id,name,billing_currency\nt,T,USD\n",
    "account_map": "tenant_id,system,account_id,kind,valid_from\n"
    "t,twilio,AC1,platform,2024-01-01T00:00:00Z\nt,whatsapp,waba,platform,2024-01-01T00:00:00Z\n",
}
TOTALS = "account_sid,category,start_date,end_date,usage,usage_unit,price,price_unit,as_of\n"
POINTS = "waba_id,start,end,country,conversation,cost\n"
# Meta's November of an account 5 h 30 min ahead of UTC: its first hours are of the October of everything else.
AHEAD = timedelta(hours=5, minutes=30)
NOVEMBER = (datetime(2024, 11, 1, tzinfo=UTC) - AHEAD, datetime(2024, 12, 1, tzinfo=UTC) - AHEAD)


def _total(day: str, minutes: int, as_of: str = "2024-12-05") -> str:
    return f"AC1,calls-inbound,{day},{day},{minutes},minutes,0.01,usd,{as_of}T00:00:00Z\n"


def _point(conversations: int) -> str:
    start, end = (int(at.timestamp()) for at in NOVEMBER)
    return f"waba,{start},{end},BR,{conversations},1.5\n"


def _opened(conversation: str, at: datetime) -> str:
    return conversation_status(f"w{conversation}", "delivered", int(at.timestamp()), conversation)


def _reconciled(settings: Settings) -> list[tuple[object, ...]]:
    """(category, month, vendor's, landed, differing periods) of the release served."""
    with duckdb.connect(str(settings.home / "published/current/meterhouse.duckdb"), read_only=True) as connection:
        return connection.execute(
            "select category, strftime(billing_month, '%Y-%m'), vendor_quantity_compared::int, landed_quantity::int, "
            "differing_count from marts.rpt_vendor_reconciliation order by all"
        ).fetchall()


def _owners(settings: Settings) -> list[tuple[object, ...]]:
    """(account, tenant) of the release served."""
    with duckdb.connect(str(settings.home / "published/current/meterhouse.duckdb"), read_only=True) as connection:
        query = "select distinct account_id, tenant_id from marts.rpt_vendor_reconciliation order by all"
        return connection.execute(query).fetchall()


def _published(settings: Settings) -> str:
    release = pipeline.run_all(settings).release
    assert release is not None
    return release.content_hash


@pytest.fixture
def contracted(settings: Settings, land: Land) -> Settings:
    for source, content in CONTRACT.items():
        land(source, "all.csv", content)
    # Something is invoiced, and no vendor says a word of it.
    land("twilio_calls", "all.csv", CALLS + inbound_call("CA", "2024-09-02", 1))
    return settings


def test_what_lands_later_closes_the_gap(contracted: Settings, land: Land) -> None:
    """Each of a total, its records and a later total comes by itself; only what they are of is compared again."""
    land("twilio_calls", "1.csv", CALLS + inbound_call("CA1", "2024-10-03", 2) + inbound_call("CA2", "2024-11-03", 3))
    _published(contracted)
    assert _reconciled(contracted) == []
    land("twilio_usage_records", "1.csv", TOTALS + _total("2024-10-03", 2) + _total("2024-11-03", 7))
    _published(contracted)
    assert _reconciled(contracted) == [("calls-inbound", "2024-10", 2, 2, 0), ("calls-inbound", "2024-11", 7, 3, 1)]
    land("twilio_calls", "2.csv", CALLS + inbound_call("CA3", "2024-11-03", 4))
    _published(contracted)
    assert _reconciled(contracted) == [("calls-inbound", "2024-10", 2, 2, 0), ("calls-inbound", "2024-11", 7, 7, 0)]
    # Twilio restates October: a later total of a day is the day's.
    land("twilio_usage_records", "2.csv", TOTALS + _total("2024-10-03", 1, "2024-12-09"))
    _published(contracted)
    assert _reconciled(contracted) == [("calls-inbound", "2024-10", 1, 2, 1), ("calls-inbound", "2024-11", 7, 7, 0)]


def test_a_record_of_one_month_is_counted_in_the_vendor_s_other(contracted: Settings, land: Land) -> None:
    """31 October, 20:00 UTC, is November to the account: Meta's November is compared again, though October moved."""
    land("whatsapp_conversation_analytics", "1.csv", POINTS + _point(2))
    land("whatsapp_webhooks", "1.csv", WEBHOOKS + _opened("c1", datetime(2024, 11, 9, tzinfo=UTC)))
    _published(contracted)
    assert _reconciled(contracted) == [("conversations", "2024-11", 2, 1, 1)]
    land("whatsapp_webhooks", "2.csv", WEBHOOKS + _opened("c2", datetime(2024, 10, 31, 20, tzinfo=UTC)))
    _published(contracted)
    assert _reconciled(contracted) == [("conversations", "2024-11", 2, 2, 0)]


def test_a_total_taken_back_is_gone(contracted: Settings, land: Land) -> None:
    """Restated to nothing, a category beside no meter says nothing; a longer total replaces a month to date."""
    lookups = "AC1,lookups,2024-10-03,2024-10-03,{0},,0.0{0},usd,{1}T00:00:00Z\n"
    to_date = "AC1,calls-inbound,2024-11-01,2024-11-{0},7,minutes,0.07,usd,{1}T00:00:00Z\n"
    land("twilio_usage_records", "1.csv", TOTALS + lookups.format(5, "2024-12-05") + to_date.format(29, "2024-12-05"))
    _published(contracted)
    assert _reconciled(contracted) == [("calls-inbound", "2024-11", 7, 0, 1), ("lookups", "2024-10", None, None, 0)]
    land("twilio_usage_records", "2.csv", TOTALS + lookups.format(0, "2024-12-06") + to_date.format(30, "2024-12-06"))
    _published(contracted)
    assert _reconciled(contracted) == [("calls-inbound", "2024-11", 7, 0, 1)]


def test_totals_follow_their_account(contracted: Settings, land: Land) -> None:
    """Before anybody knows whose an account is its totals are nobody's, and somebody's once its map has landed."""
    land("twilio_usage_records", "1.csv", TOTALS + _total("2024-10-03", 2).replace("AC1", "AC2"))
    _published(contracted)
    assert _owners(contracted) == [("AC2", None)]
    header = "tenant_id,system,account_id,kind,valid_from\n"
    land("account_map", "2.csv", header + "t,twilio,AC2,platform,2024-01-01T00:00:00Z\n")
    _published(contracted)
    assert _owners(contracted) == [("AC2", "t")]


@pytest.mark.parametrize("seed", range(3))
def test_in_any_steps_as_at_once(seed: int, contracted: Settings, land: Land, tmp_path: Path) -> None:
    """Calls, conversations and totals of three months, in landings by lot: the same release, whatever came first."""
    chance = random.Random(f"vendor totals {seed}")
    days = [datetime(2024, 10, 1, tzinfo=UTC) + timedelta(days=chance.randrange(80)) for _ in range(24)]
    rows: list[tuple[str, str, str]] = []
    for number, at in enumerate(days):
        day = f"{at:%Y-%m-%d}"
        rows.append(("twilio_calls", CALLS, inbound_call(f"CA{number}", day, chance.randrange(1, 9))))
        rows.append(("twilio_usage_records", TOTALS, _total(day, chance.randrange(9), f"2025-01-{1 + number:02d}")))
        rows.append(("whatsapp_webhooks", WEBHOOKS, _opened(f"c{number}", at + timedelta(hours=chance.randrange(24)))))
    rows.append(("whatsapp_conversation_analytics", POINTS, _point(4)))
    chance.shuffle(rows)
    for step in range(4):
        share = rows[step::4]
        for source, header in {(source, header) for source, header, _ in share}:
            land(source, f"{step}.csv", header + "".join(row for of, _, row in share if of == source))
        in_steps = _published(contracted)
    assert _published(Settings(tmp_path / "at once", contracted.landing, memory_limit="1GB")) == in_steps
    reconciled = _reconciled(contracted)
    assert {category for category, *_ in reconciled} == {"calls-inbound", "conversations"}
    # Worked out here from the rows themselves: what Meta's November holds.
    opened = [int(row.split(",")[3]) for source, _, row in rows if source == "whatsapp_webhooks"]
    of_november = sum(NOVEMBER[0].timestamp() <= at < NOVEMBER[1].timestamp() for at in opened)
    assert ("conversations", "2024-11", 4, of_november, int(of_november != 4)) in reconciled
