"""Homes that several scenarios start from: built once per state of the code, and copied for each run."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.landing import bench_dir
from orchestration.settings import PROJECT_DIR

CODE = ("models", "macros", "seeds", "orchestration", "dbt_project.yml")


def code_hash() -> str:
    """Changes with everything that decides what a warehouse holds."""
    digest = hashlib.sha256()
    for part in CODE:
        root = PROJECT_DIR / part
        files = [root] if root.is_file() else sorted(path for path in root.rglob("*") if path.is_file())
        for path in files:
            if path.suffix in (".py", ".sql", ".yml", ".csv"):
                digest.update(str(path.relative_to(PROJECT_DIR)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


def kept_home(name: str, build: Callable[[Path], None]) -> Path:
    """The home `name`, built if there is none for this code; homes built by other code are deleted."""
    root = bench_dir() / "homes"
    home = root / f"{name}_{code_hash()}"
    if not (home / ".complete").exists():
        for stale in root.glob(f"{name}_*"):
            shutil.rmtree(stale)
        home.mkdir(parents=True)
        build(home)
        (home / ".complete").touch()
    return home


def _copy_or_link(source: str, target: str) -> str:
    # Parquet parts and releases are never changed in place; the build file is.
    if source.endswith(".parquet"):
        os.link(source, target)
        return target
    return str(shutil.copy2(source, target))


def copied(home: Path, target: Path) -> Path:
    """A copy of a home that a run may change."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(home, target, symlinks=True, copy_function=_copy_or_link)
    (target / ".complete").unlink(missing_ok=True)
    return target


def linked(landing: Path, target: Path, keep: Callable[[Path], bool] = lambda _: True) -> Path:
    """The files of a landing that `keep` wants, hard-linked into another folder."""
    shutil.rmtree(target, ignore_errors=True)
    for path in sorted(landing.rglob("*")):
        if path.is_file() and keep(path):
            place = target / path.relative_to(landing)
            place.parent.mkdir(parents=True, exist_ok=True)
            os.link(path, place)
    return target


@contextmanager
def arrived(landing: Path, files: Iterable[Path]) -> Iterator[Path]:
    """The landing with more files in it, linked from where they are, until the block ends.

    Files land in a known folder: every file of a new one would have to be looked at.
    """
    placed = []
    try:
        for path in files:
            place = landing / path.parent.name / path.name
            place.parent.mkdir(exist_ok=True)
            os.link(path, place)
            placed.append(place)
        yield landing
    finally:
        for place in placed:
            place.unlink()
