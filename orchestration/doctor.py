"""What `meterhouse doctor` looks at: versions, folders, release, build file, history and ledger. Reads only."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import duckdb

from orchestration import duck
from orchestration.closing.ledger_intact import entries_to_build_on
from orchestration.damaged_file import FileDamaged
from orchestration.errors import MeterhouseError, WarehouseBusy
from orchestration.ingestion import spool
from orchestration.ingestion.landing_folder import LandingMissing, demand_landing
from orchestration.ingestion.remote_landing import RemoteLanding
from orchestration.publishing import history
from orchestration.publishing.release import current_release
from orchestration.settings import Settings


class Finding(NamedTuple):
    """One thing looked at: what is shown of it, and what is wrong with it, if anything."""

    shown: str
    problem: MeterhouseError | None = None


def examine(settings: Settings) -> Iterator[Finding]:
    """Everything looked at, in the order a person asks: versions, folders, what is served, what is being built."""
    yield _versions()
    yield _landing(settings)
    yield _writable("state", settings.home)
    yield _free_disk(settings.home)
    yield _served_release(settings)
    yield _build_file(settings)
    yield _history(settings)
    yield _ledger(settings)


def _versions() -> Finding:
    problem = None
    if duckdb.__version__.startswith("1.4."):
        problem = MeterhouseError(
            "duckdb 1.4 can lose tables on a full disk", "Install the locked version: make install."
        )
    return Finding(f"python {sys.version.split()[0]}, duckdb {duckdb.__version__}", problem)


def _landing(settings: Settings) -> Finding:
    try:
        demand_landing(settings)
    except LandingMissing as missing:
        return Finding(f"landing: {settings.landing_text} (missing)", missing)
    if settings.landing_url:
        objects = spool.listed(settings, RemoteLanding(settings.landing_url))
        return Finding(f"landing: {settings.landing_url} ({len(objects)} objects)")
    return _writable("landing", settings.landing)


def _writable(name: str, folder: Path) -> Finding:
    """A folder that is there, or can be made in the nearest one above it that is."""
    if os.access(_nearest(folder), os.W_OK):
        return Finding(f"{name}: {folder} (ok)")
    error = MeterhouseError(f"{folder} cannot be written", "Give this account the right to write there.")
    return Finding(f"{name}: {folder} (not writable)", error)


def _nearest(folder: Path) -> Path:
    return next(there for there in (folder, *folder.parents) if there.exists())


def _free_disk(home: Path) -> Finding:
    """How much may still be written where state lives; nothing says how much a run will need."""
    return Finding(f"disk: {shutil.disk_usage(_nearest(home)).free / 1e9:,.1f} GB free for state")


def _served_release(settings: Settings) -> Finding:
    try:
        served = current_release(settings)
        if served is None:
            return Finding("release: none yet (meterhouse run)")
        shown = f"release: {served.release_id}"
        try:
            duck.open_to_read(served.database).close()
        except MeterhouseError as error:
            return Finding(shown, error)
        return Finding(shown)
    except MeterhouseError as error:
        return Finding("release: cannot be read", error)


def _build_file(settings: Settings) -> Finding:
    """Whether it can be opened. One that a run is writing is not looked at: that run says what is wrong with it."""
    if not settings.warehouse_path.exists():
        return Finding("build file: none yet (meterhouse run)")
    try:
        duck.open_to_read(settings.warehouse_path).close()
    except WarehouseBusy:
        return Finding("build file: in use by a run")
    except MeterhouseError as error:
        return Finding("build file: cannot be read", error)
    return Finding("build file: ok")


def _history(settings: Settings) -> Finding:
    """Whether the record of every publication can be read: what was known at an instant is shown from them."""
    try:
        return Finding(f"history: {len(history.publications(settings))} publications")
    except MeterhouseError as error:
        return Finding("history: cannot be read", error)


def _ledger(settings: Settings) -> Finding:
    """Whether every close is as it was written, with the files the models read, and none was lost."""
    try:
        entries = entries_to_build_on(settings)
    except FileDamaged:
        return Finding("ledger: cannot be compared with the history")
    except MeterhouseError as error:
        return Finding("ledger: not as it was written", error)
    return Finding(f"ledger: {len(entries)} entries, as they were written")
