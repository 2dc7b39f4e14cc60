"""What the marts hold, remembered by the process that looked for as long as the build file looks the same.

A run judges and publishes one candidate: its rows need be read once for both. Whoever wrote in between changed
the file, and then its rows are read again. Kept in memory alone: what another process said counts for nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import duckdb

from orchestration.quality.content_hash import candidate_hashes, mart_names
from orchestration.quality.month_contents import Content, contents
from orchestration.settings import Settings

_Look = tuple[tuple[int, int, int] | None, ...]
_known: dict[Path, tuple[_Look, dict[str, str], dict[str, Content]]] = {}


def remember(settings: Settings, hashes: Mapping[str, str], held: Mapping[str, Content]) -> None:
    """This is what the build file's marts are. Call with the write lock held and no connection open."""
    _known[settings.warehouse_path] = (_look(settings.warehouse_path), dict(hashes), dict(held))


def mart_hashes(connection: duckdb.DuckDBPyConnection, settings: Settings) -> dict[str, str]:
    """Hash of every mart of the build file that `connection` has just opened, by name."""
    found = _remembered(settings)
    return dict(found[0]) if found else candidate_hashes(connection)


def mart_contents(connection: duckdb.DuckDBPyConnection, settings: Settings) -> dict[str, Content]:
    """What every mart of that build file holds, by name."""
    found = _remembered(settings)
    return dict(found[1]) if found else contents(connection, "marts", mart_names(connection))


def _remembered(settings: Settings) -> tuple[dict[str, str], dict[str, Content]] | None:
    look, hashes, held = _known.get(settings.warehouse_path, (None, {}, {}))
    return (hashes, held) if look is not None and look == _look(settings.warehouse_path) else None


def _look(path: Path) -> _Look:
    """Identity, size and time of the build file and of its write-ahead log: what is written is in one of them."""
    looks: list[tuple[int, int, int] | None] = []
    for file in (path, path.with_name(f"{path.name}.wal")):
        try:
            info = file.stat()
        except FileNotFoundError:
            looks.append(None)
        else:
            looks.append((info.st_ino, info.st_size, info.st_mtime_ns))
    return tuple(looks)
