"""What somebody watches about the month: pools, storage, vendors, the release's checks, records that did not bill."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb

from orchestration.publishing.release import Release, release_verdict


@dataclass(frozen=True)
class PoolUse:
    """A tenant's WhatsApp pool of the month, in conversations (WAP-05..07)."""

    tenant_id: str
    tenant_name: str
    pool: int
    drawn: int
    lapsed: int


@dataclass(frozen=True)
class StorageUse:
    """Bytes a tenant held at month end against its limit, and the blocks charged above it (STO)."""

    tenant_id: str
    tenant_name: str
    meter: str
    consumed: int | None
    limit: int | None
    excess: int | None
    blocks: int | None
    is_stale: bool


@dataclass(frozen=True)
class VendorTotal:
    """What a vendor counted of a category beside what landed for the same time, over all its accounts (GEN-06)."""

    vendor: str
    category: str
    period_kind: str
    meter: str
    accounts: int
    differing_accounts: int
    counted: Decimal
    landed: Decimal
    # Summed by the period: more landed in another makes up for nothing.
    missing: Decimal


@dataclass(frozen=True)
class CheckKind:
    """How many of the release's checks of one kind there were and failed."""

    kind: str
    checks: int
    failed: int


@dataclass(frozen=True)
class FailedCheck:
    """A check that failed and what it saw."""

    name: str
    kind: str
    subject: str
    observed: str


@dataclass(frozen=True)
class Fate:
    """Raw records of one fate and reason: of the month, and of no known month."""

    fate: str
    reason: str
    records: int
    records_without_month: int


@dataclass(frozen=True)
class FindingGroup:
    """Findings of one kind and reason, and the tenants they name."""

    severity: str
    finding: str
    reason: str
    remedy: str
    tenants: tuple[str, ...]
    places: int
    records: int
    has_month: bool


def pools(connection: duckdb.DuckDBPyConnection, month: date) -> list[PoolUse]:
    """WhatsApp pools, the most drawn first."""
    query = """select p.tenant_id, coalesce(t.tenant_name, p.tenant_id), pool_quantity, drawn_quantity, lapsed_quantity
        from marts.fct_whatsapp_pools_monthly as p left join marts.dim_tenants as t on p.tenant_id = t.tenant_id
        where billing_month = ?
        -- Whole millionths: no float decides the order.
        order by drawn_quantity * 1000000 // greatest(pool_quantity, 1) desc, pool_quantity desc, p.tenant_id"""
    return [PoolUse(*row) for row in connection.execute(query, [month]).fetchall()]


def storage(connection: duckdb.DuckDBPyConnection, month: date) -> list[StorageUse]:
    """Storage at month end, the fullest first."""
    query = """select s.tenant_id, coalesce(t.tenant_name, s.tenant_id), meter, consumed_bytes, limit_bytes,
            excess_bytes, overage_quantity, is_stale
        from marts.fct_storage_monthly as s left join marts.dim_tenants as t on s.tenant_id = t.tenant_id
        where billing_month = ?
        order by coalesce(excess_bytes, 0) > 0 desc,
            consumed_bytes::hugeint * 1000000 // greatest(limit_bytes, 1) desc nulls last, s.tenant_id, meter"""
    return [StorageUse(*row) for row in connection.execute(query, [month]).fetchall()]


def vendor_totals(connection: duckdb.DuckDBPyConnection, month: date) -> list[VendorTotal]:
    """Vendors' totals that are held beside what landed, those with the most missing first."""
    query = """select vendor, category, period_kind, meter, count(distinct account_id),
            count(distinct account_id) filter (where differing_count > 0),
            sum(vendor_quantity_compared), sum(landed_quantity), sum(missing_quantity)
        from marts.rpt_vendor_reconciliation where billing_month = ? and compared_count > 0
            and account_kind is distinct from 'third_party'
        group by all order by sum(missing_quantity) desc, vendor, category, period_kind"""
    return [VendorTotal(*row) for row in connection.execute(query, [month]).fetchall()]


def checks(release: Release) -> tuple[list[CheckKind], list[FailedCheck]]:
    """The verdict the release was published under: counts per kind, and the checks that failed.

    Raises MeterhouseError where the release lacks its verdict.
    """
    verdict = release_verdict(release)
    kinds: dict[str, list[bool]] = {}
    for check in verdict.checks:
        kinds.setdefault(check.kind, []).append(check.passed)
    failed = [FailedCheck(c.name, c.kind, c.subject, c.observed) for c in verdict.failed]
    counted = [CheckKind(kind, len(results), results.count(False)) for kind, results in sorted(kinds.items())]
    return counted, sorted(failed, key=lambda check: (check.kind, check.name, check.subject))


def fates(connection: duckdb.DuckDBPyConnection, month: date) -> list[Fate]:
    """What became of the raw records, quarantine first and what billed last."""
    query = """select fate, reason,
            coalesce(sum(record_count) filter (where billing_month = $month), 0)::bigint,
            coalesce(sum(record_count) filter (where billing_month is null), 0)::bigint
        from marts.rpt_record_fates where billing_month = $month or billing_month is null
        group by fate, reason having sum(record_count) > 0
        order by list_position(
            ['quarantined', 'excluded', 'duplicate', 'superseded', 'zero_rated', 'included', 'billed'], fate
        ), sum(record_count) desc, reason"""
    return [Fate(*row) for row in connection.execute(query, {"month": month}).fetchall()]


def findings(connection: duckdb.DuckDBPyConnection, month: date) -> list[FindingGroup]:
    """Findings of the month, then those of no month, the worst first."""
    query = """select severity, finding, reason, remedy,
            coalesce(list(distinct tenant_id order by tenant_id) filter (where tenant_id is not null), []),
            count(*), sum(record_count)::bigint, billing_month is not null as has_month
        from marts.rpt_findings where billing_month = ? or billing_month is null
        group by severity, finding, reason, remedy, has_month
        order by has_month desc, list_position(['error', 'warning', 'info'], severity), finding, reason, remedy"""
    found: list[Any] = connection.execute(query, [month]).fetchall()
    rows: list[Any] = [(*row[:4], tuple(row[4]), *row[5:]) for row in found]
    return [FindingGroup(*row) for row in rows]
