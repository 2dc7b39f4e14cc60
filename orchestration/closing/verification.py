"""Proving the ledger: its chain, its files, its sums and numbers, and that what is served is what was closed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb

from orchestration import duck
from orchestration.closing import ledger
from orchestration.closing.evidence import COUNTS_NAME, FILE_NAME, check_evidence, counts_of
from orchestration.closing.ledger import LedgerTampered
from orchestration.closing.ledger_intact import demand_no_entry_lost
from orchestration.closing.ledger_relations import INVOICES, LINES, ensure_ledger_relations
from orchestration.closing.scope import closes
from orchestration.damaged_file import PUBLISH_AGAIN
from orchestration.errors import MeterhouseError
from orchestration.publishing.release import Release, current_release
from orchestration.quality.content_hash import table_hash
from orchestration.settings import Settings
from orchestration.sql_literals import sql_text


@dataclass(frozen=True)
class Proof:
    """What was proven: entries in the chain, files hashed, invoices and lines compared, tables of the release."""

    entries: int
    files: int
    invoices: int
    lines: int
    released_tables: int


def verify_ledger(settings: Settings, say: Callable[[str], None] | None = None) -> Proof:
    """Prove everything closed. Raises LedgerTampered naming the entry, invoice or table that does not fit."""
    tell = say or (lambda _: None)
    tell("the chain of entries")
    found = ledger.entries(settings)
    demand_no_entry_lost(settings, found)
    for entry in found:
        tell(f"files of entry {entry.sequence}")
        ledger.check_files(settings, entry)
    with duck.connect(":memory:", settings) as connection:
        ensure_ledger_relations(connection, settings, found)
        invoices, lines = _demand_sums(connection)
        _demand_numbers(connection)
        for entry in closes(found):
            folder = ledger.ledger_dir(settings) / entry.folder_name
            _demand_evidence(connection, folder)
            _demand_counts(connection, folder)
        release = current_release(settings)
        tables = verify_release(settings, release, tell) if release else 0
        if release is not None:
            _demand_served(connection, release)
    return Proof(len(found), sum(len(entry.files) for entry in found), invoices, lines, tables)


def verify_release(settings: Settings, release: Release, tell: Callable[[str], None]) -> int:
    """Prove that every table of a release hashes to its manifest. Returns how many there are."""
    manifest = json.loads((release.path / "manifest.json").read_text(encoding="utf-8"))
    tell(f"tables of release {release.release_id}")
    try:
        with duck.connect(release.database, settings, read_only=True) as connection:
            for name, expected in sorted(manifest["tables"].items()):
                if table_hash(connection, f"marts.{name}") != expected:
                    raise LedgerTampered(
                        f"table {name} of release {release.release_id} is not what was published", PUBLISH_AGAIN
                    )
    except duckdb.Error as error:
        raise LedgerTampered(f"release {release.release_id} cannot be read: {error}", PUBLISH_AGAIN) from error
    return len(manifest["tables"])


def _demand_sums(connection: duckdb.DuckDBPyConnection) -> tuple[int, int]:
    off = connection.execute(
        "select i.invoice_id from ledger.closed_invoices as i left join (select invoice_id, sum(billed_amount) as "
        "amount, count(*) as lines from ledger.closed_lines group by 1) as l on i.invoice_id = l.invoice_id "
        "where i.billed_amount is distinct from l.amount or i.line_count is distinct from l.lines order by 1 limit 3"
    ).fetchall()
    if off:
        raise LedgerTampered(
            f"closed invoices do not add up to their lines: {', '.join(name for (name,) in off)}",
            "Restore the ledger folder from a backup.",
        )
    row = connection.execute(
        "select (select count(*) from ledger.closed_invoices), (select count(*) from ledger.closed_lines)"
    ).fetchone()
    assert row is not None
    return int(row[0]), int(row[1])


def _demand_evidence(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    lines = f"read_parquet({sql_text(str(folder / 'lines.parquet'))})"
    try:
        check_evidence(connection, lines, sql_text(str(folder / FILE_NAME)))
    except MeterhouseError as differs:
        # Of a close in the making it is ours to report; of one that was made, somebody's hand.
        raise LedgerTampered(
            f"ledger entry {folder.name}: {differs}", "Restore the ledger folder from a backup."
        ) from differs


def _demand_counts(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    counted = counts_of(f"read_parquet({sql_text(str(folder / FILE_NAME))})")
    kept = f"select * from read_parquet({sql_text(str(folder / COUNTS_NAME))})"
    if connection.execute(f"({counted} except {kept}) union all ({kept} except {counted}) limit 1").fetchone():
        raise LedgerTampered(
            f"the record counts of ledger entry {folder.name} do not match its records",
            "Restore the ledger folder from a backup.",
        )


def _demand_numbers(connection: duckdb.DuckDBPyConnection) -> None:
    twice = connection.execute(
        "select invoice_number from ledger.closed_invoices group by 1 having count(*) > 1 order by 1 limit 3"
    ).fetchall()
    if twice:
        raise LedgerTampered(
            f"invoice numbers used twice: {', '.join(number for (number,) in twice)}",
            "Restore the ledger folder from a backup.",
        )


def _demand_served(connection: duckdb.DuckDBPyConnection, release: Release) -> None:
    """What the release shows as issued is, row by row, what the ledger issued before it was published."""
    connection.execute(f"attach {sql_text(str(release.database))} as served (read_only)")
    for mart, closed, columns in (
        ("fct_invoices", "closed_invoices", INVOICES),
        ("fct_invoice_lines", "closed_lines", LINES),
    ):
        names = ", ".join(columns)
        issued = "select invoice_id from served.marts.fct_invoices where status = 'issued'"
        shown = f"select {names} from served.marts.{mart} where invoice_id in ({issued})"
        kept = f"select {names} from ledger.{closed} where invoice_id in ({issued})"
        key = next(iter(columns)) if mart == "fct_invoices" else "line_id"
        row = connection.execute(
            f"select {key} from (({shown} except all {kept}) union all ({kept} except all {shown})) order by 1 limit 1"
        ).fetchone()
        if row:
            raise LedgerTampered(
                f"{mart} of release {release.release_id} does not show {row[0]} as it was issued", PUBLISH_AGAIN
            )
    connection.execute("detach served")
