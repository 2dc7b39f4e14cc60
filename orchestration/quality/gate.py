"""The gate: every check of a candidate run and joined into one verdict."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import duckdb

from orchestration import clock, duck
from orchestration.quality import arrivals, circumstances, kept_sums, known_hashes, seal, unmoved_suites
from orchestration.quality import verdict as verdicts
from orchestration.quality.content_hash import combine, mart_names
from orchestration.quality.gx_runner import SuiteRunner
from orchestration.quality.month_contents import Content, contents
from orchestration.quality.suites import arriving_suites, candidate_suites
from orchestration.quality.verdict import Check, Verdict
from orchestration.settings import Settings
from orchestration.warehouse import fencing, state
from orchestration.warehouse.fingerprint import project_hash
from orchestration.warehouse.node_runner import TestResult
from orchestration.warehouse.unit_tests import check_name
from orchestration.warehouse.writer_lock import doubt_noted, held, write_at_once

Meanwhile = Callable[[Mapping[str, str], Mapping[str, Content]], None]


def _from_dbt(test: TestResult) -> Check:
    counted = test.passed or test.message.startswith("Got ")
    thing = "example" if test.name == check_name(test.model) else "row"
    rows = f"{test.failing_rows} failing {thing}{'' if test.failing_rows == 1 else 's'}"
    return Check(
        name=test.name,
        kind="dbt",
        subject=test.model,
        passed=test.passed,
        observed=rows if counted else test.message,
        failing_keys=test.failing_keys,
        remedy="" if test.passed else test.remedy or _unit_test_remedy(test),
    )


def _unit_test_remedy(test: TestResult) -> str:
    if test.name == check_name(test.model):
        return f"Fix {test.model}, or the wrong example in its unit test, and run again."
    return f"Its query is under dbt/target/compiled in the state folder; see {test.model}."


def prepare(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Lay what the suites read into the build file: the last thing a build does to it."""
    if doubt_noted(settings):
        arrivals.forget(connection)
    arrivals.measure(connection, settings)
    unmoved_suites.ensure(connection)
    verdicts.ensure(connection)


def judge(
    settings: Settings,
    tests: list[TestResult],
    runner: SuiteRunner,
    progress: Callable[[str], None] | None = None,
    touched_months: Sequence[str] = (),
    meanwhile: Meanwhile | None = None,
) -> Verdict:
    """Judge the candidate in the build file, which is prepared, and keep the verdict with the months the build touched.

    `tests` are the dbt data tests of the same build; none at all is a failure, not a pass. `meanwhile` is called
    with the marts' hashes and what they hold, while suites run; not where none run or a data test has failed.
    """
    candidate = candidate_suites()
    with duck.connect(settings.warehouse_path, settings, read_only=True) as connection:
        # What an edited verdict says was found earlier is no finding of the gate's.
        sealed = seal.find(connection, settings) is not None
        earlier = verdicts.latest_checks(connection) if sealed else []
        arrived = [check for check in earlier if check.name.startswith("arriving_")]
        sources = arrivals.sources_to_judge(connection, arrived)
        asked = [*arriving_suites(sources), *candidate] if runner.started else []
        if asked:
            _say_suites(progress)
            # Other eyes read the candidate meanwhile.
            runner.ask(asked)
        candidate_holds = contents(connection, "marts", mart_names(connection))
        hashes, sums = kept_sums.candidate_sums(connection, candidate_holds, trusted=sealed)
        asked_of = unmoved_suites.contents(connection, candidate, hashes)
        unmoved = unmoved_suites.unmoved(connection, candidate, asked_of, earlier)
    if not asked:
        asked = [*arriving_suites(sources), *(suite for suite in candidate if suite.name not in unmoved)]
        if asked:
            _say_suites(progress)
            runner.ask(asked)
    checks = [_from_dbt(test) for test in tests]
    if meanwhile and asked and all(test.passed for test in tests):
        meanwhile(hashes, candidate_holds)
    if not tests:
        checks.append(Check("dbt_tests_ran", "dbt", "marts", False, "no dbt test ran", remedy="Build again."))
    # Measures of a source that brought nothing since, and marts that hold what they held, are what was judged:
    # so is what was found.
    checks += [check for check in arrived if check.subject.removeprefix("raw.") not in sources]
    judged = {suite.name for suite in asked}
    standing = {e.name for suite in candidate if suite.name not in judged for e in suite.expectations}
    checks += [check for check in earlier if check.name in standing]
    if asked:
        checks += runner.answer()
    writer = held(settings)
    if writer is not None:
        fencing.demand_newest(settings, writer)
    with write_at_once(settings) as connection:
        found = Verdict(combine(hashes), tuple(checks))
        connection.execute("begin")
        verdicts.keep(connection, found)
        kept_sums.keep(connection, candidate_holds, sums)
        circumstances.keep(connection, clock.utc_now(), touched_months, runner.told, [c.name for c in checks])
        seal.keep(connection, settings, project_hash(settings), writer.number if writer else 0)
        arrivals.note_judged(connection)
        unmoved_suites.note_judged(connection, asked_of)
        state.note_judged(connection)
        connection.execute("commit")
    known_hashes.remember(settings, hashes, candidate_holds)
    return found


def _say_suites(progress: Callable[[str], None] | None) -> None:
    if progress:
        progress("running Great Expectations suites")
