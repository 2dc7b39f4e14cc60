"""The marts of a release: taken over from the release before where they hold the same, copied where they moved.

A release is a whole database, and most of its months are those of the release before. Its file is copied, and
months whose rows differ are replaced; so publishing costs what moved, not what there is. What differs is found by
comparing rows, never told by whoever built them, and the finished copy is compared once more.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import duckdb

from orchestration import duck
from orchestration.ingestion.raw_schema import sql_text
from orchestration.publishing.parquet_files import month_key, write_table
from orchestration.settings import Settings

DATABASE = "meterhouse.duckdb"
# Small, and in the order of months: a month is read without the others.
ROW_GROUP_SIZE = 12_288
Descriptions = dict[str, tuple[str, dict[str, str]]]


@dataclass(frozen=True)
class Content:
    """What a table holds: columns with types, and by month the number of its rows and two sums of their hashes.

    Sums of one engine's hashes: for comparing within a run, not for keeping.
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
    described = connection.execute(f"describe {relation}").fetchall()
    columns = tuple((name, kind) for name, kind, *_ in described)
    month = month_key(any(name == "billing_month" for name, _ in columns))
    rows = connection.execute(
        f"select {month}::varchar, {duck.CONTENT_OF_ROWS} from {relation} as r group by 1"
    ).fetchall()
    return Content(columns, {month: (count, one, two) for month, count, one, two in rows})


def contents(connection: duckdb.DuckDBPyConnection, schema: str, tables: list[str]) -> dict[str, Content]:
    """What each table of a schema holds, by name."""
    found = duck.side_by_side(connection, lambda session, table: content_of(session, f"{schema}.{table}"), tables)
    return dict(zip(tables, found, strict=True))


def write_tables(
    connection: duckdb.DuckDBPyConnection,
    building: Path,
    tables: list[str],
    descriptions: Descriptions,
    before: Path | None,
) -> dict[str, Content]:
    """Make schema `marts` of the release in folder `building`, attached as `released`, and each table as Parquet.

    `before` is the folder of a release to start from. Returns what the candidate's tables hold, to compare with.
    """
    if before is not None:
        shutil.copyfile(before / DATABASE, building / DATABASE)
    duck.attach(connection, building / DATABASE, name="released", at_once=True, row_group_size=ROW_GROUP_SIZE)
    connection.execute("create schema if not exists released.marts")
    candidate = contents(connection, "marts", tables)
    there = [
        name
        for (name,) in connection.execute(
            "select table_name from duckdb_tables() where database_name = 'released' order by 1"
        ).fetchall()
    ]
    for gone in sorted(set(there) - set(tables)):
        connection.execute(f'drop table released.marts."{gone}"')
    former = contents(connection, "released.marts", [table for table in tables if table in there])

    def write(session: duckdb.DuckDBPyConnection, table: str) -> None:
        now, then = candidate[table], former.get(table)
        moved = now.moved_since(then)
        session.execute("begin")
        if then is None or then.columns != now.columns or _is_most(moved, now):
            session.execute(
                f"create or replace table released.marts.{table} as select * from marts.{table} "
                f"order by {month_key(now.has_months)}, columns(*)"
            )
        elif moved:
            listed = ", ".join(f"date '{month}'" for month in moved)
            chosen = f"where {month_key(now.has_months)} in ({listed})"
            session.execute(f"delete from released.marts.{table} {chosen}")
            session.execute(f"insert into released.marts.{table} select * from marts.{table} {chosen} order by all")
        _describe(session, table, descriptions)
        # What is committed knows what its row groups hold, and is read by month.
        session.execute("commit")
        write_table(
            session,
            f"released.marts.{table}",
            building / "parquet" / table,
            now.months,
            has_months=now.has_months,
            unmoved=set(now.months) - set(moved),
            before=before / "parquet" / table if before is not None else None,
        )

    # The largest first, so that none of them is left for the end.
    duck.side_by_side(connection, write, sorted(tables, key=lambda table: (-candidate[table].rows, table)))
    return candidate


def _is_most(moved: list[str], now: Content) -> bool:
    """Whether so much moved that the table is sooner written anew than mended."""
    return 2 * sum(now.months[month][0] for month in moved if month in now.months) > now.rows


def _describe(session: duckdb.DuckDBPyConnection, table: str, descriptions: Descriptions) -> None:
    """Say of the table and its columns what they are, where that does not stand there already."""
    text, columns = descriptions.get(table, ("", {}))
    here = f"database_name = 'released' and table_name = {sql_text(table)}"
    row = session.execute(f"select comment from duckdb_tables() where {here}").fetchone()
    if row is None or (row[0] or "") != text:
        session.execute(f"comment on table released.marts.{table} is {sql_text(text)}")
    said = dict(session.execute(f"select column_name, comment from duckdb_columns() where {here}").fetchall())
    for column, description in columns.items():
        if (said.get(column) or "") != description:
            session.execute(f'comment on column released.marts.{table}."{column}" is {sql_text(description)}')


def copied_whole(settings: Settings, building: Path, tables: list[str], candidate: dict[str, Content]) -> bool:
    """Whether the finished database, opened anew, holds what the candidate does."""
    with duck.connect(building / DATABASE, settings, read_only=True) as released:
        return contents(released, "marts", tables) == candidate
