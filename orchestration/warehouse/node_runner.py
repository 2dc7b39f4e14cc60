"""Building dbt's nodes on one DuckDB connection: seeds, views, tables, incremental models, data tests.

dbt itself takes 1.9 s to load and then 37 ms a model and 16 ms a test beside the queries: 9 s a run for
150 models and 100 tests. The same statements run here in 2 ms beside the queries. What is built, and with
which settings, stands in the dbt project alone; a project that uses more of dbt than is known here
(project.unknown_features) is built by dbt. Tests hold both ways to the same texts and the same rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import jinja2

from orchestration.ingestion.raw_schema import sql_text
from orchestration.quality.failing_keys import SHOWN, VALUE_FIELDS, key_columns, key_text
from orchestration.settings import Settings
from orchestration.warehouse.project import Node, Project
from orchestration.warehouse.rendering import Renderer

Say = Callable[[str], None]
# Looking at so many rows twice takes 4 ms; building one node below them takes 15 at least.
SMALL_ROWS = 20_000


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


class _ContractBroken(Exception):
    """A model's columns are not those its contract promises."""


class NodeRunner:
    """Runs nodes of `project` on `connection`; with `full_refresh` incremental models start anew.

    `texts` is rendering's: SQL known from before, added to.
    """

    def __init__(
        self,
        project: Project,
        connection: duckdb.DuckDBPyConnection,
        settings: Settings,
        full_refresh: bool,
        texts: dict[str, str] | None = None,
    ) -> None:
        self._project = project
        self._connection = connection
        self._settings = settings
        self._full_refresh = full_refresh
        self._there = relations_there(connection)
        self._renderer = Renderer(project, connection, self._is_table, full_refresh, texts)
        for schema in sorted({node.place[0] for node in project.nodes.values() if node.kind != "test"}):
            connection.execute(f'create schema if not exists "{schema}"')

    def _is_table(self, node: Node) -> bool:
        return self._there.get(node.place) == "table"

    def build(self, nodes: Sequence[Node], say: Say, changed: Iterable[str] | None = None) -> Ran:
        """Build `nodes` in the order given, each in a transaction. What stands on a failed one is left out.

        With `changed`, ids of inputs and nodes, a node is built only if it is one of them or reads one. A small
        table that comes out as it was is none of them: what stands on it would come out as it is, too.
        """
        ran = Ran()
        lost: set[str] = set()
        moved = None if changed is None else set(changed)
        read = {parent for node in nodes for parent in node.parents}
        for node in nodes:
            if lost.intersection(node.parents):
                lost.add(node.unique_id)
                continue
            if moved is not None and node.unique_id not in moved and not moved.intersection(node.parents):
                continue
            say(f"building {node.name}")
            try:
                before = self._small_content(node) if moved is not None and node.unique_id in read else None
                self._in_transaction(node)
                ran.built.append(node.unique_id)
                if moved is not None and (before is None or before != self._small_content(node)):
                    moved.add(node.unique_id)
            except (duckdb.Error, jinja2.TemplateError, _ContractBroken) as error:
                lost.add(node.unique_id)
                ran.errors.append(f"{node.name}: {' '.join(str(error).split())[:600]}")
                if isinstance(error, duckdb.FatalException):
                    break
        return ran

    def _small_content(self, node: Node) -> str | None:
        """What the node's table holds; None where it has none, or too much to look at for the sake of what it saves."""
        if not self._is_table(node):
            return None
        row = self._connection.execute(f"select count(*) from {node.relation}").fetchone()
        return content_of(self._connection, node.relation) if row and row[0] <= SMALL_ROWS else None

    def test(self, nodes: Iterable[Node]) -> Ran:
        """Run data tests: a test passes when its query finds no row."""
        ran = Ran()
        for node in nodes:
            attached = str(node.raw.get("attached_node") or "").rsplit(".", 1)[-1]
            try:
                query = self._renderer.compile(node)
                self._lay_down(node, query)
                found = self._connection.execute(f"select count(*) from (\n{query}\n)").fetchone()
                failing = int(found[0]) if found else 1
                message = f"Got {failing} results, configured to fail if != 0" if failing else ""
            except (duckdb.Error, jinja2.TemplateError) as error:
                # A test that cannot be evaluated has not passed.
                query, failing, message = "", 1, " ".join(str(error).split())[:300]
            keys = self._failing_keys(node, query) if failing and query else ()
            remedy = self._remedy(node) if failing else ""
            ran.tests.append(
                TestResult(node.unique_id, node.name, attached, failing == 0, failing, message, keys, remedy)
            )
        return ran

    def _failing_keys(self, node: Node, query: str) -> tuple[str, ...]:
        """Keys of some of the rows a failed test found, those that say which row it is and nothing else of it."""
        attached = self._project.nodes.get(str(node.raw.get("attached_node")))
        grain = self._project.grain(attached.unique_id) if attached is not None else []
        column = node.raw.get("column_name")
        columns = [name for name, _ in self._described(query)]
        if attached is not None and column:
            # dbt's tests of one column show its values, not whose they are.
            value = next((name for name in columns if name in VALUE_FIELDS), column)
            query = (
                f"select rows.* from {attached.relation} as rows where exists "
                f'(select 1 from (\n{query}\n) as found where found."{value}" is not distinct from rows."{column}")'
            )
            columns, grain = [name for name, _ in self._described(query)], [*grain, column]
        keys = key_columns(columns, grain)
        if not keys:
            return ()
        names = ", ".join(f'"{name}"' for name in keys)
        rows: list[Any] = []
        with suppress(duckdb.Error):  # The test has failed all the same, and says so.
            shown = f"select distinct {names} from (\n{query}\n) order by all limit {SHOWN}"
            rows = self._connection.execute(shown).fetchall()
        return tuple(key_text(keys, row) for row in rows)

    def _remedy(self, node: Node) -> str:
        """What to do about a failed test: where the rows are made, and which query finds them."""
        attached = self._project.nodes.get(str(node.raw.get("attached_node")))
        made_by = attached.raw["original_file_path"] if attached is not None else "the model that makes the rows"
        if attached is not None and attached.kind == "seed":
            return f"Mend these rows of {made_by}, or what they refer to, and run again."
        query = f"dbt/target/{self._compiled_path(node)}"
        return f"Mend {made_by}, or the input of these rows, and run again. In the state folder {query} finds them."

    def _compiled_path(self, node: Node) -> Path:
        """Where dbt would lay the query, from its target folder."""
        path = Path("compiled") / node.raw["package_name"] / node.raw["original_file_path"]
        return path / node.raw["path"] if "test_metadata" in node.raw else path

    def _lay_down(self, node: Node, query: str) -> None:
        """Keep a test's query where dbt would: the remedy of a failed check names the place."""
        target = self._settings.dbt_target_dir / self._compiled_path(node)
        if not target.exists() or target.read_text(encoding="utf-8") != query:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(query, encoding="utf-8")

    def _in_transaction(self, node: Node) -> None:
        query = "" if node.kind == "seed" else self._renderer.compile(node)
        self._connection.execute("begin")
        try:
            self._hooks(node, "pre-hook")
            if node.kind == "seed":
                self._load_seed(node)
            elif node.materialized == "view":
                self._make_room(node, "view")
                self._connection.execute(f"create or replace view {node.relation} as (\n{query}\n)")
            elif node.materialized == "incremental" and self._is_table(node) and not self._full_refresh:
                self._add_to(node, query)
            else:
                self._make_table(node, query)
            self._hooks(node, "post-hook")
            self._connection.execute("commit")
        except BaseException:
            # The statement's own error is the one to tell, also where the transaction is gone by now.
            with suppress(duckdb.Error):
                self._connection.execute("rollback")
            raise
        self._there[node.place] = "view" if node.materialized == "view" else "table"

    def _hooks(self, node: Node, kind: str) -> None:
        for hook in node.config.get(kind, []):
            statement = self._renderer.render(node, hook["sql"]).strip()
            if statement:
                self._connection.execute(statement)

    def _make_room(self, node: Node, kind: str) -> None:
        there = self._there.get(node.place, kind)
        if there != kind:
            self._connection.execute(f"drop {there} {node.relation} cascade")

    def _make_table(self, node: Node, query: str) -> None:
        self._make_room(node, "table")
        if not node.contract:
            self._connection.execute(f"create or replace table {node.relation} as (\n{query}\n)")
            return
        self._check_contract(node, query)
        self._connection.execute(f"create or replace table {node.relation} ({', '.join(_definitions(node))})")
        names = ", ".join(_quoted(column) for column in node.raw["columns"].values())
        self._connection.execute(f"insert into {node.relation} ({names}) select {names} from (\n{query}\n)")

    def _check_contract(self, node: Node, query: str) -> None:
        """The query's columns have the promised names and types: an insert alone would cast them silently."""
        columns = node.raw["columns"].values()
        casts = ", ".join(f'cast(null as {column["data_type"]}) as "{column["name"]}"' for column in columns)
        promised = {name.lower(): kind for name, kind in self._described(f"select {casts}")}
        found = {name.lower(): kind for name, kind in self._described(query)}
        if found != promised:
            wrong = sorted(name for name in promised.keys() | found.keys() if promised.get(name) != found.get(name))
            told = ", ".join(f"{n} is {found.get(n, 'missing')}, not {promised.get(n, 'there')}" for n in wrong)
            raise _ContractBroken(f"This model has an enforced contract that failed: {told}")

    def _described(self, query: str) -> list[tuple[str, str]]:
        return [(name, kind) for name, kind, *_ in self._connection.execute(f"describe (\n{query}\n)").fetchall()]

    def _add_to(self, node: Node, query: str) -> None:
        """delete+insert by the unique key, or append: the rows of `query` into the table that is there."""
        fresh = f'temp."{node.place[1]}__fresh"'
        self._connection.execute(f"create or replace temp table {node.place[1]}__fresh as (\n{query}\n)")
        keys = node.config.get("unique_key")
        if keys and node.config.get("incremental_strategy") != "append":
            listed = ", ".join([keys] if isinstance(keys, str) else keys)
            self._connection.execute(
                f"delete from {node.relation} where ({listed}) in (select distinct {listed} from {fresh})"
            )
        names = ", ".join(f'"{name}"' for name, _ in self._described(f"from {node.relation}"))
        self._connection.execute(f"insert into {node.relation} ({names}) select {names} from {fresh}")
        self._connection.execute(f"drop table {fresh}")

    def _load_seed(self, node: Node) -> None:
        path = self._settings.project_dir / node.raw["original_file_path"]
        header = path.read_text(encoding="utf-8-sig").splitlines()[0].split(",")
        kinds = node.config["column_types"]
        columns = ", ".join(f"{name.strip()} {kinds[name.strip()]}" for name in header)
        self._make_room(node, "table")
        self._connection.execute(f"create or replace table {node.relation} ({columns})")
        self._connection.execute(
            f"copy {node.relation} from {sql_text(str(path))} (format csv, header true, delimiter ',')"
        )


def content_of(connection: duckdb.DuckDBPyConnection, relation: str) -> str:
    """Changes when the relation's rows do, in whatever order they come: two sums of two hashes."""
    row = connection.execute(
        f"select concat_ws(' ', count(*), sum(hash(r)::hugeint), sum(hash(hash(r))::hugeint)) from {relation} as r"
    ).fetchone()
    return str(row[0]) if row else ""


def relations_there(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], str]:
    """(schema, name) of every table and view of the build file, with which of the two it is."""
    rows = connection.execute(
        "select schema_name, table_name, 'table' from duckdb_tables() where database_name = current_database() "
        "union all "
        "select schema_name, view_name, 'view' from duckdb_views() where database_name = current_database()"
    ).fetchall()
    return {(schema, name): kind for schema, name, kind in rows}


def _quoted(column: dict[str, Any]) -> str:
    return f'"{column["name"]}"' if column.get("quote") else str(column["name"])


def _definitions(node: Node) -> list[str]:
    """Column and table definitions of a contract, as dbt writes them."""
    words = {"not_null": "not null", "primary_key": "primary key", "unique": "unique"}
    found = []
    for column in node.raw["columns"].values():
        constraints = [
            f"check ({c['expression']})" if c["type"] == "check" else words[c["type"]] for c in column["constraints"]
        ]
        found.append(" ".join([_quoted(column), column["data_type"], *constraints]))
    for constraint in node.raw["constraints"]:
        if constraint["type"] == "check":
            found.append(f"check ({constraint['expression']})")
        elif constraint["type"] != "not_null":
            found.append(f"{words[constraint['type']]} ({', '.join(constraint['columns'])})")
    return found
