"""Read-only SQL on the newest release and the records behind closed lines: nothing else can be read or written."""

from __future__ import annotations

from typing import Any

import duckdb

from orchestration.closing.evidence import FILE_NAME
from orchestration.closing.ledger import ledger_dir
from orchestration.errors import MeterhouseError
from orchestration.ingestion.raw_schema import sql_text
from orchestration.publishing.exports import require_release
from orchestration.settings import Settings


def open_release(settings: Settings) -> duckdb.DuckDBPyConnection:
    """A locked-down connection to the release being served, schema marts first in its path."""
    release = require_release(settings)
    connection = duckdb.connect(str(release.database), read_only=True)
    connection.execute("set timezone = 'UTC'")
    connection.execute("set schema = 'marts'")
    _show_records(connection, settings)
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")
    return connection


def _show_records(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """View `invoice_line_records`: every record a close kept, with the line it is on (null: on none, and why)."""
    ledger = ledger_dir(settings)
    connection.execute(f"set allowed_directories = [{sql_text(str(ledger) + '/')}]")
    paths = [sql_text(str(path)) for path in sorted(ledger.glob(f"[0-9]*/{FILE_NAME}"))]
    if paths:
        connection.execute(
            "create temp view invoice_line_records as select line_id, tenant_id, usage_month, meter, price_key, "
            "source, record_key, occurred_at, fate, fate_reason, quantity, raw_rows, clause_id "
            f"from read_parquet([{', '.join(paths)}], union_by_name = true, hive_partitioning = false)"
        )


def run_query(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Column names and rows. Raises MeterhouseError with DuckDB's own words."""
    try:
        result = connection.execute(query)
        columns = [column[0] for column in result.description or []]
        return columns, result.fetchall()
    except duckdb.Error as error:
        raise MeterhouseError(str(error).splitlines()[0], "See docs/marts.md for tables and columns.") from error
