"""What arrived, measured once a batch: rows of each source, and how many of its keys are not set.

Table ops.arrivals holds the measures; the suites judge them instead of passing over all raw rows at every
run. A batch's rows never change, so neither do its measures.
"""

from __future__ import annotations

from collections.abc import Mapping

import duckdb

from orchestration.ingestion.part_statistics import unset_counts
from orchestration.ingestion.sources import SOURCES
from orchestration.quality.verdict import Check
from orchestration.settings import Settings
from orchestration.sql_literals import sql_text

RELATION = "ops.arrivals"
DDL = f"create table if not exists {RELATION} (source varchar, load_batch integer, rows bigint, unset_keys bigint)"
# Sources whose measures were judged since they were last added to; in the verdict's transaction.
JUDGED_DDL = "create table if not exists ops.arrivals_judged (source varchar, load_batch integer)"


def required_fields(source: str) -> list[str]:
    """What every record of a source must have."""
    return [field.name for field in SOURCES[source].fields if field.required]


def measure(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Measure what was accepted and is not measured yet."""
    connection.execute(DDL)
    connection.execute(JUDGED_DDL)
    found = connection.execute(
        "select source, load_batch from raw.receipts where status = 'accepted' and rows_accepted > 0 "
        f"except select source, load_batch from {RELATION} order by all"
    ).fetchall()
    for source, batch in found:
        if source in SOURCES:
            told = unset_counts(connection, settings, source, int(batch), required_fields(source))
            connection.execute(measures_sql(source, int(batch), told))


def forget(connection: duckdb.DuckDBPyConnection) -> None:
    """Believe no measure: all that was ever accepted is measured and judged again."""
    connection.execute(f"drop table if exists {RELATION}")
    connection.execute("drop table if exists ops.arrivals_judged")


def measures_sql(source: str, batch: int, told: Mapping[str, int] | None = None) -> str:
    """The statement that measures one batch of one source; keys of which the files have `told` are not read."""
    known = told or {}
    rows = f"raw.{source} where load_batch = {batch}"
    counts = [
        str(known[key]) if key in known else f'(select count(*) from {rows} and "{key}" is null)'
        for key in required_fields(source)
    ]
    unset = " + ".join(counts) or "0"
    return f"insert into {RELATION} select {sql_text(source)}, {batch}, (select count(*) from {rows}), {unset}"


def sources_to_judge(connection: duckdb.DuckDBPyConnection, earlier: list[Check]) -> list[str]:
    """Sources whose measures were added to since they were judged, or lack a passed check of then. Reads only."""
    new = {
        source
        for (source,) in connection.execute(
            f"select distinct source from (select source, load_batch from {RELATION} "
            "except select source, load_batch from ops.arrivals_judged)"
        ).fetchall()
    }
    measured = connection.execute(f"select distinct source from {RELATION} order by 1").fetchall()
    passed = {check.subject for check in earlier if check.passed}
    failed = {check.subject for check in earlier if not check.passed}
    sound = passed - failed
    return [source for (source,) in measured if source in new or f"raw.{source}" not in sound]


def note_judged(connection: duckdb.DuckDBPyConnection) -> None:
    """All measures there are have been judged. Call in the transaction that keeps the verdict."""
    connection.execute("delete from ops.arrivals_judged")
    connection.execute(f"insert into ops.arrivals_judged select source, load_batch from {RELATION}")
