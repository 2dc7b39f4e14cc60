"""One worker of a build: a node's statements on one DuckDB connection, each node in a transaction of its own.

Knows how a seed, view, table, incremental model or data test is laid down, as dbt does it; not which
nodes run, nor in which order.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import duckdb
import jinja2

from orchestration import duck
from orchestration.settings import Settings
from orchestration.sql_literals import sql_text
from orchestration.warehouse.failed_tests import compiled_path
from orchestration.warehouse.project import Node
from orchestration.warehouse.rendering import Renderer
from orchestration.warehouse.seed_header import SeedBroken, seed_columns
from orchestration.warehouse.seed_values import rounded_numbers


class ContractBroken(Exception):
    """A model's columns are not those its contract promises."""


class NodeWorker:
    """Lays nodes down on `connection`. `there` tells what stands in the build file, and is shared by all workers.

    A statement has the query's first line for its own first: the line an error names is one of the compiled text.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        settings: Settings,
        renderer: Renderer,
        there: dict[tuple[str, str], str],
    ) -> None:
        self.connection = connection
        self._settings = settings
        self._renderer = renderer
        self._there = there

    def lay_down(self, node: Node) -> None:
        """Build the node, whole or not at all. Raises what DuckDB or Jinja raise, ContractBroken and SeedBroken."""
        query = "" if node.kind == "seed" else self._renderer.compile(node)
        self.connection.execute("begin")
        try:
            self._hooks(node, "pre-hook")
            if node.kind == "seed":
                self._load_seed(node)
            elif node.materialized == "view":
                self._make_view(node, query)
            elif self._renderer.is_incremental(node):
                self._add_to(node, query)
            else:
                self._make_table(node, query)
            self._hooks(node, "post-hook")
            self.connection.execute("commit")
        except BaseException:
            # The statement's own error is the one to tell, also where the transaction is gone by now.
            with suppress(duckdb.Error):
                self.connection.execute("rollback")
            raise
        self._there[node.place] = "view" if node.materialized == "view" else "table"

    def _hooks(self, node: Node, kind: str) -> None:
        for hook in node.config.get(kind, []):
            statement = self._renderer.render(node, hook["sql"]).strip()
            if not statement:
                continue
            try:
                self.connection.execute(statement)
            except duckdb.Error as error:
                error.add_note(kind)
                raise

    def _make_room(self, node: Node, kind: str) -> None:
        there = self._there.get(node.place, kind)
        if there != kind:
            self.connection.execute(f"drop {there} {node.relation} cascade")

    def _make_view(self, node: Node, query: str) -> None:
        if self._there.get(node.place) == "view" and self._renderer.is_settled(node):
            # Made by this very project with these very words: the engine would take 20 ms to understand them again.
            return
        self._make_room(node, "view")
        self.connection.execute(f"create or replace view {node.relation} as ({query}\n)")

    def _make_table(self, node: Node, query: str) -> None:
        self._make_room(node, "table")
        if not node.contract:
            self.connection.execute(f"create or replace table {node.relation} as ({query}\n)")
            return
        self._check_contract(node, query)
        self.connection.execute(f"create or replace table {node.relation} ({', '.join(_definitions(node))})")
        names = ", ".join(_quoted(column) for column in node.raw["columns"].values())
        self.connection.execute(f"insert into {node.relation} ({names}) select {names} from ({query}\n)")

    def _check_contract(self, node: Node, query: str) -> None:
        """The query's columns have the promised names and types: an insert alone would cast them silently."""
        columns = node.raw["columns"].values()
        casts = ", ".join(f'cast(null as {column["data_type"]}) as "{column["name"]}"' for column in columns)
        promised = {name.lower(): kind for name, kind in self._described(f"select {casts}")}
        found = {name.lower(): kind for name, kind in self._described(query)}
        if found != promised:
            wrong = sorted(name for name in promised.keys() | found.keys() if promised.get(name) != found.get(name))
            told = ", ".join(f"{n} is {found.get(n, 'missing')}, not {promised.get(n, 'there')}" for n in wrong)
            raise ContractBroken(f"This model has an enforced contract that failed: {told}")

    def _described(self, query: str) -> list[tuple[str, str]]:
        return [(name, kind) for name, kind, *_ in self.connection.execute(f"describe ({query}\n)").fetchall()]

    def _add_to(self, node: Node, query: str) -> None:
        """delete+insert by the unique key, or append: the rows of `query` into the table that is there."""
        listed = ", ".join(f'"{name}"' for name, _ in self._described(f"from {node.relation}"))
        keys = node.config.get("unique_key")
        if not keys or node.config.get("incremental_strategy") == "append":
            # Straight into it: laid down beside it first, half a million rows took 0.3 s more.
            self.connection.execute(f"insert into {node.relation} ({listed}) select {listed} from ({query}\n)")
            return
        fresh = f'temp."{node.place[1]}__fresh"'
        self.connection.execute(f"create or replace temp table {node.place[1]}__fresh as ({query}\n)")
        key = ", ".join([keys] if isinstance(keys, str) else keys)
        self.connection.execute(f"delete from {node.relation} where ({key}) in (select distinct {key} from {fresh})")
        self.connection.execute(f"insert into {node.relation} ({listed}) select {listed} from {fresh}")
        self.connection.execute(f"drop table {fresh}")

    def _load_seed(self, node: Node) -> None:
        path = self._settings.project_dir / node.raw["original_file_path"]
        kinds = node.config["column_types"]
        columns = ", ".join(f"{name} {kinds[name]}" for name in seed_columns(path, kinds))
        if told := rounded_numbers(path, node.raw["original_file_path"], kinds):
            raise SeedBroken("; ".join(told))
        self._make_room(node, "table")
        self.connection.execute(f"create or replace table {node.relation} ({columns})")
        self.connection.execute(
            f"copy {node.relation} from {sql_text(str(path))} (format csv, header true, delimiter ',')"
        )

    def failing_rows(self, node: Node) -> tuple[int, str]:
        """How many rows a data test finds, none if it passes, and its query. Raises what DuckDB or Jinja raise."""
        query = self._renderer.compile(node)
        self._keep_query(node, query)
        found = self.connection.execute(f"select count(*) from (\n{query}\n)").fetchone()
        return (int(found[0]) if found else 1), query

    def _keep_query(self, node: Node, query: str) -> Path:
        """Keep a node's query where dbt would: what is said of a failed check, or a failed model, names the place."""
        target = self._settings.dbt_target_dir / compiled_path(node)
        if not target.exists() or target.read_text(encoding="utf-8") != query:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(query, encoding="utf-8")
        return target

    def place_of(self, error: Exception, node: Node) -> str:
        """Where to look for the `error` of a model that was not laid down: its file, and the text its lines are of."""
        file = str(node.raw["original_file_path"])
        if hooks := getattr(error, "__notes__", None):
            return f"the {hooks[0]} of {file}"
        if not isinstance(error, duckdb.Error):
            return file
        with suppress(OSError, duckdb.Error, jinja2.TemplateError):
            return f"{file}; the lines are those of {self._keep_query(node, self._renderer.compile(node))}"
        return file

    def small_content(self, node: Node, most_rows: int) -> str | None:
        """What the node's table holds; None where it has none, or too much to look at for the sake of what it saves."""
        if self._there.get(node.place) != "table":
            return None
        row = self.connection.execute(f"select count(*) from {node.relation}").fetchone()
        return content_of(self.connection, node.relation) if row and row[0] <= most_rows else None


def content_of(connection: duckdb.DuckDBPyConnection, relation: str) -> str:
    """Changes when the relation's rows do, in whatever order they come: two sums of two hashes."""
    row = connection.execute(f"select concat_ws(' ', {duck.CONTENT_OF_ROWS}) from {relation} as r").fetchone()
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
