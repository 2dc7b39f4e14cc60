"""The dbt project as its manifest describes it: nodes, their order, what depends on what.

Read from manifest.json, the artifact dbt documents, so that nothing of dbt is loaded. Says as well
which features a project uses that node_runner does not know: such a project is left to dbt itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache, cached_property
from graphlib import TopologicalSorter
from typing import Any

# Settings of a node that change what is run, with the values node_runner knows; a callable decides.
_KNOWN_CONFIG: dict[str, tuple[Any, ...]] = {
    "enabled": (True,),
    "materialized": ("view", "table", "incremental", "seed", "test"),
    "incremental_strategy": (None, "delete+insert", "append"),
    # A changed project is built anew, so the columns of a model never change under it.
    "on_schema_change": ("ignore", "fail"),
    "on_configuration_change": ("apply",),
    "lookback": (1,),
    "full_refresh": (None,),
    "delimiter": (",",),
    "quote_columns": (False,),
    "severity": ("ERROR", "error"),
    "fail_calc": ("count(*)",),
    "warn_if": ("!= 0",),
    "error_if": ("!= 0",),
}
# Read elsewhere or without effect on DuckDB.
_FREE_CONFIG = {
    "schema", "database", "alias", "tags", "meta", "group", "docs", "access", "contract", "packages",
    "unique_key", "pre-hook", "post-hook", "column_types",
}  # fmt: skip
_KNOWN_CONSTRAINTS = {"not_null", "primary_key", "unique", "check"}
# dbt's own macros that rendering provides or can take as they are.
_KNOWN_MACROS = {"is_incremental", "run_query", "should_full_refresh", "statement", "get_where_subquery"}
_KNOWN_TESTS = ("test_", "default__test_", "should_store_failures", "default__get_where_subquery")


@dataclass(frozen=True)
class Node:
    """One seed, model or data test."""

    unique_id: str
    kind: str
    name: str
    relation: str
    raw: dict[str, Any] = field(repr=False, hash=False, compare=False)

    @property
    def config(self) -> dict[str, Any]:
        found: dict[str, Any] = self.raw["config"]
        return found

    @property
    def materialized(self) -> str:
        return str(self.config["materialized"])

    @property
    def parents(self) -> list[str]:
        """Unique ids of the nodes and sources it reads."""
        return list(dict.fromkeys(self.raw["depends_on"].get("nodes", [])))

    @property
    def place(self) -> tuple[str, str]:
        """(schema, name) of its relation."""
        return self.raw["schema"], self.raw.get("alias") or self.name

    @property
    def contract(self) -> bool:
        return bool((self.config.get("contract") or {}).get("enforced"))


class Project:
    """The nodes of one manifest."""

    def __init__(self, manifest: dict[str, Any]) -> None:
        self.raw = manifest
        self.nodes = {
            key: Node(key, raw["resource_type"], raw["name"], raw.get("relation_name") or "", raw)
            for key, raw in manifest["nodes"].items()
            # on-run-start looks at the build file for those who call dbt themselves; the runner makes that file.
            if raw["resource_type"] != "operation"
        }
        self.sources: dict[str, str] = {key: raw["relation_name"] for key, raw in manifest["sources"].items()}
        self.macros: dict[str, dict[str, Any]] = manifest["macros"]

    def of_kind(self, kind: str) -> list[Node]:
        return [node for node in self.nodes.values() if node.kind == kind]

    @cached_property
    def models_in_order(self) -> list[Node]:
        """Models, each after all it reads; equal projects give equal orders."""
        models = {node.unique_id: node for node in self.of_kind("model")}
        graph = {key: sorted(set(models[key].parents) & models.keys()) for key in sorted(models)}
        return [models[key] for key in TopologicalSorter(graph).static_order()]

    def with_descendants(self, ids: Iterable[str]) -> set[str]:
        """`ids` (of nodes and sources) and every model below them."""
        found = set(ids)
        for node in self.models_in_order:
            if found.intersection(node.parents):
                found.add(node.unique_id)
        return found

    def grain(self, unique_id: str) -> list[str]:
        """Columns that tell the node's rows apart, by its constraints or else its tests; empty where none say so."""
        raw = self.nodes[unique_id].raw
        for constraint in raw.get("constraints", []):
            if constraint["type"] == "primary_key":
                return list(constraint["columns"])
        found: list[str] = []
        for test in self.of_kind("test"):
            metadata = test.raw.get("test_metadata") or {"name": ""}
            if test.raw.get("attached_node") != unique_id:
                continue
            if metadata["name"] == "unique_combination":
                return list(metadata["kwargs"]["columns"])
            if metadata["name"] == "unique":
                found.append(test.raw["column_name"])
        return found

    @cached_property
    def unknown_features(self) -> list[str]:
        """What node_runner does not know of this project, in words; empty when it can run it."""
        found = []
        for node in self.nodes.values():
            if node.kind not in ("model", "seed", "test") or node.raw.get("language", "sql") != "sql":
                found.append(f"{node.unique_id} is a {node.kind}")
                continue
            found += [f"{node.name}: {text}" for text in _unknown_config(node)]
        for key in sorted(self.macros_used):
            package, name = key.split(".")[1:]
            ours = package == self.raw["metadata"]["project_name"]
            if not ours and name not in _KNOWN_MACROS and not name.startswith(_KNOWN_TESTS):
                found.append(f"macro {key}")
        return found

    @cached_property
    def macros_used(self) -> set[str]:
        """Ids of the macros that nodes call, directly or through others, and of all the project's own."""
        own = f"macro.{self.raw['metadata']['project_name']}."
        waiting = [key for node in self.nodes.values() for key in node.raw["depends_on"].get("macros", [])]
        waiting += [key for key in self.macros if key.startswith(own)]
        found: set[str] = set()
        while waiting:
            key = waiting.pop()
            if key in found:
                continue
            found.add(key)
            # What dbt's own macros call is theirs: rendering stands in for them as a whole.
            if not key.startswith("macro.dbt.") or key.split(".")[2].startswith(("test_", "default__test_")):
                waiting += self.macros[key]["depends_on"]["macros"]
        return found


def _unknown_config(node: Node) -> list[str]:
    found = []
    if node.kind == "seed" and not node.config.get("column_types"):
        found.append("a seed without column_types")
    for name, value in node.config.items():
        if name in _KNOWN_CONFIG:
            if value not in _KNOWN_CONFIG[name]:
                found.append(f"{name} is {value!r}")
        elif name not in _FREE_CONFIG and value:
            found.append(f"{name} is {value!r}")
    constraints = [*node.raw.get("constraints", [])]
    constraints += [c for column in node.raw.get("columns", {}).values() for c in column.get("constraints", [])]
    found += [f"constraint {c['type']}" for c in constraints if c["type"] not in _KNOWN_CONSTRAINTS]
    if any(
        not hook.get("transaction", True) for kind in ("pre-hook", "post-hook") for hook in node.config.get(kind, [])
    ):
        found.append("a hook outside the transaction")
    return found


@cache
def read_project(content: bytes) -> Project:
    """The project a manifest.json describes: one object for one text."""
    return Project(json.loads(content))
