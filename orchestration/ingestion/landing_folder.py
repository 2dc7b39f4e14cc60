"""The landing folder itself: whether it is there, and what lies in it. What is new of that is decided elsewhere."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import duckdb

from orchestration import duck
from orchestration.errors import MeterhouseError
from orchestration.settings import Settings
from orchestration.wording import storable_text


class LandingMissing(MeterhouseError):
    """The landing folder is not where it was: a share that is not mounted must not look like a month without usage."""


def demand_landing(settings: Settings) -> None:
    """Raise LandingMissing where the folder is named by the environment, or was taken in from, and is not there.

    A folder taken in from in which nothing lies any more, not even a source's folder, is where a share was mounted.
    A new installation whose default folder was never made has only nothing to take in. Raises
    duckdb.IOException while somebody writes the warehouse, and that only where nothing is there.
    """
    landing = settings.landing
    if settings.landing_url or is_filled(landing):
        return
    if taken_in(settings) or (settings.landing_named and not landing.is_dir()):
        remedy = "Mount or create it, or set METERHOUSE_LANDING to where files land. Until then nothing is taken in, "
        remedy += "and the last release stays served."
        if landing.is_dir():
            what = "is empty, although files were taken in from it"
            remedy += " If it was cleared on purpose, create an empty source folder in it."
        else:
            what = "is not a folder" if landing.exists() else "does not exist"
        raise LandingMissing(f"the landing folder {landing} {what}", remedy)


def is_filled(landing: Path) -> bool:
    """Whether anything at all lies in the folder."""
    return landing.is_dir() and next(landing.iterdir(), None) is not None


def taken_in(settings: Settings) -> bool:
    """Whether a landed file was ever judged here. Raises duckdb.IOException while somebody writes the warehouse."""
    if not settings.warehouse_path.exists():
        return False
    with duck.connect(settings.warehouse_path, settings, read_only=True) as connection:
        try:
            return connection.execute("select 1 from raw.seen_files limit 1").fetchone() is not None
        except duckdb.CatalogException:
            return False


def landed_paths(settings: Settings) -> list[tuple[str, Path]]:
    """(source folder, path) of everything landed, one folder deep, manifests left out, in name order."""
    found: list[tuple[str, Path]] = []
    if not settings.landing.is_dir():
        return found
    for folder in sorted(settings.landing.iterdir(), key=_name):
        if folder.is_symlink() or not folder.is_dir():
            if not folder.name.startswith("."):
                found.append(("", folder))
            continue
        with suppress(FileNotFoundError):  # the folder was taken away since
            for path in sorted(folder.iterdir(), key=_name):  # comparing paths takes four times as long
                if not path.name.endswith(".manifest.json") and not path.name.startswith("."):
                    found.append((folder.name, path))
    return found


def signature(path: Path) -> tuple[int, int] | None:
    """Size and time of a landed file; None where its producer took it away or renamed it since it was listed."""
    try:
        look = path.lstat()
    except FileNotFoundError:
        return None
    return look.st_size, look.st_mtime_ns


def noted(path: Path) -> str:
    """The path as the books have it: a name on disk may hold bytes that are no UTF-8, which no database takes."""
    return storable_text(str(path))


def _name(path: Path) -> str:
    return path.name
