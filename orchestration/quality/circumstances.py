"""What is kept beside the verdict for people: when it was given, months the build touched, the library's results.

None of it is part of the verdict: that is of content alone, and equal content has equal verdicts.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb

from orchestration import clock
from orchestration.sql_literals import sql_text

_DDL = (
    "create table if not exists ops.verdict_circumstances (judged_at varchar, touched_months varchar)",
    # The results of a suite that did not run again stand with its checks.
    "create table if not exists ops.suite_results (check_name varchar, suite varchar, result varchar)",
)


@dataclass(frozen=True)
class Circumstances:
    """When the last verdict was given (UTC) and the months its build touched (2024-11); empty where not known."""

    judged_at: str = ""
    touched_months: tuple[str, ...] = ()


def keep(
    connection: duckdb.DuckDBPyConnection,
    judged_at: datetime,
    touched_months: Sequence[str],
    told: dict[str, Any],
    check_names: Iterable[str],
) -> None:
    """Note the circumstances of the verdict over `check_names`. Call in the transaction that keeps the verdict.

    `told` holds the library's results of the expectations that ran, by name.
    """
    for ddl in _DDL:
        connection.execute(ddl)
    connection.execute("delete from ops.verdict_circumstances")
    months = json.dumps([month[:7] for month in touched_months])
    connection.execute(
        f"insert into ops.verdict_circumstances values ('{judged_at.strftime(clock.TOLD)}', {sql_text(months)})"
    )
    standing = ", ".join(sql_text(name) for name in check_names if name not in told) or "''"
    connection.execute(f"delete from ops.suite_results where check_name not in ({standing})")
    listed = ", ".join(
        f"({sql_text(name)}, {sql_text(row['suite'])}, {sql_text(json.dumps(row['result']))})"
        for name, row in sorted(told.items())
    )
    if listed:
        connection.execute(f"insert into ops.suite_results values {listed}")


def read(connection: duckdb.DuckDBPyConnection) -> Circumstances:
    """Those of the last verdict; empty where it was kept before they were."""
    try:
        row = connection.execute("select judged_at, touched_months from ops.verdict_circumstances").fetchone()
    except duckdb.CatalogException:
        return Circumstances()
    return Circumstances(row[0], tuple(json.loads(row[1]))) if row else Circumstances()


def results_by_suite(connection: duckdb.DuckDBPyConnection) -> dict[str, list[dict[str, Any]]]:
    """The library's own results behind the last verdict, by suite; empty where none were kept."""
    try:
        rows = connection.execute("select suite, result from ops.suite_results order by suite, check_name").fetchall()
    except duckdb.CatalogException:
        return {}
    found: dict[str, list[dict[str, Any]]] = {}
    for suite, result in rows:
        found.setdefault(suite, []).append(json.loads(result))
    return found
