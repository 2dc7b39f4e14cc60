"""The project's dbt unit tests, run once per project: a rule that is wrong on its own examples invoices nobody.

A unit test gives a model rows and says which rows must come out. It depends on the project alone, so its
result is kept beside the manifest and holds until the project changes. dbt needs minutes for all of them;
here each is one query over its fixtures, without a table made. What the fixtures are cast to, and what is
compared, is as dbt has it; a test holds the two to the same verdicts.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import duckdb
import jinja2

from orchestration.settings import Settings
from orchestration.sql_literals import sql_text
from orchestration.warehouse import manifest_cache, rendering
from orchestration.warehouse.fingerprint import files_hash
from orchestration.warehouse.node_runner import TestResult
from orchestration.warehouse.project import Node, Project
from orchestration.warehouse.rendering import Flags, Relation, Renderer

# What a unit test's outcome follows from: not from the rows of seeds, for it gives its own.
_PARTS = ("models", "macros", "dbt_project.yml")
_INPUT = re.compile(r"""^(ref|source)\((.+)\)$""")
Rows = list[dict[str, Any]]


def results(
    connection: duckdb.DuckDBPyConnection, settings: Settings, project: Project, say: Callable[[str], None]
) -> list[TestResult]:
    """One result for each model that has unit tests: those kept of these very models, else run now and kept.

    Call with all models built: fixtures have the types of the relations they stand for.
    """
    failed = kept(settings)
    if failed is None:
        say(f"running {len(project.raw['unit_tests'])} unit tests, once per state of the project")
        failed = run(connection, project)
        keep(settings, failed)
    return by_model(project, failed)


def kept(settings: Settings) -> dict[str, str] | None:
    """What was found of these very models before: what is wrong by unique id; None where they were not tested."""
    found = manifest_cache.kept_json(settings, _name(settings))
    return found["failed"] if isinstance(found, dict) else None


def keep(settings: Settings, failed: dict[str, str]) -> None:
    """Keep that all tests passed. What failed is run again: it may have been the relations that were at fault."""
    if not failed:
        manifest_cache.keep_json(settings, _name(settings), {"failed": failed})


def _name(settings: Settings) -> str:
    kinds = sorted(str(p.relative_to(settings.project_dir)) for p in (settings.project_dir / "seeds").rglob("*.yml"))
    content = files_hash(settings.project_dir, (*_PARTS, *kinds)) + _code_hash()
    return f"unit_tests/{hashlib.sha256(content.encode()).hexdigest()[:24]}.json"


def by_model(project: Project, failed: dict[str, str]) -> list[TestResult]:
    """Results per model; `failed` says, by unique id of a unit test, what was wrong. No failure is lost: one
    of a test that is not in the project is told of by all."""
    strangers = [why for key, why in failed.items() if key not in project.raw["unit_tests"]]
    found = []
    for model, names in names_by_model(project.raw).items():
        listed = [(name, failed.get(key, strangers[0] if strangers else None)) for key, name in names.items()]
        wrong = [(name, why) for name, why in listed if why is not None]
        told = "; ".join(f"{name}: {why}" for name, why in wrong)
        name = check_name(model)
        found.append(TestResult(name, name, model, not wrong, len(wrong), told[:600]))
    return found


def names_by_model(manifest: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Names of unit tests by their unique ids, for each model that has some; all in order."""
    found: dict[str, dict[str, str]] = {}
    for key, test in sorted(manifest.get("unit_tests", {}).items(), key=lambda item: (item[1]["model"], item[0])):
        found.setdefault(test["model"], {})[key] = test["name"]
    return found


def check_name(model: str) -> str:
    """What the one check of a model's unit tests is called."""
    return f"unit_tests_of_{model}"


def run(connection: duckdb.DuckDBPyConnection, project: Project, keys: Iterable[str] | None = None) -> dict[str, str]:
    """Run unit tests (all, or those with these ids). Returns what is wrong by unique id; empty when all pass."""
    bench = _Bench(connection, project)
    failed = {}
    for key in sorted(project.raw["unit_tests"]) if keys is None else keys:
        try:
            difference = bench.difference(project.raw["unit_tests"][key])
        except (duckdb.Error, jinja2.TemplateError, LookupError) as error:
            # A test that cannot be evaluated has not passed.
            difference = " ".join(str(error).split())[:300]
        if difference:
            failed[key] = difference
    return failed


def _code_hash() -> str:
    code = b"".join(Path(str(module)).read_bytes() for module in (__file__, rendering.__file__))
    return hashlib.sha256(code).hexdigest()


class FixtureRenderer(Renderer):
    """Renders a model with its inputs replaced by fixtures, and macros by what a test says they answer."""

    def __init__(self, project: Project, connection: Any) -> None:
        super().__init__(project, connection, lambda _: False, project.nodes)
        self.relations: dict[tuple[str, ...], Relation] = {}
        self.overrides: dict[str, Any] = {}

    def _context(self, node: Node) -> dict[str, Any]:
        context = super()._context(node)
        context["is_incremental"] = lambda: False
        context["flags"] = Flags("test", lambda: False)
        context["model"] = node.raw | {"resource_type": "unit_test"}
        named, read = context["source"], context["ref"]
        context["source"] = lambda *names: self.relations.get(("source", *names)) or named(*names)
        # Lineage gives none at all: there it is the relations themselves.
        context["ref"] = lambda *names, **_: self.relations.get(("ref", names[-1])) or read(*names)
        for name, answer in self.overrides.items():
            context[name.rsplit(".", 1)[-1]] = lambda *_, answer=answer, **__: answer
        return context


class _Bench:
    """Runs one unit test after the other on a connection where every relation of the project is there."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, project: Project) -> None:
        self._connection = connection
        self._models = {node.name: node for node in project.of_kind("model")}
        self._relations: dict[tuple[str, ...], str] = {
            ("ref", n.name): n.relation for n in project.nodes.values() if n.relation
        }
        self._relations |= {
            ("source", raw["source_name"], raw["name"]): raw["relation_name"] for raw in project.raw["sources"].values()
        }
        self._names: dict[str, tuple[str, ...]] = {n.unique_id: ("ref", n.name) for n in project.nodes.values()}
        self._names |= {key: ("source", raw["source_name"], raw["name"]) for key, raw in project.raw["sources"].items()}
        self._renderer = FixtureRenderer(project, connection)
        self._types: dict[str, dict[str, str]] = {}

    def difference(self, test: dict[str, Any]) -> str:
        """What comes out that must not, or does not that must; empty when the test passes."""
        fixtures, given = [], {}
        for number, entry in enumerate(test["given"]):
            name = _input_name(entry["input"])
            alias = f"given_{number}_{name[-1]}"
            rows = _rows(entry)
            fixtures.append(f'"{alias}" as ({_select(rows, self._columns(self._relations[name]))})')
            given[name] = _relation(alias)
        # What a test gives no rows of is empty: its verdict must not depend on what has landed.
        for name in self._read_by(self._models[test["model"]]) - set(given):
            alias = f"not_given_{name[-1]}"
            fixtures.append(f'"{alias}" as ({_select([], self._columns(self._relations[name]))})')
            given[name] = _relation(alias)
        self._renderer.relations = given
        self._renderer.overrides = (test.get("overrides") or {}).get("macros") or {}
        model = self._models[test["model"]]
        query = f"with {', '.join(fixtures)} select * from (\n{self._renderer.render(model, model.raw['raw_code'])}\n)"
        expected = _rows(test["expect"])
        if not expected:
            row = self._connection.execute(f"select count(*) from ({query})").fetchone()
            return f"{row[0]} rows where none is expected" if row and row[0] else ""
        kinds = self._described(query)
        listed = {name.lower(): kinds[name.lower()] for name in expected[0]}
        names = ", ".join(f'"{name}"' for name in listed)
        wrong = self._connection.execute(
            f"with actual as materialized (select {names} from ({query})), expected as ({_select(expected, listed)}) "
            f"select 'not expected', * from (from actual except all from expected) "
            f"union all select 'missing', * from (from expected except all from actual) order by all limit 4"
        ).fetchall()
        return "; ".join(f"{row[0]} ({', '.join(str(value) for value in row[1:])})" for row in wrong)

    def _read_by(self, model: Node) -> set[tuple[str, ...]]:
        return {self._names[parent] for parent in model.parents}

    def _columns(self, relation: str) -> dict[str, str]:
        if relation not in self._types:
            self._types[relation] = self._described(f"from {relation}")
        return self._types[relation]

    def _described(self, query: str) -> dict[str, str]:
        rows = self._connection.execute(f"describe ({query})").fetchall()
        return {name.lower(): kind for name, kind, *_ in rows}


def _input_name(text: str) -> tuple[str, ...]:
    found = _INPUT.match(text.strip())
    if found is None:
        raise LookupError(f"{text} is not an input this runner knows")
    names = [name.strip().strip("'\"") for name in found[2].split(",")]
    return ("ref", names[-1]) if found[1] == "ref" else ("source", *names)


def _rows(entry: dict[str, Any]) -> Rows:
    rows = entry["rows"]
    if not isinstance(rows, list):
        raise LookupError("rows that are not a list are not supported here")
    return [{name.lower(): value for name, value in row.items()} for row in rows]


def _relation(alias: str) -> Relation:
    made = Relation(f'"{alias}"')
    made.database, made.schema, made.identifier = "", "", alias
    return made


def _select(rows: Rows, kinds: dict[str, str]) -> str:
    """The rows as a query with columns of these types; a column a row does not name is null."""
    for row in rows:
        if unknown := set(row) - set(kinds):
            raise LookupError(f"there is no column {', '.join(sorted(unknown))}")
    if not rows:
        return "select " + ", ".join(f'cast(null as {kind}) as "{name}"' for name, kind in kinds.items()) + " limit 0"
    return " union all ".join(
        "select " + ", ".join(f'cast({_literal(row.get(name))} as {kind}) as "{name}"' for name, kind in kinds.items())
        for row in rows
    )


def _literal(value: Any) -> str:
    if value is None:
        return "null"
    return sql_text(value) if isinstance(value, str) else str(value)
