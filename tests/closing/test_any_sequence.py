"""Any sequence of landings, reruns and closes: all that was and is invoiced is what recomputes (GEN-09).

What recomputes is the independent oracle's bill of the files landed so far, not the warehouse's.
"""

from __future__ import annotations

import os
import random
from collections import defaultdict
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from orchestration import duck, pipeline
from orchestration.billing_month import next_month
from orchestration.closing import ledger, scope
from orchestration.closing.close import CloseRequest, close_month
from orchestration.closing.explanation import lines_without_records
from orchestration.closing.verification import verify_ledger
from orchestration.publishing.release import require_release
from orchestration.settings import Settings
from tests.closing.steps import instant, sign_all
from tests.oracle import Bill, bill
from tests.oracle.worlds import Tables
from tests.properties.harness import Batch, copy_project, make_batch, write_landing

IS_VERIFY = int(os.environ.get("METERHOUSE_VERIFY_TENANT_MONTHS", "0")) > 2_000
SEQUENCES = 20 if IS_VERIFY else 1
WORLDS = 10
LANDINGS = 3
NOW = "2030-01-01"
Sums = dict[tuple[object, ...], tuple[int, Decimal]]


def _dealt(batch: Batch, chance: random.Random) -> list[Tables]:
    """The batch's rows over several landings. Contract data first, mostly; usage whenever it comes."""
    landings: list[Tables] = [defaultdict(list) for _ in range(LANDINGS)]
    for source, rows in batch.tables.items():
        contract = source in ("tenants", "account_map", "subscriptions")
        for row in rows:
            landings[0 if contract and chance.random() < 0.9 else chance.randrange(LANDINGS)][source].append(row)
    return landings


def _closable(found: Settings, month: date, chance: random.Random) -> tuple[str, ...]:
    """Tenants to leave out: those that cannot be invoiced, those behind, and one in ten for no reason."""
    with duck.connect(require_release(found).database, found, read_only=True) as connection:
        blocked = connection.execute(
            "select distinct tenant_id from marts.rpt_findings "
            "where finding = 'tenant_month_blocked' and billing_month = ?",
            [month],
        ).fetchall()
        waiting = scope.drafts(connection)
        known = {tenant for (tenant,) in connection.execute("select tenant_id from marts.dim_tenants").fetchall()}
    behind = {draft.tenant_id for draft in waiting if draft.billing_month < month}
    behind |= {tenant for tenant, _ in scope.left_open(ledger.entries(found))}
    chosen = {tenant for (tenant,) in blocked} | behind
    return tuple(sorted((chosen & known) | {d.tenant_id for d in waiting if chance.random() < 0.1}))


def _earliest_open(found: Settings) -> date | None:
    """The first month after those closed for all that has drafts, or tenants who cannot be invoiced."""
    until = scope.closed_until(ledger.entries(found))
    with duck.connect(require_release(found).database, found, read_only=True) as connection:
        months = {d.billing_month for d in scope.drafts(connection)}
        blocked = connection.execute(
            "select distinct billing_month from marts.rpt_findings where finding = 'tenant_month_blocked'"
        ).fetchall()
    months |= {month for (month,) in blocked}
    return min((month for month in months if scope.month_text(month) > until), default=None)


def _close_something(found: Settings, chance: random.Random) -> None:
    """The next month for most, or a tenant left out before, whichever can be closed."""
    still = sorted(scope.left_open(ledger.entries(found)))
    with duck.connect(require_release(found).database, found, read_only=True) as connection:
        waiting = scope.drafts(connection)
    named = [
        (tenant, month)
        for tenant, month in still
        if any(d.tenant_id == tenant and scope.month_text(d.billing_month) == month for d in waiting)
        and not any(other == tenant and earlier < month for other, earlier in still)
    ]
    if named and chance.random() < 0.3:
        tenant, text = chance.choice(named)
        month = date.fromisoformat(f"{text}-01")
        sign_all(found, text, instant(NOW))
        close_month(found, CloseRequest(month, "Carla", tenants=(tenant,)), instant(NOW))
        return
    next_up = _earliest_open(found)
    if next_up is None:
        return
    out = _closable(found, next_up, chance)
    sign_all(found, scope.month_text(next_up), instant(NOW))
    close_month(found, CloseRequest(next_up, "Carla", leave_out=out), instant(NOW))


def _invoiced(found: Settings) -> Sums:
    """Quantity and amount of all lines, issued and draft, by tenant, usage month and line key."""
    with duck.connect(require_release(found).database, found, read_only=True) as connection:
        rows = connection.execute(
            "select tenant_id, usage_month, meter, price_key, price_id, charge_category, unit_price::varchar, "
            "currency_code, sum(pricing_quantity)::bigint, sum(billed_amount) from marts.fct_invoice_lines "
            "group by all having sum(pricing_quantity) != 0 or sum(billed_amount) != 0"
        ).fetchall()
    return {(*row[:6], Decimal(row[6]), row[7]): (row[8], row[9]) for row in rows}


def _recomputed(expected: Bill) -> Sums:
    return {
        (
            *(line.tenant, line.month, line.meter, line.price_key, line.price_id, line.category),
            *(line.unit_price, line.currency),
        ): (line.priced, line.amount)
        for line in expected.lines
        if line.priced or line.amount
    }


def _expected(found: Settings) -> Bill:
    """The oracle's bill. Of the ledger it is told NUM-01's part: since when each tenant's numbers were invoiced, and
    which month was closed first.
    """
    with duck.connect(require_release(found).database, found, read_only=True) as connection:
        invoiced = connection.execute(
            "select tenant_id, min(usage_month) from marts.fct_invoice_lines where meter = 'phone_number' "
            "and invoice_id in (select invoice_id from marts.fct_invoices where status = 'issued') group by tenant_id"
        ).fetchall()
    closed = [entry.body["month"] for entry in scope.closes(ledger.entries(found)) if entry.body["tenants"] is None]
    first_closed = date.fromisoformat(f"{min(closed)}-01") if closed else None
    return bill(found.landing, found.project_dir / "seeds", dict(invoiced), first_closed)


def _agree(found: Settings, expected: Bill) -> int:
    """Compare but for months that cannot be computed and tenants whose open month waits; how many keys there were."""
    until = scope.closed_until(ledger.entries(found))
    behind: dict[str, str] = {}
    for tenant, month in sorted(scope.left_open(ledger.entries(found)), reverse=True):
        behind[tenant] = month
    following = scope.month_text(next_month(date.fromisoformat(f"{until}-01"))) if until else ""

    def counts(tenant: str, month: date) -> bool:
        open_month = behind.get(tenant, following)
        blocked = {(t, scope.month_text(m)) for t, m in expected.blocked}
        return (tenant, scope.month_text(month)) not in blocked and (tenant, open_month) not in blocked

    invoiced, recomputed = (
        {key: value for key, value in sums.items() if counts(str(key[0]), key[1])}  # type: ignore[arg-type]
        for sums in (_invoiced(found), _recomputed(expected))
    )
    assert invoiced == recomputed
    return len(recomputed)


def _ledger_files(found: Settings) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in sorted(ledger.ledger_dir(found).rglob("*")) if p.is_file()}


@settings(
    max_examples=SEQUENCES,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(seed=st.integers(0, 100_000))
def _a_sequence_agrees(folder: Path, seed: int) -> None:
    chance = random.Random(f"sequence {seed}")
    here = folder / str(seed)
    batch = make_batch(seed, WORLDS)
    found = Settings(
        home=here / "var",
        landing=here / "landing",
        project_dir=copy_project(here / "project", batch),
        memory_limit="1GB",
    )
    compared = 0
    for number, tables in enumerate(_dealt(batch, chance)):
        part = replace(found, landing=here / f"landing{number}")
        write_landing(part.landing, tables, chance, files=1)
        for path in sorted(part.landing.glob("*/*.csv")):
            target = found.landing / path.parent.name / f"{number}_{path.name}"
            target.parent.mkdir(parents=True, exist_ok=True)
            path.rename(target)
        before = _ledger_files(found)
        pipeline.run_all(found)
        compared += _agree(found, _expected(found))
        assert _ledger_files(found) == before, "a run changes nothing that is closed"
        _close_something(found, chance)
    pipeline.run_all(found)
    compared += _agree(found, _expected(found))
    proof = verify_ledger(found)
    assert lines_without_records(found) == []
    corrections = _corrections(found)
    print(
        f"sequence {seed}: {compared} line keys compared, {proof.invoices} invoices closed, {corrections} corrections"
    )
    assert proof.invoices > 0


def _corrections(found: Settings) -> int:
    with duck.connect(require_release(found).database, found, read_only=True) as connection:
        row = connection.execute(
            "select count(*) from marts.fct_invoice_lines where charge_class = 'correction'"
        ).fetchone()
    return int(row[0]) if row else 0


def test_whatever_lands_and_closes_closed_plus_corrections_is_recomputed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _a_sequence_agrees(tmp_path)
    told = capsys.readouterr().out.splitlines()
    with capsys.disabled():
        print("\n" + "\n".join(told))
    assert len(told) == SEQUENCES
    assert any(not line.endswith(" 0 corrections") for line in told)
