"""What was pulled up to when, and which records landed, a file a source under the home.

One transaction spans a piece: it ends after the piece's file has landed, or never was. While it is open no
other process can pull the source; one that dies undoes it. Losing the file costs records landed twice.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path

from orchestration.pulling.failures import PullRunning
from orchestration.pulling.windows import Covered
from orchestration.settings import Settings

# SQLite takes no more than so many values in one query; its least limit has been 999.
LOT = 500
_TABLES = """
create table if not exists covered (account text primary key, since text not null, until text not null);
create table if not exists landed (record_key text primary key, digest blob not null, landed_on text not null)
without rowid;
create index if not exists landed_by_day on landed (landed_on);
"""


class PullState:
    """The state of one source, open and locked."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def covered(self) -> dict[str, Covered]:
        """By account; '' where the source has none."""
        rows = self.connection.execute("select account, since, until from covered").fetchall()
        return {a: Covered(datetime.fromisoformat(s), datetime.fromisoformat(u)) for a, s, u in rows}

    def cover(self, account: str, covered: Covered) -> None:
        self.connection.execute(
            "insert or replace into covered values (?, ?, ?)",
            (account, covered.since.isoformat(), covered.until.isoformat()),
        )

    def digests(self, keys: Sequence[str]) -> dict[str, bytes]:
        """What the records of these keys looked like when last landed; those never landed are not there."""
        found: dict[str, bytes] = {}
        for begin in range(0, len(keys), LOT):
            lot = keys[begin : begin + LOT]
            marks = ", ".join("?" * len(lot))
            query = f"select record_key, digest from landed where record_key in ({marks})"
            found.update(self.connection.execute(query, lot).fetchall())
        return found

    def note(self, digests: dict[str, bytes], today: date) -> None:
        self.connection.executemany(
            "insert or replace into landed values (?, ?, ?)",
            [(key, digest, today.isoformat()) for key, digest in digests.items()],
        )

    def forget_landed_before(self, day: date) -> None:
        """Drop records that no later pull will meet again: they landed before its days begin."""
        self.connection.execute("delete from landed where landed_on < ?", (day.isoformat(),))


def state_path(settings: Settings, source: str) -> Path:
    """The file of the source's state."""
    return settings.home / "pulling" / f"{source}.sqlite"


@contextmanager
def transaction(settings: Settings, source: str) -> Iterator[PullState]:
    """The source's state; what is noted in it holds if the block ends well. Raises PullRunning."""
    path = state_path(settings, source)
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, timeout=0, isolation_level=None)
    try:
        try:
            connection.execute("begin immediate")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
            raise PullRunning(f"{source} is being pulled by another process", "Wait for it to end.") from error
        for statement in filter(str.strip, _TABLES.split(";")):
            connection.execute(statement)
        yield PullState(connection)
        connection.execute("commit")
    finally:
        connection.close()  # undoes what was not committed
