"""Candidate suites whose relations hold what they held when last judged: what was found then stands.

The same rows give the same result, so they are not read again: loading the library alone takes a second. Told
by the hashes the verdict is bound to, never by what a run believes it touched.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict

import duckdb

from orchestration.quality.suites import Suite
from orchestration.quality.verdict import Check
from orchestration.sql_literals import sql_text
from orchestration.warehouse.node_worker import content_of

DDL = "create table if not exists ops.suites_judged (suite varchar, content varchar)"


def ensure(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the table of what was judged, where it is missing."""
    connection.execute(DDL)


def contents(
    connection: duckdb.DuckDBPyConnection, suites: Sequence[Suite], mart_hashes: Mapping[str, str]
) -> dict[str, str]:
    """One hash a suite, by its name: of its expectations, and of all that the relations it reads hold."""
    return {suite.name: _content(connection, suite, mart_hashes) for suite in suites}


def _content(connection: duckdb.DuckDBPyConnection, suite: Suite, mart_hashes: Mapping[str, str]) -> str:
    told = [json.dumps(asdict(suite), sort_keys=True)]
    for relation in (suite.relation, *suite.also_reads):
        schema, _, name = relation.partition(".")
        held = mart_hashes.get(name, "not there") if schema == "marts" else content_of(connection, relation)
        told.append(f"{relation} {held}")
    return hashlib.sha256("\n".join(told).encode()).hexdigest()


def unmoved(
    connection: duckdb.DuckDBPyConnection, suites: Sequence[Suite], now: Mapping[str, str], earlier: Sequence[Check]
) -> set[str]:
    """Names of the suites whose content is as it was judged, and passed, with every check among `earlier`."""
    judged = dict(connection.execute("select suite, content from ops.suites_judged").fetchall())
    passed = {check.name for check in earlier if check.passed}
    return {
        suite.name
        for suite in suites
        if judged.get(suite.name) == now[suite.name] and passed.issuperset(e.name for e in suite.expectations)
    }


def note_judged(connection: duckdb.DuckDBPyConnection, now: Mapping[str, str]) -> None:
    """These are what was judged. Call in the transaction that keeps the verdict."""
    connection.execute("delete from ops.suites_judged")
    rows = ", ".join(f"({sql_text(name)}, {sql_text(content)})" for name, content in sorted(now.items()))
    connection.execute(f"insert into ops.suites_judged values {rows}")
