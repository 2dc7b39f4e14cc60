"""Which checks a verdict must hold before it may let anything pass: found from the project, never from the verdict.

A verdict that holds fewer, because a test was skipped or its row was cut, is no verdict on the candidate.
"""

from __future__ import annotations

import duckdb

from orchestration.quality import arrivals
from orchestration.quality.suites import arriving_suites, candidate_suites
from orchestration.quality.verdict import Verdict
from orchestration.settings import Settings


def missing_checks(connection: duckdb.DuckDBPyConnection, settings: Settings, verdict: Verdict) -> list[str]:
    """Names of the checks that should be in `verdict` and are not, sorted."""
    held = {check.name for check in verdict.checks}
    return sorted(required_checks(connection, settings) - held)


def required_checks(connection: duckdb.DuckDBPyConnection, settings: Settings) -> set[str]:
    """Every data and unit test of the project, every expectation on the candidate and each source that arrived."""
    # Loaded here: who only asks whether there is anything to do needs none of it.
    from orchestration.warehouse.dbt_build import project_of
    from orchestration.warehouse.unit_tests import check_name, names_by_model

    try:
        rows = connection.execute(f"select distinct source from {arrivals.RELATION} order by 1").fetchall()
    except duckdb.CatalogException:
        rows = []
    suites = [*candidate_suites(), *arriving_suites([source for (source,) in rows])]
    expected = {expectation.name for suite in suites for expectation in suite.expectations}
    project = project_of(settings)
    tested = {check_name(model) for model in names_by_model(project.raw)}
    return expected | tested | {test.name for test in project.of_kind("test")}
