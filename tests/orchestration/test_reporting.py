"""A run says whose invoice is held back, and how many errors there are to mend."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from orchestration.publishing.release import Release
from orchestration.reporting import TENANTS_SHOWN, print_invoices, told_of_findings, wide_console
from orchestration.settings import Settings


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
    return found


def _found(release: Release, rows: str) -> None:
    with duckdb.connect(str(release.database)) as connection:
        connection.execute(f"insert into marts.rpt_findings {rows}")


def test_where_nothing_is_wrong_nothing_is_said(settings: Settings, release: Release) -> None:
    _found(release, "values ('row_quarantined', 'warning', null, null, null)")
    assert told_of_findings(settings, release) == []


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
    blocked, errors, where = told_of_findings(settings, release)
    assert blocked == "NO INVOICE for 2 tenant month(s), blocked until mended: acme 2024-11, bolt 2024-10"
    assert errors == "4 error(s) to mend: 1 file_refused, 3 tenant_month_blocked"
    assert "rpt_findings" in where


def test_of_many_blocked_months_some_are_named(settings: Settings, release: Release) -> None:
    _found(release, "select 'tenant_month_blocked', 'error', 't' || range, date '2024-11-01', 'm' from range(8)")
    (blocked, *_) = told_of_findings(settings, release)
    assert blocked.startswith("NO INVOICE for 8 tenant month(s)")
    assert blocked.endswith("t4 2024-11 and 3 more")


def test_of_many_tenants_some_are_drawn_and_each_currency_has_its_own_figures(
    settings: Settings, release: Release, capsys: pytest.CaptureFixture[str]
) -> None:
    # t000 is invoiced 1.50 in euros and 2.25 in dollars, the others a dollar each.
    with duckdb.connect(str(release.database)) as connection:
        connection.execute(
            "create table marts.fct_invoices as select tenant_id, date '2024-11-01' as billing_month, currency_code, "
            "'draft' as status, billed_amount::decimal(18, 2) as billed_amount from (values ('t000', 'EUR', 1.5), "
            "('t000', 'USD', 2.25)) as two (tenant_id, currency_code, billed_amount) union all "
            "select format('t{:03d}', range), date '2024-11-01', 'USD', 'draft', 1 "
            f"from range(1, {TENANTS_SHOWN + 2})"
        )
        connection.execute(
            "create table marts.fct_invoice_lines as select *, 'translated_word' as meter from marts.fct_invoices"
        )
    print_invoices(wide_console(), settings, release)
    told = capsys.readouterr().out
    assert [line.split() for line in told.splitlines() if "t000" in line] == [
        ["│", "t000", *["│", "-"], *["│", "1.50"], *["│", "-"] * 6, "│", "1.50", "EUR", "│"],
        ["│", "t000", *["│", "-"], *["│", "2.25"], *["│", "-"] * 6, "│", "2.25", "USD", "│"],
    ]
    # Rows 1 and 2 are t000's, the last drawn is t038: t039, t040 and t041 are not.
    assert "t038" in told
    assert "t039" not in told
    assert "and 3 more: meterhouse sql" in told
