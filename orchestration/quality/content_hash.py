"""What a set of marts holds, as one hash: same rows, same hash, in whatever order they were written."""

from __future__ import annotations

import hashlib

import duckdb

from orchestration import duck
from orchestration.ingestion.raw_schema import sql_text

HALF = 2**64 - 1


def mart_names(connection: duckdb.DuckDBPyConnection, database: str | None = None) -> list[str]:
    """Names of the tables of schema marts, sorted."""
    holder = sql_text(database) if database else "current_database()"
    rows = connection.execute(
        f"select table_name from duckdb_tables() where schema_name = 'marts' and database_name = {holder} order by 1"
    ).fetchall()
    return [name for (name,) in rows]


def table_hash(connection: duckdb.DuckDBPyConnection, relation: str) -> str:
    """Order-independent hash of a relation's rows and columns, exact text of every value."""
    described = connection.execute(f"describe {relation}").fetchall()
    columns = [name for name, *_ in described]
    row_text = ", ".join(f'coalesce("{name}"::varchar, chr(30))' for name in columns)
    sums = connection.execute(
        # The two halves of one md5, summed each on its own.
        f"select count(*), sum((m >> 64)::ubigint::hugeint), sum((m & {HALF}::uhugeint)::ubigint::hugeint) "
        f"from (select md5_number(concat_ws(chr(31), {row_text})) as m from {relation})"
    ).fetchone()
    types = "|".join(f"{name} {kind}" for name, kind, *_ in described)
    return hashlib.sha256(f"{types}#{sums}".encode()).hexdigest()


def candidate_hashes(connection: duckdb.DuckDBPyConnection, database: str | None = None) -> dict[str, str]:
    """Hash of every mart by name."""
    prefix = f"{database}." if database else ""
    names = mart_names(connection, database)

    # A small table is one processor's work, so the tables are what is shared out.
    found = duck.side_by_side(connection, lambda session, name: table_hash(session, f"{prefix}marts.{name}"), names)
    return dict(zip(names, found, strict=True))


def combine(hashes: dict[str, str]) -> str:
    """One content hash over all marts."""
    return hashlib.sha256("\n".join(f"{k} {v}" for k, v in sorted(hashes.items())).encode()).hexdigest()
