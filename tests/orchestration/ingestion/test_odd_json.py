"""JSON that no vendor should send costs itself alone, and none of it goes by uncounted (GEN-05)."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orchestration import duck
from orchestration.ingestion.landing import ingest_landing
from orchestration.settings import Settings

Land = Callable[[str, str, "str | bytes"], Path]
STATUS = {"id": "wamid.1", "status": "read", "timestamp": "1730800000"}
CALL = {"account_sid": "AC1", "status": "completed", "date_created": "Tue, 05 Nov 2024 10:00:00 +0000"}


def rows(settings: Settings, query: str) -> list[tuple[Any, ...]]:
    with duck.connect(settings.warehouse_path, settings) as connection:
        return connection.execute(query).fetchall()


def changed(**value: object) -> dict[str, object]:
    return {"entry": [{"id": "1", "changes": [{"field": "messages", "value": value}]}]}


def counted(points: object) -> dict[str, object]:
    return {"id": "1", "conversation_analytics": {"data": [{"data_points": points}]}}


MISSHAPEN: dict[str, tuple[str, dict[str, object], str]] = {
    "an entry alone": ("whatsapp_webhooks", {"entry": changed(statuses=[STATUS])["entry"][0]}, "'entry'"),  # type: ignore[index]
    "entry true": ("whatsapp_webhooks", {"entry": True}, "'entry'"),
    "a text among entries": ("whatsapp_webhooks", {"entry": ["1"]}, "'entry'"),
    "a change alone": ("whatsapp_webhooks", {"entry": [{"changes": {"value": {"statuses": [STATUS]}}}]}, "'changes'"),
    "changes true": ("whatsapp_webhooks", {"entry": [{"changes": True}]}, "'changes'"),
    "value a list": ("whatsapp_webhooks", {"entry": [{"changes": [{"value": [STATUS]}]}]}, "'value'"),
    "a status alone": ("whatsapp_webhooks", changed(statuses=STATUS), "'statuses'"),
    "statuses true": ("whatsapp_webhooks", changed(statuses=True), "'statuses'"),
    "messages a text": ("whatsapp_webhooks", changed(messages="hello"), "'messages'"),
    "points true": ("whatsapp_conversation_analytics", counted(True), "'data_points'"),
    "points of numbers": ("whatsapp_conversation_analytics", counted([1]), "'data_points'"),
    "analytics a list": (
        "whatsapp_conversation_analytics",
        {"conversation_analytics": [1]},
        "'conversation_analytics'",
    ),
}


@pytest.mark.parametrize("case", MISSHAPEN)
def test_what_stands_where_a_list_belongs_is_held_back(settings: Settings, land: Land, case: str) -> None:
    """Some of these stopped the run, the others were passed over without a word."""
    source, document, where = MISSHAPEN[case]
    good = changed(statuses=[STATUS]) if source == "whatsapp_webhooks" else counted([{"start": 1, "end": 2}])
    land(source, "lines.ndjson", f"{json.dumps(document)}\n{json.dumps(good)}\n")
    land(source, "document.json", json.dumps(document))
    found = {receipt.file_name: receipt for receipt in ingest_landing(settings).receipts}
    lines, alone = found["lines.ndjson"], found["document.json"]
    assert (lines.status, lines.rows_accepted, lines.rows_quarantined) == ("accepted", 1, 1)
    assert [(number, where in reason) for number, reason in rows(
        settings, "select row_number, reason from raw.quarantine"
    )] == [(1, True)]  # fmt: skip
    assert alone.status == "refused"
    assert where in alone.reason


def test_nulls_among_entries_and_changes_hold_nothing(settings: Settings, land: Land) -> None:
    post = changed(statuses=[STATUS])
    assert isinstance(post["entry"], list)
    land(
        "whatsapp_webhooks",
        "a.json",
        json.dumps({"entry": [None, {"changes": [None, {"value": None}]}, *post["entry"]]}),
    )
    (receipt,) = ingest_landing(settings).receipts
    assert (receipt.rows_accepted, receipt.rows_quarantined) == (1, 0)


@pytest.mark.parametrize("deep", ["[" * 200_000, '{"a":' * 200_000, "[" * 600 + "]" * 600])
def test_json_nested_without_end_costs_its_own_line(settings: Settings, land: Land, deep: str) -> None:
    """It stopped the run: Python counts how deep it is in itself."""
    land("twilio_calls", "a.json", deep)
    land("twilio_calls", "b.ndjson", f"{deep}\n{json.dumps({'sid': 'CA1', **CALL})}\n")
    land("twilio_calls", "c.ndjson", json.dumps({"sid": "CA2", "note": json.loads("[" * 90 + "]" * 90), **CALL}))
    ingest_landing(settings)
    assert rows(settings, "select sid from raw.twilio_calls order by sid") == [("CA1",), ("CA2",)]


def test_half_a_character_costs_its_own_record(settings: Settings, land: Land) -> None:
    """JSON may escape one half of a surrogate pair, and no text can hold it: it stopped the run."""
    calls = [{"sid": f"CA{number}", "from": "+12125550100", "note": "\ud83d", **CALL} for number in range(3)]
    calls[1]["from"] = "\ud83d"
    land("twilio_calls", "page.json", json.dumps({"calls": calls}))
    land("twilio_calls", "lines.ndjson", "\n".join(json.dumps(call | {"start_time": None}) for call in calls))
    found = {receipt.file_name: receipt for receipt in ingest_landing(settings).receipts}
    for receipt in found.values():
        assert (receipt.rows_total, receipt.rows_accepted, receipt.rows_quarantined) == (3, 2, 1)
    held = rows(settings, "select row_number, reason, raw_text from raw.quarantine")
    assert [(number, reason) for number, reason, _ in held] == [
        (2, "from contains half a character (a lone surrogate)")
    ] * 2
    assert all('"from": "\\ud83d"' in text for *_, text in held)
    assert rows(settings, "select distinct sid, row_number from raw.twilio_calls order by 1") == [
        ("CA0", 1),
        ("CA2", 3),
    ]


def test_a_whole_character_that_is_escaped_is_kept(settings: Settings, land: Land) -> None:
    land("twilio_calls", "page.json", json.dumps({"calls": [{"sid": "CA1", "from": "\U0001f600", **CALL}]}))
    ingest_landing(settings)
    assert rows(settings, 'select "from" from raw.twilio_calls') == [("\U0001f600",)]


def test_a_sid_of_half_characters_is_told(settings: Settings, land: Land) -> None:
    land("twilio_calls", "one.json", json.dumps({"sid": "\ud800" * 34, **CALL}))
    (receipt,) = ingest_landing(settings).findings
    assert "\\ud800" in receipt.reason
