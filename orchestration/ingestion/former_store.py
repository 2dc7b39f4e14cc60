"""A raw store written before parts carried their identity in their names: numbered and renamed once.

Its parts are typed parts like today's, with constant columns that the views no longer read, so
nothing is rewritten. Safe to repeat: the numbers follow from the receipts.
"""

from __future__ import annotations

import duckdb

from orchestration.ingestion.part_names import part_name
from orchestration.ingestion.raw_schema import QUARANTINE_FOLDER
from orchestration.ingestion.raw_store import instants_of_typed, part_row
from orchestration.ingestion.sources import SOURCES
from orchestration.settings import Settings


def take_over(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Give every accepted file its part number and its parts their names; nothing where the store is new."""
    connection.execute("begin")
    connection.execute("alter table raw.receipts add column if not exists part_number integer")
    connection.execute(
        "update raw.receipts set part_number = numbered.n from ("
        "select rowid as receipt, row_number() over (order by load_batch, rowid) as n "
        "from raw.receipts where status = 'accepted') as numbered where receipts.rowid = numbered.receipt"
    )
    accepted = connection.execute(
        "select source, load_batch, file_sha256, part_number, rows_accepted from raw.receipts "
        "where status = 'accepted' order by part_number"
    ).fetchall()
    for source, batch, sha256, number, rows in accepted:
        name = part_name(number, batch, sha256)
        for folder in (source, QUARANTINE_FOLDER):
            former = settings.raw_dir / folder / f"b{batch:06d}_{sha256}.parquet"
            if former.exists():
                former.replace(former.with_name(name))
        part = settings.raw_dir / source / name
        if rows:
            connection.execute(
                f"insert into ops.parts values {part_row(part, number, source, batch, rows, sha256, '')}"
            )
            for row in instants_of_typed(connection, SOURCES[source], [part]):
                connection.execute(f"insert into ops.part_instants values {row}")
    connection.execute("commit")
    for empty in settings.raw_dir.glob("*/b000000_empty.parquet"):
        empty.unlink()
