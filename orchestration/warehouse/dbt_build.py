"""Building the candidate: what to run is found, run, and remembered; dbt parses the project and makes its docs.

dbt is loaded (1.9 s) only to parse a changed project, or to build one that node_runner cannot. Knows
nothing of gates or publishing.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import duckdb

from orchestration import duck
from orchestration.closing.ledger_intact import entries_to_build_on
from orchestration.closing.ledger_relations import ensure_ledger_relations
from orchestration.errors import BuildFailed
from orchestration.ingestion.raw_setup import ensure_raw_relations
from orchestration.settings import Settings
from orchestration.warehouse import key_index, manifest_cache, selection, state, unit_tests
from orchestration.warehouse.again import Again, Marked, mark
from orchestration.warehouse.fingerprint import project_hash
from orchestration.warehouse.node_runner import NodeRunner, TestResult, drop_what_no_node_makes
from orchestration.warehouse.project import Project, read_project
from orchestration.warehouse.utf8_text import demand_utf8
from orchestration.warehouse.writer_lock import doubt_noted, held, note_durable, write_at_once, writer_lock

# Writers in between leave the build file as it comes: tidying it takes as long as a small run.
TIDIED_EVERY = 20
AtTheEnd = Callable[[duckdb.DuckDBPyConnection], None]
FINGERPRINTS = "intermediate.int_gen_05__tenant_months_fingerprinted"


@dataclass
class BuildResult:
    """Outcome of one dbt build. `models_run` is 0 when the candidate was already complete."""

    models_run: int = 0
    full_refresh: bool = False
    touched_months: list[str] = field(default_factory=list)
    # Tenant months priced and invoiced again; None where all of them were.
    moved_tenant_months: int | None = None
    errors: list[str] = field(default_factory=list)
    tests: list[TestResult] = field(default_factory=list)
    # Ids of the seeds and models that ran; the rest holds what it held.
    built: list[str] = field(default_factory=list)
    marked: Marked | None = None

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
    """The project's manifest: the one kept where nothing changed, else parsed and kept.

    Raises BuildFailed where dbt cannot parse the project.
    """
    _environment(settings)
    from dbt.cli.main import dbtRunner

    found = _kept_manifest(settings)
    if found is not None:
        return found
    demand_utf8(settings.project_dir)
    result = dbtRunner().invoke(["parse", *_common(settings)])
    _release_connections()
    if not result.success:
        raise BuildFailed(
            f"dbt cannot parse the project in {settings.project_dir}: {_in_one_line(result.exception)}",
            "Correct the file it names, then run again. The last release stays served.",
        )
    manifest_cache.keep(settings)
    return result.result


def _in_one_line(message: object) -> str:
    return " ".join(str(message or "").split())


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
    again: Again | None = None,
    at_the_end: AtTheEnd | None = None,
    progress: Callable[[str], None] | None = None,
) -> BuildResult:
    """Bring the candidate marts up to date and run the data tests.

    What runs is found, not chosen: the descendants of what changed since the last complete build, months
    touched since then, and all of it from nothing for a changed project, for a build file in doubt (the index of
    keys too), or with `full_refresh`. `again` computes months again, or models, these and what stands on them from
    nothing (MeterhouseError where it names what is not there). Errors are collected as plain messages, never
    raised. Where there are none, `at_the_end` is called with the build file still open.
    """
    say = progress or (lambda _: None)
    outcome = BuildResult()
    say("reading the dbt project")
    project = project_of(settings)
    writer = held(settings)
    tidy = writer is not None and writer.number % TIDIED_EVERY == 0
    with write_at_once(settings, tidy=tidy) as connection:
        doubted = doubt_noted(settings)
        # As profiles.yml has it: rows of a table have no order, and keeping one costs memory.
        connection.execute("set preserve_insertion_order = false")
        ensure_raw_relations(connection, settings)
        ensure_ledger_relations(connection, settings, entries_to_build_on(settings))
        state.ensure_state(connection)
        say("finding records that arrived more than once")
        if doubted:
            key_index.forget_index(connection)
        indexed_anew = key_index.index_new_parts(connection, settings)
        outcome.full_refresh = (
            full_refresh or doubted or indexed_anew or state.built_with(connection)[0] != project_hash(settings)
        )
        inputs = selection.fingerprints(connection, settings, project)
        outcome.marked = mark(connection, settings, project, again) if again else None
        by_dbt = bool(project.unknown_features)
        from_nothing = outcome.marked.models if outcome.marked else frozenset()
        # dbt knows from nothing or not, for all it runs.
        outcome.full_refresh = outcome.full_refresh or (by_dbt and bool(from_nothing))
        if outcome.full_refresh:
            from_nothing = frozenset(project.nodes)
        if from_nothing:
            state.owe_all_from_nothing(connection)
        if outcome.full_refresh:
            drop_what_no_node_makes(connection, project)
        chosen = selection.select(connection, project, inputs, everything=by_dbt, full_refresh=outcome.full_refresh)
        selection.begin(connection, chosen)
        if not by_dbt:
            texts, templates = manifest_cache.rendered(settings)
            before = len(texts), len(templates)
            asked_in_full = from_nothing | {test.unique_id for test in chosen.unanswered}
            with NodeRunner(project, connection, settings, asked_in_full, texts, templates) as runner:
                _run(runner, chosen, outcome, say)
            if outcome.ok:
                outcome.tests += unit_tests.results(connection, settings, project, say)
            _record(connection, settings, inputs, outcome, at_the_end)
            if (len(texts), len(templates)) != before:
                manifest_cache.keep_rendered(settings, texts, templates)
    if by_dbt:
        say(f"building with dbt, because the runner does not support: {project.unknown_features[0]}")
        _run_by_dbt(settings, bool(chosen.seeds), outcome)
        outcome.tests += unit_tests.by_model(project, _unit_tests_by_dbt(settings)) if outcome.ok else []
        with duck.connect(settings.warehouse_path, settings) as connection:
            _record(connection, settings, inputs, outcome, at_the_end)
        note_durable(settings)
    return outcome


def _record(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    inputs: dict[str, str],
    outcome: BuildResult,
    at_the_end: AtTheEnd | None,
) -> None:
    outcome.touched_months = state.months_touched_since_judged(connection)
    if outcome.ok:
        if not outcome.full_refresh:
            outcome.moved_tenant_months = _moved_tenant_months(connection)
        connection.execute("begin")
        state.record_build(connection, settings)
        selection.complete(connection, inputs, outcome.tests)
        connection.execute("commit")
        if at_the_end:
            at_the_end(connection)


def _moved_tenant_months(connection: duckdb.DuckDBPyConnection) -> int | None:
    """How many tenant months were priced and invoiced again; None where all were."""
    moved = "(select distinct tenant_id, billing_month from ops.moved_tenant_months)"
    (whole,) = connection.execute(
        f"select count(*) from {moved} where tenant_id = '*' and billing_month = date '0001-01-01'"
    ).fetchall()[0]
    if whole:
        return None
    (found,) = connection.execute(
        f"select count(*) from (select tenant_id, billing_month from {FINGERPRINTS} "
        f"where billing_month in (select billing_month from {moved} where tenant_id = '*') "
        f"union select tenant_id, billing_month from {moved} where tenant_id != '*')"
    ).fetchall()[0]
    return int(found)


def project_of(settings: Settings) -> Project:
    """The project as dbt parsed it; dbt is loaded only where nothing is kept of this very project."""
    content = manifest_cache.manifest_json(settings)
    if content is None:
        parse_manifest(settings)
        content = (settings.dbt_target_dir / manifest_cache.MANIFEST).read_bytes()
    return read_project(content)


def _run(runner: NodeRunner, chosen: selection.Selection, outcome: BuildResult, say: Callable[[str], None]) -> None:
    ran = runner.build([*chosen.seeds, *chosen.models], say, chosen.changed)
    outcome.errors += ran.errors
    if outcome.errors:
        return
    outcome.models_run = len(ran.built) - len(chosen.seeds)
    outcome.built = ran.built
    tests, kept = chosen.settled(ran.built)
    say(f"running {len(tests)} data tests; {len(kept)} earlier results still apply")
    outcome.tests = sorted([*runner.test(tests).tests, *kept], key=lambda test: test.unique_id)


def _run_by_dbt(settings: Settings, seeds: bool, outcome: BuildResult) -> None:
    _environment(settings)
    from dbt.cli.main import dbtRunner

    runner = dbtRunner(manifest=parse_manifest(settings))
    refresh = ["--full-refresh"] if outcome.full_refresh else []
    commands = [["seed", "--full-refresh"]] if seeds else []
    try:
        for command in [*commands, ["run", *refresh]]:
            result = runner.invoke([*command, "--no-write-json", *_common(settings)])
            _collect_errors(outcome, result)
            if outcome.errors:
                return
        outcome.models_run = len(_of_nodes(result))
        result = runner.invoke(["test", "--exclude", "test_type:unit", "--no-write-json", *_common(settings)])
        _collect_tests(outcome, result)
    finally:
        _release_connections()


def _unit_tests_by_dbt(settings: Settings) -> dict[str, str]:
    """What is wrong by unique id of the unit test, asked of dbt once for a state of the project."""
    found = unit_tests.kept(settings)
    if found is None:
        from dbt.cli.main import dbtRunner

        command = ["test", "--select", "test_type:unit", "--no-write-json", *_common(settings)]
        result = dbtRunner(manifest=parse_manifest(settings)).invoke(command)
        _release_connections()
        if result.result is None:
            return {"dbt": f"dbt unit tests did not run: {result.exception}"}
        outcomes = [(node.node.unique_id, str(node.status), str(node.message)) for node in _of_nodes(result)]
        found = {key: " ".join(message.split())[:300] for key, status, message in outcomes if status != "pass"}
        unit_tests.keep(settings, found)
    return found


def _of_nodes(result: Any) -> list[Any]:
    """What came of models and tests: on-run-start, which looks at the build file, is neither."""
    return [found for found in result.result.results if str(found.node.resource_type) != "operation"]


def _collect_errors(outcome: BuildResult, result: Any) -> None:
    if result.exception is not None:
        outcome.errors.append(f"dbt stopped: {result.exception}")
        return
    for node in result.result.results:
        if str(node.status) in ("error", "fail"):
            message = _in_one_line(node.message)
            outcome.errors.append(f"{node.node.name}: {message[:600]} ({node.node.original_file_path})")


def _collect_tests(outcome: BuildResult, result: Any) -> None:
    if result.exception is not None:
        outcome.errors.append(f"dbt tests did not run: {result.exception}")
        return
    for node in _of_nodes(result):
        status = str(node.status)
        attached = getattr(node.node, "attached_node", None) or ""
        outcome.tests.append(
            TestResult(
                node.node.unique_id,
                node.node.name,
                attached.rsplit(".", 1)[-1],
                status in ("pass", "warn"),
                int(node.failures or 0),
                _in_one_line(node.message)[:300],
            )
        )


def build_docs(settings: Settings) -> str:
    """dbt's documentation as one static HTML file that needs no network. Returns its path. Raises BuildFailed."""
    _environment(settings)
    from dbt.cli.main import dbtRunner

    with writer_lock(settings):
        return _docs(settings, dbtRunner())


def _docs(settings: Settings, runner: Any) -> str:
    with duck.connect(settings.warehouse_path, settings) as connection:
        ensure_raw_relations(connection, settings)
        ensure_ledger_relations(connection, settings, entries_to_build_on(settings))
    result = runner.invoke(["docs", "generate", "--static", *_common(settings)])
    _release_connections()
    if not result.success:
        raise BuildFailed(
            f"dbt cannot make its documentation: {_in_one_line(result.exception)}",
            "Correct what it names, then run again. The pages made before stay.",
        )
    return str(settings.dbt_target_dir / "static_index.html")
