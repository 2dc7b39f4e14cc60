"""Finance's export of a month: invoices and lines from the release, written whole and read back.

CSV carries exact decimals as text and cannot run formulas in a spreadsheet; Parquet keeps types; the
workbook, the postings and the documents (PDF, e-invoice) are drawn in orchestration/documents.
"""

from __future__ import annotations

import csv
import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import duckdb

from orchestration import duck
from orchestration.billing_month import next_month, parse_month
from orchestration.documents.accrual import Unbilled
from orchestration.documents.text import csv_text
from orchestration.errors import MeterhouseError
from orchestration.publishing.amount_text import minor_units
from orchestration.publishing.newest_month import newest_month, not_published, published_months
from orchestration.publishing.release import Release, require_release
from orchestration.publishing.unbilled import load_unbilled, totals_of
from orchestration.put_in_place import clear, put_in_place
from orchestration.settings import Settings
from orchestration.sql_literals import sql_text
from orchestration.wording import in_digits

TABLES = {"invoices": "fct_invoices", "invoice_lines": "fct_invoice_lines"}
Totals = dict[str, Decimal]
FORMATS = ("csv", "parquet", "xlsx", "documents", "journal", "accrual")


@dataclass(frozen=True)
class Export:
    """One exported month: where it lies, rows by file, its control totals (currency to amount).

    `drafts` are the part of the totals that nobody has issued; `without_xml` says of invoices that can have no
    e-invoice why not.
    """

    path: Path
    release_id: str
    files: dict[str, int]
    totals: dict[str, str]
    drafts: dict[str, str]
    without_xml: dict[str, str] = field(default_factory=dict)


def latest_month(settings: Settings, today: date) -> str:
    """The newest published billing month begun by `today`, as 2024-11. Raises MeterhouseError where there is none."""
    with duck.connect(require_release(settings).database, settings, read_only=True) as connection:
        found = newest_month(connection, today)
    if found is None:
        raise MeterhouseError("no month has an invoice yet", "Land usage data, then run `meterhouse run`.")
    return found


def export_month(settings: Settings, month: str, format: str) -> Export:
    """Write the month's invoices to exports/<month>/<format>/, read them back and compare to the cent.

    Exports of one month wait for each other.
    Raises MeterhouseError for an unknown month or format, or when what was written does not add
    up to the release; the previous export then stays.
    """
    if format not in FORMATS:
        raise MeterhouseError(f"unknown format {format!r}", f"Use one of {', '.join(FORMATS)}.")
    first_day = parse_month(month)
    release = require_release(settings)
    final = settings.exports_dir / month / format
    with ExitStack() as held:
        connection = held.enter_context(duck.connect(release.database, settings, read_only=True))
        released = _totals(connection, "marts.fct_invoices", first_day)
        if not released:
            raise not_published(month, published_months(connection))
        held.enter_context(_one_at_a_time(final.parent))
        write = _WRITERS.get(format)
        if format == "accrual":
            # Nothing of it is issued, whatever became of the month since.
            unbilled = load_unbilled(connection, first_day)
            released, write = totals_of(unbilled), partial(_write_accrual, unbilled=unbilled)
            source, totals = f"release {release.release_id}", _as_text(released)
            drafts = totals
        else:
            source, totals = _source(connection, release, first_day), _as_text(released)
            drafts = _as_text(_totals(connection, "marts.fct_invoices", first_day, "and status = 'draft'"))
        if write is None:
            return _documents(connection, release, first_day, final, totals, drafts)
        building = final.with_name(f".{format}.building")
        clear(building)
        building.mkdir(parents=True)
        try:
            files = write(connection, settings, first_day, building, released)
            _write_manifest(building, month, source, totals, drafts, files)
        except BaseException:
            shutil.rmtree(building, ignore_errors=True)
            raise
        put_in_place(building, final)
    return Export(final, release.release_id, files, totals, drafts)


@contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    """Wait until nobody else writes into the folder. However a process ends, the system lets go of the lock."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise MeterhouseError(
            f"{folder} cannot be created: a file with its name, or with that of a folder above it, is in the way",
            "Move the file away and export again.",
        ) from None
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _source(connection: duckdb.DuckDBPyConnection, release: Release, month: date) -> str:
    """Where the rows are from: the ledger once all are issued, so that later releases change no byte."""
    row = connection.execute(
        "select bool_and(status = 'issued') from marts.fct_invoices where billing_month = ?", [month]
    ).fetchone()
    return "ledger" if row and row[0] else f"release {release.release_id}"


def _write_manifest(
    building: Path, month: str, source: str, totals: dict[str, str], drafts: dict[str, str], files: dict[str, int]
) -> None:
    manifest = {
        "month": month,
        "source": source,
        "totals": totals,
        # Of the totals what is not issued; not there once everything is.
        **({"drafts": drafts} if drafts else {}),
        "files": {
            path.name: {"rows": files[path.name], "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
            for path in sorted(building.iterdir())
        },
    }
    text = json.dumps(manifest, indent=1, sort_keys=True) + "\n"
    (building / "manifest.json").write_text(text, encoding="utf-8")


def _write_tables(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    month: date,
    building: Path,
    released: Totals,
    format: str,
) -> dict[str, int]:
    """CSV or Parquet of invoices and lines. Raises MeterhouseError where a file adds up to something else."""
    files = {}
    for name, table in TABLES.items():
        path = building / f"{name}.{format}"
        query = (
            f"select * from marts.{table} where billing_month = date '{month}' "
            f"order by {'line_id' if name == 'invoice_lines' else 'invoice_id'}"
        )
        files[path.name] = (
            _write_csv(connection, query, path) if format == "csv" else _write_parquet(connection, query, path)
        )
        _demand_equal(path.name, _read_back(path, settings), released)
    return files


def _write_xlsx(
    connection: duckdb.DuckDBPyConnection, settings: Settings, month: date, building: Path, released: Totals
) -> dict[str, int]:
    """One workbook: invoices, lines, totals by formula."""
    from orchestration.documents.invoice_facts import load_invoices
    from orchestration.documents.workbook import write_workbook
    from orchestration.documents.workbook_reading import read_workbook

    invoices = load_invoices(connection, "marts.fct_invoices", "marts.fct_invoice_lines", month=month)
    path = building / "invoices.xlsx"
    write_workbook(invoices, path)
    written = read_workbook(path)
    for position, name in enumerate(("invoices", "invoice_lines")):
        found = {currency: totals[position] for currency, totals in written.totals.items()}
        _demand_equal(f"{path.name} ({name})", found, released)
    if not written.agrees or len(written.lines) != sum(len(invoice.lines) for invoice in invoices):
        raise MeterhouseError(
            f"{path.name} is inconsistent: its sheets do not match each other or the release", "Export again."
        )
    return {path.name: len(written.lines)}


def _write_journal(
    connection: duckdb.DuckDBPyConnection, settings: Settings, month: date, building: Path, released: Totals
) -> dict[str, int]:
    """One CSV of postings for the general ledger."""
    from orchestration.documents.invoice_facts import load_invoices
    from orchestration.documents.journal import check_journal, write_journal
    from orchestration.documents.ledger_accounts import read_accounts

    invoices = load_invoices(connection, "marts.fct_invoices", "marts.fct_invoice_lines", month=month)
    path = building / "journal.csv"
    rows = write_journal(invoices, read_accounts(settings.project_dir), path)
    # A currency in which nothing but nothing was billed has no posting.
    _demand_equal(path.name, dict.fromkeys(released, Decimal(0)) | check_journal(path, invoices), released)
    return {path.name: rows}


def _write_accrual(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    month: date,
    building: Path,
    released: Totals,
    unbilled: list[Unbilled],
) -> dict[str, int]:
    """One CSV of postings of what is earned by the month's end and not billed, with the day that reverses them."""
    from orchestration.documents.accrual import check_accrual, write_accrual
    from orchestration.documents.ledger_accounts import read_accounts

    path = building / "accrual.csv"
    accounts = read_accounts(settings.project_dir)
    rows = write_accrual(unbilled, accounts, minor_units(connection), next_month(month), path)
    _demand_equal(path.name, dict.fromkeys(released, Decimal(0)) | check_accrual(path, unbilled), released)
    return {path.name: rows}


def _documents(
    connection: duckdb.DuckDBPyConnection,
    release: Release,
    month: date,
    target: Path,
    totals: dict[str, str],
    drafts: dict[str, str],
) -> Export:
    """A folder per tenant with PDF, e-invoice, lines and workbook, every file of it read back."""
    from orchestration.documents.invoice_facts import load_invoices
    from orchestration.documents.tenant_folders import write_documents

    invoices = load_invoices(connection, "marts.fct_invoices", "marts.fct_invoice_lines", month=month)
    manifest = write_documents(invoices, target)
    _demand_equal(
        target.name,
        {currency: Decimal(amount) for currency, amount in manifest["totals"].items()},
        {currency: Decimal(amount) for currency, amount in totals.items()},
    )
    without = {
        number: reason for tenant in manifest["tenants"].values() for number, reason in tenant["without_xml"].items()
    }
    return Export(target, release.release_id, dict.fromkeys(manifest["files"], 1), totals, drafts, without)


def _demand_equal(name: str, written: Totals, released: Totals) -> None:
    if written != released:
        raise MeterhouseError(f"{name} adds up to {written}, but the release to {released}", "Export again.")


def _as_text(totals: Totals) -> dict[str, str]:
    return {currency: str(amount) for currency, amount in sorted(totals.items())}


def _totals(connection: duckdb.DuckDBPyConnection, relation: str, month: date, which: str = "") -> dict[str, Decimal]:
    rows = connection.execute(
        f"select currency_code, sum(billed_amount) from {relation} where billing_month = ? {which} group by 1",
        [month],
    ).fetchall()
    return {currency: Decimal(amount) for currency, amount in rows}


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return csv_text(value) if isinstance(value, str) else in_digits(value)


def _write_csv(connection: duckdb.DuckDBPyConnection, query: str, path: Path) -> int:
    result = connection.execute(query)
    rows = 0
    with path.open("w", encoding="utf-8", newline="") as text:
        table = csv.writer(text, lineterminator="\n")
        table.writerow([column[0] for column in result.description or []])
        while batch := result.fetchmany(10_000):
            table.writerows([_cell(value) for value in row] for row in batch)
            rows += len(batch)
    return rows


def _write_parquet(connection: duckdb.DuckDBPyConnection, query: str, path: Path) -> int:
    row = connection.execute(f"copy ({query}) to {sql_text(str(path))} (format parquet)").fetchone()
    return int(row[0]) if row else 0


def _read_back(path: Path, settings: Settings) -> dict[str, Decimal]:
    if path.suffix == ".parquet":
        with duck.connect(":memory:", settings) as connection:
            rows = connection.execute(
                f"select currency_code, sum(billed_amount) from read_parquet({sql_text(str(path))}) group by 1"
            ).fetchall()
        return {currency: Decimal(amount) for currency, amount in rows}
    totals: dict[str, Decimal] = {}
    with path.open(encoding="utf-8", newline="") as text:
        for row in csv.DictReader(text):
            currency = row["currency_code"]
            totals[currency] = totals.get(currency, Decimal(0)) + Decimal(row["billed_amount"])
    return totals


_WRITERS: dict[str, Callable[..., dict[str, int]]] = {
    "csv": partial(_write_tables, format="csv"),
    "parquet": partial(_write_tables, format="parquet"),
    "xlsx": _write_xlsx,
    "journal": _write_journal,
}
