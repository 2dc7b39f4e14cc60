"""Great Expectations judges what moved: what stands is what was found on the same rows, and nothing else."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from orchestration import duck, pipeline
from orchestration.publishing.release import current_release
from orchestration.quality import gate, unmoved_suites
from orchestration.quality import verdict as verdicts
from orchestration.quality.content_hash import candidate_hashes
from orchestration.quality.gx_runner import SuiteRunner
from orchestration.quality.suites import Suite, candidate_suites
from orchestration.settings import Settings
from orchestration.warehouse.again import Again
from orchestration.warehouse.writer_lock import writer_lock
from tests.conftest import SampleRun


@pytest.fixture
def copied(sample_run: SampleRun, tmp_path: Path) -> Settings:
    shutil.copytree(sample_run.settings.home, tmp_path / "var", symlinks=True)
    return Settings(home=tmp_path / "var", landing=sample_run.settings.landing, memory_limit="1GB")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the suites that Great Expectations is asked to judge, as they are."""
    names: list[str] = []
    ask = SuiteRunner.ask

    def noted(runner: SuiteRunner, suites: list[Suite]) -> None:
        names.extend(suite.name for suite in suites)
        ask(runner, suites)

    monkeypatch.setattr(SuiteRunner, "ask", noted)
    return names


def _unmoved(settings: Settings) -> set[str]:
    suites = candidate_suites()
    with duck.connect(settings.warehouse_path, settings) as connection:
        unmoved_suites.ensure(connection)
        now = unmoved_suites.contents(connection, suites, candidate_hashes(connection))
        return unmoved_suites.unmoved(connection, suites, now, verdicts.latest_checks(connection))


def _change(settings: Settings, statement: str) -> None:
    with duck.connect(settings.warehouse_path, settings) as connection:
        connection.execute(statement)


def test_a_month_computed_again_that_comes_out_the_same_is_not_judged_again(copied: Settings, asked: list[str]) -> None:
    # The copy is another file than was left: the first run builds and judges all of it.
    pipeline.run_all(copied)
    asked.clear()
    before = current_release(copied)
    report = pipeline.run_all(copied, again=Again(months=("2024-11",), reason="to see"))
    assert asked == []
    assert report.same_as_before and report.verdict is not None and report.verdict.passed
    held = {check.name for check in report.verdict.checks}
    assert held >= {e.name for suite in candidate_suites() for e in suite.expectations}
    after = current_release(copied)
    assert before is not None and after is not None and after.release_id == before.release_id


def test_where_no_data_test_ran_nothing_has_passed(copied: Settings) -> None:
    """Though every suite stands as it was judged."""
    with writer_lock(copied), SuiteRunner(copied) as runner:
        verdict = gate.judge(copied, [], runner)
    assert [check.name for check in verdict.failed] == ["dbt_tests_ran"]


@pytest.mark.parametrize(
    ("statement", "moved"),
    [
        ("update marts.dim_tenants set currency_code = 'XXX'", {"candidate_invoice_lines"}),
        (
            "update marts.fct_invoice_lines set billed_amount = billed_amount + 1",
            {"candidate_invoice_lines", "candidate_invoices"},
        ),
        ("update raw.receipts set rows_total = rows_total + 1", {"candidate_record_fates"}),
        ("update marts.dim_plans set plan_name = plan_name || 'x'", set()),
    ],
)
def test_a_suite_is_asked_again_when_anything_it_reads_moved(copied: Settings, statement: str, moved: set[str]) -> None:
    every = {suite.name for suite in candidate_suites()}
    assert _unmoved(copied) == every
    _change(copied, statement)
    assert _unmoved(copied) == every - moved


def test_a_suite_one_of_whose_checks_failed_or_is_missing_is_asked_again(copied: Settings) -> None:
    (suite, *_) = candidate_suites()
    with duck.connect(copied.warehouse_path, copied) as connection:
        checks = verdicts.latest_checks(connection)
        now = unmoved_suites.contents(connection, [suite], candidate_hashes(connection))
        name = suite.expectations[-1].name
        failed = [replace(check, passed=False) if check.name == name else check for check in checks]
        missing = [check for check in checks if check.name != name]
        assert unmoved_suites.unmoved(connection, [suite], now, checks) == {suite.name}
        assert unmoved_suites.unmoved(connection, [suite], now, failed) == set()
        assert unmoved_suites.unmoved(connection, [suite], now, missing) == set()


def test_a_suite_whose_expectations_changed_is_asked_again(copied: Settings) -> None:
    (suite, *_) = candidate_suites()
    stricter = replace(suite.expectations[0], arguments={"min_value": 10**9})
    with duck.connect(copied.warehouse_path, copied) as connection:
        hashes = candidate_hashes(connection)
        changed = replace(suite, expectations=(stricter, *suite.expectations[1:]))
        assert unmoved_suites.contents(connection, [suite], hashes) != unmoved_suites.contents(
            connection, [changed], hashes
        )


def test_every_relation_a_suite_reads_is_named() -> None:
    for suite in candidate_suites():
        queries = [str(e.arguments.get("unexpected_rows_query", "")) for e in suite.expectations]
        read = set(re.findall(r"\b(?:marts|raw|ops|intermediate|seeds)\.\w+", " ".join(queries)))
        assert read <= {suite.relation, *suite.also_reads}
        assert set(suite.also_reads) <= read
