"""Lints the models' SQL with sqlfluff; `python -m tests.sql_style`, part of `make test`."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from orchestration.settings import PROJECT_DIR


def main() -> int:
    """Lint on an empty warehouse with all raw relations; returns sqlfluff's exit code."""
    from orchestration import duck
    from orchestration.closing.ledger_relations import ensure_ledger_relations
    from orchestration.ingestion.raw_setup import ensure_raw_relations
    from orchestration.settings import Settings

    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder), landing=Path(folder) / "landing")
        with duck.connect(settings.warehouse_path, settings) as connection:
            ensure_raw_relations(connection, settings)
            ensure_ledger_relations(connection, settings, [])
        environment = os.environ | {
            "METERHOUSE_WAREHOUSE": str(settings.warehouse_path),
            "DBT_TARGET_PATH": str(settings.dbt_target_dir),
            "DBT_LOG_PATH": str(Path(folder) / "logs"),
        }
        tool = Path(sys.executable).with_name("sqlfluff")
        command = [str(tool), "lint", "models", "--processes", "2"]
        return subprocess.call(command, cwd=PROJECT_DIR, env=environment)


if __name__ == "__main__":
    argparse.ArgumentParser("python -m tests.sql_style", description=__doc__).parse_args()
    sys.exit(main())
