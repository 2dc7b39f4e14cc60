"""An API that limits, fails, lies or dies: what is waited for, what is given up, and that nothing partial lands."""

from __future__ import annotations

import json
import logging
import random
import socket
import subprocess
import sys
import traceback
from datetime import UTC, datetime

import pytest

from orchestration import clock
from orchestration.errors import MeterhouseError
from orchestration.pulling.failures import PullFailed
from orchestration.settings import PROJECT_DIR
from tests.orchestration.pulling.conftest import Pulling
from tests.orchestration.pulling.resources import call, conversation
from tests.orchestration.pulling.server import BASIC, PLATFORM_TOKEN, TOKEN, USER, Fault

BUSY = Fault(503)


@pytest.fixture
def five_pages(pull: Pulling) -> Pulling:
    pull.api.hold(USER, "Calls", [call(n, f"2024-11-05 10:{n:02}") for n in range(10)])
    pull.api.largest_page = 2
    return pull


def _failure(pull: Pulling, *sources: str) -> MeterhouseError:
    (report,) = pull(*(sources or ("calls",)), since="2024-11-01")
    assert report.error is not None
    return report.error


def test_a_limit_is_waited_out_as_long_as_it_asks(five_pages: Pulling) -> None:
    five_pages.api.fail_page(3, Fault(429, {"Retry-After": "37"}), Fault(429, {"Retry-After": "90"}), Fault(429))
    (report,) = five_pages("calls", since="2024-11-01")
    assert (report.landed, report.error) == (10, None)
    assert five_pages.slept == [37, 90, 4]  # the third says nothing: the backoff of a third try
    assert any("HTTP 429, waiting 37 s" in text for text in five_pages.said)


def test_a_limit_may_be_a_date(five_pages: Pulling, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "utc_now", lambda: datetime(2024, 11, 8, 12, 0, tzinfo=UTC))
    five_pages.api.fail_page(1, Fault(429, {"Retry-After": "Fri, 08 Nov 2024 12:02:00 GMT"}))
    assert five_pages("calls", since="2024-11-01")[0].landed == 10
    assert five_pages.slept == [120]


@pytest.mark.parametrize("value", ["0", "soon", "Fri, 08 Nov 2019 12:02:00 GMT", "-5"])
def test_a_limit_that_says_nothing_is_backed_off_from(five_pages: Pulling, value: str) -> None:
    five_pages.api.fail_page(1, *[Fault(429, {"Retry-After": value})] * 2)
    assert five_pages("calls", since="2024-11-01")[0].landed == 10
    assert five_pages.slept == [1, 2]


def test_a_limit_of_an_hour_is_not_waited_for_but_said(five_pages: Pulling) -> None:
    five_pages.api.fail_page(2, Fault(429, {"Retry-After": "3600"}))
    error = _failure(five_pages)
    assert "twilio_calls, page 2" in str(error)
    assert "HTTP 429" in str(error)
    assert "3600 s" in str(error)
    assert "Pull again after" in error.remedy
    assert five_pages.slept == []


def test_a_passing_fault_passes(five_pages: Pulling) -> None:
    five_pages.api.fail_page(2, BUSY, Fault(500), Fault(502))
    assert five_pages("calls", since="2024-11-01")[0].landed == 10
    assert five_pages.slept == [1, 2, 4]


def test_a_cut_connection_is_tried_again(five_pages: Pulling) -> None:
    five_pages.api.fail_page(2, Fault(body=b'{"calls": [' + b" " * 500, cut=100), Fault(body=b"{}", cut=0))
    (report,) = five_pages("calls", since="2024-11-01")
    assert (report.landed, len(five_pages.landed())) == (10, 10)
    assert five_pages.slept == [1, 2]


def test_a_server_that_dies_on_page_3_leaves_nothing_and_the_next_pull_is_whole(five_pages: Pulling) -> None:
    five_pages("calls", since="2024-10-30", until="2024-11-01")
    asked = len(five_pages.api.requests)
    five_pages.api.fail_page(4, *[Fault(500, body=b'{"message": "out of order"}')] * 8)
    (report,) = five_pages("calls")
    error = report.error
    assert isinstance(error, PullFailed)
    assert "twilio_calls, page 3" in str(error)
    assert 'HTTP 500 ("out of order")' in str(error)
    assert "pull later" in error.remedy
    assert five_pages.slept == [1, 2, 4, 8, 16, 32, 60]  # capped, then given up
    assert five_pages.files() == []
    (report,) = five_pages("calls")
    # From the same day on as the pull that failed, and all of it.
    first, second = (five_pages.api.requests[asked], five_pages.api.requests[asked + 2 + 8])
    assert first == second
    assert (report.landed, len(five_pages.landed())) == (10, 10)


def test_a_failing_piece_leaves_the_pieces_before_it_landed(pull: Pulling) -> None:
    pull.api.hold(
        USER, "Calls", [call(1, "2024-09-05 10:00"), call(2, "2024-10-05 10:00"), call(3, "2024-11-05 10:00")]
    )
    pull.api.fail_page(2, Fault(400))
    (report,) = pull("calls", since="2024-09-01")
    assert report.error is not None
    assert (report.landed, len(pull.files())) == (1, 1)
    pull("calls")
    assert "%3E=2024-09-25" in pull.api.requests[2]  # a week before the end of the piece that landed
    assert len(pull.landed()) == 3


def test_no_server_at_all_is_said_plainly(pull: Pulling) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        pull.environment["METERHOUSE_TWILIO_URL"] = url
        error = _failure(pull)
    assert f"no answer from {url}" in str(error)
    assert "METERHOUSE_TWILIO_URL" in error.remedy
    assert len(pull.slept) == 7


@pytest.mark.parametrize(
    ("status", "in_remedy"),
    [
        (401, "TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN"),
        (403, "TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN"),
        (404, "METERHOUSE_TWILIO_URL"),
        (400, "--since"),
        (302, "METERHOUSE_TWILIO_URL"),
    ],
)
def test_what_will_not_pass_is_given_up_at_once(pull: Pulling, status: int, in_remedy: str) -> None:
    pull.api.always = Fault(status, {"Location": "http://127.0.0.1:9/elsewhere"})
    error = _failure(pull)
    assert f"HTTP {status}" in str(error)
    assert in_remedy in error.remedy
    assert (pull.slept, len(pull.api.requests)) == ([], 1)


def test_a_wrong_token_names_its_variable(pull: Pulling) -> None:
    pull.api.hold(USER, "Calls", [])
    pull.api.hold("", "/v1/conversations", [])
    pull.environment |= {"TWILIO_AUTH_TOKEN": "wrong-token", "METERHOUSE_PLATFORM_TOKEN": "wrong-key"}
    calls, conversations = pull("calls", "conversations", since="2024-11-01")
    assert calls.error is not None
    assert "TWILIO_AUTH_TOKEN" in calls.error.remedy
    assert conversations.error is not None
    assert "METERHOUSE_PLATFORM_TOKEN" in conversations.error.remedy
    pull.environment |= {"TWILIO_API_KEY": "SK" + "0" * 32, "TWILIO_API_SECRET": "wrong-secret"}
    assert "TWILIO_API_KEY and TWILIO_API_SECRET" in _failure(pull).remedy


def test_an_account_that_cannot_be_read_is_named_and_stops_no_other_source(pull: Pulling) -> None:
    other = "AC" + "b" * 32
    pull.environment["METERHOUSE_TWILIO_ACCOUNTS"] = f"{USER},{other}"
    pull.api.hold(USER, "Calls", [call(1, "2024-11-05 10:00")])
    pull.api.hold("", "/v1/conversations", [conversation(1, "2024-11-05T10:00:00Z")])
    calls, conversations = pull("calls", "conversations", since="2024-11-01")
    assert other in str(calls.error)
    assert calls.error is not None
    assert "METERHOUSE_TWILIO_ACCOUNTS" in calls.error.remedy
    assert pull.files() == []
    assert conversations.landed == 1


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"calls": [{"sid": "CA1"}, ...', "not valid JSON"),
        (b'{"calls": [{"sid": "CA1"}', "not valid JSON"),
        (b'{"calls": [], "calls": []}', "not valid JSON"),
        (b'{"calls": [{"sid": NaN}]}', "not valid JSON"),
        (b'{"calls": [], "next_page_uri": null} trailing', "not valid JSON"),
        (b'{"calls": [\xff]}', "not valid JSON"),
        (b"<html>Sign in</html>", "not valid JSON"),
        (b"", "not valid JSON"),
        (b'{"messages": []}', "no list 'calls'"),
        (b'{"calls": ["CA1"]}', "something other than resources"),
        (b'{"calls": [], "next_page_uri": 7}', "not an address"),
        (b'{"calls": [], "next_page_uri": "https://elsewhere.example/page2"}', "at another address"),
        (b'{"calls": [], "next_page_uri": "//elsewhere.example/page2"}', "at another address"),
    ],
)
def test_a_page_that_is_none_stops_the_pull_and_leaves_nothing(five_pages: Pulling, body: bytes, reason: str) -> None:
    five_pages.api.fail_page(2, Fault(body=body))
    error = _failure(five_pages)
    assert "twilio_calls, page 2" in str(error)
    assert reason in str(error)
    assert error.remedy
    assert five_pages.files() == []
    assert len(five_pages.api.requests) == 2  # nobody else was asked
    assert five_pages("calls", since="2024-11-01")[0].landed == 10


def test_a_page_that_links_to_itself_is_not_followed_for_ever(pull: Pulling) -> None:
    pull.api.hold(USER, "Calls", [call(1, "2024-11-05 10:00")])
    pull.api.rewrite = lambda page: page | {"next_page_uri": page["uri"]}
    assert "itself" in str(_failure(pull))


def test_a_landing_or_state_that_cannot_be_written_is_said_and_mended(pull: Pulling) -> None:
    pull.api.hold(USER, "Calls", [call(1, "2024-11-05 10:00")])
    pull.settings.landing.mkdir()
    (pull.settings.landing / "twilio_calls").write_text("a file where a folder belongs")
    error = _failure(pull)
    assert isinstance(error, PullFailed)
    assert str(pull.settings.landing) in error.remedy
    (pull.settings.landing / "twilio_calls").unlink()
    state = pull.settings.home / "pulling" / "twilio_calls.sqlite"
    state.write_bytes(b"no database at all" * 100)
    assert str(state) in _failure(pull).remedy
    state.unlink()
    assert pull("calls", since="2024-11-01")[0].landed == 1


def test_a_disk_that_fills_up_leaves_nothing(five_pages: Pulling) -> None:
    """A real limit on the size of files, in a process of its own, as the limit ends nothing else."""
    code = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000)); "
        "sys.argv[1:] = ['pull', '--source', 'calls', '--since', '2024-11-01', '--until', '2024-11-20']; "
        "from orchestration.cli import main; main()"
    )
    environment = {
        **five_pages.environment,
        "METERHOUSE_HOME": str(five_pages.settings.home),
        "METERHOUSE_LANDING": str(five_pages.settings.landing),
        "PYTHONPATH": str(PROJECT_DIR),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    # Bodies that do not pack, so that the file outgrows the limit.
    sent = [call(n, f"2024-11-05 10:{n:02}", note=random.Random(n).randbytes(8_000).hex()) for n in range(10)]
    five_pages.api.hold(USER, "Calls", sent)
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 7, done.stderr
    assert "cannot be written" in done.stderr
    assert five_pages.files() == []
    assert five_pages("calls", since="2024-11-01")[0].landed == 10


@pytest.mark.parametrize(
    ("source", "sent"),
    [("calls", f"{'x' * 150} {TOKEN}, Basic {BASIC}"), ("conversations", f"{'x' * 180} Bearer {PLATFORM_TOKEN}")],
)
def test_credentials_are_in_no_log_and_no_error(
    pull: Pulling, caplog: pytest.LogCaptureFixture, source: str, sent: str
) -> None:
    pull.api.hold(USER, "Calls", [call(1, "2024-11-05 10:00")])
    pull.api.hold("", "/v1/conversations", [conversation(1, "2024-11-05T10:00:00Z")])
    told: list[str] = []
    with caplog.at_level(logging.DEBUG):
        for name in list(logging.root.manager.loggerDict):
            logging.getLogger(name).setLevel(logging.DEBUG)
        assert pull(source, since="2024-11-01")[0].landed == 1
        # The server says back what it was sent, long enough that a quotation ends inside the secret.
        for fault in (
            Fault(401, body=json.dumps({"message": sent}).encode()),
            Fault(503, body=json.dumps({"errors": [{"detail": sent}]}).encode()),
            Fault(302, {"Location": f"https://elsewhere.example/?token={TOKEN}"}),
            Fault(body=sent.encode()),
            Fault(body=json.dumps({"data": [], "links": {"next": f"https://elsewhere.example/{sent}"}}).encode()),
            Fault(body=b"{}", cut=0),
        ):
            pull.api.always = fault
            (report,) = pull(source, since="2024-11-01")
            assert report.error is not None
            told += [*traceback.format_exception(report.error), report.error.remedy, repr(report)]
    told += [repr(record.__dict__) for record in caplog.records] + [caplog.text] + pull.said
    text = "\n".join(told)
    assert "***" in text  # something was there to be hidden
    assert pull.api.requests[0].partition("?")[0] in text  # and the logs were really on
    for secret in (TOKEN, BASIC, PLATFORM_TOKEN):
        assert secret not in text
        assert secret[:10] not in text
    for path in [p for p in pull.settings.home.rglob("*") if p.is_file()]:
        assert TOKEN.encode() not in path.read_bytes()
        assert PLATFORM_TOKEN.encode() not in path.read_bytes()
