"""Everything the month report tells, gathered once from the served release and the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from orchestration import duck
from orchestration.closing import ledger, scope, signing
from orchestration.month_report import billed, owed, signed, watched
from orchestration.publishing.amount_text import minor_units
from orchestration.publishing.newest_month import not_published, published_months
from orchestration.publishing.release import require_release
from orchestration.settings import Settings


@dataclass(frozen=True)
class MonthFacts:
    """The facts of one billing month; amounts are exact decimals of their currency."""

    month: date
    previous_month: date
    has_previous: bool
    release_id: str
    minor_units: dict[str, int]
    status: signed.Status
    totals: list[billed.CurrencyTotal]
    meters: list[billed.MeterTotal]
    tenants: list[billed.TenantTotal]
    movers: list[billed.Mover]
    change_counts: list[billed.ChangeCount]
    largest_changes: list[billed.ChangedLine]
    pools: list[watched.PoolUse]
    storage: list[watched.StorageUse]
    vendor_totals: list[watched.VendorTotal]
    corrections: list[billed.Correction]
    receivables: owed.Receivables
    check_kinds: list[watched.CheckKind]
    failed_checks: list[watched.FailedCheck]
    fates: list[watched.Fate]
    findings: list[watched.FindingGroup]
    holds: list[signed.HoldFact]
    past_holds: list[signed.HoldFact]
    sign_off_stands: bool
    entries: list[signed.LedgerFact]
    one_person: list[str]

    @property
    def currencies(self) -> list[str]:
        return [total.currency for total in self.totals]


def gather_facts(settings: Settings, month: date) -> MonthFacts:
    """Read the facts of the billing month that `month` lies in.

    Raises MeterhouseError when nothing is published or the month has no invoice, LedgerTampered for a
    ledger that is not what was written.
    """
    first_day = month.replace(day=1)
    previous = (first_day - timedelta(days=1)).replace(day=1)
    release = require_release(settings)
    found = ledger.entries(settings)
    with duck.connect(release.database, settings, read_only=True) as connection:
        published = published_months(connection)
        if scope.month_text(first_day) not in published:
            raise not_published(scope.month_text(first_day), published)
        drafts = [draft for draft in scope.drafts(connection) if draft.billing_month == first_day]
        standing = {hold.hold_id for hold in signing.holds_of(connection, first_day)}
        check_kinds, failed_checks = watched.checks(release)
        return MonthFacts(
            month=first_day,
            previous_month=previous,
            has_previous=scope.month_text(previous) in published,
            release_id=release.release_id,
            minor_units=minor_units(connection),
            status=signed.status_of(found, drafts, first_day),
            totals=billed.currency_totals(connection, first_day),
            meters=billed.meter_totals(connection, first_day),
            tenants=billed.tenant_totals(connection, first_day),
            movers=billed.movers(connection, first_day, previous),
            change_counts=billed.change_counts(connection, first_day, release.release_id),
            largest_changes=billed.largest_changes(connection, first_day, release.release_id),
            pools=watched.pools(connection, first_day),
            storage=watched.storage(connection, first_day),
            vendor_totals=watched.vendor_totals(connection, first_day),
            corrections=billed.corrections(connection, first_day),
            receivables=owed.receivables(connection),
            check_kinds=check_kinds,
            failed_checks=failed_checks,
            fates=watched.fates(connection, first_day),
            findings=watched.findings(connection, first_day),
            holds=signed.standing_holds(connection, found, first_day),
            past_holds=signed.past_holds(found, first_day, standing),
            sign_off_stands=signed.sign_off_stands(found, drafts, first_day),
            entries=signed.ledger_facts(found, first_day),
            one_person=signed.one_person_facts(found, first_day),
        )
