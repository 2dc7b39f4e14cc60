"""Counts work instead of seconds: rows scanned and files read, from DuckDB's own profile of each query.

For tests that must hold on any machine: work must depend on what is new, not on what is known.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

# A part of the raw store is recognized by its source's folder.
RAW_SOURCE = re.compile(r"/raw/(\w+)/")
PROFILE = ("set enable_profiling = 'no_output'", "set profiling_mode = 'detailed'")


@dataclass
class Work:
    """Rows scanned by relation (a table's name, a raw source, or the reader of files), and files read."""

    scanned: dict[str, int] = field(default_factory=dict)
    files_read: int = 0
    queries: int = 0

    @property
    def rows(self) -> int:
        return sum(self.scanned.values())

    def add(self, other: Work) -> None:
        for relation, rows in other.scanned.items():
            self.scanned[relation] = self.scanned.get(relation, 0) + rows
        self.files_read += other.files_read
        self.queries += other.queries


def work_of_profile(profile: dict[str, Any]) -> Work:
    """The work in one query's JSON profile."""
    work = Work(queries=1)
    waiting = [profile]
    while waiting:
        node = waiting.pop()
        waiting += node.get("children", [])
        rows = int(node.get("operator_rows_scanned") or 0)
        told = node.get("extra_info") or {}
        if rows:
            relation = str(told.get("Table") or told.get("Function") or node.get("operator_type"))
            if source := RAW_SOURCE.search(str(told.get("Filename(s)"))):
                relation = f"raw.{source[1]}"
            work.scanned[relation] = work.scanned.get(relation, 0) + rows
        work.files_read += int(told.get("Total Files Read") or 0)
    return work


def work_of(connection: Any, query: str) -> Work:
    """Run a query on a DuckDB connection or cursor and return its work; the result is not fetched."""
    for setting in PROFILE:
        connection.execute(setting)
    connection.execute(query)
    found = connection.get_profiling_information()
    return work_of_profile(json.loads(found) if isinstance(found, str) else found)


class _Counted:
    """Wraps a connection and adds the work of every statement to a sum."""

    def __init__(self, connection: Any, total: Work) -> None:
        self._connection = connection
        self._total = total

    def execute(self, query: str, *rest: Any) -> Any:
        for setting in PROFILE:
            self._connection.execute(setting)
        result = self._connection.execute(query, *rest)
        # Not every statement leaves a profile: settings and transactions do not.
        with contextlib.suppress(Exception):
            found = self._connection.get_profiling_information()
            self._total.add(work_of_profile(json.loads(found) if isinstance(found, str) else found))
        return result

    def cursor(self) -> _Counted:
        return _Counted(self._connection.cursor(), self._total)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


@contextlib.contextmanager
def build_work() -> Iterator[Work]:
    """Adds up the work of every statement that builds or tests a node in this process inside the block."""
    from orchestration.warehouse.node_runner import NodeRunner

    total = Work()
    plain = NodeRunner.__init__

    def counted(self: Any, project: Any, connection: Any, *rest: Any, **named: Any) -> None:
        plain(self, project, _Counted(connection, total), *rest, **named)

    NodeRunner.__init__ = counted  # type: ignore[method-assign]
    try:
        yield total
    finally:
        NodeRunner.__init__ = plain  # type: ignore[method-assign]
