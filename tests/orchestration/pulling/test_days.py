"""Days and clocks that are wrong: refused before anything is asked, as what they leave behind would skip records."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime

import pytest

from orchestration.errors import MeterhouseError
from tests.orchestration.pulling.conftest import Pulling
from tests.orchestration.pulling.resources import call
from tests.orchestration.pulling.server import USER


def _refusal(pull: Pulling, since: str = "") -> MeterhouseError:
    asked = len(pull.api.requests)
    (report,) = pull("calls", since=since)
    assert report.error is not None
    assert len(pull.api.requests) == asked
    return report.error


def test_a_clock_that_was_ahead_is_said_not_followed(pull: Pulling) -> None:
    pull.api.hold(USER, "Calls", [call(1, "2026-11-25 10:00")])
    pull.now = datetime(2027, 12, 1, tzinfo=UTC)
    assert pull("calls", since="2026-11-01")[0].error is None
    pull.now = datetime(2026, 12, 2, tzinfo=UTC)
    state = pull.settings.home / "pulling" / "twilio_calls.sqlite"
    for error in (_refusal(pull), _refusal(pull, since="2026-11-01")):
        assert "the clock says 2026-12-02 00:00:00 UTC" in str(error)
        assert "2027-12-01 00:00:00 UTC" in str(error)
        assert str(state) in error.remedy
        assert "--since" in error.remedy
        assert error.exit_code == 2
    state.unlink()
    (report,) = pull("calls", since="2026-11-20")
    assert (report.records, report.error) == (1, None)
    assert "StartTime%3E=2026-11-20" in pull.api.requests[-1]


def test_a_first_day_that_was_in_the_future_is_said(pull: Pulling) -> None:
    """What an earlier version kept of such a first day: it began after it ended."""
    pull.api.hold(USER, "Calls", [])
    pull("calls", since="2024-11-01")
    with sqlite3.connect(pull.settings.home / "pulling" / "twilio_calls.sqlite") as state:
        state.execute("update covered set since = '2027-01-01T00:00:00+00:00'")
    state.close()
    assert "2027-01-01" in str(_refusal(pull))


def test_a_pull_at_the_instant_the_last_one_ended_is_none_of_this(pull: Pulling) -> None:
    pull.api.hold(USER, "Calls", [])
    assert [pull("calls", since="2024-11-01")[0].error, pull("calls")[0].error] == [None, None]


@pytest.mark.parametrize("day", ["2027-01-01", "2024-11-09", "0001-01-01", "0204-11-01"])
def test_a_first_day_that_makes_no_sense_is_refused_from_either_door(pull: Pulling, day: str) -> None:
    pull.api.hold(USER, "Calls", [])
    with pytest.raises(MeterhouseError, match=f"--since {day}") as raised:
        pull("calls", since=day)
    assert raised.value.remedy
    pull.environment["METERHOUSE_PULL_SINCE"] = day
    with pytest.raises(MeterhouseError, match=f"METERHOUSE_PULL_SINCE {day}") as raised:
        pull("calls")
    assert raised.value.remedy
    assert pull.api.requests == []
    # And nothing was noted that would keep the right day from counting.
    pull.environment["METERHOUSE_PULL_SINCE"] = "2024-10-25"
    assert pull("calls")[0].error is None
    assert "StartTime%3E=2024-10-25" in pull.api.requests[-1]


def test_days_of_the_first_century_are_refused(pull: Pulling) -> None:
    with pytest.raises(MeterhouseError, match="--since 0001-01-01"):
        pull("calls", since="0001-01-01", until="0001-01-05")


def test_today_is_a_day_that_has_begun(pull: Pulling) -> None:
    pull.api.hold(USER, "Calls", [call(1, "2024-11-08 10:00")])
    pull.environment["METERHOUSE_PULL_SINCE"] = "2024-11-08"
    assert pull("calls")[0].landed == 1
