"""The Jinja of models, hooks and tests turned into SQL, as dbt does it but without loading dbt.

Only the part of dbt's language this project speaks: ref, source, this, config, run_query,
is_incremental, dispatch and the project's own macros. A test compares every node's text with
what dbt itself compiles. Runs nothing but the queries a macro asks for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from copy import copy
from dataclasses import dataclass
from functools import cache
from typing import Any

import duckdb
import jinja2

from orchestration.warehouse.kept_templates import KeptTemplates
from orchestration.warehouse.project import Node, Project

_TEST_BLOCK = re.compile(r"\{%(-?)\s*test\s+(\w+)\s*\(")
_TEST_END = re.compile(r"\{%(-?)\s*endtest\s*(-?)%\}")
_EXPRESSION = re.compile(r"^\s*\{\{(.*)\}\}\s*$", re.DOTALL)


class Relation(str):
    """A relation's quoted name, with its parts as attributes."""

    __slots__ = ("database", "identifier", "schema")
    database: str
    schema: str
    identifier: str

    @classmethod
    def of(cls, quoted: str) -> Relation:
        made = cls(quoted)
        made.database, made.schema, made.identifier = quoted.strip('"').split('"."')
        return made


class _Returned(BaseException):
    """How a macro's return() leaves the macro: no error, so nothing in a template catches it."""

    def __init__(self, value: Any) -> None:
        self.value = value


@dataclass(frozen=True)
class _Column:
    found: tuple[Any, ...]

    def values(self) -> tuple[Any, ...]:
        return self.found


class _Rows:
    """What run_query answers: rows, and columns with values()."""

    def __init__(self, width: int, rows: list[tuple[Any, ...]]) -> None:
        self.rows = rows
        self.columns = [_Column(tuple(row[i] for row in rows)) for i in range(width)]

    def __iter__(self) -> Any:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)


class _Config:
    """`config` inside a node: called it shows nothing, asked it tells the node's settings."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def __call__(self, *_: Any, **__: Any) -> str:
        return ""

    def get(self, name: str, default: Any = None, **_: Any) -> Any:
        found = self._node.config.get(name)
        return default if found is None else found


class Renderer:
    """Renders the nodes of a project against one connection.

    `exists` says whether a node's relation is there as a table; of the nodes `from_nothing`, by unique id, and for
    tests of them, every build is a first one.
    `texts` holds, by unique id, SQL rendered before that asked neither the connection nor these two: it
    follows from the project alone. What is rendered and asks nothing is added to it. `templates` is kept_templates'.
    """

    def __init__(
        self,
        project: Project,
        connection: duckdb.DuckDBPyConnection,
        exists: Callable[[Node], bool],
        from_nothing: Collection[str] = (),
        texts: dict[str, str] | None = None,
        templates: dict[str, str] | None = None,
    ) -> None:
        self._texts = {} if texts is None else texts
        self._asked = False
        self._project = project
        self._connection = connection
        self._exists = exists
        self._from_nothing = frozenset(from_nothing)
        self._environment = jinja2.Environment(
            extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"], undefined=jinja2.StrictUndefined
        )
        self._compiled = KeptTemplates({} if templates is None else templates)
        self._templates: dict[str, jinja2.Template] = {}
        self._macros = self._named_macros()
        self._relations = {
            (node.raw["package_name"], node.name): Relation.of(node.relation)
            for node in project.nodes.values()
            if node.relation
        }
        self._sources = {
            (raw["source_name"], raw["name"]): Relation.of(raw["relation_name"])
            for raw in project.raw["sources"].values()
        }

    def on(self, connection: duckdb.DuckDBPyConnection) -> Renderer:
        """The same on another connection, for another thread: what it asks, it asks there."""
        other = copy(self)
        other._connection = connection
        return other

    def _named_macros(self) -> dict[str, str]:
        """Source of every macro that may be called, by name; a generic test is a macro too."""
        found = {}
        for key in sorted(self._project.macros_used, key=lambda key: key.startswith("macro.dbt.") is False):
            text = self._project.macros[key]["macro_sql"]
            found[self._project.macros[key]["name"]] = _TEST_END.sub(
                r"{%\1 endmacro \2%}", _TEST_BLOCK.sub(r"{%\1 macro test_\2(", text)
            )
        return found

    def _template(self, text: str) -> jinja2.Template:
        if text not in self._templates:
            self._templates[text] = self._compiled.template(self._environment, text)
        return self._templates[text]

    def compile(self, node: Node) -> str:
        """The node's SQL."""
        known = self._texts.get(node.unique_id)
        if known is not None:
            return known
        self._asked = False
        text = self._compile(node)
        if not self._asked:
            self._texts[node.unique_id] = text
        return text

    def is_settled(self, node: Node) -> bool:
        """Whether the node's SQL is known to follow from the project alone, and what stands there is believed."""
        return node.unique_id in self._texts and not self._refreshing(node)

    def _compile(self, node: Node) -> str:
        if node.kind == "test" and "test_metadata" in node.raw:
            context = self._context(node)
            context["_dbt_generic_test_kwargs"] = {
                name: self._argument(name, value, context)
                for name, value in node.raw["test_metadata"]["kwargs"].items()
            }
            return self._template(node.raw["raw_code"]).render(context)
        return self.render(node, node.raw["raw_code"])

    def render(self, node: Node, text: str) -> str:
        """Any text of the node: its code or a hook."""
        return self._template(text).render(self._context(node))

    def _argument(self, name: str, value: Any, context: dict[str, Any]) -> Any:
        # Arguments of a test may be expressions, which keep their type, or hold some within text.
        if isinstance(value, list):
            return [self._argument("", item, context) for item in value]
        if not isinstance(value, str) or name == "column_name":
            return value
        if whole := _EXPRESSION.match(value):
            return self._environment.compile_expression(whole[1], undefined_to_none=False)(**context)
        if value.startswith(("ref(", "source(")):
            return self._environment.compile_expression(value, undefined_to_none=False)(**context)
        return self._template(value).render(context) if "{{" in value else value

    def _context(self, node: Node) -> dict[str, Any]:
        context: dict[str, Any] = {
            "this": Relation.of(node.relation) if node.relation else None,
            "model": node.raw,
            "config": _Config(node),
            "execute": True,
            "flags": Flags("run", lambda: self._refreshing(node)),
            "ref": lambda *names, **_: self._ref(node, *names),
            "source": lambda *names: _known(self._sources, names),
            "var": lambda _, default=None: default,
            "return": _return,
            # A text asks the same many times over, and nothing is written while it is rendered.
            "run_query": cache(self._run_query),
            "is_incremental": lambda: self.is_incremental(node),
            "should_full_refresh": lambda: self._refreshing(node),
            "should_store_failures": lambda: False,
            "get_where_subquery": lambda relation: relation,
        }
        context["adapter"] = _Adapter(context)
        for name in self._macros:
            context.setdefault(name, self._callable(name, context))
        return context

    def _callable(self, name: str, context: dict[str, Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            module = self._template(self._macros[name]).make_module(context)
            try:
                return getattr(module, name)(*arguments, **named)
            except _Returned as returned:
                return returned.value

        return call

    def _ref(self, node: Node, *names: str) -> Relation:
        package = names[0] if len(names) == 2 else node.raw["package_name"]
        return _known(self._relations, (package, names[-1]))

    def _refreshing(self, node: Node) -> bool:
        self._asked = True
        concerned = {node.unique_id, *(node.parents if node.kind == "test" else ())}
        return not concerned.isdisjoint(self._from_nothing)

    def _run_query(self, query: str) -> _Rows:
        self._asked = True
        cursor = self._connection.execute(query)
        return _Rows(len(cursor.description or []), cursor.fetchall())

    def is_incremental(self, node: Node) -> bool:
        """Whether the node is added to, not made from nothing."""
        self._asked = True
        return node.materialized == "incremental" and not self._refreshing(node) and self._exists(node)


@dataclass(frozen=True)
class Flags:
    WHICH: str
    refreshing: Callable[[], bool]

    @property
    def FULL_REFRESH(self) -> bool:
        return self.refreshing()


class _Adapter:
    """`adapter` in a template: finds the macro an engine has of its own."""

    def __init__(self, context: dict[str, Any]) -> None:
        self._context = context

    def dispatch(self, macro_name: str, macro_namespace: str | None = None) -> Callable[..., Any]:
        names = [f"duckdb__{macro_name}", f"default__{macro_name}"]
        found: Callable[..., Any] = next(self._context[name] for name in names if name in self._context)
        return found


def _known(relations: dict[tuple[str, str], Relation], names: tuple[str, ...]) -> Relation:
    found = relations.get((names[0], names[-1]))
    if found is None:
        raise jinja2.TemplateRuntimeError(f"there is no {'.'.join(names)} in the project")
    return found


def _return(value: Any = None) -> None:
    raise _Returned(value)
