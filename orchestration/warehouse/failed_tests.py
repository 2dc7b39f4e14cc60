"""What a failed data test tells a person: which rows, by their keys alone, and what to do about them."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import duckdb

from orchestration.quality.failing_keys import SHOWN, VALUE_FIELDS, key_columns, key_text
from orchestration.warehouse.project import Node, Project


def failing_keys(connection: duckdb.DuckDBPyConnection, project: Project, node: Node, query: str) -> tuple[str, ...]:
    """Keys of some of the rows that `query`, the failed test's, finds: columns that say which row it is, no others."""
    attached = project.nodes.get(str(node.raw.get("attached_node")))
    grain = project.grain(attached.unique_id) if attached is not None else []
    column = node.raw.get("column_name")
    columns = _columns(connection, query)
    if attached is not None and column:
        # dbt's tests of one column show its values, not whose they are.
        value = next((name for name in columns if name in VALUE_FIELDS), column)
        query = (
            f"select rows.* from {attached.relation} as rows where exists "
            f'(select 1 from (\n{query}\n) as found where found."{value}" is not distinct from rows."{column}")'
        )
        columns, grain = _columns(connection, query), [*grain, column]
    keys = key_columns(columns, grain)
    if not keys:
        return ()
    names = ", ".join(f'"{name}"' for name in keys)
    rows: list[Any] = []
    with suppress(duckdb.Error):  # The test has failed all the same, and says so.
        shown = f"select distinct {names} from (\n{query}\n) order by all limit {SHOWN}"
        rows = connection.execute(shown).fetchall()
    return tuple(key_text(keys, row) for row in rows)


def remedy(project: Project, node: Node) -> str:
    """What to do about a failed test: where the rows are made, and which query finds them."""
    attached = project.nodes.get(str(node.raw.get("attached_node")))
    made_by = attached.raw["original_file_path"] if attached is not None else "the model that produces the rows"
    if attached is not None and attached.kind == "seed":
        # What a test demands of a seed is told where it is refused: a person types those rows.
        demanded = " ".join(str(node.raw.get("description") or "").split())
        return f"Correct these rows of {made_by}, or what they refer to, and run again. {demanded}".rstrip()
    query = f"dbt/target/{compiled_path(node)}"
    return f"Fix {made_by}, or the input of these rows, and run again. To find them: {query} in the state folder."


def compiled_path(node: Node) -> Path:
    """Where dbt would lay the test's query, from its target folder."""
    path = Path("compiled") / node.raw["package_name"] / node.raw["original_file_path"]
    return path / node.raw["path"] if "test_metadata" in node.raw else path


def _columns(connection: duckdb.DuckDBPyConnection, query: str) -> list[str]:
    return [name for name, *_ in connection.execute(f"describe (\n{query}\n)").fetchall()]
