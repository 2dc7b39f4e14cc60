"""What is missing before a month can be closed, all of it at once. Reads release, ledger and landing; signs nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import duckdb

from orchestration import duck
from orchestration.closing import demands, ledger
from orchestration.closing.scope import drafts, month_text
from orchestration.closing.signing import content_of, holds_of, signed_holds, standing_sign_off
from orchestration.errors import MeterhouseError
from orchestration.publishing.release import require_release
from orchestration.settings import Settings


@dataclass(frozen=True)
class Proposal:
    """A month proposed for closing: drafts, totals (exact text) by currency, and what to do, in order."""

    month: date
    drafts: int
    totals: dict[str, str]
    unsigned_holds: int
    to_do: list[str] = field(default_factory=list)

    @property
    def ready(self) -> bool:
        """Whether only the close itself is left to do."""
        return len(self.to_do) == 1


def propose_close(settings: Settings, month: date, now: datetime) -> Proposal:
    """Everything a close of `month` would be refused for at `now` (UTC), and the command to close with."""
    found, text, closer = ledger.entries(settings), month_text(month), "NAME"
    with duck.connect(require_release(settings).database, settings, read_only=True) as connection:
        waiting = drafts(connection)
        mine = [draft for draft in waiting if draft.billing_month == month]
        unsigned = [hold for hold in holds_of(connection, month) if hold.hold_id not in signed_holds(found)]
        totals = connection.execute(
            "select currency_code, sum(billed_amount)::varchar from marts.fct_invoices "
            "where status = 'draft' and strftime(billing_month, '%Y-%m') = ? group by 1 order by 1",
            [text],
        ).fetchall()
        to_do = [
            *_refusal(lambda: demands.demand_not_closed(found, month, [], [])),
            *_refusal(lambda: demands.demand_in_time(month, now, "")),
            *_refusal(lambda: demands.demand_in_order(connection, waiting, found, month, [], [])),
            *_refusal(lambda: demands.demand_rated(connection, month, [], [])),
        ]
    to_do = [*_refusal(lambda: demands.demand_taken_in(settings)), *to_do]
    to_do += [
        f"review hold {hold.hold_id} ({hold.hold}, {hold.tenant_id or 'all tenants'}): {hold.facts}. {hold.remedy} "
        f"Then sign it: meterhouse sign-hold --month {text} {hold.hold_id} --by NAME --why TEXT."
        for hold in unsigned
    ]
    if not mine:
        to_do.append(f"{text} has no draft invoice: nothing was used, or its usage has not landed.")
    elif (approval := standing_sign_off(found, month, content_of(mine))) is None:
        to_do.append(f"sign off the {len(mine)} drafts: meterhouse sign-off --month {text} --by NAME.")
    elif settings.four_eyes:
        closer = f"NAME (not {approval.recorded_by}, who signed off)"
    to_do.append(f"close: meterhouse close --month {text} --by {closer}, or the job close_month.")
    return Proposal(month, len(mine), dict(totals), len(unsigned), to_do)


def _refusal(demand: Callable[[], Any]) -> list[str]:
    try:
        demand()
    except MeterhouseError as error:
        return [f"{error}. {error.remedy}"]
    except duckdb.IOException:
        return ["another process is writing to the warehouse. Propose again when its run has ended."]
    return []
