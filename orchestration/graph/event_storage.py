"""Dagster's SQLite storage, writing events in lots: a run tells of hundreds, and each was a commit of its own.

Dagster opens four connections an event and waits for the disk each time: 48 ms for an asset or a check, 13 s a
run. Here what is told waits up to half a second, or until something is told that others act on (a step or run
begins or ends), and is then written in one transaction a file. Read is what has been told: whoever reads
through this storage has it written first. Losing the last half second of a log to a power cut costs nothing,
for no event is what anything rests on: the warehouse and the releases are.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import sqlalchemy as db
from dagster import DagsterEventType
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._core.storage.sqlite_storage import (
    DagsterSqliteStorage,
    _event_logs_directory,
)
from dagster._serdes import ConfigurableClassData
from sqlalchemy.engine import Connection
from sqlalchemy.pool import NullPool

AT_MOST = 1_000
SECONDS = 0.5
# What may wait: of no step and no run does any of these say that it began or ended.
WAITING = {
    DagsterEventType.STEP_OUTPUT,
    DagsterEventType.HANDLED_OUTPUT,
    DagsterEventType.ASSET_MATERIALIZATION,
    DagsterEventType.ASSET_MATERIALIZATION_PLANNED,
    DagsterEventType.ASSET_OBSERVATION,
    DagsterEventType.ASSET_CHECK_EVALUATION,
    DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED,
    DagsterEventType.RESOURCE_INIT_STARTED,
    DagsterEventType.RESOURCE_INIT_SUCCESS,
    DagsterEventType.LOGS_CAPTURED,
}


class BatchedEventLog(SqliteEventLogStorage):
    """SqliteEventLogStorage whose events are written in lots."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._waiting: list[EventLogEntry] = []
        self._guard = threading.RLock()
        self._timer: threading.Timer | None = None
        self._held = threading.local()
        super().__init__(base_dir, inst_data)

    def store_event(self, event: EventLogEntry) -> None:
        with self._guard:
            self._waiting.append(event)
            if _may_wait(event) and len(self._waiting) < AT_MOST:
                if self._timer is None:
                    self._timer = threading.Timer(SECONDS, self.flush)
                    self._timer.daemon = True
                    self._timer.start()
            else:
                self.flush()

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        with self._guard:
            self._waiting += events
            self.flush()

    def flush(self) -> None:
        """Write what waits; where a lot cannot be written whole, one by one."""
        with self._guard:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            events, self._waiting = self._waiting, []
            if not events:
                return
            try:
                with self._one_transaction():
                    for event in events:
                        super().store_event(event)
            except Exception:
                while events:
                    try:
                        super().store_event(events[0])
                    except BaseException:
                        # On a full disk nothing is dropped: it is written with the next, or that says so.
                        self._waiting = events + self._waiting
                        raise
                    events.pop(0)

    def dispose(self) -> None:
        self.flush()
        super().dispose()

    def __del__(self) -> None:
        with suppress(Exception):
            self.flush()

    @contextmanager
    def _one_transaction(self) -> Iterator[None]:
        """Connections opened in the block are kept for all of it and committed together."""
        held: dict[str, Connection] = {}
        with self._db_lock, ExitStack() as open_ones:
            self._held.shards, self._held.open_ones = held, open_ones
            try:
                yield
            except BaseException:
                for connection in held.values():
                    connection.rollback()
                raise
            finally:
                self._held.shards = None
            for connection in held.values():
                connection.commit()

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        held = getattr(self._held, "shards", None)
        if held is not None:
            if shard not in held:
                held[shard] = self._held.open_ones.enter_context(self._opened(shard))
            yield held[shard]
            return
        self.flush()
        with super()._connect(shard) as connection:
            yield connection

    @contextmanager
    def _opened(self, shard: str) -> Iterator[Connection]:
        engine = db.create_engine(self.conn_string_for_shard(shard), poolclass=NullPool, connect_args={"timeout": 60})
        if shard not in self._initialized_dbs:
            self._initdb(engine)
            self._initialized_dbs.add(shard)
        try:
            with engine.connect() as connection:
                # A commit need not wait for the disk: the write-ahead log keeps the file whole without.
                connection.execute(db.text("pragma synchronous = normal"))
                connection.commit()
                connection.begin()
                yield connection
        finally:
            engine.dispose()


def _may_wait(event: EventLogEntry) -> bool:
    return not event.is_dagster_event or event.dagster_event_type in WAITING


class BatchedSqliteStorage(DagsterSqliteStorage):
    """DagsterSqliteStorage with events written in lots; files and tables are the same."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(base_dir, inst_data)
        self._event_log_storage: Any = BatchedEventLog(_event_logs_directory(base_dir))

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> BatchedSqliteStorage:
        return cls.from_local(inst_data=inst_data, **config_value)
