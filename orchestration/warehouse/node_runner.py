"""Building dbt's nodes: which of them, in which order, and what came of it.

dbt itself takes 1.9 s to load and then 37 ms a model and 16 ms a test beside the queries: 9 s a run for
150 models and 100 tests. The same statements run here in 2 ms beside the queries. What is built, and with
which settings, stands in the dbt project alone; a project that uses more of dbt than is known here
(project.unknown_features) is built by dbt. Tests hold both ways to the same texts and the same rows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

import duckdb
import jinja2

from orchestration import duck
from orchestration.progress import Say
from orchestration.settings import Settings
from orchestration.warehouse.failed_tests import failing_keys, remedy
from orchestration.warehouse.node_worker import ContractBroken, NodeWorker, relations_there
from orchestration.warehouse.project import Node, Project
from orchestration.warehouse.rendering import Renderer
from orchestration.warehouse.seed_header import SeedBroken
from orchestration.warehouse.side_by_side import run_side_by_side

# Looking at so many rows twice takes 4 ms; building one node below them takes 15 at least.
SMALL_ROWS = 20_000
# More at once would share out the memory limit, not the work.
MOST_WORKERS = 4


@dataclass(frozen=True)
class TestResult:
    """One dbt data test: what it is attached to, whether it passed, how many rows fail it, and keys of some."""

    unique_id: str
    name: str
    model: str
    passed: bool
    failing_rows: int
    message: str
    failing_keys: tuple[str, ...] = ()
    remedy: str = ""


@dataclass
class Ran:
    """What ran: ids of the nodes built, errors as plain messages, results of the tests."""

    built: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    tests: list[TestResult] = field(default_factory=list)


def drop_what_no_node_makes(connection: duckdb.DuckDBPyConnection, project: Project) -> None:
    """Take away what another version of the project left in its schemas: a mart is published for standing there."""
    made = {node.place for node in project.nodes.values() if node.kind != "test"}
    schemas = {schema for schema, _ in made}
    for (schema, name), kind in relations_there(connection).items():
        if schema in schemas and (schema, name) not in made:
            connection.execute(f'drop {kind} "{schema}"."{name}"')


class NodeRunner:
    """Runs nodes of `project` on `connection`; those `from_nothing`, by unique id, add to nothing that is there, and
    tests among them look at everything, not at what is new.

    Nodes that do not read each other run side by side, each worker with a cursor of `connection`: as many as
    `settings.threads`, up to MOST_WORKERS. `texts` and `templates` are rendering's: what is known from
    before, added to. Use as a context: a cursor left open may hold a transaction, and with it off a checkpoint.
    """

    def __init__(
        self,
        project: Project,
        connection: duckdb.DuckDBPyConnection,
        settings: Settings,
        from_nothing: Collection[str] = (),
        texts: dict[str, str] | None = None,
        templates: dict[str, str] | None = None,
    ) -> None:
        self._project = project
        there = relations_there(connection)
        for schema in sorted({node.place[0] for node in project.nodes.values() if node.kind != "test"}):
            connection.execute(f'create schema if not exists "{schema}"')
        renderer = Renderer(
            project, connection, lambda node: there.get(node.place) == "table", from_nothing, texts, templates
        )
        self._workers = [NodeWorker(connection, settings, renderer, there)]
        for _ in range(1, min(settings.threads, MOST_WORKERS)):
            cursor = duck.beside(connection)
            self._workers.append(NodeWorker(cursor, settings, renderer.on(cursor), there))

    def __enter__(self) -> NodeRunner:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers[1:]:
            worker.connection.close()

    def build(self, nodes: Sequence[Node], say: Say, changed: Iterable[str] | None = None) -> Ran:
        """Build `nodes`, each after what it reads, in a transaction. What stands on a failed one is left out.

        With `changed`, ids of inputs and nodes, a node is built only if it is one of them or reads one. A small
        table that comes out as it was is none of them: what stands on it would come out as it is, too.
        """
        ran = Ran()
        lost: set[str] = set()
        moved = None if changed is None else set(changed)
        read = {parent for node in nodes for parent in node.parents}

        def build_one(node: Node, number: int) -> bool:
            if lost.intersection(node.parents):
                lost.add(node.unique_id)
                return True
            if moved is not None and node.unique_id not in moved and not moved.intersection(node.parents):
                return True
            say(f"building {node.name}")
            worker = self._workers[number]
            # What is built again whatever it reads has all that reads it built again, too.
            looked_at = moved is not None and node.unique_id in read and node.unique_id not in moved
            try:
                before = worker.small_content(node, SMALL_ROWS) if looked_at else None
                worker.lay_down(node)
                ran.built.append(node.unique_id)
                if moved is not None and (before is None or before != worker.small_content(node, SMALL_ROWS)):
                    moved.add(node.unique_id)
            except (duckdb.Error, jinja2.TemplateError, ContractBroken, SeedBroken) as error:
                lost.add(node.unique_id)
                place = "" if node.kind == "seed" else f" ({worker.place_of(error, node)})"
                ran.errors.append(f"{node.name}: {' '.join(str(error).split())[:600]}{place}")
                # After a fatal error the engine answers nothing any more.
                return not isinstance(error, duckdb.FatalException)
            return True

        run_side_by_side(nodes, len(self._workers), build_one)
        ran.errors.sort()
        return ran

    def test(self, nodes: Iterable[Node]) -> Ran:
        """Run data tests: a test passes when its query finds no row."""
        ran = Ran()

        def test_one(node: Node, number: int) -> bool:
            attached = str(node.raw.get("attached_node") or "").rsplit(".", 1)[-1]
            worker, keys = self._workers[number], tuple[str, ...]()
            try:
                failing, query = worker.failing_rows(node)
                message = f"Got {failing} results, configured to fail if != 0" if failing else ""
                if failing:
                    keys = failing_keys(worker.connection, self._project, node, query)
            except (duckdb.Error, jinja2.TemplateError) as error:
                # A test that cannot be evaluated has not passed.
                failing, message = 1, " ".join(str(error).split())[:300]
            told = remedy(self._project, node) if failing else ""
            ran.tests.append(
                TestResult(node.unique_id, node.name, attached, failing == 0, failing, message, keys, told)
            )
            return True

        run_side_by_side(list(nodes), len(self._workers), test_one)
        return ran
