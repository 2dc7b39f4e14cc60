"""What a home keeps on disk beyond the landing folder, and whether a run changed any of it."""

from __future__ import annotations

import os
from pathlib import Path


def _files(folder: Path) -> list[tuple[Path, os.stat_result]]:
    return [
        (path, path.stat(follow_symlinks=False))
        for path in sorted(folder.rglob("*"))
        if path.is_symlink() or path.is_file()
    ]


def bytes_beyond(home: Path, landing: Path) -> int:
    """Bytes of `home` that the landing does not hold already: a hard link to a landed file costs nothing,
    and a file linked twice counts once."""
    seen = {(state.st_dev, state.st_ino) for _, state in _files(landing)}
    total = 0
    for _, state in _files(home):
        if (state.st_dev, state.st_ino) not in seen:
            seen.add((state.st_dev, state.st_ino))
            total += state.st_size
    return total


def state_of(home: Path) -> dict[str, tuple[int, int]]:
    """(size, time of change in nanoseconds) of every file, to compare before and after."""
    return {str(path.relative_to(home)): (state.st_size, state.st_mtime_ns) for path, state in _files(home)}


def bytes_written(before: dict[str, tuple[int, int]], after: dict[str, tuple[int, int]]) -> int:
    """Bytes of all files that are new or changed; 0 when nothing was touched."""
    return sum(size for path, (size, changed) in after.items() if before.get(path) != (size, changed))
