"""Whether the project that built a warehouse is still the same: one hash over its models and seeds."""

from __future__ import annotations

import hashlib
import os
from functools import cache
from pathlib import Path

from orchestration.ingestion.landing import LOADER_VERSION
from orchestration.settings import Settings

_PARTS = ("models", "macros", "seeds", "dbt_project.yml", "tests/generic")
# Path, size and time of last change of every file.
Looks = tuple[tuple[str, int, int], ...]


# Texts, not paths: files are looked at a dozen times a run, and paths take 15 ms a time to be made and sorted.
def _names(path: str) -> list[str]:
    """The file itself, or all files below the folder; not what only points to one that is gone."""
    if not os.path.isdir(path):  # noqa: PTH112
        return [path]
    below = (os.path.join(folder, name) for folder, _, names in os.walk(path) for name in names)  # noqa: PTH118
    return sorted(name for name in below if os.path.isfile(name))  # noqa: PTH113


def _looks(project_dir: Path, parts: tuple[str, ...]) -> Looks:
    found = [(name, os.stat(name)) for part in parts for name in _names(str(project_dir / part))]  # noqa: PTH116
    return tuple((name, look.st_size, look.st_mtime_ns) for name, look in found)


def files_hash(project_dir: Path, parts: tuple[str, ...]) -> str:
    """Hash of these files and folders of the project, names and content, and of the loader's version."""
    return _content_hash(project_dir, _looks(project_dir, parts))


@cache
def _content_hash(project_dir: Path, looks: Looks) -> str:
    # Read once a process for as long as every file looks the same: a file may be edited meanwhile.
    digest = hashlib.sha256(LOADER_VERSION.encode())
    for name, _, _ in looks:
        path = Path(name)
        digest.update(str(path.relative_to(project_dir)).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def project_hash(settings: Settings) -> str:
    """Hash of models, macros, seeds, tests and the loader's version."""
    return files_hash(settings.project_dir, _PARTS)


def models_hash(settings: Settings) -> str:
    """Hash of all that but the seeds: whether anything else decides what is billed."""
    return files_hash(settings.project_dir, tuple(part for part in _PARTS if part != "seeds"))


def seeds_hash(settings: Settings) -> str:
    """Hash of the seeds alone: unchanged seeds are not loaded again."""
    return files_hash(settings.project_dir, ("seeds",))
