"""Read-only SQL on the newest release: nothing else on the machine can be read or written from it."""

from __future__ import annotations

from typing import Any

import duckdb

from orchestration.errors import MeterhouseError
from orchestration.publishing.exports import require_release
from orchestration.settings import Settings


def open_release(settings: Settings) -> duckdb.DuckDBPyConnection:
    """A locked-down connection to the release being served, schema marts first in its path."""
    release = require_release(settings)
    connection = duckdb.connect(str(release.database), read_only=True)
    connection.execute("set timezone = 'UTC'")
    connection.execute("set schema = 'marts'")
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")
    return connection


def run_query(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Column names and rows. Raises MeterhouseError with DuckDB's own words."""
    try:
        result = connection.execute(query)
        columns = [column[0] for column in result.description or []]
        return columns, result.fetchall()
    except duckdb.Error as error:
        raise MeterhouseError(str(error).splitlines()[0], "See docs/marts.md for tables and columns.") from error
