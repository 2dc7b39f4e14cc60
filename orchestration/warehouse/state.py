"""What the warehouse remembers of its builds: project hash, batches metered, months still to do."""

from __future__ import annotations

from collections.abc import Iterable

import duckdb

from orchestration.closing.ledger import closes_head
from orchestration.settings import Settings
from orchestration.sql_literals import sql_values
from orchestration.warehouse.build_notes import ensure_build_notes, forget_build_notes
from orchestration.warehouse.fingerprint import project_hash, seeds_hash

# How ops.touched_months says that contract data came in, and with it that anything may have moved.
EVERY_MONTH = "0001-01"


def months_named(touched: Iterable[str]) -> list[str]:
    """The billing months among those touched, as 2024-11: not "every month", nor the years of records without one."""
    return sorted({month[:7] for month in touched if "2000" < month < "9000"})


def ensure_state(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("create table if not exists ops.builds (project_hash varchar, seeds_hash varchar)")
    connection.execute("create table if not exists ops.builds_awaiting_verdict (billing_month varchar)")
    ensure_build_notes(connection)


def built_with(connection: duckdb.DuckDBPyConnection) -> tuple[str, str]:
    """(project hash, seeds hash) of the last complete build, empty where there is none. Reads only."""
    row = connection.execute("select project_hash, seeds_hash from ops.builds").fetchone()
    return (row[0], row[1]) if row else ("", "")


def owe_all_from_nothing(connection: duckdb.DuckDBPyConnection) -> None:
    """Note that nothing built before may be added to, until a build is complete.

    Models build themselves from nothing where this is owed. A build that ends halfway leaves some of them anew and
    some as they were, which no later one may take for complete, whatever project it is of.
    """
    connection.execute("update ops.builds set project_hash = ''")


def newest_batch(connection: duckdb.DuckDBPyConnection) -> int:
    row = connection.execute("select coalesce(max(load_batch), 0) from raw.receipts").fetchone()
    return int(row[0]) if row else 0


def metered_batch(connection: duckdb.DuckDBPyConnection) -> int:
    row = connection.execute("select coalesce(max(load_batch), 0) from ops.metered_batches").fetchone()
    return int(row[0]) if row else 0


def findings_hash(connection: duckdb.DuckDBPyConnection) -> str:
    """Changes when a file was refused, or is no longer: those findings are published too."""
    row = connection.execute(
        "select coalesce(md5(string_agg(concat_ws('|', source, file_name, reason), chr(10) "
        "order by source, file_name)), '') from raw.file_findings"
    ).fetchone()
    return str(row[0]) if row else ""


def beside_the_project(connection: duckdb.DuckDBPyConnection, settings: Settings) -> str:
    """What else the marts depend on: seeds, refused files, closed months."""
    return seeds_hash(settings) + findings_hash(connection) + closes_head(settings)


def is_current(connection: duckdb.DuckDBPyConnection, settings: Settings) -> bool:
    """Whether the candidate marts already hold everything: same project, every batch metered."""
    return built_with(connection) == (
        project_hash(settings),
        beside_the_project(connection, settings),
    ) and newest_batch(connection) == metered_batch(connection)


def closed_since(connection: duckdb.DuckDBPyConnection, settings: Settings) -> bool:
    """Whether, of what the marts depend on beside the project, the closed months alone changed since the last build."""
    others = seeds_hash(settings) + findings_hash(connection)
    beside = built_with(connection)[1]
    return beside.startswith(others) and beside != others + closes_head(settings)


def record_build(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """After a complete build: nothing is left to do for the batches and months seen. In the caller's transaction."""
    connection.execute("delete from ops.builds")
    known = sql_values(project_hash(settings), beside_the_project(connection, settings))
    connection.execute(f"insert into ops.builds values {known}")
    connection.execute(f"insert into ops.metered_batches values ({newest_batch(connection)})")
    # Whatever ends the run before it is judged, the verdict that stands is on the build before.
    connection.execute(
        "insert into ops.builds_awaiting_verdict select distinct billing_month::varchar from ops.touched_months"
    )
    connection.execute("insert into ops.builds_awaiting_verdict values ('')")
    connection.execute("delete from ops.touched_months")
    connection.execute("delete from ops.moved_tenant_months")
    forget_build_notes(connection)


def awaits_verdict(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether the last complete build was never judged. Reads only; CatalogException where nothing was ever built."""
    row = connection.execute("select count(*) from ops.builds_awaiting_verdict").fetchone()
    return row is not None and row[0] > 0


def months_touched_since_judged(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """The months touched by this build, as 2024-11-01, and by complete ones before it that were never judged."""
    rows = connection.execute(
        "select billing_month::varchar from ops.touched_months union "
        "select billing_month from ops.builds_awaiting_verdict where billing_month != ''"
    ).fetchall()
    return sorted(month for (month,) in rows)


def note_judged(connection: duckdb.DuckDBPyConnection) -> None:
    """The verdict that stands is on the build that stands. Call in the transaction that keeps it."""
    connection.execute("delete from ops.builds_awaiting_verdict")
