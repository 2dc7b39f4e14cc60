"""A run says what it invoiced, whose invoice is held back, and how many errors there are to mend."""

from __future__ import annotations

import csv
import io
from datetime import date
from pathlib import Path

import duckdb
import pytest

from orchestration.publishing.findings_text import findings_text, open_findings
from orchestration.publishing.release import Release
from orchestration.reporting import COLUMNS, TENANTS_SHOWN, print_invoices
from orchestration.settings import PROJECT_DIR, Settings
from orchestration.terminal import Console

TODAY = date(2024, 11, 30)


@pytest.fixture
def release(tmp_path: Path) -> Release:
    """A release without a finding."""
    found = Release("000001", tmp_path, "hash", is_new=True)
    with duckdb.connect(str(found.database)) as connection:
        connection.execute("create schema marts")
        connection.execute(
            "create table marts.rpt_findings "
            "(finding varchar, severity varchar, tenant_id varchar, billing_month date, meter varchar)"
        )
        connection.execute(
            "create table marts.rpt_record_fates "
            "(source varchar, tenant_id varchar, billing_month date, fate varchar, record_count bigint)"
        )
    return found


def _found(release: Release, rows: str) -> None:
    with duckdb.connect(str(release.database)) as connection:
        connection.execute(f"insert into marts.rpt_findings {rows}")


def test_where_nothing_is_wrong_nothing_is_said(settings: Settings, release: Release) -> None:
    _found(release, "values ('payment_unmatched', 'info', null, null, null)")
    assert findings_text(settings, release, TODAY) == []
    assert open_findings(settings, release, TODAY) == {"errors": 0, "warnings": 0}


def test_warnings_are_counted_in_one_line_with_where_to_look(settings: Settings, release: Release) -> None:
    """Two of no month and of one begun; what is of a month ahead waits for it."""
    _found(
        release,
        "values ('row_quarantined', 'warning', null, null, null), "
        "('row_quarantined', 'warning', 'acme', date '2024-11-01', null), "
        "('row_quarantined', 'warning', 'acme', date '2024-12-01', null), ('file_refused', 'error', null, null, null)",
    )
    *errors, warnings = findings_text(settings, release, TODAY)
    assert errors[0] == "1 error(s) to fix: 1 file_refused"
    assert warnings.startswith("2 warning(s), each with its remedy: meterhouse sql ")
    assert "severity = 'warning'" in warnings
    assert open_findings(settings, release, TODAY) == {"errors": 1, "warnings": 2}


def test_blocked_tenant_months_and_errors_are_counted_and_where_to_look_is_said(
    settings: Settings, release: Release
) -> None:
    # Two meters of one tenant's month are one invoice that is missing; 2 + 1 + 1 errors.
    _found(
        release,
        "values ('tenant_month_blocked', 'error', 'acme', date '2024-11-01', 'sms_segment'), "
        "('tenant_month_blocked', 'error', 'acme', date '2024-11-01', 'voice_minute'), "
        "('tenant_month_blocked', 'error', 'bolt', date '2024-10-01', 'sms_segment'), "
        "('file_refused', 'error', null, null, null)",
    )
    blocked, errors, where = findings_text(settings, release, TODAY)
    assert blocked == "NO INVOICE for 2 tenant month(s), blocked until fixed: acme 2024-11, bolt 2024-10"
    assert errors == "4 error(s) to fix: 1 file_refused, 3 tenant_month_blocked"
    assert "rpt_findings" in where


def test_of_many_blocked_months_some_are_named(settings: Settings, release: Release) -> None:
    _found(release, "select 'tenant_month_blocked', 'error', 't' || range, date '2024-11-01', 'm' from range(8)")
    (blocked, *_) = findings_text(settings, release, TODAY)
    assert blocked.startswith("NO INVOICE for 8 tenant month(s)")
    assert blocked.endswith("t4 2024-11 and 3 more")


def test_records_dated_ahead_of_today_are_told_with_their_months(settings: Settings, release: Release) -> None:
    # What is left out of invoices makes no month.
    with duckdb.connect(str(release.database)) as connection:
        connection.execute(
            "insert into marts.rpt_record_fates values ('twilio_calls', 'acme', '2027-05-01', 'billed', 2), "
            "('translations', '', '2024-12-01', 'quarantined', 1), "
            "('translations', 'bolt', '2024-11-01', 'billed', 7), "
            "('translations', 'bolt', '2027-05-01', 'excluded', 7), ('tenants', 'bolt', null, 'excluded', 1), "
            "('number_events', 'bolt', '2027-05-01', 'billed', 0)"
        )
    # What is blocked only because such a month was seen is no error of its own.
    _found(release, "values ('tenant_month_blocked', 'error', 'bolt', date '2027-04-01', 'data_storage')")
    ahead, what_to_do = findings_text(settings, release, TODAY)
    assert ahead == (
        "FUTURE DATES: 3 record(s) dated in months that have not begun: "
        "2027-05 twilio_calls of acme, 2024-12 translations of an unknown tenant"
    )
    assert "deliver" in what_to_do
    blocked, *_ = findings_text(settings, release, date(2027, 5, 1))
    assert blocked == "NO INVOICE for 1 tenant month(s), blocked until fixed: bolt 2027-04"


def test_payments_dated_ahead_are_told_though_they_are_no_errors(settings: Settings, release: Release) -> None:
    _found(
        release,
        "values ('payment_dated_ahead', 'warning', 'acme', null, null), "
        "('payment_dated_ahead', 'warning', 'bolt', null, null), ('payment_unmatched', 'info', null, null, null)",
    )
    ahead, where, warnings = findings_text(settings, release, TODAY)
    assert warnings.startswith("2 warning(s), ")
    assert ahead == "FUTURE DATES: 2 payment(s): their amounts count, their dates do not"
    assert "finding = 'payment_dated_ahead'" in where


def test_a_tenant_of_two_currencies_has_a_row_of_each_and_every_decimal_of_them(
    settings: Settings, release: Release
) -> None:
    """acme left yen for euros: late use of a closed month is a document of its own, in yen, not yet issued."""
    with duckdb.connect(str(release.database)) as connection:
        connection.execute(
            "create table marts.fct_invoices (billing_month date, tenant_id varchar, currency_code varchar, "
            "minor_unit integer, status varchar, billed_amount decimal(18, 3))"
        )
        connection.execute(
            "create table marts.fct_invoice_lines (billing_month date, tenant_id varchar, currency_code varchar, "
            "meter varchar, billed_amount decimal(18, 3))"
        )
        for currency, unit, status, meter, amount in (
            ("EUR", 2, "issued", "voice_minute", "3.00"),
            ("JPY", 0, "draft", "voice_minute", "-7"),
            ("KWD", 3, "issued", "translated_word", "1.235"),
            ("KWD", 3, "issued", "hologram_minute", "0.001"),
        ):
            tenant = "bolt" if currency == "KWD" else "acme"
            connection.execute(
                f"insert into marts.fct_invoices values ('2024-10-01', '{tenant}', '{currency}', {unit}, '{status}', "
                f"{amount})"
            )
            connection.execute(
                f"insert into marts.fct_invoice_lines values ('2024-10-01', '{tenant}', '{currency}', '{meter}', "
                f"{amount})"
            )
    shown = io.StringIO()
    print_invoices(Console(file=shown, width=132), settings, release, TODAY)
    rows = [[cell.strip() for cell in line.strip("\u2502").split("\u2502")] for line in shown.getvalue().splitlines()]
    none = ["-"] * 5
    assert ["acme", "-", "-", "3.00", *none, "-", "3.00 EUR"] in rows
    assert ["acme", "-", "-", "-7", *none, "-", "-7 JPY"] in rows
    # A meter that is in no column has one of its own: it is no Voice.
    assert ["bolt", "-", "1.235", "-", *none, "0.001", "1.236 KWD"] in rows
    assert ["2024-10", "JPY", "draft", "1", "-7"] in rows
    assert ["2024-10", "KWD", "issued", "2", "1.236"] in rows


def test_every_meter_has_its_column() -> None:
    with (PROJECT_DIR / "seeds/reference/meters.csv").open(encoding="utf-8", newline="") as file:
        assert COLUMNS.keys() == {row["meter"] for row in csv.DictReader(file)}


def test_of_thousands_of_tenants_some_are_drawn(settings: Settings, release: Release) -> None:
    with duckdb.connect(str(release.database)) as connection:
        connection.execute(
            "create table marts.fct_invoices as select format('t{:03d}', range) as tenant_id, 'draft' as status, "
            "date '2024-11-01' as billing_month, 'USD' as currency_code, 2 as minor_unit, 1.00 as billed_amount, "
            f"'translated_word' as meter from range({TENANTS_SHOWN + 2})"
        )
        connection.execute("create table marts.fct_invoice_lines as from marts.fct_invoices")
    shown = io.StringIO()
    print_invoices(Console(file=shown, width=132), settings, release, TODAY)
    told = shown.getvalue()
    # 42 tenants, the first 40 drawn: t000 to t039.
    assert "t039" in told
    assert "t040" not in told
    assert "and 2 more: meterhouse sql \"select * from fct_invoices where billing_month = '2024-11-01'\"" in told
    shown = io.StringIO()
    print_invoices(Console(file=shown, width=132), settings, release, date(2024, 10, 31))
    assert "There is no invoice yet for any month that has begun." in shown.getvalue()
