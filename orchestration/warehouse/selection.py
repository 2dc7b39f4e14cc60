"""What of the project must run: the descendants of what changed since the last complete build, and their tests.

Everything a node's rows depend on is a file of the project (any change of it rebuilds all), an input
(a source or a seed) or another node. So a node none of whose ancestors among the inputs changed holds
already what running it would give, and a test that reads only such nodes would find what it found. Inputs
are compared by fingerprint with those of the last complete build; what an unfinished build had begun is run
again whatever changed. Tables of `ops` are where this is remembered, written with state.record_build.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import duckdb

from orchestration.closing.ledger import closes_head
from orchestration.ingestion.raw_schema import sql_text
from orchestration.ingestion.sources import SOURCES
from orchestration.settings import Settings
from orchestration.warehouse.node_runner import TestResult, relations_there
from orchestration.warehouse.project import Node, Project

DDL = (
    "create table if not exists ops.build_inputs (unique_id varchar, fingerprint varchar)",
    "create table if not exists ops.unfinished_nodes (unique_id varchar)",
    "create table if not exists ops.test_results (unique_id varchar, name varchar, model varchar, passed boolean, "
    "failing_rows bigint, message varchar)",
)


@dataclass
class Selection:
    """Nodes to run, in order; tests to run; results of the others, which still hold."""

    seeds: list[Node] = field(default_factory=list)
    models: list[Node] = field(default_factory=list)
    tests: list[Node] = field(default_factory=list)
    kept: list[TestResult] = field(default_factory=list)


def fingerprints(connection: duckdb.DuckDBPyConnection, settings: Settings, project: Project) -> dict[str, str]:
    """What each source and seed holds now, by unique id."""
    receipts = dict(
        connection.execute(
            "select source, concat_ws(' ', count(*), sum(rows_accepted), max(load_batch)) from raw.receipts "
            "where status = 'accepted' group by source"
        ).fetchall()
    )
    kinds = relations_there(connection)
    found = {}
    for key in project.sources:
        schema, name = project.raw["sources"][key]["schema"], project.raw["sources"][key]["name"]
        if schema == "raw" and name in SOURCES:
            # Parts are immutable and have one receipt each.
            found[key] = receipts.get(name, "")
        elif schema == "raw" and name == "quarantine":
            found[key] = _content(
                connection,
                "(select source, file_sha256, rows_quarantined, load_batch from raw.receipts "
                "where status = 'accepted' and rows_quarantined > 0)",
            )
        elif schema == "ledger":
            found[key] = closes_head(settings)
        elif kinds.get((schema, name)) == "table":
            found[key] = _content(connection, project.sources[key])
        # What cannot be told is left out, and so counts as changed.
    for seed in project.of_kind("seed"):
        content = (settings.project_dir / seed.raw["original_file_path"]).read_bytes()
        found[seed.unique_id] = hashlib.sha256(content).hexdigest()
    return found


def _content(connection: duckdb.DuckDBPyConnection, relation: str) -> str:
    # Two sums of two hashes: the rows, in whatever order, each as often as it is there.
    row = connection.execute(
        f"select concat_ws(' ', count(*), sum(hash(r)::hugeint), sum(hash(hash(r))::hugeint)) from {relation} as r"
    ).fetchone()
    return str(row[0]) if row else ""


def select(
    connection: duckdb.DuckDBPyConnection,
    project: Project,
    now: dict[str, str],
    *,
    everything: bool,
    full_refresh: bool,
) -> Selection:
    """What to run. `everything` trusts nothing that is there; `full_refresh` loads the seeds again as well."""
    for ddl in DDL:
        connection.execute(ddl)
    before = dict(connection.execute("select unique_id, fingerprint from ops.build_inputs").fetchall())
    there = relations_there(connection)
    inputs = [*project.sources, *(seed.unique_id for seed in project.of_kind("seed"))]
    changed = {key for key in inputs if key not in now or now[key] != before.get(key)}
    changed |= {node.unique_id for node in project.nodes.values() if node.kind != "test" and node.place not in there}
    changed |= {key for (key,) in connection.execute("select unique_id from ops.unfinished_nodes").fetchall()}
    running = project.with_descendants(changed)
    everything = everything or full_refresh
    found = Selection()
    found.seeds = [node for node in project.of_kind("seed") if full_refresh or node.unique_id in changed]
    found.models = [node for node in project.models_in_order if everything or node.unique_id in running]
    results = _kept_results(connection)
    for test in project.of_kind("test"):
        result = results.get(test.unique_id)
        # One that failed is asked again: its remedy may lie outside what is fingerprinted.
        if everything or result is None or not result.passed or running.intersection(test.parents):
            found.tests.append(test)
        else:
            found.kept.append(result)
    return found


def _kept_results(connection: duckdb.DuckDBPyConnection) -> dict[str, TestResult]:
    rows = connection.execute(
        "select unique_id, name, model, passed, failing_rows, message from ops.test_results"
    ).fetchall()
    return {row[0]: TestResult(*row) for row in rows}


def begin(connection: duckdb.DuckDBPyConnection, selection: Selection) -> None:
    """Note what is about to run: should the build not end, the next one runs it again."""
    ids = [node.unique_id for node in [*selection.seeds, *selection.models]]
    if ids:
        listed = ", ".join(f"({sql_text(key)})" for key in ids)
        connection.execute(f"insert into ops.unfinished_nodes values {listed}")


def complete(connection: duckdb.DuckDBPyConnection, now: dict[str, str], tests: list[TestResult]) -> None:
    """Note a complete build: the inputs it saw and every test's standing result."""
    for table in ("unfinished_nodes", "build_inputs", "test_results"):
        connection.execute(f"delete from ops.{table}")
    rows = ", ".join(f"({sql_text(key)}, {sql_text(value)})" for key, value in sorted(now.items()))
    if rows:
        connection.execute(f"insert into ops.build_inputs values {rows}")
    listed = ", ".join(
        f"({sql_text(t.unique_id)}, {sql_text(t.name)}, {sql_text(t.model)}, {t.passed}, {t.failing_rows}, "
        f"{sql_text(t.message)})"
        for t in tests
    )
    if listed:
        connection.execute(f"insert into ops.test_results values {listed}")
