"""Which checks a verdict must hold before it may let anything pass: found from the project, never from the verdict.

A verdict that holds fewer, because a test was skipped or its row was cut, is no verdict on the candidate.
"""

from __future__ import annotations

import duckdb

from orchestration.quality import arrivals
from orchestration.quality.suites import arriving_suites, candidate_suites
from orchestration.quality.verdict import Verdict
from orchestration.settings import Settings
from orchestration.warehouse import manifest_cache
from orchestration.warehouse.project import read_project


def missing_checks(connection: duckdb.DuckDBPyConnection, settings: Settings, verdict: Verdict) -> list[str]:
    """Names of the checks that should be in `verdict` and are not, sorted."""
    held = {check.name for check in verdict.checks}
    return sorted(required_checks(connection, settings) - held)


def required_checks(connection: duckdb.DuckDBPyConnection, settings: Settings) -> set[str]:
    """Every data test of the dbt project, every expectation on the candidate and on each source that arrived."""
    try:
        rows = connection.execute(f"select distinct source from {arrivals.RELATION} order by 1").fetchall()
    except duckdb.CatalogException:
        rows = []
    suites = [*candidate_suites(), *arriving_suites([source for (source,) in rows])]
    expected = {expectation.name for suite in suites for expectation in suite.expectations}
    return expected | {test.name for test in read_project(_manifest(settings)).of_kind("test")}


def _manifest(settings: Settings) -> bytes:
    content = manifest_cache.manifest_json(settings)
    if content is None:
        from orchestration.warehouse.dbt_build import parse_manifest

        parse_manifest(settings)
        content = (settings.dbt_target_dir / manifest_cache.MANIFEST).read_bytes()
    return content
