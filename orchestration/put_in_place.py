"""A file or folder that was built beside its place takes it, whole."""

from __future__ import annotations

import ctypes
import os
import shutil
from pathlib import Path

from orchestration.durable import sync, sync_all

# Of Linux' renameat2: paths are from where this process is, and the two change places at once.
_HERE, _EXCHANGE = -100, 2


def put_in_place(building: Path, final: Path) -> None:
    """What was built becomes what is there, whole and for good, or what is there stays. Raises OSError.

    Also where a file or a link lay there: a link is taken away, what it leads to is not touched.
    """
    sync_all([*(path for path in building.rglob("*") if not path.is_symlink()), building])
    old = final.with_name(f".{final.name}.old")
    clear(old)
    if not os.path.lexists(final):
        building.rename(final)
    elif _exchange(building, final):
        building.rename(old)
    else:
        final.rename(old)
        try:
            building.rename(final)
        except BaseException:
            old.rename(final)
            raise
    sync(final.parent)
    clear(old)


def clear(place: Path) -> None:
    """Take away the file, the folder or the link at `place`, if there is one; of a link not what it leads to."""
    if place.is_symlink() or place.is_file():
        place.unlink()
    shutil.rmtree(place, ignore_errors=True)


def _exchange(one: Path, other: Path) -> bool:
    """Have two paths change places, with no instant in between; False where the system or its disk cannot."""
    library = ctypes.CDLL(None)
    if not hasattr(library, "renameat2"):
        return False
    failed: int = library.renameat2(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE)
    return failed == 0
