"""The records behind every closed line, kept with the close: what was counted, and what was not and why.

A close keeps the difference between the records as they are and as earlier closes kept them, so
that the evidence of a line and of all its corrections adds up to the records of today.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

from orchestration.closing.ledger import Entry, ledger_dir
from orchestration.errors import MeterhouseError
from orchestration.settings import Settings
from orchestration.sql_literals import sql_text

FILE_NAME = "evidence.parquet"
COUNTS_NAME = "evidence_counts.parquet"
# What a question about a line counts, so that no question counts a million records again.
COUNTED = "tenant_id, usage_month, meter, price_key, charge_category, line_id, fate, fate_reason"
# Small enough that one line's records are found by reading a few groups.
ROW_GROUP_SIZE = 20_480
KEY = ("tenant_id", "usage_month", "meter", "price_key", "price_id", "charge_category", "unit_price", "currency_code")
RECORD = (*KEY, "source", "record_key", "occurred_at", "fate", "fate_reason", "clause_id")


@dataclass(frozen=True)
class Kept:
    """What closes so far kept, as SQL: the records, and which tenants' usage months they are of."""

    records: str
    months: str


def kept_so_far(settings: Settings, found: list[Entry]) -> Kept:
    """The evidence of all closes so far; typed and empty before the first."""
    closes = [entry for entry in found if FILE_NAME in entry.files]
    if not closes:
        none = "select *, cast(null as varchar) as line_id from intermediate.int_gen_09__records_traced where false"
        return Kept(f"({none})", f"({none})")

    def files(*names: str) -> str:
        """Of every close the first of the files that it has."""
        chosen = [(entry.folder_name, next(name for name in names if name in entry.files)) for entry in closes]
        paths = ", ".join(sql_text(str(ledger_dir(settings) / folder / name)) for folder, name in chosen)
        return f"read_parquet([{paths}], union_by_name = true, hive_partitioning = false)"

    # The counts say it in a thousandth of the rows.
    return Kept(files(FILE_NAME), files(COUNTS_NAME, FILE_NAME))


def view_evidence(connection: duckdb.DuckDBPyConnection, kept: Kept) -> None:
    """Temp view `closing_evidence`: the records behind the lines of temp table `closing_lines`.

    Covers the (tenant_id, usage_month) of temp table `closing_months`; `line_id` is null for
    records on no line, which have a fate and a reason all the same.
    """
    connection.execute(
        "create or replace temp table closing_scope as select tenant_id, usage_month, "
        f"(tenant_id, usage_month) in (select (tenant_id, usage_month) from {kept.months}) as is_kept "
        "from closing_months"
    )
    same_key = " and ".join(f"r.{part} = l.{part}" for part in KEY)
    connection.execute(
        f"""create or replace temp view closing_evidence as
        with changed as ({_as_they_are(connection)} union all {_as_changed(connection, kept)})
        select r.*, l.line_id
        from changed as r left join closing_lines as l on {same_key}
        where l.line_id is not null or r.price_id is null"""
    )


def standing_records(connection: duckdb.DuckDBPyConnection) -> str:
    """SQL of the records of `closing_scope` as they are now, of months with something kept; on no line."""
    return f"(select *, cast(null as varchar) as line_id from ({_as_they_are(connection, is_kept=True)}))"


def netted(records: str) -> str:
    """SQL of what the differences that closes kept add up to: the records as they stood at the last one; on no line."""
    return (
        f"(select {', '.join(RECORD)}, cast(null as varchar) as line_id, sum(quantity)::bigint as quantity, "
        f"sum(raw_rows)::bigint as raw_rows from {records} group by {', '.join(RECORD)} "
        "having sum(quantity) != 0 or sum(raw_rows) != 0)"
    )


def _as_they_are(connection: duckdb.DuckDBPyConnection, *, is_kept: bool = False) -> str:
    """The records as they are; where nothing of their month is kept yet, none need be set beside another."""
    return (
        f"select {', '.join(RECORD)}, quantity, raw_rows from intermediate.int_gen_09__records_traced "
        f"{_covered(connection, is_kept=is_kept)}"
    )


def _as_changed(connection: duckdb.DuckDBPyConnection, kept: Kept) -> str:
    """What the records of the other months are now, less what was kept of them."""
    columns, covered = ", ".join(RECORD), _covered(connection, is_kept=True)
    return f"""select {columns}, sum(quantity)::bigint as quantity, sum(raw_rows)::bigint as raw_rows
        from (
            select {columns}, quantity, raw_rows from intermediate.int_gen_09__records_traced {covered}
            union all
            select {columns}, -quantity, -raw_rows from {kept.records} {covered}
        )
        group by all
        having sum(quantity) != 0 or sum(raw_rows) != 0"""


def _covered(connection: duckdb.DuckDBPyConnection, *, is_kept: bool) -> str:
    """The where clause for records of `closing_scope`'s tenants and months.

    Says the instants as well: on those, unlike on a month worked out of them, the engine filters before it joins
    (one month of 24 with 5 million records each: 1 s instead of 6, and what is joined fits into memory).
    """
    rows = connection.execute(
        f"select distinct usage_month::varchar from closing_scope where is_kept = {is_kept} order by 1"
    ).fetchall()
    months = [month for (month,) in rows if month]
    if not months:
        return "where false"
    within = [f"(occurred_at >= date '{m}' and occurred_at < date '{m}' + interval 1 month)" for m in months]
    # A fine is of the month it was upheld in, whenever it was posted (PEN-01).
    within.append("source = 'carrier_penalties'")
    scope = f"(select (tenant_id, usage_month) from closing_scope where {'' if is_kept else 'not '}is_kept)"
    return f"where (tenant_id, usage_month) in {scope} and ({' or '.join(within)})"


def write_evidence(connection: duckdb.DuckDBPyConnection, kept: Kept, target: Path) -> None:
    """Write `closing_evidence` as Parquet, sorted so that a line's records lie together.

    Raises MeterhouseError when a line and its records do not add up.
    """
    view_evidence(connection, kept)
    connection.execute(
        "copy (select * from closing_evidence order by tenant_id, usage_month, meter, price_key, line_id, "
        f"occurred_at, source, record_key, fate, fate_reason, quantity, raw_rows) to {sql_text(str(target))} "
        f"(format parquet, compression zstd, row_group_size {ROW_GROUP_SIZE})"
    )
    check_evidence(connection, "closing_lines", sql_text(str(target)))


def counts_of(evidence: str) -> str:
    """SQL of the records and raw rows of each line and fate in the relation `evidence`."""
    return (
        f"select {COUNTED}, count(*)::bigint as record_count, sum(raw_rows)::bigint as raw_rows "
        f"from {evidence} group by {COUNTED}"
    )


def write_counts(connection: duckdb.DuckDBPyConnection, evidence: Path, target: Path) -> None:
    """Write `counts_of` the evidence as Parquet beside it."""
    connection.execute(
        f"copy ({counts_of(f'read_parquet({sql_text(str(evidence))})')} order by {COUNTED}) "
        f"to {sql_text(str(target))} (format parquet, compression zstd)"
    )


def check_evidence(connection: duckdb.DuckDBPyConnection, lines: str, evidence: str) -> None:
    """Raise MeterhouseError unless the records of every line that has any add up to its `raw_rows`."""
    off = connection.execute(
        f"""select l.line_id, l.raw_rows, coalesce(e.raw_rows, 0)
        from {lines} as l
        left join (select line_id, sum(raw_rows) as raw_rows from read_parquet({evidence}) group by 1) as e
            on l.line_id = e.line_id
        where l.meter != 'whatsapp_fee' and l.raw_rows != coalesce(e.raw_rows, 0)
        order by 1 limit 3"""
    ).fetchall()
    if off:
        told = "; ".join(f"{line}: {rows} rows on the line, {found} in its evidence" for line, rows, found in off)
        raise MeterhouseError(
            f"lines do not match the records behind them: {told}", "Run again. If it happens again, report it."
        )
