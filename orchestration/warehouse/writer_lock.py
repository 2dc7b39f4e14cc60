"""One writer at a time, whatever started it: an OS lock held while the build file is written.

The kernel frees it when the process dies, however it dies, so no lock is ever left behind; a paused process
keeps it. Every taking has a number (fencing.py), looked at again before anything is published. Who lets go
of the lock notes what the build file looks like; who takes it sees whether anybody else wrote in between. Who
holds it notes what the file holds for good (durable_state.py): of one that died it is so told whether all that stands
in the file is still what it had made durable.

Lines of the lock file: the process; what the file looked like when it let go, empty while it holds the lock; what the
file held for good when it last said so.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from orchestration import duck, processes
from orchestration.errors import WarehouseBusy
from orchestration.settings import Settings
from orchestration.warehouse import fencing
from orchestration.warehouse.durable_state import durable_state, read_in_log
from orchestration.warehouse.fencing import Writer

# Locks this process holds, by process, thread and state folder: a fork holds none of its parent's.
_held: dict[tuple[int, int, Path], Writer] = {}
# What a doubt is about (in_doubt).
WRITTEN_BY_ANOTHER_HAND = (
    "since it was built, another program has written to the build file, or its writer died while writing"
)


@contextmanager
def writer_lock(settings: Settings) -> Iterator[Writer]:
    """Hold the write lock, or raise WarehouseBusy naming the process that has it, since when, and what to do.

    FileInUse where one that died left a log beside the build file, and another process has that open.
    """
    settings.home.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(_lock_path(settings), os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            first_line = os.pread(descriptor, 32, 0).decode(errors="replace").partition("\n")[0].strip()
            raise _busy(settings, first_line) from error
        read_in_log(settings)
        if not _is_as_left(settings):
            _doubt(settings).touch()
        _write(descriptor, _held_text(settings))
        writer = fencing.take_number(settings)
        key = _key(settings)
        _held[key] = writer
        try:
            yield writer
        finally:
            del _held[key]
            _write(descriptor, f"{os.getpid()}\n{_look(settings)}\n")
    finally:
        os.close(descriptor)


def note_durable(settings: Settings) -> None:
    """Note what the build file holds for good by now: should this process die, the next writer builds upon it.

    Call after a checkpoint, or with the file closed. Does nothing for who has not the lock, or has lost it.
    """
    if not _has_lock_file(settings):
        return
    descriptor = os.open(_lock_path(settings), os.O_RDWR)
    try:
        _write(descriptor, _held_text(settings))
    finally:
        os.close(descriptor)


def doubt_strangers(settings: Settings) -> None:
    """Note a doubt where the build file is no longer what its writer last made durable. Call before it is opened."""
    if not _has_lock_file(settings):
        return
    if _lock_path(settings).read_text(encoding="utf-8") != _held_text(settings):
        _doubt(settings).touch()


@contextmanager
def write_at_once(settings: Settings, *, tidy: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
    """The build file, open as by duck.connect_at_once: compared before, and noted once what was written is durable."""
    doubt_strangers(settings)
    with duck.connect_at_once(
        settings.warehouse_path, settings, tidy=tidy, made_durable=lambda: note_durable(settings)
    ) as connection:
        yield connection


def _has_lock_file(settings: Settings) -> bool:
    """Whether this thread holds the lock, and the lock file is still its own."""
    mine = held(settings)
    return mine is not None and fencing.newest(settings) == mine and _lock_path(settings).exists()


def held(settings: Settings) -> Writer | None:
    """The write lock as this thread holds it, or None."""
    return _held.get(_key(settings))


@contextmanager
def holding_lock(settings: Settings) -> Iterator[Writer]:
    """The write lock: the one this thread holds already, or taken for the inside."""
    mine = held(settings)
    if mine is not None:
        yield mine
        return
    with writer_lock(settings) as taken:
        yield taken


@contextmanager
def still_the_writer(settings: Settings) -> Iterator[None]:
    """Do what cannot be undone inside. Raises LockLost where another has taken the lock since this thread did."""
    mine = held(settings)
    if mine is None:
        yield
        return
    with fencing.still_newest(settings, mine):
        yield


def _key(settings: Settings) -> tuple[int, int, Path]:
    return os.getpid(), threading.get_ident(), settings.home.resolve()


def _busy(settings: Settings, pid: str) -> WarehouseBusy:
    holder = fencing.newest(settings)
    if not pid.isdigit():
        return WarehouseBusy("another process is writing to the warehouse", "Wait for its run to end, then run again.")
    told = ""
    if holder is not None and holder.pid == int(pid):
        told = f" (since {holder.since}" + (f": {holder.command})" if holder.command else ")")
    if processes.is_paused(int(pid)):
        return WarehouseBusy(
            f"process {pid} is writing to the warehouse{told}, but is paused",
            f"Resume it (kill -CONT {pid}) or end it (kill -KILL {pid}): its lock ends with it, and unfinished work is "
            "never served.",
        )
    return WarehouseBusy(
        f"process {pid} is writing to the warehouse{told}",
        f"Wait for that run to end, or stop it (kill {pid}), then run again.",
    )


def in_doubt(settings: Settings) -> bool:
    """Whether somebody else wrote the build file, or a writer died writing it, since all of it was last built.

    Then nothing that stands in it may be taken as built and judged. For who only looks; reads only.
    """
    return doubt_noted(settings) or not _is_as_left(settings)


def doubt_noted(settings: Settings) -> bool:
    """The same for who holds the lock: taking it noted the doubt."""
    return _doubt(settings).exists()


def settle_doubt(settings: Settings) -> None:
    """All of it has been built again. Call with the lock held."""
    _doubt(settings).unlink(missing_ok=True)


def _lock_path(settings: Settings) -> Path:
    return settings.home / "writer.lock"


def _doubt(settings: Settings) -> Path:
    return settings.home / "build_file_in_doubt"


def _write(descriptor: int, text: str) -> None:
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, text.encode(), 0)


def _look(settings: Settings) -> str:
    try:
        found = settings.warehouse_path.stat()
    except FileNotFoundError:
        return "none"
    return f"{found.st_size} {found.st_mtime_ns}"


def _held_text(settings: Settings) -> str:
    return f"{os.getpid()}\n\n{durable_state(settings.warehouse_path) or ''}\n"


def _is_as_left(settings: Settings) -> bool:
    """Whether the build file is as the last writer let it go, or holds what one that died had noted."""
    try:
        lines = _lock_path(settings).read_text(encoding="utf-8").splitlines()[1:]
    except FileNotFoundError:
        lines = []
    match lines:
        case ["", noted]:
            return noted != "" and durable_state(settings.warehouse_path) == noted
        case [left, *_]:
            return _look(settings) == left
        case _:
            return _look(settings) == "none"
