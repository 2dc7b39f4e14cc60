"""Where state lives and how much of the machine may be used.

The only module that reads the environment. It owns no behaviour: every other module is
handed a `Settings` and can so be run on any folder, in tests as in production.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

PROJECT_DIR = Path(__file__).resolve().parent.parent

# Libraries that phone home unless told not to; applied before any of them is imported.
TELEMETRY_OFF = {
    "DO_NOT_TRACK": "1",
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "GX_ANALYTICS_ENABLED": "false",
    "DAGSTER_DISABLE_TELEMETRY": "1",
}


@dataclass(frozen=True)
class Settings:
    """Folders and limits of one Meterhouse installation (paths absolute, sizes in DuckDB's notation)."""

    home: Path
    landing: Path
    project_dir: Path = PROJECT_DIR
    memory_limit: str = "2GB"
    threads: int = field(default_factory=lambda: os.cpu_count() or 2)
    max_file_bytes: int = 64 * 1024**3
    max_expansion_ratio: int = 200

    @property
    def raw_dir(self) -> Path:
        return self.home / "raw"

    @property
    def warehouse_path(self) -> Path:
        return self.home / "warehouse.duckdb"

    @property
    def published_dir(self) -> Path:
        return self.home / "published"

    @property
    def exports_dir(self) -> Path:
        return self.home / "exports"

    @property
    def quality_dir(self) -> Path:
        return self.home / "quality"

    @property
    def dagster_home(self) -> Path:
        return self.home / "dagster"

    @property
    def dbt_target_dir(self) -> Path:
        return self.home / "dbt" / "target"

    @property
    def tmp_dir(self) -> Path:
        return self.home / "tmp"


def load_settings() -> Settings:
    """Settings from METERHOUSE_HOME, METERHOUSE_LANDING, METERHOUSE_MEMORY_LIMIT and METERHOUSE_THREADS."""
    for name, value in TELEMETRY_OFF.items():
        os.environ.setdefault(name, value)
    home = Path(os.environ.get("METERHOUSE_HOME") or PROJECT_DIR / "var").resolve()
    landing = Path(os.environ.get("METERHOUSE_LANDING") or PROJECT_DIR / "landing").resolve()
    return Settings(
        home=home,
        landing=landing,
        memory_limit=os.environ.get("METERHOUSE_MEMORY_LIMIT", "2GB"),
        threads=int(os.environ.get("METERHOUSE_THREADS") or os.cpu_count() or 2),
    )
