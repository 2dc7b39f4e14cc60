"""One writer at a time, whatever started it: an OS lock held while the build file is written.

The kernel frees it when the process dies, however it dies, so no lock is ever left behind.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from orchestration.errors import WarehouseBusy
from orchestration.settings import Settings


@contextmanager
def writer_lock(settings: Settings) -> Iterator[None]:
    """Hold the write lock, or raise WarehouseBusy naming the process that has it."""
    settings.home.mkdir(parents=True, exist_ok=True)
    path = settings.home / "writer.lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.read(descriptor, 32).decode(errors="replace").strip() or "unknown"
            raise WarehouseBusy(
                f"process {holder} is writing the warehouse",
                "Wait for that run to end, or stop it, then run again.",
            ) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(descriptor)
