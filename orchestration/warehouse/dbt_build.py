"""Running dbt in this process, its manifest parsed once and kept: seeds, models, data tests.

Imports dbt only when there is something to build (2.5 s). Knows nothing of gates or publishing.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from orchestration import duck
from orchestration.closing.ledger import entries
from orchestration.closing.ledger_relations import ensure_ledger_relations
from orchestration.ingestion.raw_schema import ensure_raw_relations
from orchestration.settings import Settings
from orchestration.warehouse import manifest_cache, state
from orchestration.warehouse.fingerprint import project_hash, seeds_hash


@dataclass(frozen=True)
class TestResult:
    """One dbt data test: what it is attached to, whether it passed, and how many rows fail it."""

    name: str
    model: str
    passed: bool
    failing_rows: int
    message: str


@dataclass
class BuildResult:
    """Outcome of one dbt build. `models_run` is 0 when the candidate was already complete."""

    models_run: int = 0
    full_refresh: bool = False
    touched_months: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    tests: list[TestResult] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.errors


def _environment(settings: Settings) -> None:
    os.environ["METERHOUSE_WAREHOUSE"] = str(settings.warehouse_path)
    os.environ["METERHOUSE_MEMORY_LIMIT"] = settings.memory_limit


def _release_connections() -> None:
    # dbt keeps the write lock on the file for the life of the process unless told to let go.
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    DuckDBConnectionManager.close_all_connections()


def _common(settings: Settings) -> list[str]:
    return [
        "--project-dir",
        str(settings.project_dir),
        "--profiles-dir",
        str(settings.project_dir),
        "--target-path",
        str(settings.dbt_target_dir),
        "--log-path",
        str(settings.home / "dbt" / "logs"),
        # Results carry every message; writing 6,000 events a run out as text takes a second.
        "--log-level",
        "none",
        "--log-level-file",
        "none",
    ]


def parse_manifest(settings: Settings) -> Any:
    """The project's manifest: the one kept where nothing changed, else parsed and kept."""
    _environment(settings)
    from dbt.cli.main import dbtRunner

    found = _kept_manifest(settings)
    if found is not None:
        return found
    result = dbtRunner().invoke(["parse", *_common(settings)])
    _release_connections()
    if not result.success:
        raise RuntimeError(f"dbt cannot parse the project: {result.exception}")
    manifest_cache.keep(settings)
    return result.result


def _kept_manifest(settings: Settings) -> Any:
    """The kept manifest as dbt's own object, or None where there is none that dbt can read."""
    packed = manifest_cache.kept(settings, manifest_cache.PARSED)
    if packed is None or manifest_cache.manifest_json(settings) is None:
        return None
    from dbt.contracts.graph.manifest import Manifest
    from dbt.parser.manifest import extended_mashumuro_decoder

    # Reading makes a million objects that all stay: the collector would look at them again and again (0.3 s).
    gc.disable()
    try:
        found = Manifest.from_msgpack(packed, decoder=extended_mashumuro_decoder)
        found.build_flat_graph()
    except Exception:
        return None
    finally:
        gc.enable()
    return found


def build(
    settings: Settings,
    *,
    full_refresh: bool = False,
    progress: Callable[[str], None] | None = None,
) -> BuildResult:
    """Bring the candidate marts up to date and run every data test.

    Months are found, not chosen: only those touched since the last complete build are metered
    again; a changed project meters all. Errors are collected as plain messages, never raised.
    """
    say = progress or (lambda _: None)
    _environment(settings)
    with duck.connect(settings.warehouse_path, settings) as connection:
        ensure_raw_relations(connection, settings)
        ensure_ledger_relations(connection, settings, entries(settings))
        state.ensure_state(connection)
        old_project, old_seeds = state.built_with(connection)
        outcome = BuildResult()
        outcome.full_refresh = full_refresh or old_project != project_hash(settings)
        seeds_changed = not old_seeds.startswith(seeds_hash(settings))
    say("parsing the dbt project")
    from dbt.cli.main import dbtRunner

    manifest = parse_manifest(settings)
    runner = dbtRunner(manifest=manifest)
    refresh = ["--full-refresh"] if outcome.full_refresh else []
    steps = [("models", ["run", *refresh])]
    if seeds_changed or outcome.full_refresh:
        steps.insert(0, ("seeds", ["seed", "--full-refresh"]))
    try:
        for title, command in steps:
            say(f"building {title}")
            result = runner.invoke([*command, "--no-write-json", *_common(settings)])
            _collect_errors(outcome, result)
            if outcome.errors:
                return outcome
            if title == "models":
                outcome.models_run = len(result.result.results)
        say("running data tests")
        result = runner.invoke(["test", "--exclude", "test_type:unit", "--no-write-json", *_common(settings)])
        _collect_tests(outcome, result)
    finally:
        _release_connections()
    with duck.connect(settings.warehouse_path, settings) as connection:
        rows = connection.execute("select distinct billing_month::varchar from ops.touched_months").fetchall()
        outcome.touched_months = sorted(month for (month,) in rows)
        if outcome.ok:
            state.record_build(connection, settings)
    return outcome


def _collect_errors(outcome: BuildResult, result: Any) -> None:
    if result.exception is not None:
        outcome.errors.append(f"dbt stopped: {result.exception}")
        return
    for node in result.result.results:
        if str(node.status) in ("error", "fail"):
            message = " ".join(str(node.message or "").split())
            outcome.errors.append(f"{node.node.name}: {message[:600]}")


def _collect_tests(outcome: BuildResult, result: Any) -> None:
    if result.exception is not None:
        outcome.errors.append(f"dbt tests did not run: {result.exception}")
        return
    for node in result.result.results:
        status = str(node.status)
        attached = getattr(node.node, "attached_node", None) or ""
        outcome.tests.append(
            TestResult(
                node.node.name,
                attached.rsplit(".", 1)[-1],
                status in ("pass", "warn"),
                int(node.failures or 0),
                " ".join(str(node.message or "").split())[:300],
            )
        )


def build_docs(settings: Settings) -> str:
    """dbt's documentation as one static HTML file that needs no network. Returns its path."""
    _environment(settings)
    from dbt.cli.main import dbtRunner

    with duck.connect(settings.warehouse_path, settings) as connection:
        ensure_raw_relations(connection, settings)
        ensure_ledger_relations(connection, settings, entries(settings))
    result = dbtRunner().invoke(["docs", "generate", "--static", *_common(settings)])
    _release_connections()
    if not result.success:
        raise RuntimeError(f"dbt docs failed: {result.exception}")
    return str(settings.dbt_target_dir / "static_index.html")
