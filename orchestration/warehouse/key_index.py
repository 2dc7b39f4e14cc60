"""Which records arrived more than once: an index of 64-bit entries, one for every row of the large sources.

An entry is most of the hash of a record's key and the number of its part (entry_form.py). Sorted, the copies
and states of one record are neighbours, in whatever file or year they came; sorting costs a fraction of what
grouping costs, and a thousand late rows find their history in milliseconds. It owns the files of entries and
the relations `ops.contested_keys`, `ops.contested_parts` and `ops.part_months`. What becomes of a contested
record is the models' work (GEN-02): two records whose hashes agree are listed here and told apart there, so a
collision costs time and never an amount.
"""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import duckdb

from orchestration import duck
from orchestration.settings import Settings
from orchestration.sql_literals import sql_text
from orchestration.warehouse import few_entries, state
from orchestration.warehouse.entry_form import ENTRY_BYTES, PART_BITS, PART_MASK, entry_sql, part_day_sql, part_month
from orchestration.warehouse.writer_lock import note_durable

# A run is sorted with its like once there are this many of one size: few files to look through,
# and no entry is written more than a handful of times however many batches come.
RUNS_OF_A_SIZE = 4


@dataclass(frozen=True)
class IndexedSource:
    """A source whose rows are read where they lie: what names a record, and the instant that dates it."""

    name: str
    record_key: str
    occurred_at: str


@dataclass(frozen=True)
class Fresh:
    """What new parts hold: their sorted entries, as the module `kind` has them, and which part has which months."""

    kind: ModuleType
    entries: Any
    months: list[tuple[int, str]]


INDEXED = (
    IndexedSource("kustomer_messages", '"id"', "sent_at"),
    IndexedSource("translations", "translation_id", "coalesce(completed_at, requested_at)"),
    IndexedSource("kustomer_conversations", '"id"', "created_at"),
    IndexedSource("twilio_calls", "sid", "coalesce(start_time, date_created)"),
    IndexedSource("twilio_messages", "sid", "coalesce(date_sent, date_created)"),
    IndexedSource(
        "whatsapp_webhooks",
        "concat_ws('|', waba_id, wamid, coalesce(status, direction, 'in'))",
        '"timestamp"',
    ),
    IndexedSource("twilio_recordings", "sid", "coalesce(start_time, date_created)"),
    IndexedSource("twilio_transcriptions", "sid", "date_created"),
)

DDL = (
    "create table if not exists ops.key_runs (source varchar, run_name varchar, last_batch integer, entries bigint)",
    "create table if not exists ops.key_index_state (hashed_by varchar, last_batch integer)",
    "create table if not exists ops.contested_keys (source varchar, key_hash ubigint, changed_batch integer)",
    "create table if not exists ops.contested_parts (source varchar, part_number integer, changed_batch integer)",
    "create table if not exists ops.contested_rows (source varchar, row_place bigint)",
    "create table if not exists ops.part_months (source varchar, part_number integer, billing_month date)",
)


def ensure_index_relations(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the relations the models read; safe to repeat."""
    for ddl in DDL:
        connection.execute(ddl)


def forget_index(connection: duckdb.DuckDBPyConnection) -> None:
    """Believe nothing that is noted of it: the next to bring it up to date makes all of it again."""
    ensure_index_relations(connection)
    connection.execute("delete from ops.key_index_state")


def index_new_parts(connection: duckdb.DuckDBPyConnection, settings: Settings) -> bool:
    """Bring the index up to the newest batch: sort its entries, find what came before, note what is contested.

    Returns whether all of it had to be made again, as when the engine's hash changed with its version, or what
    an entry is with ours: the models must then be built anew, for other records may share a hash now.
    """
    ensure_index_relations(connection)
    hashed_by = f"{duckdb.__version__}/{PART_BITS}"
    row = connection.execute("select hashed_by, last_batch from ops.key_index_state").fetchone()
    folder = settings.home / "keys"
    folder.mkdir(parents=True, exist_ok=True)
    anew = row is None or row[0] != hashed_by or not _runs_are_there(connection, folder)
    if row is None or anew:
        # Durable with what is emptied here.
        state.owe_all_from_nothing(connection)
        for _, table in (ddl.split(" (")[0].rsplit(" ", 1) for ddl in DDL):
            connection.execute(f"delete from {table}")
        row = (hashed_by, 0)
    done = int(row[1])
    newest = connection.execute("select coalesce(max(load_batch), 0) from raw.receipts").fetchone()
    batch = int(newest[0]) if newest else 0
    if batch == done:
        return anew
    rows = connection.execute(
        "select source, sum(rows_accepted)::bigint from raw.receipts "
        f"where status = 'accepted' and load_batch > {done} group by source having sum(rows_accepted) > 0"
    ).fetchall()
    counts: dict[str, int] = dict(rows)
    connection.execute("begin")
    with ThreadPoolExecutor(2) as pool:
        read: deque[tuple[IndexedSource, Future[Fresh]]] = deque()
        for source in INDEXED:
            if source.name in counts:
                read.append((source, pool.submit(_read, duck.beside(connection), source, done, counts[source.name])))
            # Two sources in memory, no more: the largest has half a gigabyte at 100 million records.
            while len(read) == 2 or (read and source is INDEXED[-1]):
                reader, fresh = read.popleft()
                _index_source(connection, folder, reader, fresh.result(), batch)
    connection.execute("delete from ops.key_index_state")
    connection.execute(f"insert into ops.key_index_state values ({sql_text(hashed_by)}, {batch})")
    connection.execute("commit")
    known = {name for (name,) in connection.execute("select run_name from ops.key_runs").fetchall()}
    replaced = [path for path in folder.iterdir() if path.name not in known]
    if replaced:
        # A build is durable at its end; should it die, what it was opened with must not miss these.
        connection.execute("checkpoint")
        note_durable(settings)
    for path in replaced:
        path.unlink()
    return anew


def _runs_are_there(connection: duckdb.DuckDBPyConnection, folder: Path) -> bool:
    """Whether every run's file is as long as it was written."""
    rows = connection.execute("select run_name, entries from ops.key_runs").fetchall()
    return all((folder / name).exists() and (folder / name).stat().st_size == ENTRY_BYTES * n for name, n in rows)


def _read(session: duckdb.DuckDBPyConnection, source: IndexedSource, done: int, count: int) -> Fresh:
    """Read the rows of the batches after `done` on a connection of its own, so that sources are read side by side."""
    with session:
        here = f"from raw.{source.name} where load_batch > {done}"
        kind = few_entries if count <= few_entries.MOST else import_module("orchestration.warehouse.many_entries")
        entry = entry_sql(source.record_key, "part_number")
        # One pass: what the second column costs is a tenth of what asking for it alone does.
        entries, part_days = kind.read(
            session,
            f"select {entry} as entry, {part_day_sql(source.occurred_at, 'part_number')} as part_day {here}",
            count,
        )
        if len(entries) != count:
            raise RuntimeError(f"raw.{source.name} has {len(entries)} new rows, but its receipts say {count}")
        return Fresh(kind, entries, sorted({part_month(part_day) for part_day in part_days}))


def _index_source(
    connection: duckdb.DuckDBPyConnection, folder: Path, source: IndexedSource, fresh: Fresh, batch: int
) -> None:
    """Add what was read of a source to the index and note what it touches."""
    name = sql_text(source.name)
    listed = ", ".join(f"({name}, {part}, date '{month}')" for part, month in fresh.months)
    connection.execute(f"insert into ops.part_months values {listed}")
    months = ", ".join(f"({name}, date '{month}')" for month in sorted({month for _, month in fresh.months}))
    connection.execute(f"insert into ops.touched_months (source, billing_month) values {months}")
    runs = _runs(connection, source)
    met = fresh.kind.contested(fresh.entries, [folder / run for run, _ in runs])
    if len(met):
        _note_contested(connection, source, fresh, met, batch)
    _keep(connection, folder, source, fresh, runs, batch)


def _note_contested(
    connection: duckdb.DuckDBPyConnection, source: IndexedSource, fresh: Fresh, met: Any, batch: int
) -> None:
    keys, parts = fresh.kind.keys_and_parts(met)
    name = sql_text(source.name)
    fresh.kind.tabled(connection, "index_keys", keys)
    fresh.kind.tabled(connection, "index_parts", parts)
    connection.execute(
        f"delete from ops.contested_keys where source = {name} and key_hash in (select number from index_keys)"
    )
    connection.execute(f"insert into ops.contested_keys select {name}, number, {batch} from index_keys")
    # The entry holds the last bits of a part's number; parts that share them are all looked at.
    connection.execute(
        f"insert into ops.contested_parts select {name}, part_number, {batch} from raw.receipts where source = {name} "
        f"and status = 'accepted' and part_number & {PART_MASK} in (select number from index_parts)"
    )


def _runs(connection: duckdb.DuckDBPyConnection, source: IndexedSource) -> list[tuple[str, int]]:
    """Names of the source's runs, and how many entries each has."""
    return connection.execute(
        f"select run_name, entries from ops.key_runs where source = {sql_text(source.name)} "
        "order by entries desc, run_name"
    ).fetchall()


def _keep(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    source: IndexedSource,
    fresh: Fresh,
    runs: list[tuple[str, int]],
    batch: int,
) -> None:
    """Write the entries as a run, joined with its like where there are several of its size."""
    entries = fresh.entries
    alike = [name for name, length in runs if length < RUNS_OF_A_SIZE * len(entries)]
    joined = alike if len(alike) >= RUNS_OF_A_SIZE - 1 else []
    if joined:
        entries = fresh.kind.joined(entries, [folder / name for name in joined])
    name = f"{source.name}_b{batch:06d}.run"
    temporary = folder / f".{name}"
    with temporary.open("wb") as file:
        file.write(fresh.kind.written(entries))
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(folder / name)
    if joined:
        listed = ", ".join(sql_text(run) for run in joined)
        connection.execute(f"delete from ops.key_runs where run_name in ({listed})")
    connection.execute(
        f"insert into ops.key_runs values ({sql_text(source.name)}, {sql_text(name)}, {batch}, {len(entries)})"
    )
