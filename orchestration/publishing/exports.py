"""Finance's export of a month: invoices and lines from the release, written whole and read back.

CSV carries exact decimals as text and cannot run formulas in a spreadsheet; Parquet keeps types.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
import shutil
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from orchestration import duck
from orchestration.errors import MeterhouseError
from orchestration.ingestion.raw_schema import sql_text
from orchestration.publishing.release import Release, current_release
from orchestration.settings import Settings

TABLES = {"invoices": "fct_invoices", "invoice_lines": "fct_invoice_lines"}
FORMATS = ("csv", "parquet")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Export:
    """One exported month: where it lies and its control totals (currency to amount)."""

    path: Path
    release_id: str
    files: dict[str, int]
    totals: dict[str, str]


def parse_month(text: str) -> date:
    """`2024-11` as its first day. Raises MeterhouseError for anything else."""
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", text):
        raise MeterhouseError(f"{text!r} is not a month", "Write it as 2024-11.")
    return date.fromisoformat(f"{text}-01")


def require_release(settings: Settings) -> Release:
    """The release being served, or a plain error."""
    release = current_release(settings)
    if release is None:
        raise MeterhouseError("nothing has been published yet", "Run `meterhouse run` first.")
    return release


def latest_month(settings: Settings) -> str:
    """The newest published billing month, as 2024-11."""
    with duck.connect(require_release(settings).database, settings, read_only=True) as connection:
        row = connection.execute("select strftime(max(billing_month), '%Y-%m') from marts.fct_invoices").fetchone()
    return str(row[0]) if row else ""


def export_month(settings: Settings, month: str, format: str) -> Export:
    """Write the month's invoices and lines to exports/<month>/<format>/ and compare their totals.

    Raises MeterhouseError for an unknown month or format, or when what was written does not add
    up to the release; the previous export then stays.
    """
    if format not in FORMATS:
        raise MeterhouseError(f"unknown format {format!r}", f"Use one of {', '.join(FORMATS)}.")
    first_day = parse_month(month)
    release = require_release(settings)
    final = settings.exports_dir / month / format
    building = final.with_name(f".{format}.building")
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(parents=True)
    with duck.connect(release.database, settings, read_only=True) as connection:
        released = _totals(connection, "marts.fct_invoices", first_day)
        if not released:
            months = connection.execute(
                "select distinct strftime(billing_month, '%Y-%m') from marts.fct_invoices order by 1"
            ).fetchall()
            shutil.rmtree(building)
            raise MeterhouseError(
                f"no invoice of {month} is published",
                f"Published months: {', '.join(m for (m,) in months) or 'none'}.",
            )
        files = {}
        for name, table in TABLES.items():
            path = building / f"{name}.{format}"
            query = (
                f"select * from marts.{table} where billing_month = date '{first_day}' "
                f"order by {'line_id' if name == 'invoice_lines' else 'invoice_id'}"
            )
            files[path.name] = (
                _write_csv(connection, query, path) if format == "csv" else _write_parquet(connection, query, path)
            )
    for name in TABLES:
        written = _read_back(building / f"{name}.{format}", settings)
        if written != released:
            shutil.rmtree(building)
            raise MeterhouseError(f"{name}.{format} adds up to {written}, the release to {released}", "Export again.")
    totals = {currency: str(amount) for currency, amount in sorted(released.items())}
    manifest = {
        "month": month,
        "release_id": release.release_id,
        "totals": totals,
        "files": {
            path.name: {"rows": files[path.name], "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
            for path in sorted(building.iterdir())
        },
    }
    text = json.dumps(manifest, indent=1, sort_keys=True) + "\n"
    (building / "manifest.json").write_text(text, encoding="utf-8")
    old = final.with_name(f".{format}.old")
    shutil.rmtree(old, ignore_errors=True)
    if final.exists():
        final.rename(old)
    building.rename(final)
    shutil.rmtree(old, ignore_errors=True)
    return Export(final, release.release_id, files, totals)


def _totals(connection: duckdb.DuckDBPyConnection, relation: str, month: date) -> dict[str, Decimal]:
    rows = connection.execute(
        f"select currency_code, sum(billed_amount) from {relation} where billing_month = ? group by 1",
        [month],
    ).fetchall()
    return {currency: Decimal(amount) for currency, amount in rows}


def neutralise(value: str) -> str:
    """Text that a spreadsheet would run as a formula, made plain text by a leading apostrophe."""
    return f"'{value}" if value.startswith(_FORMULA) else value


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return neutralise(value) if isinstance(value, str) else str(value)


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
