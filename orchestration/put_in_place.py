"""A file or folder that was built beside its place takes it, whole."""

from __future__ import annotations

import shutil
from pathlib import Path


def put_in_place(building: Path, final: Path) -> None:
    """What was built becomes what is there, whole: the former one steps aside first. Also where a file lay there."""
    old = final.with_name(f".{final.name}.old")
    _remove(old)
    if final.exists():
        final.rename(old)
    building.rename(final)
    _remove(old)


def _remove(place: Path) -> None:
    if place.is_file():
        place.unlink()
    shutil.rmtree(place, ignore_errors=True)
