"""The marts of a release: taken over from the release before where they hold the same, copied where they moved.

A release is a whole database, and most of its months are those of the release before. Its file is copied, and
months whose rows differ are replaced; so publishing costs what moved, not what there is. What differs is found by
comparing rows, never told by whoever built them, and the finished copy is compared once more.

What a release holds is written beside it, so that the next one need not read it. Should that be wrong of a file
that was damaged since, the finished copy differs, and the release is written whole.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import duckdb

from orchestration import duck
from orchestration.publishing.parquet_files import write_table
from orchestration.quality.month_contents import Content, contents, month_key
from orchestration.settings import Settings
from orchestration.sql_literals import sql_text

DATABASE = "meterhouse.duckdb"
CONTENTS = "contents.json"
# Small, and in the order of months: a month is read without the others.
ROW_GROUP_SIZE = 12_288
Descriptions = dict[str, tuple[str, dict[str, str]]]


def write_tables(
    connection: duckdb.DuckDBPyConnection,
    building: Path,
    candidate: Mapping[str, Content],
    descriptions: Descriptions,
    before: Path | None,
) -> dict[str, Content]:
    """Make schema `marts` of the release in folder `building`, attached as `released`, and each table as Parquet.

    `candidate` is what the marts hold now, by table; `before` the folder of a release to start from.
    Returns what the tables held that were taken over from it.
    """
    if before is not None:
        shutil.copyfile(before / DATABASE, building / DATABASE)
    duck.attach(connection, building / DATABASE, name="released", at_once=True, row_group_size=ROW_GROUP_SIZE)
    connection.execute("create schema if not exists released.marts")
    tables = sorted(candidate)
    there = [
        name
        for (name,) in connection.execute(
            "select table_name from duckdb_tables() where database_name = 'released' order by 1"
        ).fetchall()
    ]
    for gone in sorted(set(there) - set(tables)):
        connection.execute(f'drop table released.marts."{gone}"')
    said = _said(connection)
    kept = [table for table in tables if table in there]
    told = read_contents(before) if before is not None else None
    former = contents(connection, "released.marts", kept) if told is None else {t: told[t] for t in kept if t in told}

    def write(session: duckdb.DuckDBPyConnection, table: str) -> None:
        now, then = candidate[table], former.get(table)
        moved = now.moved_since(then)
        session.execute("begin")
        anew = then is None or then.columns != now.columns or _is_most(moved, now)
        if anew:
            session.execute(
                f"create or replace table released.marts.{table} as select * from marts.{table} "
                f"order by {month_key(now.has_months)}, columns(*)"
            )
        elif moved:
            listed = ", ".join(f"date '{month}'" for month in moved)
            chosen = f"where {month_key(now.has_months)} in ({listed})"
            session.execute(f"delete from released.marts.{table} {chosen}")
            session.execute(f"insert into released.marts.{table} select * from marts.{table} {chosen} order by all")
        _describe(session, table, descriptions, {} if anew else said)
        # What is committed knows what its row groups hold, and is read by month.
        session.execute("commit")
        write_table(
            session,
            f"released.marts.{table}",
            building / "parquet" / table,
            now.months,
            has_months=now.has_months,
            in_order=True,
            unmoved=set(now.months) - set(moved),
            before=before / "parquet" / table if before is not None else None,
        )

    # The largest first, so that none of them is left for the end.
    duck.side_by_side(connection, write, sorted(tables, key=lambda table: (-candidate[table].rows, table)))
    return former


def write_contents(building: Path, candidate: Mapping[str, Content]) -> None:
    """Say beside the release what its tables hold, in the hashes of this version of the engine."""
    told = {table: {"columns": content.columns, "months": content.months} for table, content in candidate.items()}
    text = json.dumps({"engine": duckdb.__version__, "tables": told}, sort_keys=True)
    (building / CONTENTS).write_text(text + "\n", encoding="utf-8")


def read_contents(release: Path) -> dict[str, Content] | None:
    """What `write_contents` said of a release; None where nothing was, or by another version of the engine."""
    try:
        told = json.loads((release / CONTENTS).read_text(encoding="utf-8"))
        if told["engine"] != duckdb.__version__:
            return None
        return {
            table: Content(
                tuple((name, kind) for name, kind in content["columns"]),
                {month: (count, one, two) for month, (count, one, two) in content["months"].items()},
            )
            for table, content in told["tables"].items()
        }
    except (OSError, ValueError, KeyError):
        return None


def _is_most(moved: list[str], now: Content) -> bool:
    """Whether so much moved that the table is sooner written anew than changed in place."""
    return 2 * sum(now.months[month][0] for month in moved if month in now.months) > now.rows


def _said(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], str]:
    """What the attached release says of its tables and, by table and column, of their columns."""
    here = "where database_name = 'released' and comment is not null"
    rows = connection.execute(
        f"select table_name, '', comment from duckdb_tables() {here} "
        f"union all select table_name, column_name, comment from duckdb_columns() {here}"
    ).fetchall()
    return {(table, column): comment for table, column, comment in rows}


def _describe(
    session: duckdb.DuckDBPyConnection, table: str, descriptions: Descriptions, said: Mapping[tuple[str, str], str]
) -> None:
    """Say of the table and its columns what they are, where that is not `said` already."""
    text, columns = descriptions.get(table, ("", {}))
    if said.get((table, ""), "") != text:
        session.execute(f"comment on table released.marts.{table} is {sql_text(text)}")
    for column, description in columns.items():
        if said.get((table, column), "") != description:
            session.execute(f'comment on column released.marts.{table}."{column}" is {sql_text(description)}')


def copied_whole(settings: Settings, building: Path, candidate: Mapping[str, Content]) -> bool:
    """Whether the finished database, opened anew, holds what the candidate does."""
    with duck.connect(building / DATABASE, settings, read_only=True) as released:
        return contents(released, "marts", sorted(candidate)) == candidate
