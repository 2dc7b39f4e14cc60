"""Read-only SQL on the newest release and the records behind closed lines: nothing else is read, nothing is written.

Held twice: only a query is executed, and the connection has no file it could write.
"""

from __future__ import annotations

import re
from typing import Any

import duckdb
from duckdb import StatementType

from orchestration import duck
from orchestration.closing.evidence import FILE_NAME
from orchestration.closing.ledger import ledger_dir
from orchestration.errors import MeterhouseError
from orchestration.publishing.release import require_release
from orchestration.settings import Settings
from orchestration.sql_literals import sql_text

# A function that a SELECT may call and that writes: where its text hides, the engine has no file to write it into.
_LOGGING = re.compile(r"\benable_logging\b", re.IGNORECASE)
# EXPLAIN ANALYZE executes what it explains.
_EXPLAIN = re.compile(r"\s*explain(\s+analyze)?\b", re.IGNORECASE)


def open_release(settings: Settings) -> duckdb.DuckDBPyConnection:
    """A locked-down connection to the release being served, schema marts first in its path."""
    release = require_release(settings)
    # Its limits are kept like a run's; left alone the engine takes most of the machine, and spills beside the release.
    connection = duck.connect(release.database, settings, read_only=True)
    connection.execute("set schema = 'marts'")
    _show_records(connection, settings)
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")
    return connection


def _show_records(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """View `invoice_line_records`: every record a close kept, with the line it is on (null: on none, and why)."""
    paths = {f"{path.parent.name}/{path.name}": path for path in ledger_dir(settings).glob(f"[0-9]*/{FILE_NAME}")}
    if not paths:
        return
    from orchestration.publishing.closed_files import PROTOCOL, ClosedFiles  # 0.2 s where nothing is closed yet

    files = ClosedFiles(paths)
    connection.register_filesystem(files)
    connection.execute(f"set allowed_directories = ['{PROTOCOL}://']")
    connection.execute(
        "create temp view invoice_line_records as select line_id, tenant_id, usage_month, meter, price_key, "
        "source, record_key, occurred_at, fate, fate_reason, quantity, raw_rows, clause_id "
        f"from read_parquet([{', '.join(map(sql_text, files.addresses()))}], union_by_name = true, "
        "hive_partitioning = false)"
    )


def run_query(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Column names and rows. Raises MeterhouseError for what is not one query, or with DuckDB's own words."""
    try:
        _demand_query(connection, query)
        result = connection.execute(query)
        columns = [column[0] for column in result.description or []]
        return columns, result.fetchall()
    except duckdb.Error as error:
        told = "\n".join(line for line in str(error).splitlines() if line.strip())
        raise MeterhouseError(told, "See docs/marts.md for tables and columns.") from error


def _demand_query(connection: duckdb.DuckDBPyConnection, query: str) -> None:
    """Raise MeterhouseError unless DuckDB itself takes the text for one query, or for EXPLAIN of one."""
    statements = connection.extract_statements(_EXPLAIN.sub("", query, count=1) if _EXPLAIN.match(query) else query)
    # PIVOT without its values is a query to DuckDB after a type it makes itself: that one has no text.
    *before, last = [s for s in statements if s.type != StatementType.CREATE or s.query.strip()] or [None]
    is_query = last is not None and not before and last.type == StatementType.SELECT
    if is_query and not _LOGGING.search(query):
        return
    others = [statement.type.name for statement in statements if statement.type != StatementType.SELECT]
    if is_query:
        what = "enable_logging writes a file"
    elif others:
        what = f"{others[0].replace('_', ' ')} is not a query"
    else:
        what = f"{len(statements)} queries, not one"
    raise MeterhouseError(
        f"{what}: this command only reads, one query at a time",
        "Write one query that begins with select, from, with, describe, show, summarize or explain.",
    )
