"""What people ask about a large history: why a closed line has this amount, and every documented query."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any

from benchmarks.scenarios.history import closed_home, history, settings_of
from benchmarks.scenarios.row import Row, Say, Sizes
from orchestration.settings import PROJECT_DIR

EXPLAIN_TARGET_MS, QUERY_TARGET_MS = 100, 50
RUNS = 5


def _milliseconds(work: Callable[[], Any]) -> float:
    """Median of a few runs after a warm-up."""
    work()
    seconds = []
    for _ in range(RUNS):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return median(seconds) * 1000


def _ask(connection: Any, query: str) -> None:
    connection.execute(query).fetchall()


def documented_queries() -> list[str]:
    """Every SQL block of docs/marts.md."""
    text = (PROJECT_DIR / "docs" / "marts.md").read_text(encoding="utf-8")
    return [block.strip() for block in re.findall(r"```sql\n(.*?)```", text, re.DOTALL)]


def measure_explain(sizes: Sizes, say: Say) -> list[Row]:
    """One row: the slowest of a few closed lines, the largest of each meter."""
    from orchestration import duck
    from orchestration.closing.explanation import explain_line
    from orchestration.publishing.release import current_release

    found = history(sizes, say)
    settings = settings_of(closed_home(sizes, found, say), found.known)
    release = current_release(settings)
    assert release is not None
    with duck.connect(release.database, settings, read_only=True) as connection:
        lines = connection.execute(
            "select arg_max(line_id, raw_rows) from marts.fct_invoice_lines "
            f"where billing_month = date '{found.months[0]:%Y-%m-%d}' group by meter order by 1"
        ).fetchall()
    slowest, which = 0.0, ""
    for (line,) in lines:
        say(f"explaining {line}")
        milliseconds = _milliseconds(partial(explain_line, settings, line))
        if milliseconds > slowest:
            slowest, which = milliseconds, line
    return [
        Row(
            f"explain_{sizes.history_months}x{sizes.month_records}",
            f"Explain a closed line, {sizes.history_months * sizes.month_records:,} records of history",
            "",
            f"{slowest:.0f} ms",
            f"slowest of {len(lines)}: {which}",
            f"at most {EXPLAIN_TARGET_MS} ms",
            slowest <= EXPLAIN_TARGET_MS,
        )
    ]


def measure_queries(sizes: Sizes, say: Say) -> list[Row]:
    """One row: the slowest documented query on the published marts of the history."""
    from orchestration.publishing.analyst_sql import open_release

    found = history(sizes, say)
    settings = settings_of(closed_home(sizes, found, say), found.known)
    queries = documented_queries()
    slowest, which, above = 0.0, "", 0
    with open_release(settings) as connection:
        for query in queries:
            say(query.splitlines()[0][:80])
            milliseconds = _milliseconds(partial(_ask, connection, query))
            above += milliseconds > QUERY_TARGET_MS
            if milliseconds > slowest:
                slowest, which = milliseconds, query
    return [
        Row(
            f"queries_{sizes.history_months}x{sizes.month_records}",
            f"Documented queries on the marts, {sizes.history_months} months",
            f"{len(queries)} queries",
            f"{slowest:.0f} ms",
            f"{above} above the target; slowest: {' '.join(which.split())[:90]}",
            f"at most {QUERY_TARGET_MS} ms",
            slowest <= QUERY_TARGET_MS,
        )
    ]
