"""Meters of single events: calls, recordings, transcriptions, messages, translations (VOI, MSG, TRW)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from tests.oracle.extracts import Row, read_seed
from tests.oracle.months import month_of
from tests.oracle.states import Records
from tests.oracle.tenancy import AccountMap
from tests.oracle.units import Unit, ceil_div, judged

_AGENT = re.compile(r"(client|sip|sips|sim):", re.IGNORECASE)
_NUMBER = re.compile(r"\+?([1-9][0-9]{6,14})")
_OUTBOUND = ("outbound-api", "outbound-dial", "trunking-terminating")
_MESSAGE_KEYS = {"inbound": "inbound"} | dict.fromkeys(("outbound-api", "outbound-call", "outbound-reply"), "outbound")


class Voice:
    """VOI-01..04: legs, their price keys, and their recordings and transcriptions."""

    def __init__(self, calls: Records, seeds: Path, accounts: AccountMap) -> None:
        self._legs: dict[str, Row] = {row["sid"]: row for row in calls.winners}
        self._regions = {row["calling_prefix"]: row["region"] for row in read_seed(seeds, "voice_prefixes")}
        self._accounts = accounts
        self._statuses = {(row["record_type"], row["status"]) for row in read_seed(seeds, "statuses")}

    def _region(self, party: str | None) -> str | None:
        found = _NUMBER.fullmatch(party or "")
        if found is None:
            return None
        digits = found.group(1)
        return self._regions.get(digits[:4], "us_ca") if digits.startswith("1") else "international"

    @staticmethod
    def _is_agent(leg: Row) -> bool:
        parties = (leg["from"], leg["to"]) if leg["direction"] == "inbound" else (leg["to"],)
        return any(_AGENT.match(party or "") for party in parties)

    def price_key(self, leg: Row) -> str | None:
        """VOI-03. None if what was called is not a number."""
        region = self._region(leg["to"])
        if region is None:
            return None
        if leg["direction"] == "inbound":
            return {"toll_free": "inbound_toll_free", "us_ca": "inbound_local"}.get(region, "international")
        if leg["direction"] not in _OUTBOUND:
            return None
        return "international" if region == "international" else "outbound_us_ca"

    def minutes(self) -> Iterator[Unit]:
        for leg in self._legs.values():
            instant, seconds, key = leg["start_time"] or leg["date_created"], leg["duration"] or 0, self.price_key(leg)
            fate, reason = "countable", ""
            if leg["status"] == "completed" and leg["duration"] == 0:
                fate, reason = "excluded", "zero_duration"
            elif leg["status"] != "completed" and seconds == 0:
                fate, reason = "excluded", "not_completed"
            elif leg["status"] != "completed":
                fate, reason = "quarantined", "duration_without_completion"
            elif leg["direction"] not in ("inbound", *_OUTBOUND):
                fate, reason = "quarantined", "unknown_direction"
            elif self._is_agent(leg):
                fate, reason = "excluded", "agent_leg"
            elif leg["duration"] is None:
                fate, reason = "quarantined", "missing_duration"
            elif leg["start_time"] is None:
                fate, reason = "quarantined", "missing_start_time"
            elif key is None:
                fate, reason = "quarantined", "unknown_party"
            tenant, fate, reason = judged(self._accounts.find("twilio", leg["account_sid"], instant), fate, reason)
            yield Unit(
                *("twilio_calls", tenant, month_of(instant), instant, "voice_minute", key or ""),
                *(ceil_div(seconds, 60), fate, reason),
                clause="VOI-03",
            )

    def recordings(self, records: Records) -> Iterator[Unit]:
        for row in records.winners:
            instant = row["start_time"] or row["date_created"]
            leg = self._legs.get(row["call_sid"])
            key = None
            if leg is not None and self._is_agent(leg):
                parent = self._legs.get(leg["parent_call_sid"])
                key = (self.price_key(parent) if parent is not None else None) or "inbound_local"
            elif leg is not None:
                key = self.price_key(leg)
            fate, reason = "countable", ""
            if ("recording", row["status"]) not in self._statuses:
                fate, reason = "quarantined", "unknown_status"
            elif row["status"] != "completed":
                fate, reason = "excluded", "not_completed"
            elif row["duration"] == 0:
                fate, reason = "excluded", "zero_duration"
            elif row["duration"] is None:
                fate, reason = "quarantined", "missing_duration"
            elif key is None:
                fate, reason = "quarantined", "unknown_call"
            tenant, fate, reason = judged(self._accounts.find("twilio", row["account_sid"], instant), fate, reason)
            yield Unit(
                *("twilio_recordings", tenant, month_of(instant), instant, "recording_minute", key or ""),
                *(ceil_div(row["duration"] or 0, 60), fate, reason),
                clause="VOI-04",
            )

    def transcriptions(self, records: Records) -> Iterator[Unit]:
        for row in records.winners:
            instant = row["date_created"]
            fate, reason = "countable", ""
            if ("transcription", row["status"]) not in self._statuses:
                fate, reason = "quarantined", "unknown_status"
            elif row["status"] != "completed":
                fate, reason = "excluded", "not_completed"
            elif row["duration"] == 0:
                fate, reason = "excluded", "zero_duration"
            elif row["duration"] is None:
                fate, reason = "quarantined", "missing_duration"
            tenant, fate, reason = judged(self._accounts.find("twilio", row["account_sid"], instant), fate, reason)
            yield Unit(
                *("twilio_transcriptions", tenant, month_of(instant), instant, "transcription_minute", ""),
                *(ceil_div(row["duration"] or 0, 60), fate, reason),
                clause="VOI-04",
            )


def text_messages(records: Records, seeds: Path, accounts: AccountMap) -> Iterator[Unit]:
    """MSG-01..03."""
    known = {row["status"] for row in read_seed(seeds, "statuses") if row["record_type"] == "message"}
    billed_out = {"sent", "delivered", "undelivered", "read", "partially_delivered"}
    for row in records.winners:
        instant = row["date_sent"] or row["date_created"]
        key, is_mms = _MESSAGE_KEYS.get(row["direction"], ""), (row["num_media"] or 0) > 0
        billable = row["status"] == "received" if key == "inbound" else row["status"] in billed_out
        fate, reason = "countable", ""
        if any((party or "").startswith("whatsapp:") for party in (row["from"], row["to"])):
            fate, reason = "excluded", "whatsapp_channel"
        elif not key:
            fate, reason = "quarantined", "unknown_direction"
        elif row["status"] not in known:
            fate, reason = "quarantined", "unknown_status"
        elif not billable:
            fate, reason = "excluded", "not_billable_status"
        elif any(":" in (party or "") for party in (row["from"], row["to"])):
            fate, reason = "quarantined", "unknown_channel"
        elif not is_mms and not row["num_segments"]:
            fate, reason = "quarantined", "zero_segments"
        tenant, fate, reason = judged(accounts.find("twilio", row["account_sid"], instant), fate, reason)
        yield Unit(
            *("twilio_messages", tenant, month_of(instant), instant, "mms_message" if is_mms else "sms_segment"),
            *(key, 1 if is_mms else row["num_segments"] or 0, fate, reason),
            clause="MSG-01",
        )


def _language(tag: str | None) -> str | None:
    """A language tag means the same in upper and lower case (RFC 5646, 2.1.1)."""
    return tag and tag.strip().lower()


def translations(records: Records, seeds: Path, accounts: AccountMap) -> Iterator[Unit]:
    """TRW-01..03. The quantity is characters; words are computed per price version."""
    known = {row["status"] for row in read_seed(seeds, "statuses") if row["record_type"] == "translation"}
    for row in records.winners:
        instant = row["completed_at"] or row["requested_at"]
        fate, reason = "countable", ""
        if row["status"] not in known:
            fate, reason = "quarantined", "unknown_status"
        elif row["status"] != "completed":
            fate, reason = "excluded", "not_completed"
        elif row["completed_at"] is None:
            fate, reason = "quarantined", "missing_completed_at"
        elif row["source_lang"] is not None and _language(row["source_lang"]) == _language(row["target_lang"]):
            fate, reason = "excluded", "same_language"
        elif row["character_count"] == 0:
            fate, reason = "excluded", "empty_text"
        tenant, fate, reason = judged(accounts.find("kustomer", row["org_id"], instant), fate, reason)
        month = month_of(instant) if instant else date(1970, 1, 1)
        yield Unit(
            *("translations", tenant, month, instant, "translated_word", ""),
            *(row["character_count"], fate, reason),
            clause="TRW-02",
        )
