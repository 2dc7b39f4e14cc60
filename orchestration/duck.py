"""Opening DuckDB, the same way everywhere: UTC session, bounded memory, spill inside our own folder."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from queue import SimpleQueue
from typing import TypeVar
from urllib.parse import quote, unquote

import duckdb

from orchestration import processes
from orchestration.damaged_file import damaged
from orchestration.errors import WarehouseBusy
from orchestration.settings import MEMORY_SIZE, Settings

# A row group is what one processor works on. Most of our tables have fewer rows than DuckDB's own 122,880, so one
# worked and the others waited: joining 94,000 lines into the next table took 0.7 s, and takes 0.3. Whoever writes
# the file must say so again: with another size DuckDB merges the groups it finds, and rewrites every table.
ROW_GROUP_SIZE = 61_440
# Of the build file, which nobody but us opens: what the newest engine packs text with takes a third less time to
# write (10 million records: 18.3 s to 16.0). Releases have the form that every DuckDB since 1.0 reads.
STORAGE_VERSION = "latest"
# What rows `r` are, in whatever order they come: how many, and two sums of two hashes. By one version of the engine.
CONTENT_OF_ROWS = "count(*), sum(hash(r)::hugeint), sum(hash(hash(r))::hugeint)"
# How the engine says it, after a sentence of its own.
_HOLDER = re.compile(r"Conflicting lock is held in (?P<program>.*) \(PID (?P<pid>\d+)\)")
# What a query has no memory for goes into a folder of the connection's own.
SPILL = "spill-"
_SPILLS = count(1)


T = TypeVar("T")
R = TypeVar("R")


class FileInUse(WarehouseBusy, duckdb.IOException):
    """Another process has the file open, one of the two to write: the engine's own error, in plain words."""


def connect(path: Path | str, settings: Settings, *, read_only: bool = False) -> duckdb.DuckDBPyConnection:
    """Open `path` (or ':memory:') with the session settings every query of ours relies on.

    Raises FileInUse, naming the process, where another has the file open, and FileDamaged where it cannot be read.
    """
    if not read_only:
        _make_room(settings)
    elif settings.home.is_dir():
        # For DuckDB to make a folder in, should a query spill; who may not write here does without.
        with suppress(OSError):
            settings.tmp_dir.mkdir(exist_ok=True)
    if not read_only and isinstance(path, Path):
        connection = duckdb.connect()
        _set_up(connection, settings)
        try:
            attach(connection, path)
        except BaseException:
            connection.close()
            raise
        return connection
    connection = open_to_read(path) if read_only else duckdb.connect(str(path))
    _set_up(connection, settings)
    return connection


def open_to_read(path: Path | str) -> duckdb.DuckDBPyConnection:
    """Open `path` read-only as the engine does by itself. Raises FileInUse and FileDamaged."""
    with _in_plain_words(path):
        return duckdb.connect(str(path), read_only=True)


def attach(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    *,
    name: str = "",
    at_once: bool = False,
    row_group_size: int = ROW_GROUP_SIZE,
) -> None:
    """Open `path` on `connection` to write, as `name` or else as what is meant where no database is named.

    `at_once`: nothing is logged ahead, so no commit waits for the disk, and nothing is durable before a
    checkpoint. Raises FileInUse.
    """
    place = str(path).replace("'", "''")
    options = [f"row_group_size {row_group_size}"]
    if at_once:
        options.append("recovery_mode no_wal_writes")
    if not name:
        options.append(f"storage_version '{STORAGE_VERSION}'")
    with _in_plain_words(path):
        connection.execute(f"attach '{place}' as \"{name or path.stem}\" ({', '.join(options)})")
    if not name:
        connection.execute(f'use "{path.stem}"')


def attach_to_read(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Open `path` on `connection` to read, as what is meant where no database is named. Raises FileInUse."""
    place = str(path).replace("'", "''")
    with _in_plain_words(path):
        connection.execute(f"attach '{place}' as \"{path.stem}\" (read_only)")
    connection.execute(f'use "{path.stem}"')


@contextmanager
def connect_at_once(
    path: Path, settings: Settings, *, tidy: bool = False, made_durable: Callable[[], None] | None = None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open `path` to write many things that become durable together, when it is closed, and not before.

    A process that dies inside leaves the file as it was opened; an error raised inside keeps what was committed, as
    ever. With `tidy` row groups that deletions left half empty are merged. `made_durable` is called the moment all is.
    Raises FileInUse as `connect`.
    """
    _make_room(settings)
    with duckdb.connect() as connection:
        _set_up(connection, settings)
        attach(connection, path, at_once=True)
        # One checkpoint, at the end: in between each would write again what is yet to change.
        connection.execute("set checkpoint_threshold = '1000TB'")
        connection.execute("set auto_checkpoint_skip_wal_threshold = 9223372036854775807")
        if tidy:
            connection.execute("reset max_vacuum_tasks")
        try:
            yield connection
        except BaseException:
            # The error is the one to tell, also where the engine answers nothing any more.
            with suppress(duckdb.Error):
                connection.execute("checkpoint")
            raise
        connection.execute("checkpoint")
        if made_durable:
            made_durable()


def side_by_side(
    connection: duckdb.DuckDBPyConnection, work: Callable[[duckdb.DuckDBPyConnection, T], R], items: Sequence[T]
) -> list[R]:
    """What `work` makes of every item, each in a thread with a session beside `connection`: one a processor."""
    sessions = SimpleQueue[duckdb.DuckDBPyConnection]()
    count = min(os.cpu_count() or 1, len(items)) or 1
    for _ in range(count):
        sessions.put(beside(connection))

    def with_session(item: T) -> R:
        session = sessions.get()
        try:
            return work(session, item)
        finally:
            sessions.put(session)

    with ThreadPoolExecutor(count) as pool:
        found = list(pool.map(with_session, items))
    for _ in range(count):
        sessions.get().close()
    return found


def beside(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """A second session on what `connection` has open, set up as it is, for a thread of its own."""
    cursor = connection.cursor()
    row = connection.execute("select current_database()").fetchone()
    assert row is not None
    cursor.execute("set timezone = 'UTC'")
    cursor.execute(f'use "{row[0]}"')
    return cursor


@contextmanager
def _in_plain_words(path: Path | str) -> Iterator[None]:
    try:
        yield
    except duckdb.IOException as error:
        held = _HOLDER.search(str(error))
        if held is None:
            if told := damaged(error, path):
                raise told from error
            raise
        pid, program = held["pid"], Path(held["program"]).name
        # One that is about to end has no program any more.
        raise FileInUse(
            f"process {pid}{f' ({program})' if program else ''} has {Path(path).name} open",
            f"Wait for it to end, or stop it (kill {pid}), then run again. Analysts read releases, never the build "
            "file.",
        ) from error


def engine_memory(limit: str) -> str:
    """What of a memory limit such as 2GB the engine's own accounting may use: it leaves out a quarter and more.

    At a limit of 2GB all processes together took 3.4 GB for 100 million records with all of it, 2.7 to 3.2 with seven
    eighths; the slow-down of a limit of 2GB against one of 8GB is a few percent.
    """
    found = MEMORY_SIZE.fullmatch(limit)
    return f"{float(found[1]) * 3 / 4:g}{found[2]}" if found else limit


def _set_up(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    connection.execute("set timezone = 'UTC'")
    # Merging what deletions left of row groups writes tables anew of which a month changed: see connect_at_once.
    connection.execute("set max_vacuum_tasks = 0")
    # A copy of what was read of files, in memory that the system holds already: 5 % of CPU at 100 million records.
    connection.execute("set enable_external_file_cache = false")
    connection.execute(f"set memory_limit = '{engine_memory(settings.memory_limit)}'")
    connection.execute(f"set threads = {int(settings.threads)}")
    # The engine names the files it spills into alike in every process, and two in one folder overwrite each other's:
    # a query that spilled while a build did ended both, or one with wrong rows.
    me = quote(processes.this_process().as_text(), safe="")
    spill = str(settings.tmp_dir / f"{SPILL}{me}-{next(_SPILLS)}").replace("'", "''")
    connection.execute(f"set temp_directory = '{spill}'")


def _make_room(settings: Settings) -> None:
    """The folder for what is in hand, without what processes spilled that ended before they took it away."""
    settings.tmp_dir.mkdir(parents=True, exist_ok=True)
    for folder in settings.tmp_dir.glob(f"{SPILL}*"):
        owner = processes.parse(unquote(folder.name.removeprefix(SPILL).rpartition("-")[0]))
        if owner is not None and processes.why_gone(owner):
            shutil.rmtree(folder, ignore_errors=True)
