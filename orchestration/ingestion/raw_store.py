"""Writing a file's rows: the good ones to an immutable typed part, the bad ones to quarantine.

A part appears under its final name only when it is complete and on disk; the receipt is written
after it, so that a crash leaves at worst a part without a receipt, which is then removed.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import duckdb

from orchestration.ingestion.file_rows import RAW_TEXT_LIMIT, FileRows
from orchestration.ingestion.raw_schema import QUARANTINE_COLUMNS, columns_ddl, sql_text, sql_values
from orchestration.ingestion.row_typing import EXPECTED, typing_select
from orchestration.ingestion.sources import SourceSpec
from orchestration.settings import Settings


@dataclass(frozen=True)
class RowCounts:
    """Rows of one file; total = accepted + quarantined, always."""

    total: int
    accepted: int
    quarantined: int


def part_path(settings: Settings, folder: str, batch: int, sha256: str) -> Path:
    return settings.raw_dir / folder / f"b{batch:06d}_{sha256}.parquet"


def _put(connection: duckdb.DuckDBPyConnection, query: str, final: Path) -> int:
    """Write the query's rows as one durable part; returns how many. No rows, no part."""
    temporary = final.with_suffix(".part")
    written_rows = connection.execute(
        f"copy ({query}) to {sql_text(str(temporary))} (format parquet, compression zstd)"
    ).fetchone()
    count = int(written_rows[0]) if written_rows else 0
    if not count:
        temporary.unlink(missing_ok=True)
        return 0
    with temporary.open("rb") as written:
        os.fsync(written.fileno())
    temporary.replace(final)
    folder = os.open(final.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return count


def _fault_texts(spec: SourceSpec) -> tuple[str, str]:
    """SQL for reason and remedy of a row's `fault` (field|missing or field|bad)."""
    reasons, remedies = [], []
    for field in spec.fields:
        missing = sql_text(f"{field.name} is missing")
        reasons.append(f"when '{field.name}|missing' then {missing}")
        remedies.append(
            f"when '{field.name}|missing' then "
            + sql_text(f"Deliver the row again with {field.name}; it cannot be billed without.")
        )
        if field.kind in EXPECTED:
            bad = sql_text(f"{field.name} is not {EXPECTED[field.kind]}")
            reasons.append(f"when '{field.name}|bad' then {bad}")
            remedies.append(
                f"when '{field.name}|bad' then "
                + sql_text(f"Correct {field.name} at the source and deliver the row again.")
            )
    return f"case fault {' '.join(reasons)} end", f"case fault {' '.join(remedies)} end"


def write_rows(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    spec: SourceSpec,
    rows: FileRows,
    *,
    sha256: str,
    file_name: str,
    batch: int,
) -> RowCounts:
    """Type the rows and write both parts. Returns the counts; nothing is lost between them."""
    typed = typing_select(spec, rows.column_types, rows.relation)
    identity = f"{sql_text(sha256)} as file_sha256, row_number, {batch}::integer as load_batch"
    names = ", ".join(f'"{f.name}"' for f in spec.fields)
    (total,) = connection.execute(f"select count(*) from {rows.relation}").fetchone() or (0,)
    # Typed once, not once to count and once to write: what was not accepted has a fault.
    accepted = _put(
        connection,
        f"select {names}, {identity} from ({typed}) where fault is null",
        part_path(settings, spec.name, batch, sha256),
    )
    faulty_total = total - accepted
    quarantined = faulty_total + len(rows.unreadable)
    if quarantined:
        connection.execute(f"create or replace temp table unreadable ({columns_ddl(QUARANTINE_COLUMNS)})")
        for bad in rows.unreadable:
            remedy = "Correct the line at the source and deliver it again."
            row = sql_values(
                spec.name, sha256, file_name, bad.row_number, batch, None, bad.reason, remedy, bad.raw_text
            )
            connection.execute(f"insert into unreadable values {row}")
        reason, remedy = _fault_texts(spec)
        listed = ", ".join(f'"{name}"' for name in rows.column_types)
        faulty = (
            f"select {sql_text(spec.name)}, {sql_text(sha256)}, {sql_text(file_name)}, faults.row_number, "
            f"{batch}::integer, split_part(fault, '|', 1), {reason}, {remedy}, "
            f"left(to_json(sent)::varchar, {RAW_TEXT_LIMIT}) "
            f"from (select row_number, fault from ({typed}) where fault is not null) as faults "
            f"inner join (select {listed}, row_number from {rows.relation}) as sent "
            "on faults.row_number = sent.row_number"
        )
        query = f"select * from unreadable union all {faulty} order by 4"
        _put(connection, query, part_path(settings, "_quarantine", batch, sha256))
    return RowCounts(total + len(rows.unreadable), accepted, quarantined)


def remove_orphans(connection: duckdb.DuckDBPyConnection, settings: Settings) -> int:
    """Delete parts that no receipt names (a load that died halfway). Returns how many."""
    known = {
        (source, f"b{batch:06d}_{sha}.parquet")
        for source, batch, sha in connection.execute(
            "select source, load_batch, file_sha256 from raw.receipts where status = 'accepted'"
        ).fetchall()
    }
    quarantine_known = {name for _, name in known}
    removed = 0
    for part in settings.raw_dir.glob("*/*"):
        if part.name == "b000000_empty.parquet":
            continue
        folder = part.parent.name
        is_known = part.name in quarantine_known if folder == "_quarantine" else (folder, part.name) in known
        if not is_known:
            part.unlink()
            removed += 1
    return removed
