"""dbt unit tests count in the verdict: run here as dbt runs them, once a project, and none passes unasked."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from orchestration import duck
from orchestration.quality import verdict as verdicts
from orchestration.settings import Settings
from orchestration.warehouse import unit_tests
from orchestration.warehouse.dbt_build import project_of
from orchestration.warehouse.project import Project
from tests.conftest import SampleRun
from tests.project_copy import copy_of_project


@pytest.fixture(scope="module")
def project(sample_run: SampleRun) -> Project:
    return project_of(sample_run.settings)


def _turned(value: Any) -> Any:
    """Another value of the same kind."""
    if isinstance(value, bool):
        return not value
    return value + 1 if isinstance(value, int) else None


def test_every_unit_test_passes_here_as_it_does_with_dbt(sample_run: SampleRun, project: Project) -> None:
    # With dbt: tests/test_dbt_unit_tests.py.
    with duck.connect(sample_run.settings.warehouse_path, sample_run.settings, read_only=True) as connection:
        assert unit_tests.run(connection, project) == {}
    assert len(project.raw["unit_tests"]) >= 170


def test_a_wrong_expectation_a_missing_row_and_one_too_many_are_found(sample_run: SampleRun, project: Project) -> None:
    wrong = Project(copy.deepcopy(project.raw))
    expected_to_fail = set()
    for number, (key, test) in enumerate(sorted(wrong.raw["unit_tests"].items())):
        rows = test["expect"]["rows"]
        if number % 7 or not rows:
            continue
        if number % 2:
            rows.append(dict(rows[0]))
        else:
            column = next((c for c, v in rows[0].items() if isinstance(v, int)), None)
            if column is None:
                rows.pop()
            else:
                rows[0][column] = _turned(rows[0][column])
        expected_to_fail.add(key)
    assert len(expected_to_fail) > 20
    with duck.connect(sample_run.settings.warehouse_path, sample_run.settings, read_only=True) as connection:
        failed = unit_tests.run(connection, wrong, sorted(expected_to_fail))
    # One that lost its only row expects none, and is told of as rows where none is expected.
    assert set(failed) == expected_to_fail
    assert all(why.startswith(("missing", "not expected")) or "none is expected" in why for why in failed.values())


def test_a_rule_that_is_wrong_fails_its_own_tests_and_no_other(sample_run: SampleRun, project: Project) -> None:
    broken = Project(copy.deepcopy(project.raw))
    (key,) = (key for key, node in broken.nodes.items() if node.name == "int_gen_07__lines_rated")
    code = broken.raw["nodes"][key]["raw_code"]
    broken.raw["nodes"][key]["raw_code"] = code.replace("unit_price", "(unit_price * 2)", 1)
    mine = [k for k, test in broken.raw["unit_tests"].items() if test["model"] == "int_gen_07__lines_rated"]
    others = [k for k in sorted(broken.raw["unit_tests"]) if k not in mine][:10]
    with duck.connect(sample_run.settings.warehouse_path, sample_run.settings, read_only=True) as connection:
        failed = unit_tests.run(connection, Project(broken.raw), [*mine, *others])
    assert failed and set(failed) <= set(mine)


def test_the_verdict_holds_a_check_for_each_model_with_unit_tests(sample_run: SampleRun, project: Project) -> None:
    with duck.connect(sample_run.settings.warehouse_path, sample_run.settings, read_only=True) as connection:
        (standing,) = connection.execute("select candidate_hash from ops.verdicts").fetchall()
        found = verdicts.find(connection, standing[0])
    assert found is not None
    checks = {check.name: check for check in found.checks}
    models = {test["model"] for test in project.raw["unit_tests"].values()}
    assert {unit_tests.check_name(model) for model in models} <= set(checks)


def test_a_failure_is_told_on_its_model_and_is_not_kept(
    sample_run: SampleRun, project: Project, tmp_path: Path
) -> None:
    key = "unit_test.meterhouse.int_gen_07__lines_rated." + next(
        test["name"] for test in project.raw["unit_tests"].values() if test["model"] == "int_gen_07__lines_rated"
    )
    (result,) = (r for r in unit_tests.by_model(project, {key: "missing (1)"}) if not r.passed)
    assert (result.model, result.failing_rows) == ("int_gen_07__lines_rated", 1)
    assert "missing (1)" in result.message
    # What could not be asked at all fails everywhere.
    assert not any(r.passed for r in unit_tests.by_model(project, {"dbt": "did not run"}))

    mine = _with_a_cache_of_its_own(sample_run.settings, tmp_path)
    assert unit_tests.kept(mine) == {}
    (tmp_path / "project" / ".cache").rename(tmp_path / "gone")
    assert unit_tests.kept(mine) is None
    unit_tests.keep(mine, {key: "missing (1)"})
    assert unit_tests.kept(mine) is None


def test_what_is_kept_holds_for_exactly_these_models(sample_run: SampleRun, tmp_path: Path) -> None:
    mine = _with_a_cache_of_its_own(sample_run.settings, tmp_path)
    assert unit_tests.kept(mine) == {}
    # A unit test gives its own rows: another price in the book moves none of them.
    seed = mine.project_dir / "seeds" / "terms" / "price_updates.csv"
    seed.write_text(seed.read_text(encoding="utf-8").replace("0.", "1.", 1), encoding="utf-8")
    assert unit_tests.kept(mine) == {}
    model = next((mine.project_dir / "models").rglob("int_gen_07__lines_rated.sql"))
    model.write_text(model.read_text(encoding="utf-8") + "\n-- edited\n", encoding="utf-8")
    assert unit_tests.kept(mine) is None


def _with_a_cache_of_its_own(settings: Settings, root: Path) -> Settings:
    """The project copied, with the results of this state of it kept beside it."""
    mine = replace(settings, project_dir=copy_of_project(root / "project"))
    unit_tests.keep(mine, {})
    return mine
