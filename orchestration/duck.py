"""Opening DuckDB, the same way everywhere: UTC session, bounded memory, spill inside our own folder."""

from __future__ import annotations

from pathlib import Path

import duckdb

from orchestration.settings import Settings


def connect(path: Path | str, settings: Settings, *, read_only: bool = False) -> duckdb.DuckDBPyConnection:
    """Open `path` (or ':memory:') with the session settings every query of ours relies on."""
    if not read_only:
        # Who only looks leaves no trace; DuckDB makes the folder itself should a query spill.
        settings.tmp_dir.mkdir(parents=True, exist_ok=True)
    connection = duckdb.connect(str(path), read_only=read_only)
    connection.execute("set timezone = 'UTC'")
    connection.execute(f"set memory_limit = '{settings.memory_limit}'")
    connection.execute(f"set threads = {int(settings.threads)}")
    spill = str(settings.tmp_dir).replace("'", "''")
    connection.execute(f"set temp_directory = '{spill}'")
    return connection
