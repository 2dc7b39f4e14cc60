"""What a table holds, month by month, told by the engine's own quick hashes: for comparing, not for naming."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from orchestration import duck

# What stands for no month among months.
NO_MONTH = "0001-01-01"


def month_key(has_months: bool) -> str:
    """SQL for the month a row is filed under, as a date."""
    return f"coalesce(billing_month, date '{NO_MONTH}')" if has_months else f"date '{NO_MONTH}'"


@dataclass(frozen=True)
class Content:
    """What a table holds: columns with types, and by month the number of its rows and two sums of their hashes.

    Sums of one version of the engine: another's say nothing beside them.
    """

    columns: tuple[tuple[str, str], ...]
    months: dict[str, tuple[int, int, int]]

    @property
    def has_months(self) -> bool:
        return any(name == "billing_month" for name, _ in self.columns)

    @property
    def rows(self) -> int:
        return sum(count for count, *_ in self.months.values())

    def moved_since(self, before: Content | None) -> list[str]:
        """Months that hold something else than `before`, with those that only one of the two has; all without one."""
        if before is None or before.columns != self.columns:
            return sorted(self.months)
        every = {*self.months, *before.months}
        return sorted(month for month in every if self.months.get(month) != before.months.get(month))


def content_of(connection: duckdb.DuckDBPyConnection, relation: str) -> Content:
    """What a relation holds."""
    columns = columns_of(connection, relation)
    month = month_key(any(name == "billing_month" for name, _ in columns))
    rows = connection.execute(
        f"select {month}::varchar, {duck.CONTENT_OF_ROWS} from {relation} as r group by 1"
    ).fetchall()
    return Content(columns, {month: (count, one, two) for month, count, one, two in rows})


def contents(connection: duckdb.DuckDBPyConnection, schema: str, tables: list[str]) -> dict[str, Content]:
    """What each table of a schema holds, by name."""
    found = duck.side_by_side(connection, lambda session, table: content_of(session, f"{schema}.{table}"), tables)
    return dict(zip(tables, found, strict=True))


def columns_of(connection: duckdb.DuckDBPyConnection, relation: str) -> tuple[tuple[str, str], ...]:
    """(name, type) of a relation's columns, in order."""
    return tuple((name, kind) for name, kind, *_ in connection.execute(f"describe {relation}").fetchall())
