"""Debian's programs that some tests drive (marker `needs_programs`): found, or a plain sentence."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from orchestration.settings import PROJECT_DIR

# Screenshots and logs of `make test-ui`.
ARTEFACTS = Path(os.environ.get("METERHOUSE_UI_ARTEFACTS") or PROJECT_DIR / "var" / "ui-artefacts")


def program(name: str, package: str) -> str:
    """Path of a program; fails the test with what to install where it is missing."""
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin")
    if found is None:
        pytest.fail(f"{name} is missing: install Debian's package {package}, or run make test-ui as root")
    return found


def postgres_programs() -> Path:
    """Folder of the newest PostgreSQL's programs."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parent.parent.name))
    if not found:
        pytest.fail("PostgreSQL is missing: install Debian's package postgresql, or run make test-ui as root")
    return found[-1].parent
