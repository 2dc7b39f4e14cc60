"""The ledger: one folder per entry, each chained to the one before by hash; nothing in it is ever updated.

An entry is written beside its place and renamed into it, so that it is there whole or not at all.
What an entry means is decided by who appends it.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from orchestration import clock
from orchestration.durable import sync
from orchestration.errors import MeterhouseError
from orchestration.file_hash import file_sha256
from orchestration.settings import Settings
from orchestration.warehouse.writer_lock import still_the_writer

GENESIS = "0" * 64
ENTRY_FILE = "entry.json"


class LedgerTampered(MeterhouseError):
    """The ledger is not what was written. Exit code 6."""

    exit_code = 6


@dataclass(frozen=True)
class Entry:
    """One fact of the ledger: what was recorded (`kind`, `body`), when (UTC), by whom, and its files' hashes."""

    sequence: int
    kind: str
    recorded_at: str
    recorded_by: str
    previous_sha256: str
    body: dict[str, Any] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)

    @property
    def folder_name(self) -> str:
        return f"{self.sequence:06d}"

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self._text().encode()).hexdigest()

    def _text(self) -> str:
        return json.dumps(self.__dict__, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def ledger_dir(settings: Settings) -> Path:
    """Where the entries lie."""
    return settings.home / "ledger"


def entry_folders(settings: Settings) -> list[Path]:
    """Folders of the entries, in order."""
    folder = ledger_dir(settings)
    return sorted(p for p in folder.iterdir() if p.is_dir() and p.name.isdigit()) if folder.exists() else []


def entries(settings: Settings) -> list[Entry]:
    """All entries, oldest first, their chain proven. Raises LedgerTampered naming the first that does not fit."""
    found: list[Entry] = []
    previous = GENESIS
    for position, folder in enumerate(entry_folders(settings), start=1):
        try:
            told = json.loads((folder / ENTRY_FILE).read_text(encoding="utf-8"))
            claimed = told.pop("sha256")
            entry = Entry(**told)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise _tampered(folder, f"cannot be read ({type(error).__name__})") from error
        if entry.sequence != position or folder.name != entry.folder_name:
            raise _tampered(
                folder, f"is entry {entry.sequence} but entry {position} is expected: an earlier one is missing"
            )
        if entry.sha256 != claimed:
            raise _tampered(folder, "no longer has the hash recorded when it was written")
        if entry.previous_sha256 != previous:
            raise _tampered(folder, "does not continue the chain from the entry before it")
        found.append(entry)
        previous = claimed
    return found


def _tampered(folder: Path, what: str) -> LedgerTampered:
    return LedgerTampered(
        f"ledger entry {folder.name} {what}",
        "Restore the ledger folder from a backup. Nothing was changed, and no month can be closed until it is intact.",
    )


def check_files(settings: Settings, entry: Entry, hashed: Collection[str] | None = None) -> None:
    """Raise LedgerTampered unless every file of the entry is there and hashes to what the entry says.

    Only those named in `hashed`, where that is given, are read: records behind lines may be many.
    """
    folder = ledger_dir(settings) / entry.folder_name
    present = {p.name for p in folder.iterdir()} - {ENTRY_FILE}
    if present != set(entry.files):
        names = ", ".join(sorted(present ^ set(entry.files)))
        raise _tampered(folder, f"has missing or extra files ({names})")
    for name, expected in sorted(entry.files.items()):
        if (hashed is None or name in hashed) and file_sha256(folder / name) != expected:
            raise _tampered(folder, f"has a {name} that differs from the one written")


def head(settings: Settings) -> str:
    """Hash of the newest entry; 64 zeros before the first."""
    found = entries(settings)
    return found[-1].sha256 if found else GENESIS


def closes_head(settings: Settings) -> str:
    """Hash of the newest close: the marts depend on closes, not on signatures before them."""
    closes = [entry for entry in entries(settings) if entry.kind == "close"]
    return closes[-1].sha256 if closes else ""


def append(
    settings: Settings,
    kind: str,
    body: dict[str, Any],
    *,
    by: str,
    now: datetime,
    write_files: Callable[[Path], None] | None = None,
) -> Entry:
    """Append an entry; `write_files` puts its files into the folder it is given. Needs the writer lock.

    `now` is UTC and never before the newest entry. Raises LedgerTampered if the chain is broken, LockLost where
    another process has taken the write lock since.
    """
    if not by.strip():
        raise MeterhouseError("the name of the person who does this is missing", "Give it: --by NAME.")
    before = entries(settings)
    recorded_at = clock.recorded(now)
    if before and recorded_at < before[-1].recorded_at:
        raise MeterhouseError(
            f"the clock says {recorded_at}, which is before the newest ledger entry, of {before[-1].recorded_at}",
            "Correct this machine's clock.",
        )
    sequence = len(before) + 1
    folder = ledger_dir(settings)
    folder.mkdir(parents=True, exist_ok=True)
    building = folder / f".building-{sequence:06d}"
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir()
    try:
        if write_files is not None:
            write_files(building)
        files = {path.name: file_sha256(path) for path in sorted(building.iterdir())}
        entry = Entry(sequence, kind, recorded_at, by.strip(), before[-1].sha256 if before else GENESIS, body, files)
        told = {**entry.__dict__, "sha256": entry.sha256}
        text = json.dumps(told, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
        (building / ENTRY_FILE).write_text(text, encoding="utf-8")
        for path in sorted(building.iterdir()):
            path.chmod(0o444)
            sync(path)
        sync(building)
        with still_the_writer(settings):
            building.rename(folder / entry.folder_name)
        sync(folder)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return entry
