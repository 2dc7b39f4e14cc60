"""What of the project must run: the descendants of what changed since the last complete build, and their tests.

Everything a node's rows depend on is a file of the project (any change of it rebuilds all), an input
(a source or a seed) or another node. So a node none of whose ancestors among the inputs changed holds
already what running it would give, and a test that reads only such nodes would find what it found. Inputs
are compared by fingerprint with those of the last complete build; what an unfinished build had begun is run
again whatever changed. Tables of `ops` are where this is remembered, written with state.record_build.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field

import duckdb

from orchestration.closing.ledger import closes_head
from orchestration.ingestion.sources import SOURCES
from orchestration.settings import Settings
from orchestration.sql_literals import sql_text
from orchestration.warehouse.node_runner import TestResult
from orchestration.warehouse.node_worker import content_of, relations_there
from orchestration.warehouse.project import Node, Project

DDL = (
    "create table if not exists ops.build_inputs (unique_id varchar, fingerprint varchar)",
    "create table if not exists ops.unfinished_nodes (unique_id varchar)",
    "create table if not exists ops.test_results (unique_id varchar, name varchar, model varchar, passed boolean, "
    "failing_rows bigint, message varchar)",
)


@dataclass
class Selection:
    """What may have to run: nodes in order and tests, with the results that hold whatever comes of it.

    `changed` are the inputs and nodes that make it so; None where nothing that is there is believed.
    """

    changed: set[str] | None = None
    seeds: list[Node] = field(default_factory=list)
    models: list[Node] = field(default_factory=list)
    tests: list[Node] = field(default_factory=list)
    kept: list[TestResult] = field(default_factory=list)
    earlier: dict[str, TestResult] = field(default_factory=dict)

    @property
    def unanswered(self) -> list[Node]:
        """Tests that did not pass when they were last asked: what was new then is not new now, so all is looked at."""
        return [test for test in self.tests if test.unique_id not in self.earlier]

    def settled(self, built: Iterable[str]) -> tuple[list[Node], list[TestResult]]:
        """Tests to run once it is known what was built, and the results of all others."""
        if self.changed is None:
            return self.tests, self.kept
        moved = self.changed.union(built)
        running, kept = [], list(self.kept)
        for test in self.tests:
            earlier = self.earlier.get(test.unique_id)
            if earlier is None or moved.intersection(test.parents):
                running.append(test)
            else:
                kept.append(earlier)
        return running, kept


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
            found[key] = content_of(
                connection,
                "(select source, file_sha256, rows_quarantined, load_batch from raw.receipts "
                "where status = 'accepted' and rows_quarantined > 0)",
            )
        elif (schema, name) in (("ops", "contested_keys"), ("ops", "contested_rows")):
            # Say nothing that the source they list keys and rows of does not say already.
            found[key] = ""
        elif schema == "ledger":
            found[key] = closes_head(settings)
        elif kinds.get((schema, name)) == "table":
            found[key] = content_of(connection, project.sources[key])
        # What cannot be told is left out, and so counts as changed.
    for seed in project.of_kind("seed"):
        content = (settings.project_dir / seed.raw["original_file_path"]).read_bytes()
        found[seed.unique_id] = hashlib.sha256(content).hexdigest()
    return found


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
    results = _kept_results(connection)
    # One that failed is asked again: its remedy may lie outside what is fingerprinted.
    passed = {key: result for key, result in results.items() if result.passed}
    found = Selection(changed=None if everything else changed, earlier=passed)
    found.seeds = [node for node in project.of_kind("seed") if full_refresh or node.unique_id in changed]
    found.models = [node for node in project.models_in_order if everything or node.unique_id in running]
    for test in project.of_kind("test"):
        if everything or test.unique_id not in passed or running.intersection(test.parents):
            found.tests.append(test)
        else:
            found.kept.append(passed[test.unique_id])
    return found


def _kept_results(connection: duckdb.DuckDBPyConnection) -> dict[str, TestResult]:
    rows = connection.execute(
        "select unique_id, name, model, passed, failing_rows, message from ops.test_results"
    ).fetchall()
    return {row[0]: TestResult(*row) for row in rows}


def begin(connection: duckdb.DuckDBPyConnection, selection: Selection) -> None:
    """Note the models about to run: should the build not end, the next one runs them again.

    Seeds say it themselves: one that was not loaded is changed or gone still, and one that was holds its file.
    """
    if selection.models:
        listed = ", ".join(f"({sql_text(node.unique_id)})" for node in selection.models)
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
