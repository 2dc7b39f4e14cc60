"""Waiting until a file or a folder's entries outlast a power cut."""

from __future__ import annotations

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path


def sync(path: Path) -> None:
    """Return when what is written of a file, or which files a folder has, is on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_all(paths: Iterable[Path]) -> None:
    """`sync` of each, side by side: the file system joins what waits for the disk at the same time."""
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(sync, paths))
