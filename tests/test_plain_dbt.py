"""Who calls dbt on a copy of the build file gets what the product built, and rows where a mart is shown."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestration import duck
from orchestration.quality.content_hash import table_hash
from orchestration.settings import PROJECT_DIR, Settings
from tests.conftest import SampleRun

# With unit tests, of each kind that asks whether it is being built: rows of `ops`, what is new, months that moved.
# A build runs unit tests of the models it builds; tests/test_dbt_unit_tests.py runs all.
MODELS = (
    "int_gen_02__calls_contested",
    "int_kiq_01__*",
    "int_gen_11__use_while_suspended",
    "int_gen_12__lines_drafted",
)


def _dbt(warehouse: Path, *command: str) -> Any:
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    folder, beside = str(PROJECT_DIR), warehouse.parent
    told = ["--project-dir", folder, "--profiles-dir", folder, "--target-path", str(beside / "target")]
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("METERHOUSE_WAREHOUSE", str(warehouse))
        result = dbtRunner().invoke([*command, *told, "--log-path", str(beside), "--quiet"])
    DuckDBConnectionManager.close_all_connections()
    return result


def _content(warehouse: Path, settings: Settings) -> dict[str, str]:
    """Every relation dbt builds, columns, types and rows."""
    with duck.connect(warehouse, settings, read_only=True) as connection:
        names = connection.execute(
            "select table_schema || '.' || table_name from information_schema.tables "
            "where table_schema in ('seeds', 'staging', 'intermediate', 'marts') order by 1"
        ).fetchall()
        return {name: table_hash(connection, name) for (name,) in names}


@pytest.fixture(scope="module")
def warehouse(sample_run: SampleRun, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of the sample's build file, for dbt to build on."""
    copied = tmp_path_factory.mktemp("plain_dbt") / sample_run.settings.warehouse_path.name
    shutil.copy(sample_run.settings.warehouse_path, copied)
    yield copied
    copied.unlink()


def test_what_dbt_builds_on_a_copy_is_what_the_product_built(sample_run: SampleRun, warehouse: Path) -> None:
    for command in (["build", "--exclude", "test_type:unit"], ["run", "--full-refresh"]):
        result = _dbt(warehouse, *command)
        assert result.result is not None, result.exception
        # Nothing is done for an exposure.
        results = [r for r in result.result.results if str(r.node.resource_type) != "exposure"]
        assert [f"{r.node.name}: {r.message}" for r in results if str(r.status) not in ("success", "pass")] == []
        assert {str(r.node.resource_type) for r in results} >= {"model"}
        built = _content(warehouse, sample_run.settings)
        assert built == _content(sample_run.settings.warehouse_path, sample_run.settings)
        assert len(built) > 200


def test_unit_tests_run_in_a_build_as_they_do_in_a_test(warehouse: Path) -> None:
    result = _dbt(warehouse, "build", "--select", *MODELS)
    assert result.result is not None, result.exception
    results = [r for r in result.result.results if str(r.node.resource_type) == "unit_test"]
    assert [f"{r.node.name}: {r.message}" for r in results if str(r.status) != "pass"] == []
    assert {"gen_02__another_record_is_untouched", "kiq_01__a_message_of_an_unknown_sender_is_noticed"} <= {
        r.node.name for r in results
    }


@pytest.mark.parametrize(
    "model", ["fct_invoices", "fct_usage_monthly", "int_kiq_01__exchanges_reread", "int_gen_02__calls_contested"]
)
def test_a_model_is_shown_with_all_its_rows(sample_run: SampleRun, warehouse: Path, model: str) -> None:
    result = _dbt(warehouse, "show", "--select", model, "--limit", "-1")
    assert result.result is not None, result.exception
    # Tests of the model are shown with it.
    (shown,) = [found for found in result.result.results if found.node.name == model]
    with duck.connect(sample_run.settings.warehouse_path, sample_run.settings, read_only=True) as connection:
        (row,) = connection.execute(f"select count(*) from {shown.node.relation_name}").fetchall()
    assert len(shown.agate_table.rows) == row[0] > 0


def test_without_a_build_file_dbt_says_what_to_do_first(tmp_path: Path) -> None:
    result = _dbt(tmp_path / "warehouse.duckdb", "build")
    assert not result.success
    assert "Run `meterhouse run` once" in str(result.exception or result.result.results[0].message)
