"""Which records arrived more than once: an index of 64-bit entries, one for every row of the large sources.

An entry is the upper 44 bits of the hash of a record's key and the lower 20 bits of its part's number.
Sorted, the copies and states of one record are neighbours, in whatever file or year they came; sorting
costs half of what grouping costs, and a thousand late rows find their history in milliseconds.
It owns the files of entries and the relations `ops.contested_keys`, `ops.contested_parts` and
`ops.part_months`. What becomes of a contested record is the models' work (GEN-02): two records whose
hashes agree are listed here and told apart there, so a collision costs time and never an amount.
"""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt

from orchestration import duck
from orchestration.ingestion.raw_schema import sql_text
from orchestration.settings import Settings

Entries = npt.NDArray[np.uint64]

PART_BITS = 20
PART_MASK = (1 << PART_BITS) - 1
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
    """What new parts hold: their sorted entries, and which part has rows of which month."""

    entries: Entries
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
    "create table if not exists ops.part_months (source varchar, part_number integer, billing_month date)",
    "create table if not exists ops.whatsapp_conversations_left (waba_id varchar, conversation_id varchar)",
)


def ensure_index_relations(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the relations the models read; safe to repeat."""
    for ddl in DDL:
        connection.execute(ddl)


def index_new_parts(connection: duckdb.DuckDBPyConnection, settings: Settings) -> bool:
    """Bring the index up to the newest batch: sort its entries, find what came before, note what is contested.

    Returns whether all of it had to be made again, as when the engine's hash changed with its version: the
    models must then be built anew, for other records may share a hash now.
    """
    ensure_index_relations(connection)
    hashed_by = duckdb.__version__
    row = connection.execute("select hashed_by, last_batch from ops.key_index_state").fetchone()
    folder = settings.home / "keys"
    folder.mkdir(parents=True, exist_ok=True)
    anew = row is None or row[0] != hashed_by or not _runs_are_there(connection, folder)
    if row is None or anew:
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
    for path in replaced:
        path.unlink()
    return anew


def _runs_are_there(connection: duckdb.DuckDBPyConnection, folder: Path) -> bool:
    """Whether every run's file is as long as it was written: 8 bytes an entry and a header of 128."""
    rows = connection.execute("select run_name, entries from ops.key_runs").fetchall()
    return all((folder / name).exists() and (folder / name).stat().st_size == 128 + 8 * n for name, n in rows)


def _read(session: duckdb.DuckDBPyConnection, source: IndexedSource, done: int, count: int) -> Fresh:
    """Read the rows of the batches after `done` on a connection of its own, so that sources are read side by side."""
    with session:
        here = f"from raw.{source.name} where load_batch > {done}"
        months = session.execute(
            "select distinct part_number, "
            f"coalesce(date_trunc('month', {source.occurred_at})::date, date '1970-01-01')::varchar {here}"
        ).fetchall()
        return Fresh(_sorted_entries(session, source, here, count), months)


def _index_source(
    connection: duckdb.DuckDBPyConnection, folder: Path, source: IndexedSource, fresh: Fresh, batch: int
) -> None:
    """Add what was read of a source to the index and note what it touches."""
    name = sql_text(source.name)
    listed = ", ".join(f"({name}, {part}, date '{month}')" for part, month in fresh.months)
    connection.execute(f"insert into ops.part_months values {listed}")
    months = ", ".join(f"({name}, date '{month}')" for month in sorted({month for _, month in fresh.months}))
    connection.execute(f"insert into ops.touched_months (source, billing_month) values {months}")
    runs = _runs(connection, folder, source)
    contested = [_neighbours(fresh.entries)]
    for _, entries in runs:
        contested += _met(fresh.entries, entries)
    met = np.unique(np.concatenate(contested))
    if len(met):
        _note_contested(connection, source, met, batch)
    _keep(connection, folder, source, fresh.entries, runs, batch)


def _sorted_entries(connection: duckdb.DuckDBPyConnection, source: IndexedSource, here: str, count: int) -> Entries:
    query = (
        f"select (hash({source.record_key}) & {((1 << 64) - 1) ^ PART_MASK}::ubigint) "
        f"| (part_number & {PART_MASK})::ubigint as entry {here}"
    )
    # Two halves by the top bit, so that two processors sort.
    halves: list[list[Entries]] = [[], []]
    for rows in connection.execute(query).to_arrow_reader(1_000_000):
        entries = rows.column(0).to_numpy()
        upper = entries >= np.uint64(1 << 63)
        halves[0].append(entries[~upper])
        halves[1].append(entries[upper])

    def ordered(pieces: list[Entries]) -> Entries:
        joined = np.concatenate(pieces) if pieces else np.empty(0, dtype=np.uint64)
        pieces.clear()
        joined.sort()
        return joined

    with ThreadPoolExecutor(2) as pool:
        found = np.concatenate(list(pool.map(ordered, halves)))
    if len(found) != count:
        raise RuntimeError(f"raw.{source.name} has {len(found)} new rows, its receipts say {count}")
    return found


def _neighbours(entries: Entries) -> Entries:
    """Entries whose key another entry shares."""
    same = (entries[1:] ^ entries[:-1]) <= np.uint64(PART_MASK)
    places = np.flatnonzero(same)
    return entries[np.unique(np.concatenate([places, places + 1]))]


def _met(fresh: Entries, run: Entries) -> list[Entries]:
    """Entries of both whose key occurs in both; each is sorted, so a look-up is a search."""
    keys = fresh & np.uint64(((1 << 64) - 1) ^ PART_MASK)
    first = np.searchsorted(run, keys)
    last = np.searchsorted(run, keys | np.uint64(PART_MASK), side="right")
    hits = np.flatnonzero(last > first)
    counts = last[hits] - first[hits]
    # Every place of every range first..last, without a loop: a window pulled again meets itself whole.
    starts = np.repeat(first[hits] - (np.cumsum(counts) - counts), counts)
    return [fresh[hits], run[starts + np.arange(len(starts))]]


def _note_contested(connection: duckdb.DuckDBPyConnection, source: IndexedSource, met: Entries, batch: int) -> None:
    import pyarrow as pa

    keys = np.unique(met >> np.uint64(PART_BITS))
    parts = np.unique(met & np.uint64(PART_MASK)).astype(np.int64)
    name = sql_text(source.name)
    connection.register("index_keys", pa.table({"key_hash": keys}))
    connection.register("index_parts", pa.table({"part": parts}))
    connection.execute(
        f"delete from ops.contested_keys where source = {name} and key_hash in (select key_hash from index_keys)"
    )
    connection.execute(f"insert into ops.contested_keys select {name}, key_hash, {batch} from index_keys")
    # The entry holds the last 20 bits of a part's number; parts that share them are all looked at.
    connection.execute(
        f"insert into ops.contested_parts select {name}, part_number, {batch} from raw.receipts "
        f"where source = {name} and status = 'accepted' and part_number & {PART_MASK} in (select part from index_parts)"
    )
    connection.unregister("index_keys")
    connection.unregister("index_parts")


def _runs(connection: duckdb.DuckDBPyConnection, folder: Path, source: IndexedSource) -> list[tuple[str, Entries]]:
    rows = connection.execute(
        f"select run_name from ops.key_runs where source = {sql_text(source.name)} order by entries desc, run_name"
    ).fetchall()
    return [(name, np.load(folder / name, mmap_mode="r")) for (name,) in rows]


def _keep(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    source: IndexedSource,
    fresh: Entries,
    runs: list[tuple[str, Entries]],
    batch: int,
) -> None:
    """Write the entries as a run, joined with its like where there are several of its size."""
    alike = [(name, entries) for name, entries in runs if len(entries) < RUNS_OF_A_SIZE * len(fresh)]
    joined: list[str] = []
    if len(alike) >= RUNS_OF_A_SIZE - 1:
        fresh = np.concatenate([fresh, *(entries for _, entries in alike)])
        fresh.sort(kind="stable")
        joined = [name for name, _ in alike]
    name = f"{source.name}_b{batch:06d}.npy"
    temporary = folder / f".{name}"
    with temporary.open("wb") as file:
        np.save(file, fresh)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(folder / name)
    if joined:
        listed = ", ".join(sql_text(run) for run in joined)
        connection.execute(f"delete from ops.key_runs where run_name in ({listed})")
    connection.execute(
        f"insert into ops.key_runs values ({sql_text(source.name)}, {sql_text(name)}, {batch}, {len(fresh)})"
    )
