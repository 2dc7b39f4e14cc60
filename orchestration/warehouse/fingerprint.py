"""Whether the project that built a warehouse is still the same: one hash over its models and seeds."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from orchestration.ingestion.landing import LOADER_VERSION
from orchestration.settings import Settings

_PARTS = ("models", "macros", "seeds", "dbt_project.yml", "tests/generic")


def _files(project_dir: Path, parts: tuple[str, ...]) -> list[Path]:
    found: list[Path] = []
    for part in parts:
        path = project_dir / part
        found += sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    return found


def files_hash(project_dir: Path, parts: tuple[str, ...]) -> str:
    """Hash of these files and folders of the project, names and content, and of the loader's version."""
    paths = _files(project_dir, parts)
    looks = tuple((path, found.st_size, found.st_mtime_ns) for path in paths for found in [path.stat()])
    return _content_hash(project_dir, looks)


@cache
def _content_hash(project_dir: Path, looks: tuple[tuple[Path, int, int], ...]) -> str:
    # Read once a process for as long as every file looks the same: a file may be edited meanwhile.
    digest = hashlib.sha256(LOADER_VERSION.encode())
    for path, _, _ in looks:
        digest.update(str(path.relative_to(project_dir)).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def project_hash(settings: Settings) -> str:
    """Hash of models, macros, seeds, tests and the loader's version."""
    return files_hash(settings.project_dir, _PARTS)


def seeds_hash(settings: Settings) -> str:
    """Hash of the seeds alone: unchanged seeds are not loaded again."""
    return files_hash(settings.project_dir, ("seeds",))
