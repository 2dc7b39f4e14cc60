"""The dbt unit tests beside the models, run here so that one command runs everything."""

from __future__ import annotations

import os
from pathlib import Path

from orchestration.settings import PROJECT_DIR
from tests.conftest import SampleRun


def test_every_dbt_unit_test_passes(sample_run: SampleRun, tmp_path: Path) -> None:
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    os.environ["METERHOUSE_WAREHOUSE"] = str(sample_run.settings.warehouse_path)
    folder = str(PROJECT_DIR)
    # Unit tests read the parents' columns from the warehouse and write nothing to it.
    command = ["test", "--select", "test_type:unit", "--project-dir", folder, "--profiles-dir", folder]
    result = dbtRunner().invoke(
        [*command, "--target-path", str(tmp_path / "target"), "--log-path", str(tmp_path), "--quiet"]
    )
    DuckDBConnectionManager.close_all_connections()
    assert result.result is not None, result.exception
    # Before them dbt looks at the build file.
    results = [r for r in result.result.results if str(r.node.resource_type) != "operation"]
    assert [f"{r.node.name}: {r.message}" for r in results if str(r.status) != "pass"] == []
    assert len(results) >= 170
