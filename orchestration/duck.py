"""Opening DuckDB, the same way everywhere: UTC session, bounded memory, spill inside our own folder."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb

from orchestration.errors import WarehouseBusy
from orchestration.settings import Settings

# How the engine says it, after a sentence of its own.
_HOLDER = re.compile(r"Conflicting lock is held in (?P<program>.*) \(PID (?P<pid>\d+)\)")


class FileInUse(WarehouseBusy, duckdb.IOException):
    """Another process has the file open, one of the two to write: the engine's own error, in plain words."""


def connect(path: Path | str, settings: Settings, *, read_only: bool = False) -> duckdb.DuckDBPyConnection:
    """Open `path` (or ':memory:') with the session settings every query of ours relies on.

    Raises FileInUse, naming the process, where another has the file open.
    """
    if not read_only:
        # Who only looks leaves no trace; DuckDB makes the folder itself should a query spill.
        settings.tmp_dir.mkdir(parents=True, exist_ok=True)
    try:
        connection = duckdb.connect(str(path), read_only=read_only)
    except duckdb.IOException as error:
        held = _HOLDER.search(str(error))
        if held is None:
            raise
        pid = held["pid"]
        raise FileInUse(
            f"process {pid} ({Path(held['program']).name}) has {Path(path).name} open",
            f"Let it end, or stop it (kill {pid}), then run again. Analysts read releases, never the build file.",
        ) from error
    connection.execute("set timezone = 'UTC'")
    connection.execute(f"set memory_limit = '{settings.memory_limit}'")
    connection.execute(f"set threads = {int(settings.threads)}")
    spill = str(settings.tmp_dir).replace("'", "''")
    connection.execute(f"set temp_directory = '{spill}'")
    return connection
