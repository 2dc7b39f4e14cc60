"""What was known at an instant: the newest publication by then, and nothing before the first."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from orchestration import clock
from orchestration.closing.replay import known_invoices
from orchestration.errors import MeterhouseError
from orchestration.publishing import history
from tests.conftest import SampleRun


def test_an_instant_of_any_year_compares_as_time_does() -> None:
    years = (1, 300, 999, 1000, 2024, 9999)
    told = [clock.recorded(datetime(year, 1, 1, tzinfo=UTC)) for year in years]
    assert told == sorted(told)
    assert told[1] == "0300-01-01T00:00:00.000000Z"


def test_nothing_was_known_in_the_year_300(sample_run: SampleRun) -> None:
    early = datetime(300, 1, 1, tzinfo=UTC)
    assert history.known_at(sample_run.settings, early) is None
    with pytest.raises(MeterhouseError, match="nothing had been published by 0300-01-01 00:00:00 UTC"):
        known_invoices(sample_run.settings, "tnt_0001", datetime(2024, 11, 1).date(), early)
