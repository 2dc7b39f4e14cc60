"""The one verdict on a candidate, bound to the hash of what was judged.

It owns what a check result looks like and how a verdict is kept; what is checked is elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

import duckdb

from orchestration.sql_literals import sql_text

DDL = "create table if not exists ops.verdicts (candidate_hash varchar, passed boolean, body varchar)"


@dataclass(frozen=True)
class Check:
    """One check: what it looked at, whether it passed, what it saw, and what to do if it failed."""

    name: str
    kind: str
    subject: str
    passed: bool
    observed: str = ""
    failing_keys: tuple[str, ...] = ()
    remedy: str = ""


@dataclass(frozen=True)
class Verdict:
    """All checks of one candidate. It passes when there are checks and none failed."""

    candidate_hash: str
    checks: tuple[Check, ...] = field(default_factory=tuple)

    @property
    def passed(self) -> bool:
        return bool(self.checks) and all(check.passed for check in self.checks)

    @property
    def failed(self) -> list[Check]:
        return [check for check in self.checks if not check.passed]

    def as_dict(self) -> dict[str, Any]:
        return {
            "candidate_hash": self.candidate_hash,
            "passed": self.passed,
            "checks": [asdict(check) for check in self.checks],
        }


def ensure(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the place of the verdict, where it is missing."""
    connection.execute(DDL)


def keep(connection: duckdb.DuckDBPyConnection, verdict: Verdict) -> None:
    """Store the verdict in the build file; there is one candidate, so there is one verdict."""
    ensure(connection)
    connection.execute("delete from ops.verdicts")
    # Literals: binding parameters makes the driver import pandas, 0.5 s of CPU.
    body = sql_text(json.dumps(verdict.as_dict(), sort_keys=True))
    connection.execute(
        f"insert into ops.verdicts values ({sql_text(verdict.candidate_hash)}, {verdict.passed}, {body})"
    )


def find(connection: duckdb.DuckDBPyConnection, candidate_hash: str) -> Verdict | None:
    """The verdict on exactly this candidate, or None."""
    try:
        row = connection.execute(
            f"select body from ops.verdicts where candidate_hash = {sql_text(candidate_hash)}"
        ).fetchone()
    except duckdb.CatalogException:
        return None
    return read(row[0]) if row else None


def latest_checks(connection: duckdb.DuckDBPyConnection) -> list[Check]:
    """The checks of the last verdict, whatever it was on; none before the first. Reads only."""
    found = latest(connection)
    return list(found.checks) if found else []


def latest(connection: duckdb.DuckDBPyConnection) -> Verdict | None:
    """The last verdict, whatever it was on; None before the first. Reads only."""
    try:
        row = connection.execute("select body from ops.verdicts").fetchone()
    except duckdb.CatalogException:
        return None
    return read(row[0]) if row else None


def read(body: str) -> Verdict:
    """A verdict as its `as_dict` was written in JSON."""
    told = json.loads(body)
    return Verdict(told["candidate_hash"], tuple(checks_read(told["checks"])))


def checks_read(told: Iterable[dict[str, Any]]) -> list[Check]:
    """Checks as `asdict` and JSON left them."""
    return [Check(**{**check, "failing_keys": tuple(check["failing_keys"])}) for check in told]


def standing(connection: duckdb.DuckDBPyConnection) -> tuple[str, bool] | None:
    """(candidate hash, passed) of the verdict that stands, without reading its checks.

    Reads only; raises CatalogException where nothing was ever judged.
    """
    row = connection.execute("select candidate_hash, passed from ops.verdicts").fetchone()
    return (row[0], bool(row[1])) if row else None
