"""The books of taking in: a receipt for every file looked at, findings, and what each path looked like.

Files are entered many at a time, in one transaction after their parts are on disk: a file is either
taken in with everything about it, or not at all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from orchestration.ingestion.landing_folder import noted
from orchestration.ingestion.raw_schema import define_raw_views
from orchestration.ingestion.raw_store import Stored, instant_row, instants_of_typed, make_durable, part_row
from orchestration.ingestion.sources import SOURCES
from orchestration.settings import Settings
from orchestration.sql_literals import sql_text, sql_values
from orchestration.wording import storable_text

Signature = tuple[int, int]
# A crash costs at most this much work again.
FILES_AT_ONCE = 256
BYTES_AT_ONCE = 2 * 1024**3


@dataclass(frozen=True)
class Receipt:
    """What became of one landed file. status: accepted, duplicate_file, refused or waiting."""

    source: str
    file_name: str
    status: str
    file_sha256: str = ""
    bytes: int = 0
    rows_total: int = 0
    rows_accepted: int = 0
    rows_quarantined: int = 0
    reason: str = ""
    remedy: str = ""
    field_name: str | None = None
    row_number: int | None = None
    ignored_columns: str = ""
    part_number: int | None = None


def seen_files(connection: duckdb.DuckDBPyConnection) -> dict[str, Signature]:
    """Size and time of every path as last judged."""
    rows = connection.execute("select path, bytes, modified_ns from raw.seen_files").fetchall()
    return {path: (size, modified) for path, size, modified in rows}


def refused_and_gone(connection: duckdb.DuckDBPyConnection, landed: Sequence[tuple[str, Path]]) -> set[tuple[str, str]]:
    """(source, file name) of the findings about files that do not lie there any more.

    `landed` is all that lies in the landing folder, which must be there: of one that is missing nothing can be said.
    """
    refused = set(connection.execute("select distinct source, file_name from raw.file_findings").fetchall())
    return (
        refused - {(storable_text(source), storable_text(path.name)) for source, path in landed} if refused else refused
    )


def withdraw_gone(connection: duckdb.DuckDBPyConnection, landed: Sequence[tuple[str, Path]]) -> set[tuple[str, str]]:
    """Take back the findings about refused files that were renamed, moved away or deleted, as they asked for.

    Returns what was taken back. Such a path is forgotten too: whatever appears there again is judged again. Their
    receipts stay, which say what was found when.
    """
    gone = refused_and_gone(connection, landed)
    if not gone:
        return gone
    lying = {noted(path) for _, path in landed}
    refused = connection.execute("select path from raw.seen_files where status = 'refused'").fetchall()
    forgotten = [sql_values(path) for (path,) in refused if path not in lying]
    connection.execute("begin")
    try:
        names = ", ".join(sql_values(source, name) for source, name in sorted(gone))
        connection.execute(f"delete from raw.file_findings where (source, file_name) in ({names})")
        if forgotten:
            connection.execute(f"delete from raw.seen_files where path in ({', '.join(forgotten)})")
        connection.execute("commit")
    except BaseException:
        connection.execute("rollback")
        raise
    return gone


@dataclass
class ReceiptBook:
    """Receipts of one ingest, entered in lots. `loader_version` and `batch` hold for all of them."""

    connection: duckdb.DuckDBPyConnection
    settings: Settings
    loader_version: str
    batch: int
    _pending: list[tuple[Receipt, Path, Signature, Stored | None]] = field(default_factory=list)
    _bytes: int = 0

    def add(self, receipt: Receipt, path: Path, signature: Signature, stored: Stored | None) -> None:
        """Note what became of a file; entered now or with the next lot."""
        self._pending.append((receipt, path, signature, stored))
        self._bytes += receipt.bytes
        if len(self._pending) >= FILES_AT_ONCE or self._bytes >= BYTES_AT_ONCE:
            self.enter()

    def enter(self) -> None:
        """Make the parts durable, then enter everything noted in one transaction."""
        if not self._pending:
            return
        make_durable(stored for *_, stored in self._pending if stored)
        self.connection.execute("begin")
        try:
            self._insert("raw.receipts", [self._receipt_row(receipt) for receipt, *_ in self._pending])
            self._enter_findings()
            self._insert(
                "raw.seen_files",
                [
                    sql_values(noted(path), *signature, receipt.file_sha256, receipt.status)
                    for receipt, path, signature, _ in self._pending
                ],
                "insert or replace into",
            )
            self._enter_parts()
            self.connection.execute("commit")
        except BaseException:
            self.connection.execute("rollback")
            raise
        self._pending.clear()
        self._bytes = 0

    def _insert(self, table: str, rows: list[str], verb: str = "insert into") -> None:
        if rows:
            self.connection.execute(f"{verb} {table} values {', '.join(rows)}")

    def _receipt_row(self, receipt: Receipt) -> str:
        return sql_values(
            receipt.source,
            receipt.file_name,
            receipt.file_sha256,
            receipt.bytes,
            receipt.rows_total,
            receipt.rows_accepted,
            receipt.rows_quarantined,
            self.batch if receipt.status == "accepted" else 0,
            self.loader_version,
            receipt.status,
            receipt.reason,
            receipt.remedy,
            receipt.ignored_columns,
            receipt.part_number,
        )

    def _enter_findings(self) -> None:
        looked_at = ", ".join(sql_values(receipt.source, receipt.file_name) for receipt, *_ in self._pending)
        self.connection.execute(f"delete from raw.file_findings where (source, file_name) in ({looked_at})")
        self._insert(
            "raw.file_findings",
            [
                sql_values(r.source, r.file_name, r.field_name, r.row_number, r.reason, r.remedy)
                for r, *_ in self._pending
                if r.status == "refused"
            ],
        )

    def _enter_parts(self) -> None:
        parts, instants, layouts = [], [], {}
        typed: dict[str, list[Path]] = defaultdict(list)
        for receipt, _, _, stored in self._pending:
            if stored is None or stored.part is None or receipt.part_number is None:
                continue
            number = receipt.part_number
            sha256, rows = receipt.file_sha256, stored.accepted
            row = part_row(stored.part, number, receipt.source, self.batch, rows, sha256, stored.layout, stored.hashed)
            parts.append(row)
            if stored.layout:
                layouts[receipt.source, stored.layout] = stored.select_list
                instants += [instant_row(number, column, found) for column, found in stored.instants.items()]
            else:
                typed[receipt.source].append(stored.part)
        for source, paths in typed.items():
            instants += instants_of_typed(self.connection, SOURCES[source], paths)
        self._insert("ops.parts", parts)
        self._insert("ops.part_instants", instants)
        for (source, layout), listed in layouts.items():
            row = sql_values(source, layout, listed)
            self.connection.execute(
                f"insert into ops.part_layouts select * from (values {row}) as new(source, layout, select_list) "
                f"where not exists (select 1 from ops.part_layouts where source = {sql_text(source)} "
                f"and layout = {sql_text(layout)})"
            )
        if parts:
            define_raw_views(self.connection, self.settings)
