"""Closing a month: demands met, numbers given, lines, invoices and evidence appended to the ledger.

The one place where a draft becomes an issued invoice. Nothing is written unless all of it can be.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from orchestration import duck, pipeline
from orchestration.closing import demands, ledger
from orchestration.closing.evidence import COUNTS_NAME, FILE_NAME, kept_so_far, write_counts, write_evidence
from orchestration.closing.four_eyes import demand_four_eyes
from orchestration.closing.ledger import Entry
from orchestration.closing.ledger_intact import demand_no_entry_lost
from orchestration.closing.ledger_relations import CLOSINGS, INVOICES, LINES, table_ddl
from orchestration.closing.numbering import IssuingEntity, number_invoices
from orchestration.closing.scope import Draft, closes, drafts, month_text, months_with_drafts, require_known
from orchestration.errors import GateRefused, MeterhouseError
from orchestration.file_hash import file_sha256
from orchestration.progress import Say
from orchestration.publishing.release import VERDICT, Release, current_release
from orchestration.quality.content_hash import table_hash
from orchestration.settings import Settings
from orchestration.sql_literals import sql_text
from orchestration.warehouse import state
from orchestration.warehouse.fingerprint import project_hash, seeds_hash
from orchestration.warehouse.writer_lock import WRITTEN_BY_ANOTHER_HAND, doubt_noted

INPUTS_NAME = "inputs.parquet"


@dataclass(frozen=True)
class CloseRequest:
    """What to close: a month for everybody but `leave_out`, or, with `tenants`, for those left out before.

    A tenant named twice is one.
    """

    month: date
    by: str
    leave_out: tuple[str, ...] = ()
    tenants: tuple[str, ...] = ()
    early_reason: str = ""

    def __post_init__(self) -> None:
        for field in ("leave_out", "tenants"):
            object.__setattr__(self, field, tuple(sorted(set(getattr(self, field)))))


def close_month(settings: Settings, request: CloseRequest, now: datetime, say: Say | None = None) -> Entry:
    """Close a month (GEN-09). Needs the writer lock; the marts show it after the next run.

    `now` is UTC. Raises MeterhouseError, GateRefused or LedgerTampered, having changed nothing.
    """
    tell = say or (lambda _: None)
    found = ledger.entries(settings)
    demand_no_entry_lost(settings, found)
    for entry in closes(found):
        ledger.check_files(settings, entry)
    month, out, named = request.month, list(request.leave_out), list(request.tenants)
    demands.demand_not_closed(found, month, named, out)
    demands.demand_in_time(month, now, request.early_reason)
    release = _demand_release(settings)
    with duck.connect(settings.warehouse_path, settings) as connection:
        require_known(connection, [*out, *named])
        _demand_judged(connection, release)
        waiting = drafts(connection)
        closing = [d for d in waiting if _is_closed_by(d, request)]
        # A month of which all are left out, or a tenant left out that has nothing in it, ends all the same.
        if not closing and not out and not named:
            # Where tenants are blocked, that is why, and who they are is what helps.
            demands.demand_rated(connection, month, named, out)
            raise MeterhouseError(f"{month_text(month)} has no draft invoice to close", months_with_drafts(waiting))
        demands.demand_in_order(connection, waiting, found, month, named, out)
        demands.demand_rated(connection, month, named, out)
        approval, holds = demands.demand_signatures(connection, found, waiting, month, named, out)
        demand_four_eyes(settings, found, approval, request.by)
        numbers = _numbers(connection, settings, closing, now)
        body: dict[str, Any] = {
            "month": month_text(month),
            "tenants": named or None,
            "left_out": out,
            "early_reason": request.early_reason.strip(),
            "invoices": len(closing),
            "sign_off": approval,
            "hold_signatures": holds,
            "release_id": release.release_id,
            "content_hash": release.content_hash,
            "verdict_sha256": file_sha256(release.path / VERDICT),
            "project_sha256": project_hash(settings),
            "seeds_sha256": seeds_hash(settings),
            "newest_batch": state.newest_batch(connection),
            "inputs_sha256": _inputs_hash(connection),
        }
        tell(f"closing {month_text(month)}: {len(closing)} invoices and the records behind them")

        def write(folder: Path) -> None:
            _write_files(connection, settings, found, request, numbers, now, folder)
            body["totals"] = _totals(connection)

        return ledger.append(settings, "close", body, by=request.by, now=now, write_files=write)


def _demand_release(settings: Settings) -> Release:
    release = current_release(settings)
    if release is None:
        raise GateRefused("nothing has been published yet", "Run `meterhouse run` first.")
    with suppress(duckdb.IOException):  # somebody has the build file open: that is told below
        demands.demand_taken_in(settings)
    if work := pipeline.work_to_do(settings):
        raise GateRefused(work.reason, f"{work.remedy} Then close.")
    if doubt_noted(settings):
        # Numbers, due dates and the records kept come out of tables no verdict is bound to.
        raise GateRefused(
            WRITTEN_BY_ANOTHER_HAND,
            "Run `meterhouse run`: it rebuilds and judges everything. Review the result, then close.",
        )
    return release


def _demand_judged(connection: duckdb.DuckDBPyConnection, release: Release) -> None:
    """The invoices in the build file are those that were judged and published."""
    judged = json.loads((release.path / "manifest.json").read_text(encoding="utf-8"))["tables"]
    for mart in ("fct_invoices", "fct_invoice_lines", "rpt_close_holds"):
        if table_hash(connection, f"marts.{mart}") != judged[mart]:
            raise GateRefused(
                f"{mart} in the build file is not what was judged", "Remove the build file and run `meterhouse run`."
            )


def _is_closed_by(draft: Draft, request: CloseRequest) -> bool:
    if draft.billing_month != request.month:
        return False
    return draft.tenant_id in request.tenants if request.tenants else draft.tenant_id not in request.leave_out


def _numbers(
    connection: duckdb.DuckDBPyConnection, settings: Settings, closing: list[Draft], now: datetime
) -> dict[str, tuple[str, date]]:
    rows = connection.execute(
        "select issuing_entity, number_format, payment_days from seeds.issuing_entities"
    ).fetchall()
    entities = {row[0]: IssuingEntity(*row) for row in rows}
    issued = connection.execute(
        "select issuing_entity, year(issued_at)::integer, invoice_number from ledger.closed_invoices"
    ).fetchall()
    numbers = number_invoices([(d.invoice_id, d.issuing_entity) for d in closing], entities, issued, now)
    return {
        d.invoice_id: (numbers[d.invoice_id], now.date() + timedelta(days=entities[d.issuing_entity].payment_days))
        for d in closing
    }


def _write_files(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    found: list[Entry],
    request: CloseRequest,
    numbers: dict[str, tuple[str, date]],
    now: datetime,
    folder: Path,
) -> None:
    issued_at = now.replace(tzinfo=None)
    connection.execute(
        "create or replace temp table closing_numbers (invoice_id varchar, invoice_number varchar, due_on date)"
    )
    for invoice_id, (number, due_on) in numbers.items():
        connection.execute("insert into closing_numbers values (?, ?, ?)", [invoice_id, number, due_on])
    connection.execute(table_ddl("closing_invoices", INVOICES))
    connection.execute(
        "insert into closing_invoices by name select i.* replace (n.invoice_number as invoice_number, "
        "n.due_on as due_on, 'issued' as status, ?::timestamp as issued_at) "
        "from marts.fct_invoices as i inner join closing_numbers as n on i.invoice_id = n.invoice_id",
        [issued_at],
    )
    connection.execute(table_ddl("closing_lines", LINES))
    connection.execute(
        "insert into closing_lines by name select * from marts.fct_invoice_lines "
        "where invoice_id in (select invoice_id from closing_numbers)"
    )
    connection.execute(table_ddl("closing_rows", CLOSINGS))
    covered = [(None, False), *((t, True) for t in request.leave_out)]
    if request.tenants:
        covered = [(t, False) for t in request.tenants]
    for tenant, left_out in covered:
        connection.execute(
            "insert into closing_rows values (?, ?, ?, ?, ?)",
            [len(found) + 1, request.month, tenant, left_out, issued_at],
        )
    _list_months(connection, request)
    for relation, name, order in (
        ("closing_invoices", "invoices", "invoice_id"),
        ("closing_lines", "lines", "line_id"),
        ("closing_rows", "closings", "all"),
    ):
        target = sql_text(str(folder / f"{name}.parquet"))
        connection.execute(f"copy (from {relation} order by {order}) to {target} (format parquet, compression zstd)")
    write_evidence(connection, kept_so_far(settings, found), folder / FILE_NAME)
    write_counts(connection, folder / FILE_NAME, folder / COUNTS_NAME)
    _write_inputs(connection, found, folder / INPUTS_NAME)


def _list_months(connection: duckdb.DuckDBPyConnection, request: CloseRequest) -> None:
    """Temp table closing_months: tenants and usage months whose records this close keeps."""
    # Every metered record is counted there, on a line or on none.
    metered = "select distinct tenant_id, billing_month as usage_month from intermediate.int_gen_05__usage_fates"
    chosen = (
        "tenant_id in (select unnest(?::varchar[]))"
        if request.tenants
        else "tenant_id not in (select unnest(?::varchar[]))"
    )
    connection.execute(
        "create or replace temp table closing_months as "
        f"select tenant_id, usage_month from ({metered}) where usage_month = ? and {chosen} "
        "union select tenant_id, usage_month from closing_lines",
        [request.month, list(request.tenants or request.leave_out)],
    )


def _write_inputs(connection: duckdb.DuckDBPyConnection, found: list[Entry], target: Path) -> None:
    """The receipts of every file taken in since the close before: the inputs this close stands on.

    Told by content: after a restore the same files have other batches.
    """
    connection.execute(
        "copy (select source, file_name, file_sha256, rows_total, load_batch, loader_version, status "
        "from raw.receipts where status = 'accepted' and (source, file_sha256) not in "
        f"(select (source, file_sha256) from ({_earlier_inputs(target.parent.parent, found)})) order by all) "
        f"to {sql_text(str(target))} (format parquet)"
    )


def _earlier_inputs(folder: Path, found: list[Entry]) -> str:
    paths = [sql_text(str(folder / entry.folder_name / INPUTS_NAME)) for entry in closes(found)]
    if not paths:
        return "select '' as source, '' as file_sha256 where false"
    return f"select source, file_sha256 from read_parquet([{', '.join(paths)}], hive_partitioning = false)"


def _inputs_hash(connection: duckdb.DuckDBPyConnection) -> str:
    rows = connection.execute(
        "select file_sha256 from raw.receipts where status = 'accepted' order by source, file_sha256"
    ).fetchall()
    return hashlib.sha256("\n".join(value for (value,) in rows).encode()).hexdigest()


def _totals(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    rows: list[Any] = connection.execute(
        "select currency_code, sum(billed_amount)::varchar from closing_invoices group by 1 order by 1"
    ).fetchall()
    return dict(rows)
