"""Whether made-up extracts may be written to a folder: never among real ones, or they would be billed with them."""

from __future__ import annotations

from pathlib import Path

from orchestration.closing.ledger import entry_folders
from orchestration.errors import MeterhouseError
from orchestration.ingestion.landing_folder import is_filled, taken_in
from orchestration.publishing.release import current_release
from orchestration.settings import Settings

_ELSEWHERE = "For sample data, set METERHOUSE_HOME and METERHOUSE_LANDING to new folders"


def demand_room(settings: Settings, folder: Path) -> None:
    """Raise MeterhouseError unless the folder is empty or not there and, if it is the landing, the home knows nothing.

    Raises duckdb.IOException while somebody writes the warehouse.
    """
    if folder.exists() and not folder.is_dir():
        raise MeterhouseError(f"{folder} is not a folder", "Name a folder with --out.")
    if is_filled(folder):
        raise MeterhouseError(
            f"no sample data was written to {folder}: the folder is not empty",
            f"{_ELSEWHERE}, or name an empty folder with --out. To mix them on purpose, use --force.",
        )
    if folder.resolve() != settings.landing:
        return
    if held := _held(settings):
        raise MeterhouseError(
            f"no sample data was written to {folder}: it is empty, but {settings.home} has {held}",
            "Mount the landing folder, or set METERHOUSE_LANDING to its path. "
            f"{_ELSEWHERE}; to mix them on purpose, use --force.",
        )


def _held(settings: Settings) -> str:
    """What the home knows of real data; empty where it knows nothing."""
    if entry_folders(settings):
        return "a ledger"
    if (served := current_release(settings)) is not None:
        return f"release {served.release_id}"
    return "files taken in before" if taken_in(settings) else ""
