"""One writer at a time, whatever started it: an OS lock held while the build file is written.

The kernel frees it when the process dies, however it dies, so no lock is ever left behind. Who lets go
of the lock notes what the build file looks like; who takes it sees whether anybody else wrote in between.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestration.errors import WarehouseBusy
from orchestration.settings import Settings


@contextmanager
def writer_lock(settings: Settings) -> Iterator[None]:
    """Hold the write lock, or raise WarehouseBusy naming the process that has it."""
    settings.home.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(_lock_path(settings), os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(descriptor, 32, 0).decode(errors="replace").partition("\n")[0].strip() or "unknown"
            raise WarehouseBusy(
                f"process {holder} is writing the warehouse",
                "Wait for that run to end, or stop it, then run again.",
            ) from error
        if not _is_as_left(settings):
            _doubt(settings).touch()
        _write(descriptor, f"{os.getpid()}\n")
        try:
            yield
        finally:
            _write(descriptor, f"{os.getpid()}\n{_look(settings)}\n")
    finally:
        os.close(descriptor)


def in_doubt(settings: Settings) -> bool:
    """Whether somebody else wrote the build file, or a writer died, since all of it was last built.

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


def _is_as_left(settings: Settings) -> bool:
    try:
        left = _lock_path(settings).read_text(encoding="utf-8").splitlines()[1:]
    except FileNotFoundError:
        left = []
    return _look(settings) == (left[0] if left else "none")
