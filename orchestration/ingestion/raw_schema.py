"""The relations of schema `raw` and `ops` in the warehouse, and the folders behind them.

Raw relations are views over immutable Parquet parts; nothing is copied into the warehouse.
Creating them is all that happens here.
"""

from __future__ import annotations

import duckdb

from orchestration.ingestion.sources import SOURCES
from orchestration.settings import Settings

QUARANTINE_COLUMNS = {
    "source": "VARCHAR",
    "file_sha256": "VARCHAR",
    "file_name": "VARCHAR",
    "row_number": "BIGINT",
    "load_batch": "INTEGER",
    "field": "VARCHAR",
    "reason": "VARCHAR",
    "remedy": "VARCHAR",
    "raw_text": "VARCHAR",
}

RECEIPTS_DDL = """
create table if not exists raw.receipts (
    source varchar, file_name varchar, file_sha256 varchar, bytes bigint,
    rows_total bigint, rows_accepted bigint, rows_quarantined bigint,
    load_batch integer, loader_version varchar, status varchar, reason varchar, remedy varchar,
    ignored_columns varchar
)"""

FILE_FINDINGS_DDL = """
create table if not exists raw.file_findings (
    source varchar, file_name varchar, field varchar, row_number bigint,
    reason varchar, remedy varchar
)"""

# What a landed path looked like when it was last judged, so that an unchanged one is not read again.
SEEN_DDL = """
create table if not exists raw.seen_files (
    path varchar primary key, bytes bigint, modified_ns bigint, file_sha256 varchar, status varchar
)"""

OPS_DDL = (
    "create table if not exists ops.touched_months (billing_month date)",
    "create table if not exists ops.metered_batches (load_batch integer)",
)


def sql_values(*values: str | int | None) -> str:
    """A parenthesised row of SQL literals. Binding parameters instead makes the driver import pandas: 1.3 s."""
    return "(" + ", ".join("null" if v is None else sql_text(v) if isinstance(v, str) else str(v) for v in values) + ")"


def sql_text(value: str) -> str:
    """`value` as a quoted SQL literal."""
    return "'" + value.replace("'", "''") + "'"


def columns_ddl(columns: dict[str, str]) -> str:
    """Column definitions, names quoted (some vendors call a column `from`)."""
    return ", ".join(f'"{name}" {kind}' for name, kind in columns.items())


def ensure_raw_relations(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Create every raw relation that is missing; safe to repeat, changes no data."""
    for schema in ("raw", "ops"):
        connection.execute(f"create schema if not exists {schema}")
    for ddl in (RECEIPTS_DDL, FILE_FINDINGS_DDL, SEEN_DDL, *OPS_DDL):
        connection.execute(ddl)
    relations = {name: spec.columns for name, spec in SOURCES.items()}
    for name, columns in {**relations, "quarantine": QUARANTINE_COLUMNS}.items():
        folder = settings.raw_dir / ("_quarantine" if name == "quarantine" else name)
        folder.mkdir(parents=True, exist_ok=True)
        empty = folder / "b000000_empty.parquet"
        if not empty.exists():
            selected = ", ".join(f'cast(null as {kind}) as "{column}"' for column, kind in columns.items())
            connection.execute(f"copy (select {selected} where false) to {sql_text(str(empty))} (format parquet)")
        quoted = ", ".join(f'"{column}"' for column in columns)
        connection.execute(
            f"create or replace view raw.{name} as select {quoted} from "
            f"read_parquet({sql_text(str(folder / '*.parquet'))}, hive_partitioning = false)"
        )
