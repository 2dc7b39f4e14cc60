"""What lands, under which name, and what the next pull starts from."""

from __future__ import annotations

import json
import sqlite3
import tracemalloc
from base64 import b64encode

import pytest

from orchestration.errors import MeterhouseError
from orchestration.pulling.failures import PullRunning
from tests.orchestration.pulling.conftest import Pulling
from tests.orchestration.pulling.resources import call, conversation, message, recording, usage_record
from tests.orchestration.pulling.server import TOKEN, USER

OTHER = "AC" + "b" * 32
KEY = "SK" + "c" * 32


def test_all_pages_land_as_one_file_of_the_vendors_own_resources(pull: Pulling) -> None:
    sent = [call(n, f"2024-11-05 10:{n:02}") for n in range(7)]
    pull.api.hold(USER, "Calls", sent)
    pull.api.largest_page = 3
    (report,) = pull("calls", since="2024-11-01")
    assert (report.pages, report.records, report.landed, report.error) == (3, 7, 7, None)
    assert [f"twilio_calls/{path.name}" for path in pull.files()] == report.files
    assert sorted(pull.landed(), key=lambda c: c["sid"]) == sent
    assert "PageToken=PA" in pull.api.requests[1]


def test_a_record_lands_to_the_character_as_it_was_sent(pull: Pulling) -> None:
    # A number with a fraction read and written again would lose its last zero; a page may be pretty-printed.
    sent = call(1, "2024-11-05 10:00", body="a  b\nc \u2028 \U0001f44d", ratio=0.10, big=12345678901234567890)
    pull.api.hold(USER, "Calls", [sent])
    pull.api.indent = 2
    pull("calls", since="2024-11-01")
    (line,) = pull.lines()
    assert json.loads(line) == sent
    assert '"body": "a  b\\nc \\u2028 \\ud83d\\udc4d"' in line
    assert line.replace(", ", ",").startswith('{ "account_sid"')


def test_pulling_twice_lands_nothing_new_and_touches_nothing(pull: Pulling) -> None:
    pull.api.hold(USER, "Calls", [call(n, "2024-11-05 10:00") for n in range(3)])
    pull("calls", since="2024-11-01")
    before = [(p.name, p.stat().st_mtime_ns) for p in pull.files()]
    for arguments in ({}, {"since": "2024-11-01"}, {"since": "2024-11-01", "again": True}):
        (report,) = pull("calls", **arguments)
        assert (report.records, report.landed, report.files) == (3, 0, [])
    assert [(p.name, p.stat().st_mtime_ns) for p in pull.files()] == before


def test_a_lost_state_lands_the_same_content_under_the_same_name(pull: Pulling) -> None:
    pull.api.hold(USER, "Calls", [call(n, "2024-11-05 10:00") for n in range(3)])
    pull("calls", since="2024-11-01")
    before = [(p.name, p.stat().st_mtime_ns) for p in pull.files()]
    (pull.settings.home / "pulling" / "twilio_calls.sqlite").unlink()
    (report,) = pull("calls", since="2024-11-01")
    assert (report.records, report.landed) == (3, 0)
    assert [(p.name, p.stat().st_mtime_ns) for p in pull.files()] == before


def test_a_lost_file_is_pulled_again_when_asked(pull: Pulling) -> None:
    pull.api.hold(USER, "Calls", [call(1, "2024-11-05 10:00")])
    pull("calls", since="2024-11-01")
    (lost,) = pull.files()
    lost.unlink()
    assert pull("calls")[0].landed == 0
    assert pull("calls", since="2024-11-01", again=True)[0].files == [f"twilio_calls/{lost.name}"]
    assert pull.files() == [lost]


def test_the_next_pull_looks_again_at_the_days_before_and_lands_what_changed(pull: Pulling) -> None:
    ongoing = call(1, "2024-11-07 10:00", status="in-progress", duration=None, price=None, end_time=None)
    done = call(2, "2024-11-07 09:00")
    pull.api.hold(USER, "Calls", [ongoing, done])
    pull("calls", since="2024-11-01")
    pull.now = pull.now.replace(day=12)
    completed = call(1, "2024-11-07 10:00", date_updated="Fri, 08 Nov 2024 12:30:00 +0000")
    newer = call(3, "2024-11-10 10:00")
    pull.api.hold(USER, "Calls", [completed, done, newer])
    (report,) = pull("calls")
    # Pulled to 8 November, so from the 1st on: 7 days before.
    assert "StartTime%3E=2024-11-01" in pull.api.requests[-1]
    assert (report.records, report.landed) == (3, 2)
    assert [c["status"] for c in pull.landed() if c["sid"] == ongoing["sid"]].count("completed") == 1
    assert sum(c["sid"] == done["sid"] for c in pull.landed()) == 1
    pull.now = pull.now.replace(day=13)
    pull("calls")
    assert "StartTime%3E=2024-11-05" in pull.api.requests[-1]


def test_the_days_looked_at_again_are_a_setting(pull: Pulling) -> None:
    pull.api.hold(USER, "Calls", [])
    pull("calls", since="2024-11-01")
    pull.environment["METERHOUSE_PULL_REPULL_DAYS"] = "2"
    pull("calls")
    assert "StartTime%3E=2024-11-06" in pull.api.requests[-1]


def test_a_record_on_two_pages_lands_once_and_two_states_of_it_both(pull: Pulling) -> None:
    pull.api.hold(USER, "Calls", [call(n, f"2024-11-05 10:{n:02}") for n in range(6)])
    pull.api.largest_page, pull.api.overlap = 3, 1

    def changing(page: dict[str, object]) -> dict[str, object]:
        # The record at the first boundary is answered once more by the second page, changed since.
        calls = page["calls"]
        assert isinstance(calls, list)
        if page["page"] == 1:
            page["calls"] = [calls[0] | {"price": "-0.9"}, *calls[1:]]
        return page

    pull.api.rewrite = changing
    (report,) = pull("calls", since="2024-11-01")
    assert report.records == 8
    assert len(pull.landed()) == 7
    assert len({c["sid"] for c in pull.landed()}) == 6
    assert [c["price"] for c in pull.landed() if c["sid"].endswith("3")] == ["-0.0170", "-0.9"]


def test_an_empty_list_lands_nothing_and_moves_on(pull: Pulling) -> None:
    pull.api.hold(USER, "Calls", [])
    (report,) = pull("calls", since="2024-11-01")
    assert (report.pages, report.records, report.files, report.error) == (1, 0, [], None)
    assert not pull.settings.landing.exists()
    pull.now = pull.now.replace(day=20)
    pull("calls")
    assert "StartTime%3E=2024-11-01" in pull.api.requests[-1]


def test_a_long_history_lands_in_pieces_with_the_days_said_to_the_api(pull: Pulling) -> None:
    # Twilio's upper bound takes in its midnight: the third call comes twice and lands once.
    days = ("2024-09-01 00:00", "2024-10-01 23:59", "2024-10-02 00:00", "2024-10-15 10:00", "2024-11-07 10:00")
    pull.api.hold(USER, "Calls", [call(n, at) for n, at in enumerate(days)])
    (report,) = pull("calls", since="2024-09-01")
    assert (report.records, report.landed, len(report.files), len(pull.files())) == (6, 5, 3, 3)
    assert ["StartTime%3C=2024-10-02" in r for r in pull.api.requests] == [True, False, False]
    assert [r.partition("%3E=")[2][:10] for r in pull.api.requests] == ["2024-09-01", "2024-10-02", "2024-11-02"]


def test_a_gap_is_never_taken_as_pulled(pull: Pulling) -> None:
    pull.api.hold(USER, "Calls", [])
    pull("calls", since="2024-09-01", until="2024-09-10")
    pull("calls", since="2024-10-01")
    pull("calls")
    assert "StartTime%3E=2024-09-03" in pull.api.requests[3]


def test_an_account_new_in_the_list_starts_where_the_others_did(pull: Pulling) -> None:
    pull.api.hold(USER, "Calls", [call(1, "2024-11-05 10:00")])
    pull("calls", since="2024-10-20")
    pull.environment["METERHOUSE_TWILIO_ACCOUNTS"] = f"{USER}, {OTHER}"
    pull.api.hold(OTHER, "Calls", [call(2, "2024-10-21 10:00", account_sid=OTHER)])
    (report,) = pull("calls")
    assert (report.records, report.landed) == (2, 1)
    assert [r.partition("%3E=")[2][:10] for r in pull.api.requests[1:]] == ["2024-11-01", "2024-10-20"]


def test_usage_is_of_each_account_alone_by_day_and_lands_when_a_total_changed(pull: Pulling) -> None:
    pull.environment["METERHOUSE_TWILIO_ACCOUNTS"] = f"{USER},{OTHER}"
    own = [usage_record(c, "2024-11-05", usage="10") for c in ("calls", "sms")]
    pull.api.hold(USER, "Usage/Records/Daily", own)
    pull.api.hold(OTHER, "Usage/Records/Daily", [usage_record("calls", "2024-11-05", account_sid=OTHER)])
    (report,) = pull("usage_records", since="2024-11-01", until="2024-11-06")
    assert (report.records, report.landed) == (3, 3)
    assert all("IncludeSubaccounts=false" in request for request in pull.api.requests)
    assert all("StartDate=2024-11-01&EndDate=2024-11-05" in request for request in pull.api.requests)
    # Every answer is as of now; only a total that moved is news.
    restated = [r | {"as_of": "2024-11-08T12:00:00+00:00"} for r in own]
    pull.api.hold(USER, "Usage/Records/Daily", [restated[0] | {"usage": "11"}, restated[1]])
    (report,) = pull("usage_records")
    assert (report.records, report.landed) == (3, 1)
    pull.api.hold(USER, "Usage/Records/Daily", own)  # and back again is news, too
    assert pull("usage_records")[0].landed == 1


def test_the_platforms_lists_are_followed_by_their_links(pull: Pulling) -> None:
    pull.api.hold("", "/v1/conversations", [conversation(n, f"2024-11-05T10:0{n}:00Z") for n in range(5)])
    pull.api.largest_page = 2
    (report,) = pull("conversations", since="2024-11-01")
    assert (report.pages, report.landed) == (3, 5)
    assert {c["type"] for c in pull.landed("kustomer_conversations")} == {"conversation"}
    assert "filter%5BupdatedAt%5D%5Bgte%5D=2024-11-01T00%3A00%3A00Z" in pull.api.requests[0]


def test_a_link_may_be_an_object_as_json_api_allows(pull: Pulling) -> None:
    pull.api.hold("", "/v1/conversations", [conversation(n, f"2024-11-05T10:0{n}:00Z") for n in range(3)])
    pull.api.largest_page = 2
    pull.api.rewrite = lambda page: (
        page | {"links": {"next": {"href": page["links"]["next"]} if page["links"]["next"] else None}}
    )
    assert pull("conversations", since="2024-11-01")[0].landed == 3


def test_without_names_everything_with_credentials_is_pulled(pull: Pulling) -> None:
    pull.api.hold(USER, "Calls", [call(1, "2024-11-05 10:00")])
    pull.api.hold(USER, "Messages", [message(1, "2024-11-05 10:00")])
    pull.api.hold(USER, "Recordings", [recording(1, "2024-11-05 10:00")])
    pull.api.hold(USER, "Usage/Records/Daily", [usage_record("calls", "2024-11-05")])
    for name in ("METERHOUSE_PLATFORM_URL", "METERHOUSE_PLATFORM_TOKEN"):
        del pull.environment[name]
    reports = pull(since="2024-11-01")
    assert {r.source: r.landed for r in reports} == {
        f"twilio_{name}": 1 for name in ("calls", "messages", "recordings", "usage_records")
    }


def test_only_one_process_pulls_a_source(pull: Pulling) -> None:
    pull.api.hold(USER, "Calls", [])
    pull("calls", since="2024-11-01")
    other = sqlite3.connect(pull.settings.home / "pulling" / "twilio_calls.sqlite", isolation_level=None)
    other.execute("begin immediate")
    (report,) = pull("calls")
    assert isinstance(report.error, PullRunning)
    assert report.error.exit_code == 5
    other.close()
    assert pull("calls")[0].error is None


def test_memory_does_not_grow_with_the_pull(pull: Pulling) -> None:
    def peak(pages: int) -> int:
        (pull.settings.home / "pulling" / "twilio_calls.sqlite").unlink(missing_ok=True)
        pull.api.hold(USER, "Calls", [call(n, "2024-11-05 10:00") for n in range(pages * 20)])
        tracemalloc.start()
        try:
            held = tracemalloc.get_traced_memory()[0]
            (report,) = pull("calls", since="2024-11-01")
            assert report.pages == pages
            return tracemalloc.get_traced_memory()[1] - held
        finally:
            tracemalloc.stop()

    pull.api.largest_page = 20
    peak(2)  # what is loaded once
    few, many = peak(4), peak(24)
    assert many < 1.5 * few, (few, many)


@pytest.mark.parametrize(
    ("change", "sources", "named"),
    [
        ({"TWILIO_AUTH_TOKEN": ""}, ("calls",), "TWILIO_AUTH_TOKEN"),
        ({"TWILIO_ACCOUNT_SID": ""}, ("calls",), "TWILIO_ACCOUNT_SID"),
        ({"TWILIO_ACCOUNT_SID": "SK1"}, ("calls",), "TWILIO_ACCOUNT_SID"),
        ({"TWILIO_API_KEY": "SK1"}, ("calls",), "TWILIO_API_SECRET"),
        ({"METERHOUSE_TWILIO_ACCOUNTS": "AC1"}, ("calls",), "METERHOUSE_TWILIO_ACCOUNTS"),
        ({"METERHOUSE_TWILIO_URL": "http://example.com"}, ("calls",), "METERHOUSE_TWILIO_URL"),
        ({"METERHOUSE_TWILIO_URL": "https://me:pw@example.com"}, ("calls",), "METERHOUSE_TWILIO_URL"),
        ({"METERHOUSE_PLATFORM_URL": "example.com"}, ("conversations",), "METERHOUSE_PLATFORM_URL"),
        ({"METERHOUSE_PLATFORM_TOKEN": "two words"}, ("conversations",), "METERHOUSE_PLATFORM_TOKEN"),
        ({"METERHOUSE_PLATFORM_URL": "https://h:99999"}, ("conversations",), "METERHOUSE_PLATFORM_URL"),
        ({"METERHOUSE_PLATFORM_URL": "https://h:abc"}, ("conversations",), "METERHOUSE_PLATFORM_URL"),
        ({"METERHOUSE_PLATFORM_URL": "https://[x/"}, ("conversations",), "METERHOUSE_PLATFORM_URL"),
        ({"METERHOUSE_PLATFORM_URL": "https://x/?a=b#f"}, ("conversations",), "query"),
        ({"METERHOUSE_PLATFORM_URL": "https://x/?"}, ("conversations",), "query"),
        ({"METERHOUSE_TWILIO_URL": "https://x/#f"}, ("calls",), "fragment"),
        ({"TWILIO_API_KEY": "two words", "TWILIO_API_SECRET": "s"}, ("calls",), "TWILIO_API_KEY"),
        ({"TWILIO_API_KEY": "AC" + "0" * 32, "TWILIO_API_SECRET": "s"}, ("calls",), "TWILIO_API_KEY"),
        ({"METERHOUSE_PULL_REPULL_DAYS": "week"}, ("calls",), "METERHOUSE_PULL_REPULL_DAYS"),
        ({"METERHOUSE_PULL_REPULL_DAYS": "999999999"}, ("calls",), "up to 3650"),
        ({"METERHOUSE_PULL_SINCE": "November"}, ("calls",), "METERHOUSE_PULL_SINCE"),
        ({}, ("faxes",), "faxes"),
        ({}, ("messages",), "twilio_messages or kustomer_messages"),
    ],
)
def test_a_wrong_setting_is_named_before_anything_is_asked(
    pull: Pulling, change: dict[str, str], sources: tuple[str, ...], named: str
) -> None:
    pull.environment |= change
    with pytest.raises(MeterhouseError, match=named) as raised:
        pull(*sources, since="2024-11-01")
    assert raised.value.remedy
    assert pull.api.requests == []


def test_spaces_around_a_setting_are_no_part_of_it(pull: Pulling) -> None:
    # The server knows only this login, so an answer tells what was sent.
    pull.environment |= {"TWILIO_API_KEY": f" {KEY}\n", "TWILIO_API_SECRET": f"{TOKEN} "}
    pull.environment["METERHOUSE_TWILIO_URL"] = f" {pull.api.url}/ "
    pull.api.basic = b64encode(f"{KEY}:{TOKEN}".encode()).decode()
    pull.api.hold(USER, "Calls", [call(1, "2024-11-05 10:00")])
    assert pull("calls", since="2024-11-01")[0].landed == 1


def test_no_credentials_at_all_is_a_plain_sentence(pull: Pulling) -> None:
    pull.environment.clear()
    with pytest.raises(MeterhouseError, match="no credentials"):
        pull(since="2024-11-01")


def test_a_first_pull_must_be_told_from_when(pull: Pulling) -> None:
    pull.api.hold(USER, "Calls", [])
    (report,) = pull("calls")
    assert report.error is not None
    assert "--since" in report.error.remedy
    pull.environment["METERHOUSE_PULL_SINCE"] = "2024-10-25"
    assert pull("calls")[0].error is None
    assert "StartTime%3E=2024-10-25" in pull.api.requests[-1]


@pytest.mark.parametrize(("since", "until"), [("2024-11-02", "2024-11-02"), ("2024-12-01", ""), ("", "2020-01-01")])
def test_days_that_make_no_sense_are_refused(pull: Pulling, since: str, until: str) -> None:
    pull.api.hold(USER, "Calls", [])
    pull("calls", since="2024-11-01")
    try:
        (report,) = pull("calls", since=since, until=until)
        raise report.error or AssertionError("it was pulled")
    except MeterhouseError as error:
        assert error.remedy
    assert len(pull.api.requests) == 1
