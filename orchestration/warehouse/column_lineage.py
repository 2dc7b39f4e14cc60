"""Which columns each model's columns come from, read out of its SQL.

Follows from the project alone: computed once for a state of the project (some seconds) and kept beside its
manifest. Values only: a column that merely filters or joins is no parent.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import duckdb

from orchestration.closing.ledger_relations import CLOSINGS, INVOICES, LINES
from orchestration.ingestion.raw_schema import FILE_FINDINGS_DDL, QUARANTINE_COLUMNS, RECEIPTS_DDL
from orchestration.ingestion.sources import SOURCES
from orchestration.settings import Settings
from orchestration.warehouse import manifest_cache
from orchestration.warehouse.key_index import DDL as INDEX_DDL
from orchestration.warehouse.project import Node, Project
from orchestration.warehouse.unit_tests import FixtureRenderer

LEDGER = {"closed_lines": LINES, "closed_invoices": INVOICES, "closings": CLOSINGS}
KEPT = "column_lineage.json"
# By unique id of a model, then by its column: unique ids and columns it is made of.
Lineage = dict[str, dict[str, list[tuple[str, str]]]]


def _name(settings: Settings) -> str:
    return f"{manifest_cache.project_key(settings)}/{KEPT}"


def column_lineage(settings: Settings, project: Project) -> Lineage:
    """The lineage kept of this very project, else computed now and kept."""
    by = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
    found = manifest_cache.kept_json(settings, _name(settings))
    if not isinstance(found, dict) or found.get("by") != by:
        found = {"by": by, "lineage": compute(project)}
        manifest_cache.keep_json(settings, _name(settings), found)
    kept = found["lineage"]
    return {
        model: {column: [(parent, name) for parent, name in parents] for column, parents in columns.items()}
        for model, columns in kept.items()
    }


def compute(project: Project) -> Lineage:
    """Lineage of every model. A model whose SQL the parser cannot follow has none; a test says how many may."""
    from sqlglot.errors import SqlglotError

    renderer = FixtureRenderer(project, _NothingThere())
    tables = _Tables(project)
    found: Lineage = {}
    for node in project.models_in_order:
        try:
            found[node.unique_id] = _of_model(node, renderer.render(node, node.raw["raw_code"]), tables)
        except (SqlglotError, RecursionError, ValueError, KeyError):
            continue
    return found


class _NothingThere:
    """Stands where macros ask a build file: every count is 0."""

    description = (("n",),)

    def execute(self, _: str) -> _NothingThere:
        return self

    def fetchall(self) -> list[tuple[int]]:
        return [(0,)]


class _Tables:
    """Columns of every relation a model may read, and whose relation it is."""

    def __init__(self, project: Project) -> None:
        self.ids: dict[tuple[str, str], str] = {}
        self.schema: dict[str, Any] = {}
        for node in project.nodes.values():
            if node.kind in ("model", "seed"):
                self._add(node.place, node.unique_id, [c["name"] for c in node.raw["columns"].values()])
        for key, raw in project.raw["sources"].items():
            place = (raw["schema"], raw["name"])
            self._add(place, key, source_columns(*place))

    def _add(self, place: tuple[str, str], unique_id: str, columns: list[str]) -> None:
        self.ids[place] = unique_id
        self.schema.setdefault(place[0], {})[place[1]] = dict.fromkeys(columns, "varchar")


def source_columns(schema: str, name: str) -> list[str]:
    """Names of the columns of a relation the models read but did not make."""
    if schema == "raw" and name in SOURCES:
        return [*SOURCES[name].columns]
    with duckdb.connect(":memory:") as connection:
        for statement in ("create schema raw", "create schema ops", RECEIPTS_DDL, FILE_FINDINGS_DDL, *INDEX_DDL):
            connection.execute(statement)
        made = {"ledger": LEDGER.get(name, {}), "raw": QUARANTINE_COLUMNS if name == "quarantine" else {}}.get(schema)
        if made:
            return [*made]
        return [column for column, *_ in connection.execute(f"describe {schema}.{name}").fetchall()]


def _of_model(node: Node, query: str, tables: _Tables) -> dict[str, list[tuple[str, str]]]:
    import sqlglot
    from sqlglot import exp
    from sqlglot.lineage import lineage
    from sqlglot.optimizer.qualify import qualify
    from sqlglot.optimizer.scope import build_scope

    tree = sqlglot.parse_one(query, dialect="duckdb")
    for table in tree.find_all(exp.Table):
        table.set("catalog", None)
    tree = qualify(tree, dialect="duckdb", schema=tables.schema, validate_qualify_columns=False, identify=False)
    scope = build_scope(tree)
    if scope is None:
        return {}
    found = {}
    for column in node.raw["columns"]:
        parents = set()
        for step in lineage(column, tree, {}, scope=scope, dialect="duckdb", copy=False, trim_selects=False).walk():
            table = step.expression
            if isinstance(table, exp.Table) and (table.db, table.name) in tables.ids:
                parents.add((tables.ids[table.db, table.name], step.name.rsplit(".", 1)[-1].strip('"')))
        found[column] = sorted(parents)
    return found
