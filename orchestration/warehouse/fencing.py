"""The number of the writer: one more with every taking of the write lock, and looked at before what cannot be undone.

A lock can be lost without its holder noticing: the lock file is removed while the holder is paused, or the
state folder lies on a file system that forgets locks. The number cannot: whoever took the lock since wrote a
greater one. File `writer.fence` in the state folder holds the newest number and who took it.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from orchestration import clock, processes
from orchestration.errors import LockLost
from orchestration.settings import Settings


@dataclass(frozen=True)
class Writer:
    """Who took the write lock: its number, process (as processes.parse reads it), command, and when."""

    number: int
    process: str
    command: str
    since: str

    @property
    def pid(self) -> int:
        found = processes.parse(self.process)
        return found.pid if found else 0


def newest(settings: Settings) -> Writer | None:
    """The writer that took the lock last, or None before the first. Reads only."""
    try:
        return Writer(**json.loads(_path(settings).read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def take_number(settings: Settings) -> Writer:
    """The next number, made durable. Call with the write lock just taken."""
    with _guarded(settings) as descriptor:
        before = newest(settings)
        me = processes.this_process()
        writer = Writer(
            (before.number if before else 0) + 1,
            me.as_text(),
            processes.command_of(me.pid),
            clock.utc_now().strftime(clock.TOLD),
        )
        text = json.dumps(asdict(writer), sort_keys=True).encode()
        os.pwrite(descriptor, text, 0)
        os.ftruncate(descriptor, len(text))
        os.fsync(descriptor)
    return writer


@contextmanager
def still_newest(settings: Settings, writer: Writer) -> Iterator[None]:
    """Do what cannot be undone inside: nobody can take the next number meanwhile.

    Raises LockLost, the inside not begun, where another writer has taken the lock since.
    """
    with _guarded(settings):
        demand_newest(settings, writer)
        yield


def demand_newest(settings: Settings, writer: Writer) -> None:
    """Raise LockLost unless `writer` is the one that took the lock last."""
    found = newest(settings)
    if found == writer:
        return
    if found is None:
        told = "the file writer.fence, which numbers the writers, was removed or cannot be read"
    else:
        told = f"process {found.pid} took it at {found.since} as writer {found.number}"
    raise LockLost(
        f"this process ({writer.pid}, writer {writer.number} since {writer.since}) has lost the write lock: {told}",
        "It published nothing, and the last release stays served. Let the newer run end, then see `meterhouse status`.",
    )


@contextmanager
def _guarded(settings: Settings) -> Iterator[int]:
    descriptor = os.open(_path(settings), os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def _path(settings: Settings) -> Path:
    return settings.home / "writer.fence"
