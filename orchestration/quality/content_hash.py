"""What a set of marts holds, as one hash: same rows, same hash, in whatever order they were written.

A table's hash is made of sums of its rows' md5, and sums add up: so those of its months are enough.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping

import duckdb

from orchestration import duck
from orchestration.quality.month_contents import columns_of, month_key
from orchestration.sql_literals import sql_text

HALF = 2**64 - 1
Columns = tuple[tuple[str, str], ...]
# By month: rows, and the sums of the upper and of the lower halves of their md5.
MonthSums = dict[str, tuple[int, int, int]]


def mart_names(connection: duckdb.DuckDBPyConnection, database: str | None = None) -> list[str]:
    """Names of the tables of schema marts, sorted."""
    holder = sql_text(database) if database else "current_database()"
    rows = connection.execute(
        f"select table_name from duckdb_tables() where schema_name = 'marts' and database_name = {holder} order by 1"
    ).fetchall()
    return [name for (name,) in rows]


def month_sums(
    connection: duckdb.DuckDBPyConnection, relation: str, columns: Columns, months: Collection[str] | None = None
) -> MonthSums:
    """Sums over the exact text of every value of the rows of `months`, of all where None."""
    row_text = ", ".join(f'coalesce("{name}"::varchar, chr(30))' for name, _ in columns)
    month = month_key(any(name == "billing_month" for name, _ in columns))
    chosen = "" if months is None else f"where {month} in ({', '.join(f'date {sql_text(m)}' for m in sorted(months))})"
    rows = connection.execute(
        # The two halves of one md5, summed each on its own.
        f"select month, count(*), sum((m >> 64)::ubigint::hugeint), sum((m & {HALF}::uhugeint)::ubigint::hugeint) "
        f"from (select {month}::varchar as month, md5_number(concat_ws(chr(31), {row_text})) as m "
        f"from {relation} {chosen}) group by month"
    ).fetchall()
    return {month: (count, high, low) for month, count, high, low in rows}


def hash_of(columns: Columns, sums: MonthSums) -> str:
    """The hash of a table with these columns, from the sums of all its months."""
    types = "|".join(f"{name} {kind}" for name, kind in columns)
    total = (0, None, None) if not sums else tuple(sum(parts) for parts in zip(*sums.values(), strict=True))
    return hashlib.sha256(f"{types}#{total}".encode()).hexdigest()


def table_hash(connection: duckdb.DuckDBPyConnection, relation: str) -> str:
    """Order-independent hash of a relation's rows and columns, exact text of every value."""
    columns = columns_of(connection, relation)
    return hash_of(columns, month_sums(connection, relation, columns))


def candidate_hashes(connection: duckdb.DuckDBPyConnection, database: str | None = None) -> dict[str, str]:
    """Hash of every mart by name."""
    prefix = f"{database}." if database else ""
    names = mart_names(connection, database)

    # A small table is one processor's work, so the tables are what is shared out.
    found = duck.side_by_side(connection, lambda session, name: table_hash(session, f"{prefix}marts.{name}"), names)
    return dict(zip(names, found, strict=True))


def combine(hashes: Mapping[str, str]) -> str:
    """One content hash over all marts."""
    return hashlib.sha256("\n".join(f"{k} {v}" for k, v in sorted(hashes.items())).encode()).hexdigest()
