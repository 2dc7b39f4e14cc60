"""What of a release somebody has to fix, in sentences: for the terminal and for the run history."""

from __future__ import annotations

from datetime import date

import duckdb

from orchestration import duck
from orchestration.publishing.release import Release
from orchestration.settings import Settings
from orchestration.wording import some_of

NAMED = 5


def findings_text(settings: Settings, release: Release, today: date) -> list[str]:
    """Tenant months without an invoice, errors, warnings, records and payments dated ahead; nothing without any."""
    begun = _begun(today)
    with duck.connect(release.database, settings, read_only=True) as connection:
        blocked = connection.execute(
            "select strftime(billing_month, '%Y-%m'), tenant_id from marts.rpt_findings "
            f"where finding = 'tenant_month_blocked' and {begun} group by all order by 1 desc, 2"
        ).fetchall()
        errors = connection.execute(
            f"select finding, count(*) from marts.rpt_findings where severity = 'error' and {_open(today)} "
            "group by all order by all"
        ).fetchall()
        warnings = _count(connection, "warning", today)
        ahead = connection.execute(
            "select strftime(billing_month, '%Y-%m'), source, tenant_id, sum(record_count)::bigint "
            f"from marts.rpt_record_fates where not {begun} and record_count > 0 "
            "and fate not in ('excluded', 'duplicate', 'superseded') group by all order by 1 desc, 2, 3"
        ).fetchall()
        paid_ahead = connection.execute(
            "select count(*) from marts.rpt_findings where finding = 'payment_dated_ahead'"
        ).fetchall()[0][0]
    told = []
    if ahead:
        named = some_of(
            [f"{month} {source} of {tenant or 'an unknown tenant'}" for month, source, tenant, _ in ahead], NAMED
        )
        told.append(
            f"FUTURE DATES: {sum(row[-1] for row in ahead):,} record(s) dated in months that have not begun: {named}"
        )
        told.append(
            "Until these are fixed, all tenants have draft phone-number fees, and storage waiting for snapshots, in "
            "every month up to that date. Have the source deliver the records again with the right dates."
        )
    if paid_ahead:
        told.append(f"FUTURE DATES: {paid_ahead:,} payment(s): their amounts count, their dates do not")
        told.append(
            "Each with its remedy: meterhouse sql \"select * from rpt_findings where finding = 'payment_dated_ahead'\""
        )
    if blocked:
        named = some_of([f"{tenant} {month}" for month, tenant in blocked], NAMED)
        told.append(f"NO INVOICE for {len(blocked)} tenant month(s), blocked until fixed: {named}")
    if errors:
        kinds = ", ".join(f"{count:,} {finding}" for finding, count in errors)
        told.append(f"{sum(count for _, count in errors):,} error(s) to fix: {kinds}")
        told.append("With their remedies: meterhouse sql \"select * from rpt_findings where severity = 'error'\"")
    if warnings:
        told.append(
            f"{warnings:,} warning(s), each with its remedy: "
            "meterhouse sql \"select * from rpt_findings where severity = 'warning'\""
        )
    return told


def open_findings(settings: Settings, release: Release, today: date) -> dict[str, int]:
    """How many errors and warnings of a release are open, by these two words."""
    with duck.connect(release.database, settings, read_only=True) as connection:
        return {f"{severity}s": _count(connection, severity, today) for severity in ("error", "warning")}


def _count(connection: duckdb.DuckDBPyConnection, severity: str, today: date) -> int:
    row = connection.execute(
        f"select count(*) from marts.rpt_findings where severity = '{severity}' and {_open(today)}"
    ).fetchone()
    return int(row[0]) if row else 0


def _begun(today: date) -> str:
    return f"billing_month <= date '{today}'"


def _open(today: date) -> str:
    # What is found only because a month ahead was seen is told of as a date ahead.
    return f"(billing_month is null or {_begun(today)})"
