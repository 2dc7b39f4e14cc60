"""Every real upstream payload loads, or is refused, as its index says."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from orchestration import duck
from orchestration.ingestion.landing import ingest_landing
from orchestration.settings import Settings

PAYLOADS = Path(__file__).parent / "payloads"

# file -> (source, status, accepted rows, quarantined rows)
EXPECTED = {
    "twilio/calls_list_page1.json": ("twilio_calls", "accepted", 2, 0),
    "twilio/call_fetch.json": ("twilio_calls", "accepted", 1, 0),
    "twilio/messages_list_page1.json": ("twilio_messages", "accepted", 2, 0),
    "twilio/message_create_messaging_service.json": ("twilio_messages", "accepted", 1, 0),
    "twilio/message_redacted.json": ("twilio_messages", "accepted", 1, 0),
    "twilio/recordings_list.json": ("twilio_recordings", "accepted", 1, 0),
    "twilio/transcriptions_list.json": ("twilio_transcriptions", "accepted", 1, 0),
    "twilio/incoming_phone_numbers_list.json": ("twilio_phone_numbers", "accepted", 1, 0),
    "twilio/usage_records_list.json": ("twilio_usage_records", "accepted", 1, 0),
    "twilio/snip_calls_list_malformed.json": ("twilio_calls", "refused", 0, 0),
    "twilio/snip_send_sms_trailing_comma.json": ("twilio_messages", "refused", 0, 0),
    "twilio/fivetran_twilio_call_data.csv": ("twilio_calls", "accepted", 8, 1),
    "whatsapp/java_textMessageStatusSent.json": ("whatsapp_webhooks", "accepted", 1, 0),
    "whatsapp/java_textMessageStatusDelivered.json": ("whatsapp_webhooks", "accepted", 1, 0),
    "whatsapp/java_textMessageStatusRead.json": ("whatsapp_webhooks", "refused", 0, 0),
    "whatsapp/java_reEngagementMessageError.json": ("whatsapp_webhooks", "accepted", 1, 0),
    "whatsapp/java_textMessage.json": ("whatsapp_webhooks", "accepted", 1, 0),
}


def test_the_index_names_every_payload() -> None:
    files = {str(p.relative_to(PAYLOADS)) for p in PAYLOADS.rglob("*.*") if p.suffix in (".json", ".csv")}
    assert files == set(EXPECTED)


def test_all_payloads_at_once_end_as_their_index_says(settings: Settings) -> None:
    for name, (source, *_) in EXPECTED.items():
        target = settings.landing / source
        target.mkdir(parents=True, exist_ok=True)
        shutil.copy(PAYLOADS / name, target / Path(name).name)
    report = ingest_landing(settings)
    found = {r.file_name: (r.source, r.status, r.rows_accepted, r.rows_quarantined) for r in report.receipts}
    assert found == {Path(name).name: expected for name, expected in EXPECTED.items()}
    assert all(receipt.remedy for receipt in report.findings)
    with duck.connect(settings.warehouse_path, settings) as connection:
        bad = connection.execute("select row_number, field, reason from raw.quarantine").fetchall()
        price = connection.execute("select distinct price from raw.twilio_recordings").fetchall()
    # The fourth record is dated 30 February.
    assert bad == [(4, "start_time", "start_time is not an RFC 2822 or ISO 8601 time with an offset")]
    assert [str(p) for (p,) in price] == ["0.040000"]


@pytest.mark.parametrize("name", ["twilio/snip_calls_list_malformed.json"])
def test_a_broken_document_says_where_it_breaks(settings: Settings, name: str) -> None:
    target = settings.landing / "twilio_calls"
    target.mkdir(parents=True)
    shutil.copy(PAYLOADS / name, target)
    (receipt,) = ingest_landing(settings).findings
    assert receipt.row_number == 34
    assert "line 34" in receipt.reason
