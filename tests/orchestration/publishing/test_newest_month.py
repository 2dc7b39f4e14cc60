"""What is shown first and exported when no month is named: the newest month begun, not one dated ahead."""

from __future__ import annotations

from datetime import date

import duckdb
import pytest

from orchestration.publishing.newest_month import newest_month


@pytest.mark.parametrize(
    ("today", "newest"),
    [
        (date(2024, 9, 30), None),
        (date(2024, 10, 1), "2024-10"),
        (date(2024, 11, 30), "2024-11"),
        (date(2027, 4, 30), "2024-11"),
        (date(2027, 5, 1), "2027-05"),
    ],
)
def test_a_month_is_the_newest_from_its_first_day_on(today: date, newest: str | None) -> None:
    with duckdb.connect() as connection:
        connection.execute(
            "create schema marts; create table marts.fct_invoices as select unnest("
            "[date '2024-10-01', date '2024-11-01', date '2027-05-01']) as billing_month"
        )
        assert newest_month(connection, today) == newest
