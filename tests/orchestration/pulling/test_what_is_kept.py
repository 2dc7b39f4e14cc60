"""What a failed pull says of itself: what it kept, and what the next one needs, which is then true."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from orchestration.errors import MeterhouseError
from tests.orchestration.pulling.conftest import Pulling
from tests.orchestration.pulling.resources import call
from tests.orchestration.pulling.server import USER, Fault

# Two pieces of 31 days and the days up to now, 8 November.
HISTORY = [call(1, "2024-09-05 10:00"), call(2, "2024-10-05 10:00"), call(3, "2024-11-05 10:00")]


@pytest.fixture
def history(pull: Pulling) -> Pulling:
    pull.api.hold(USER, "Calls", HISTORY)
    return pull


def _failure(pull: Pulling, since: str = "", again: bool = False, page: int = 1) -> MeterhouseError:
    """The error of a pull whose page `page` fails."""
    pull.api.page_number = 0
    pull.api.fail_page(page, Fault(400))
    (report,) = pull("calls", since=since, again=again)
    assert report.error is not None
    return report.error


def _began(pull: Pulling, asked: int) -> str:
    """First day of the first request after `asked` ones."""
    return pull.api.requests[asked].partition("%3E=")[2][:10]


def test_a_first_pull_that_failed_needs_its_first_day_again(history: Pulling) -> None:
    remedy = _failure(history, since="2024-09-01").remedy
    assert remedy.endswith("Nothing from this pull was kept; the next one needs --since 2024-09-01.")
    (report,) = history("calls")
    assert report.error is not None
    assert "no first day is set" in str(report.error)
    assert "was never pulled" not in str(report.error)
    assert history("calls", since="2024-09-01")[0].landed == 3


def test_a_first_pull_by_the_setting_is_repeated_from_there(history: Pulling) -> None:
    history.environment["METERHOUSE_PULL_SINCE"] = "2024-09-01"
    remedy = _failure(history).remedy
    assert remedy.endswith("Nothing from this pull was kept; the next one starts where this one did.")
    asked = len(history.api.requests)
    assert history("calls")[0].landed == 3
    assert _began(history, asked) == "2024-09-01"


def test_a_later_pull_that_failed_is_repeated_from_where_it_began(history: Pulling) -> None:
    history("calls", since="2024-10-25")
    remedy = _failure(history).remedy
    assert remedy.endswith("Nothing from this pull was kept; the next one starts where this one did.")


def test_a_piece_that_failed_leaves_the_one_before_and_says_so(history: Pulling) -> None:
    error = _failure(history, since="2024-09-01", page=2)
    assert len(history.files()) == 1
    assert "Nothing" not in error.remedy
    assert error.remedy.endswith("The days before 2024-10-02 are kept; the next pull goes on from there.")
    asked = len(history.api.requests)
    assert history("calls")[0].landed == 2
    assert _began(history, asked) == "2024-09-25"


def test_a_piece_of_days_pulled_before_needs_its_days_again(history: Pulling) -> None:
    """Pulled to now already: without --since the next pull would start a week ago, behind what is missing."""
    history("calls", since="2024-09-01")
    error = _failure(history, since="2024-09-01", again=True, page=2)
    assert error.remedy.endswith(
        "The days before 2024-10-02 are kept; the next pull needs --since 2024-09-25 and --again."
    )
    error = _failure(history, since="2024-09-01", page=1)
    assert error.remedy.endswith("Nothing from this pull was kept; the next one needs --since 2024-09-01.")


def test_days_behind_a_gap_are_asked_for_again(history: Pulling) -> None:
    """The gap is what a pull without --since would begin with, not what this one did."""
    history("calls", since="2024-08-01", until="2024-08-10")
    error = _failure(history, since="2024-09-01", page=2)
    assert error.remedy.endswith("The days before 2024-10-02 are kept; the next pull needs --since 2024-09-25.")
    asked = len(history.api.requests)
    assert history("calls", since="2024-09-25")[0].landed == 2
    assert _began(history, asked) == "2024-09-25"


def test_what_cannot_be_written_says_the_same(history: Pulling) -> None:
    (history.settings.landing / "twilio_calls").mkdir(parents=True)
    (history.settings.landing / "twilio_calls" / ".pulled.ndjson.gz.part").mkdir()
    (report,) = history("calls", since="2024-09-01")
    assert report.error is not None
    assert "cannot be written" in str(report.error)
    assert report.error.remedy.endswith("the next one needs --since 2024-09-01.")


def test_a_damaged_state_says_only_how_to_start_over(history: Pulling) -> None:
    history("calls", since="2024-11-01")
    state = history.settings.home / "pulling" / "twilio_calls.sqlite"
    state.write_bytes(b"no database at all" * 100)
    (report,) = history("calls")
    assert report.error is not None
    assert str(state) in report.error.remedy
    assert "starts where this one did" not in report.error.remedy


def test_a_file_that_cannot_be_ended_leaves_no_part_of_it(history: Pulling) -> None:
    """The disk is full when what is buffered is written, at the end; and still is when the file is given up."""
    folder = history.settings.landing / "twilio_calls"
    folder.mkdir(parents=True)
    (folder / ".pulled.ndjson.gz.part").symlink_to(Path("/dev/full"))
    (report,) = history("calls", since="2024-11-01")
    assert "No space left" in str(report.error)
    assert history.files() == []
    with sqlite3.connect(history.settings.home / "pulling" / "twilio_calls.sqlite") as state:
        assert state.execute("select count(*) from landed").fetchone() == (0,)
    state.close()
    assert history("calls", since="2024-11-01")[0].landed == 1
