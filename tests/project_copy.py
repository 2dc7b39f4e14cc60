"""A copy of the project, free to be changed."""

from __future__ import annotations

import shutil
from pathlib import Path

from orchestration.settings import PROJECT_DIR

# What dbt reads; tests and benchmarks of the program are not among it.
FOLDERS = ("models", "macros", "seeds", "tests/generic")
FILES = ("dbt_project.yml", "profiles.yml")


def copy_of_project(folder: Path, *, with_program: bool = False) -> Path:
    """Copy the dbt project into `folder`, and what an installation runs from beside it; returns the folder.

    A former copy that lies there is written over.
    """
    for part in (*FOLDERS, *(("orchestration",) if with_program else ())):
        left_out = shutil.ignore_patterns("__pycache__")
        shutil.copytree(PROJECT_DIR / part, folder / part, ignore=left_out, dirs_exist_ok=True)
    for name in FILES:
        shutil.copy(PROJECT_DIR / name, folder / name)
    return folder
