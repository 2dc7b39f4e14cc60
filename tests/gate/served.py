"""What is served, to the byte: held before a door is tried, compared after."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

from orchestration.settings import Settings


def served_bytes(settings: Settings) -> dict[str, str]:
    """Hash of every file under published/, and where every link leads."""
    folder = settings.published_dir
    return {
        str(path.relative_to(folder)): str(path.readlink())
        if path.is_symlink()
        else hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_symlink() or path.is_file()
    }


@contextmanager
def nothing_served_changes(settings: Settings) -> Iterator[None]:
    """What is published is the same to the byte after the inside as before it; there is something published."""
    before = served_bytes(settings)
    assert "current" in before
    yield
    assert served_bytes(settings) == before
