"""Answers no API should give, and settings found out late: one source says what is wrong, the others go on."""

from __future__ import annotations

import json
import sqlite3
import traceback
from datetime import UTC, datetime
from typing import Any

import pytest

from orchestration import clock
from orchestration.errors import MeterhouseError
from orchestration.pulling.client import ListClient
from orchestration.pulling.failures import PullFailed
from orchestration.pulling.state import LOT
from orchestration.wording import error_text
from tests.orchestration.pulling.conftest import Pulling
from tests.orchestration.pulling.resources import call, conversation
from tests.orchestration.pulling.server import BASIC, TOKEN, USER, Fault


def _failure(pull: Pulling) -> MeterhouseError:
    """Why the calls could not be pulled; the conversations, asked for after them, were."""
    pull.api.hold("", "/v1/conversations", [conversation(1, "2024-11-05T10:00:00Z")])
    calls, conversations = pull("calls", "conversations", since="2024-11-01")
    assert (conversations.landed, conversations.error) == (1, None)
    assert isinstance(calls.error, PullFailed)
    assert calls.error.remedy
    assert "defect" not in calls.error.remedy  # foreseen, not caught by the last net
    assert pull.files() == []
    error_text(calls.error).encode("utf-8")
    return calls.error


@pytest.mark.parametrize("asked", ["1764500000000", "9" * 400])
def test_a_limit_longer_than_the_calendar(pull: Pulling, asked: str) -> None:
    pull.api.fail_page(1, Fault(429, {"Retry-After": asked}))
    error = _failure(pull)
    assert "HTTP 429" in str(error)
    assert "asks to wait for more than a year" in str(error)
    assert "Twilio" in error.remedy
    assert len(str(error)) < 200
    assert pull.slept == []


def test_a_limit_of_half_a_year_is_said_as_it_is(pull: Pulling, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "utc_now", lambda: datetime(2024, 11, 8, 12, 0, tzinfo=UTC))
    pull.api.fail_page(1, Fault(429, {"Retry-After": str(180 * 86400)}))
    assert "Pull again after 2025-05-07 12:00 UTC" in _failure(pull).remedy


def test_a_limit_until_a_date_in_no_time_zone_there_is_says_nothing(pull: Pulling) -> None:
    pull.api.hold(USER, "Calls", [call(1, "2024-11-05 10:00")])
    pull.api.fail_page(1, Fault(429, {"Retry-After": f"Fri, 08 Nov 2024 12:02:00 +{'9' * 20}"}))
    assert pull("calls", since="2024-11-01")[0].landed == 1
    assert pull.slept == [1]


@pytest.mark.parametrize("link", ["http://127.0.0.1:99999/x", "http://127.0.0.1:abc/x", "http://[x/", "/calls?\ud83d"])
def test_a_next_page_at_no_address_at_all(pull: Pulling, link: str) -> None:
    pull.api.hold(USER, "Calls", [call(1, "2024-11-05 10:00")])
    pull.api.fail_page(1, Fault(body=json.dumps({"calls": [], "next_page_uri": link}).encode()))
    error = _failure(pull)
    assert "twilio_calls, page 1" in str(error)
    assert "not an address" in str(error)
    assert "METERHOUSE_TWILIO_URL" in error.remedy


def test_pages_that_link_in_a_circle_are_not_followed_for_ever(pull: Pulling) -> None:
    """A, B, A: neither links to itself."""
    pull.api.hold(USER, "Calls", [call(n, f"2024-11-05 10:{n:02}") for n in range(4)])
    pull.api.largest_page = 2

    def circle(page: dict[str, Any]) -> dict[str, Any]:
        assert len(pull.api.requests) < 20, "followed for ever"
        return page if page.get("next_page_uri") or "calls" not in page else page | {"next_page_uri": first}

    first = f"/2010-04-01/Accounts/{USER}/Calls.json?PageSize=1000&StartTime%3E=2024-11-01"
    pull.api.rewrite = circle
    error = _failure(pull)
    assert "twilio_calls, page 2" in str(error)
    assert "links to a page that was read before" in str(error)


def test_a_refusal_nested_deeper_than_anything_reads(pull: Pulling) -> None:
    pull.api.fail_page(1, Fault(404, body=b"[" * 200_000 + b"]" * 200_000))
    assert "HTTP 404" in str(_failure(pull))


def test_a_refusal_with_half_a_character_can_be_printed(pull: Pulling) -> None:
    pull.api.fail_page(1, Fault(404, body=b'{"message": "no \\ud83d here"}'))
    assert '("no \\ud83d here")' in str(_failure(pull))


def test_a_record_named_by_half_a_character_lands_once(pull: Pulling) -> None:
    pull.api.hold(USER, "Calls", [call(1, "2024-11-05 10:00", sid="\ud83d"), call(2, "2024-11-05 10:00")])
    (report,) = pull("calls", since="2024-11-01")
    assert (report.landed, report.error) == (2, None)
    assert pull("calls")[0].landed == 0


@pytest.mark.parametrize("records", [LOT - 1, LOT, 2 * LOT + 1])
def test_a_page_of_more_records_than_a_query_takes(
    pull: Pulling, monkeypatch: pytest.MonkeyPatch, records: int
) -> None:
    """By the least limit SQLite was ever built with; this machine's may be so high that a test would take long."""
    connect = sqlite3.connect

    def limited(*arguments: Any, **named: Any) -> sqlite3.Connection:
        connection = connect(*arguments, **named)
        connection.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 999)
        return connection

    monkeypatch.setattr(sqlite3, "connect", limited)
    sent = {"calls": [{"sid": f"CA{n:032x}"} for n in range(records)], "next_page_uri": None}
    pull.api.always = Fault(body=json.dumps(sent).encode())
    (report,) = pull("calls", since="2024-11-01")
    assert (report.landed, report.error) == (records, None)
    assert pull("calls")[0].landed == 0


def test_certificates_that_are_not_there(pull: Pulling, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/missing.pem")
    pull.environment["METERHOUSE_TWILIO_URL"] = pull.api.url.replace("http:", "https:")
    error = _failure(pull)
    assert "/missing.pem" in str(error)
    assert "REQUESTS_CA_BUNDLE" in error.remedy
    assert pull.api.requests == [r for r in pull.api.requests if r.startswith("/v1/")]


def test_what_nobody_foresaw_ends_one_source_and_shows_no_secret(
    pull: Pulling, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = ListClient.pages

    def broken(self: ListClient, *arguments: Any) -> Any:
        if self.endpoint.source == "twilio_calls":
            raise RuntimeError(f"unforeseen \ud83d {TOKEN} Basic {BASIC}")
        return pages(self, *arguments)

    monkeypatch.setattr(ListClient, "pages", broken)
    pull.api.hold("", "/v1/conversations", [conversation(1, "2024-11-05T10:00:00Z")])
    calls, conversations = pull("calls", "conversations", since="2024-11-01")
    assert (conversations.landed, conversations.error) == (1, None)
    error = calls.error
    assert isinstance(error, PullFailed)
    assert "RuntimeError: unforeseen" in str(error)
    assert "test_odd_answers.py, line" in str(error)  # where it was raised
    assert "defect" in error.remedy
    told = "".join(traceback.format_exception(error)) + error.remedy + repr(calls)
    told.encode("utf-8")
    assert TOKEN not in told
    assert BASIC not in told
