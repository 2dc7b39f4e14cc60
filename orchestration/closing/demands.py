"""What must be true before a month is closed (GEN-09); each demand that fails says what to do."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import duckdb

from orchestration.billing_month import next_month
from orchestration.closing.ledger import Entry
from orchestration.closing.scope import Draft, close_of, closed_until, left_open, month_text
from orchestration.closing.signing import content_of, holds_of, signed_holds, standing_sign_off
from orchestration.errors import GateRefused, MeterhouseError
from orchestration.ingestion.landed_content import files_not_taken_in
from orchestration.ingestion.landing_folder import demand_landing
from orchestration.settings import Settings
from orchestration.wording import some_of

DAYS_AFTER_MONTH_END = 3


def next_month_start(month: date) -> datetime:
    """The instant `month` ends, UTC."""
    return datetime(*next_month(month).timetuple()[:3], tzinfo=UTC)


def earliest_close(month: date) -> datetime:
    """Month end + 3 days, UTC: the first instant at which a month may be closed."""
    return next_month_start(month) + timedelta(days=DAYS_AFTER_MONTH_END)


def demand_in_time(month: date, now: datetime, early_reason: str) -> None:
    """Raise unless month end + 3 days has come, or a reason for closing sooner is given."""
    if now < next_month_start(month):
        raise MeterhouseError(
            f"{month_text(month)} is not over yet", "A month is invoiced in arrears: close it after it has ended."
        )
    if now < earliest_close(month) and not early_reason.strip():
        raise MeterhouseError(
            f"{month_text(month)} cannot be closed before {earliest_close(month):%Y-%m-%d %H:%M} UTC (GEN-09)",
            "Wait for late usage, or record the reason for closing early: --early-reason TEXT.",
        )


def demand_taken_in(settings: Settings) -> None:
    """Raise GateRefused naming landed files that were not taken in: never looked at, or unfinished when they were."""
    demand_landing(settings)
    if files := files_not_taken_in(settings):
        raise GateRefused(
            f"the release does not contain everything that has landed: {some_of(files, 5)}",
            "Run `meterhouse run` and review the result. A file still listed as waiting is incomplete or does not "
            "match its manifest: have the file or the manifest fixed, or move the file out of the landing folder, then "
            "run again.",
        )


def demand_not_closed(found: list[Entry], month: date, tenants: list[str], out: list[str]) -> None:
    """Raise if the month, or one of the tenants named, is closed already, or cannot be named yet."""
    if tenants and out:
        raise MeterhouseError(
            "--tenant closes tenants left out earlier, --leave-out is for closing everyone else",
            "Give only one of the two.",
        )
    entry = close_of(found, month)
    if not tenants and entry is not None:
        raise MeterhouseError(
            f"{month_text(month)} was closed by {entry.recorded_by} at {entry.recorded_at} (entry {entry.sequence})",
            "It stays as issued; late usage becomes a correction. To close tenants left out then: --tenant ID.",
        )
    if not tenants and month_text(month) < closed_until(found):
        raise MeterhouseError(
            f"{month_text(month)} is earlier than {closed_until(found)}, which is already closed",
            "It had nothing open at that time; whatever arrived since becomes a correction in the next open month.",
        )
    closed = [tenant for tenant in tenants if (tenant, month_text(month)) not in left_open(found)]
    if closed:
        raise MeterhouseError(
            f"{', '.join(closed)} was not left out of {month_text(month)}, or has been closed since",
            "Close the month for everyone; --tenant is only for tenants left out of that close.",
        )


def demand_in_order(
    connection: duckdb.DuckDBPyConnection,
    drafts: list[Draft],
    found: list[Entry],
    month: date,
    tenants: list[str],
    out: list[str],
) -> None:
    """Raise if a month before this one was never closed, or a tenant to be closed has an earlier one open."""
    last, this = closed_until(found), month_text(month)
    # Blocked tenant months have no draft, and are as open.
    drafted, blocked = {month_text(d.billing_month) for d in drafts}, _blocked_months(connection)
    skipped = sorted(text for text in drafted | {text for text, _ in blocked} if last < text < this)
    # None where tenants are named: they were left out of a month that is closed.
    if skipped:
        first, remedy = skipped[0], f"Close months in order: meterhouse close --month {skipped[0]} --by NAME."
        if first not in drafted:
            names = sorted(tenant for text, tenant in blocked if text == first)
            without = " ".join(f"--leave-out {tenant}" for tenant in names)
            remedy = (
                f"Nothing in it can be invoiced: rpt_findings shows what blocks {', '.join(names)}. Fix that and run "
                f"again, or close the month without them: meterhouse close --month {first} {without} --by NAME."
            )
        raise MeterhouseError(f"{first} is not closed yet", remedy)
    known = {tenant for (tenant,) in connection.execute("select tenant_id from marts.dim_tenants").fetchall()}
    waiting = {(text, tenant) for tenant, text in left_open(found) if text < this and tenant in known}
    earlier = sorted((text, t) for text, t in waiting if t not in out and (not tenants or t in tenants))
    if earlier:
        first = earlier[0][0]
        names = [tenant for text, tenant in earlier if text == first]
        # By name nobody is left out: who is not named is not closed.
        without = " ".join(f"--leave-out {tenant}" for tenant in names)
        instead = "do not name them yet" if tenants else f"leave them out of this close too ({without})"
        raise MeterhouseError(
            f"an earlier month ({first}) is still open for {', '.join(names)}",
            f"Close it first (--month {first} {' '.join(f'--tenant {tenant}' for tenant in names)}), or {instead}.",
        )


def _blocked_months(connection: duckdb.DuckDBPyConnection) -> set[tuple[str, str]]:
    rows = connection.execute(
        "select distinct strftime(billing_month, '%Y-%m'), tenant_id from marts.rpt_findings "
        "where finding = 'tenant_month_blocked'"
    ).fetchall()
    return {(text, tenant) for text, tenant in rows}


def demand_rated(connection: duckdb.DuckDBPyConnection, month: date, tenants: list[str], out: list[str]) -> None:
    """Raise naming tenants whose month cannot be published, unless they are left out by name."""
    rows = connection.execute(
        "select distinct tenant_id, reason || coalesce(' ' || meter, '') from marts.rpt_findings "
        "where finding = 'tenant_month_blocked' and billing_month = ? order by all",
        [month],
    ).fetchall()
    blocked = [(t, why) for t, why in rows if t not in out and (not tenants or t in tenants)]
    if blocked:
        told = "; ".join(f"{tenant}: {why}" for tenant, why in blocked[:5])
        # By name nobody is left out: who is not named is not closed.
        instead = (
            "do not name them yet"
            if tenants
            else "leave them out with --leave-out TENANT and close them later with --tenant TENANT"
        )
        raise MeterhouseError(
            f"{len({t for t, _ in blocked})} tenant(s) cannot be invoiced for {month_text(month)}: {told}",
            f"Fix what rpt_findings names and run again, or {instead}.",
        )


def demand_signatures(
    connection: duckdb.DuckDBPyConnection,
    found: list[Entry],
    drafts: list[Draft],
    month: date,
    tenants: list[str],
    out: list[str],
) -> tuple[int | None, list[int]]:
    """Sequences of the sign-off (None without drafts) and the hold signatures a close rests on.

    Raises naming what is not signed.
    """
    signed = signed_holds(found)
    holds = [
        hold
        for hold in holds_of(connection, month)
        if hold.tenant_id not in out and (not tenants or hold.tenant_id is None or hold.tenant_id in tenants)
    ]
    missing = [hold for hold in holds if hold.hold_id not in signed]
    if missing:
        told = "; ".join(f"{h.hold_id} {h.hold} {h.tenant_id or ''}: {h.facts}" for h in missing[:3])
        raise MeterhouseError(
            f"{len(missing)} hold(s) of {month_text(month)} are not signed: {told}",
            f"Review them (meterhouse holds --month {month_text(month)}), then: "
            f"meterhouse sign-hold --month {month_text(month)} ID --by NAME --why TEXT.",
        )
    mine = [draft for draft in drafts if draft.billing_month == month]
    approval = standing_sign_off(found, month, content_of(mine))
    if approval is None and mine:
        raise MeterhouseError(
            f"nobody has signed off the current drafts of {month_text(month)}",
            f"Review them, then: meterhouse sign-off --month {month_text(month)} --by NAME.",
        )
    return approval.sequence if approval else None, sorted({signed[h.hold_id].sequence for h in holds})
