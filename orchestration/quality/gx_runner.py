"""Running suites with Great Expectations on DuckDB, in a process of its own.

The library takes seconds to load, and its driver's cursors hold the build file open with
settings of their own for as long as the process lives: both are gone when the worker ends.
Run as `python -m orchestration.quality.gx_runner`, suites on standard input, checks in a file.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from types import ModuleType
from typing import Any

from orchestration.errors import BuildFailed
from orchestration.quality.failing_keys import SHOWN, key_columns, key_text
from orchestration.quality.suites import Expectation, Suite
from orchestration.quality.verdict import Check, checks_read
from orchestration.settings import PROJECT_DIR, Settings

# The cursor of duckdb's SQLAlchemy driver is read after its connection went back to the pool,
# and is empty by then; keeping the rows at hand cures every expectation. A test watches it.


def hold_rows_after_execute(engine: Any) -> None:
    """Make `engine` fetch each result's rows at once, while its cursor still has them."""
    from sqlalchemy import event
    from sqlalchemy.engine.cursor import FullyBufferedCursorFetchStrategy

    @event.listens_for(engine, "after_cursor_execute")
    def keep(_c: Any, cursor: Any, _s: Any, _p: Any, context: Any, _m: Any) -> None:
        if cursor.description:
            rows = list(cursor.fetchall())
            context.cursor_fetch_strategy = FullyBufferedCursorFetchStrategy(cursor.description, initial_buffer=rows)


def _exception_text(info: Any) -> str:
    """The first exception message in what the library reports, however deep it lies."""
    if not isinstance(info, dict):
        return ""
    if info.get("exception_message"):
        return str(info["exception_message"])
    return next((text for value in info.values() if (text := _exception_text(value))), "")


def evaluate(warehouse: str, suites: list[Suite], told: dict[str, Any] | None = None) -> list[Check]:
    """Judge every expectation against the build file.

    Returns one Check per expectation; an expectation that cannot be evaluated has failed. `told` is filled
    with the library's own results by name, as it writes them: its Data Docs are made of them.
    """
    import logging
    import warnings

    warnings.filterwarnings("ignore")
    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    logging.getLogger("great_expectations.data_context.types.base").setLevel(logging.ERROR)
    import great_expectations as gx
    from great_expectations import expectations as gxe
    from sqlalchemy.pool import StaticPool

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    source = context.data_sources.add_sql(
        "candidate",
        connection_string=f"duckdb:///{warehouse}",
        # Read only: whoever asked reads the same file meanwhile.
        kwargs={"poolclass": StaticPool, "connect_args": {"read_only": True}},
    )
    engine = source.get_execution_engine().engine
    hold_rows_after_execute(engine)
    with engine.connect() as session:
        # Some of the library's queries leave the schema out.
        session.exec_driver_sql("set search_path = 'marts,raw'")
    checks: list[Check] = []
    try:
        for suite in suites:
            schema, table = suite.relation.split(".")
            asset = source.add_table_asset(suite.name, table_name=table, schema_name=schema)
            batch = asset.add_batch_definition_whole_table("whole").get_batch()
            found: dict[str, Any] = {}
            for form, expectations in _by_result_form(suite).items():
                judged = [getattr(gxe, e.kind)(**e.arguments, meta={"name": e.name}) for e in expectations]
                # Together: what the library asks of a table, it then asks once.
                outcome = batch.validate(
                    gx.ExpectationSuite(name=f"{suite.name} {form}", expectations=judged), result_format=form
                )
                found |= {result.expectation_config.meta["name"]: result for result in outcome.results}
            for expectation in suite.expectations:
                if told is not None:
                    told[expectation.name] = {"suite": suite.name, "result": found[expectation.name].to_json_dict()}
                checks.append(_check(engine, suite, expectation, found[expectation.name]))
    finally:
        engine.dispose()
    return checks


def _by_result_form(suite: Suite) -> dict[str, list[Expectation]]:
    """Only the longest form has the rows a query of ours finds; of values it would list all."""
    found: dict[str, list[Expectation]] = {}
    for expectation in suite.expectations:
        form = "COMPLETE" if expectation.kind == "UnexpectedRowsExpectation" else "BASIC"
        found.setdefault(form, []).append(expectation)
    return found


def _check(engine: Any, suite: Suite, expectation: Expectation, outcome: Any) -> Check:
    result = outcome.result or {}
    passed = bool(outcome.success)
    return Check(
        name=expectation.name,
        kind="great_expectations",
        subject=expectation.subject or suite.relation,
        passed=passed,
        observed=(_exception_text(outcome.exception_info) or _observed(expectation, result))[:200],
        failing_keys=() if passed else _failing_keys(engine, suite, expectation, result),
        remedy=expectation.remedy,
    )


def _observed(expectation: Expectation, result: dict[str, Any]) -> str:
    """What was seen, in words: how many rows there are, or how many of them are not as expected."""
    seen = result.get("observed_value")
    count = result.get("unexpected_count")
    if expectation.kind == "UnexpectedRowsExpectation":
        count = seen
    if count is not None:
        return f"{count} row{'' if count == 1 else 's'} not as expected"
    if expectation.kind == "ExpectTableRowCountToBeBetween":
        return f"{seen} row{'' if seen == 1 else 's'}"
    return "" if seen is None else str(seen)


def _failing_keys(engine: Any, suite: Suite, expectation: Expectation, result: dict[str, Any]) -> tuple[str, ...]:
    """Keys of some rows that are not as expected, however the library shows them."""
    column = expectation.arguments.get("column")
    if expectation.kind == "ExpectColumnValuesToNotBeNull":
        # The library shows the values, which are all null.
        keys = key_columns(suite.keys, suite.keys)
        if not keys:
            return ()
        query = f"select {', '.join(keys)} from {suite.relation} where {column} is null order by all limit {SHOWN}"
        with engine.connect() as session:
            return tuple(key_text(keys, row) for row in session.exec_driver_sql(query).fetchall())
    rows: list[dict[str, Any]] = [
        {str(column): value} for value in dict.fromkeys(result.get("partial_unexpected_list") or [])
    ]
    rows += [dict(row) for row in result.get("details", {}).get("unexpected_rows") or []]
    shown = []
    for row in rows[:SHOWN]:
        keys = key_columns(list(row), suite.keys)
        shown.append(key_text(keys, [row[key] for key in keys]))
    return tuple(shown)


class SuiteRunner:
    """A worker process that judges once; started early, it loads the library while the models are built.

    Use as a context: a worker that was never asked anything is ended on the way out.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        # The library's own results by name of expectation, once `answer` has returned.
        self.told: dict[str, Any] = {}
        self._answer = settings.tmp_dir / "suites_answer.json"
        self._worker: subprocess.Popen[str] | None = None
        self._asked = 0

    @property
    def started(self) -> bool:
        return self._worker is not None

    def start(self) -> SuiteRunner:
        """Begin to load the library; not needed before `ask`. Returns itself."""
        self._begun()
        return self

    def _begun(self) -> subprocess.Popen[str]:
        if self._worker is None:
            self._answer.unlink(missing_ok=True)
            self._worker = subprocess.Popen(
                [sys.executable, "-m", "orchestration.quality.gx_runner"],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                cwd=PROJECT_DIR,
            )
        return self._worker

    def __enter__(self) -> SuiteRunner:
        return self

    def __exit__(self, *_: object) -> None:
        if self._worker is None:
            return
        if self._worker.poll() is None:
            self._worker.kill()
        for channel in (self._worker.stdin, self._worker.stderr):
            if channel is not None:
                with suppress(BrokenPipeError):
                    channel.close()
        self._worker.wait()

    def ask(self, suites: list[Suite]) -> None:
        """Begin to judge: the worker reads the build file, so nobody may have it open to write until `answer`."""
        job = {
            "warehouse": str(self._settings.warehouse_path),
            "suites": [asdict(suite) for suite in suites],
            "answer": str(self._answer),
        }
        self._asked = sum(len(suite.expectations) for suite in suites)
        channel = self._begun().stdin
        assert channel is not None
        with suppress(BrokenPipeError):  # that it died is told by `answer`
            channel.write(json.dumps(job))
            channel.close()

    def answer(self) -> list[Check]:
        """One Check for every expectation asked of, none lost.

        Raises BuildFailed when the worker dies or answers for fewer expectations than were asked.
        """
        worker = self._begun()
        assert worker.stderr is not None
        complaints = worker.stderr.read()
        worker.wait()
        # Of a worker that was killed it may end in the middle.
        ended_well = worker.returncode == 0 and self._answer.exists()
        answer = json.loads(self._answer.read_text(encoding="utf-8")) if ended_well else {}
        found, self.told = answer.get("checks", []), answer.get("told", {})
        if worker.returncode != 0 or len(found) != self._asked:
            last_words = complaints.strip().splitlines()[-1:] or ["no message"]
            raise BuildFailed(
                f"Great Expectations answered {len(found)} of {self._asked} expectations: {last_words[0]}",
                "Nothing was judged, so nothing is published. Run again.",
            )
        return checks_read(found)


def _load() -> None:
    """Import the library, without what no expectation of ours uses: 1.5 s of CPU instead of 3.1.

    One expectation of its core compares distributions and draws them, and for that alone scipy and
    altair are loaded: stand-ins take their place. An expectation that did ask for them would raise, and
    so fail. The collector would look again and again at what an import makes and never lets go of.
    """
    gc.disable()
    for name in ("altair", "scipy", "scipy.stats"):
        sys.modules[name] = _StandIn(name)
    for name in ("boto3", "pyarrow"):
        # Asked for in case they are there, for files on S3 and data frames: to Python, they are not.
        sys.modules[name] = None  # type: ignore[assignment]
    import great_expectations  # noqa: F401  the seconds this takes pass while the models are built


class _StandIn(ModuleType):
    """A module whose every name is an empty class, for annotations to refer to."""

    __path__: list[str] = []  # noqa: RUF012  what makes a module a package

    def __getattr__(self, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


def _end_with_parent() -> None:
    """End when whoever started this worker is killed: else the build file would stay open, and the next run refused."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.2)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _work() -> None:
    _end_with_parent()
    # Nobody waits for the library until the models are built: these have the processors first.
    os.nice(5)
    _load()

    job = json.loads(sys.stdin.read())
    suites = [
        Suite(suite["name"], suite["relation"], tuple(Expectation(**e) for e in suite["expectations"]), suite["keys"])
        for suite in job["suites"]
    ]
    told: dict[str, Any] = {}
    checks = [asdict(check) for check in evaluate(job["warehouse"], suites, told)]
    Path(job["answer"]).write_text(json.dumps({"checks": checks, "told": told}), encoding="utf-8")
    # Nothing is open any more: taking a million objects apart one by one would cost a third of a second.
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    _work()
