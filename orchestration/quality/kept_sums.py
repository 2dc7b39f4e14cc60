"""Sums of the marts' rows, kept with the verdict they led to: a month that holds what it held is not summed again.

The md5 of a row's text takes ten times as long as the engine's own hash of it. All rows are looked at with the
quick hash; where a month's quick sums are those kept, so are the slow ones. The verdict's seal covers them
(seal.py): kept sums that somebody edited count for nothing, nor do those of another version of the engine.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import duckdb

from orchestration import duck
from orchestration.quality.content_hash import MonthSums, hash_of, month_sums
from orchestration.quality.month_contents import Content
from orchestration.sql_literals import sql_text

TABLE = "ops.mart_month_sums"
DDL = (
    f"create table if not exists {TABLE} (engine varchar, table_name varchar, columns varchar, billing_month varchar, "
    "row_count bigint, quick_one hugeint, quick_two hugeint, md5_high hugeint, md5_low hugeint)"
)
Sums = dict[str, MonthSums]
_Kept = dict[tuple[str, str, str], dict[tuple[int, int, int], tuple[int, int, int]]]


def candidate_sums(
    connection: duckdb.DuckDBPyConnection, held: Mapping[str, Content], *, trusted: bool
) -> tuple[dict[str, str], Sums]:
    """Hash of every mart by name, and the sums to keep; `held` is what the marts hold now.

    Kept sums are used only where `trusted`: where the seal of the verdict they stand beside is sound.
    """
    kept = _kept(connection) if trusted else {}

    def sums_of(session: duckdb.DuckDBPyConnection, name: str) -> MonthSums:
        content = held[name]
        columns = _text(content)
        known = {
            month: found
            for month, quick in content.months.items()
            if (found := kept.get((name, columns, month), {}).get(quick)) is not None
        }
        unknown = content.months.keys() - known.keys()
        return {**known, **month_sums(session, f"marts.{name}", content.columns, unknown)} if unknown else known

    names = sorted(held, key=lambda name: (-held[name].rows, name))
    sums = dict(zip(names, duck.side_by_side(connection, sums_of, names), strict=True))
    return {name: hash_of(held[name].columns, sums[name]) for name in sorted(held)}, sums


def keep(connection: duckdb.DuckDBPyConnection, held: Mapping[str, Content], sums: Sums) -> None:
    """Keep the sums of the candidate that was judged. Call in the verdict's transaction, before it is sealed."""
    connection.execute(DDL)
    connection.execute(f"delete from {TABLE}")
    rows = [
        f"({sql_text(duckdb.__version__)}, {sql_text(name)}, {sql_text(_text(content))}, {sql_text(month)}, "
        f"{', '.join(str(number) for number in (*quick, *sums[name][month][1:]))})"
        for name, content in sorted(held.items())
        for month, quick in sorted(content.months.items())
    ]
    if rows:
        connection.execute(f"insert into {TABLE} values {', '.join(rows)}")


def sealed_text(connection: duckdb.DuckDBPyConnection) -> str:
    """What the seal covers of the kept sums. Raises CatalogException where none were ever kept."""
    row = connection.execute(
        "select coalesce(md5(string_agg(line, chr(10) order by line)), '') "
        f"from (select r::varchar as line from {TABLE} as r)"
    ).fetchone()
    return str(row[0]) if row else ""


def _kept(connection: duckdb.DuckDBPyConnection) -> _Kept:
    rows = connection.execute(
        "select table_name, columns, billing_month, row_count, quick_one, quick_two, md5_high, md5_low "
        f"from {TABLE} where engine = {sql_text(duckdb.__version__)}"
    ).fetchall()
    return {
        (name, columns, month): {(count, one, two): (count, high, low)}
        for name, columns, month, count, one, two, high, low in rows
    }


def _text(content: Content) -> str:
    return json.dumps(content.columns)
