"""The published sample in a home of its own: a test may run in it, land files in it and break it."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb

from orchestration.settings import Settings
from orchestration.warehouse.writer_lock import settle_doubt, writer_lock
from tests.conftest import SampleRun


def copy_of(sample_run: SampleRun, root: Path) -> Settings:
    """Copy home and landing under `root`, as if the files had always lain there: nothing in it is new."""
    mine = Settings(home=root / "var", landing=root / "landing", memory_limit="1GB")
    shutil.copytree(sample_run.settings.home, mine.home, symlinks=True, ignore=shutil.ignore_patterns("dagster"))
    shutil.copytree(sample_run.settings.landing, mine.landing)
    with writer_lock(mine), duckdb.connect(str(mine.warehouse_path)) as connection:
        former = str(sample_run.settings.landing)
        connection.execute("update raw.seen_files set path = replace(path, ?, ?)", [former, str(mine.landing)])
        for path in mine.landing.rglob("*"):
            look = path.stat()
            connection.execute(
                "update raw.seen_files set modified_ns = ? where path = ?", [look.st_mtime_ns, str(path)]
            )
    settle_doubt(mine)
    return mine
