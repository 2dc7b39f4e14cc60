"""The marts of a release as Parquet: a folder a table, in it a file a billing month.

A month that did not move since the release before is the former file, linked: it costs nothing to publish again
and nothing to fetch again. A table without months, or without rows, is one file.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

import duckdb

from orchestration.quality.month_contents import NO_MONTH
from orchestration.sql_literals import sql_text

WHOLE = "all.parquet"


def in_month(month: str) -> str:
    """SQL for being filed under a month, such that what the database knows of its row groups can tell."""
    return f"billing_month = date '{month}'" + (" or billing_month is null" if month == NO_MONTH else "")


def file_name(month: str) -> str:
    """The file of a month given as 2024-11-01."""
    return WHOLE if month == NO_MONTH else f"{month[:7]}.parquet"


def write_table(
    session: duckdb.DuckDBPyConnection,
    relation: str,
    folder: Path,
    months: Collection[str],
    *,
    has_months: bool,
    in_order: bool = False,
    unmoved: Collection[str] = (),
    before: Path | None = None,
) -> None:
    """Write `relation`'s `months` to `folder`; those `unmoved` are linked from folder `before` if there.

    Sorted by every column, so that equal content gives equal files; `in_order` where the rows of a month lie so.
    """
    folder.mkdir(parents=True)
    for month in sorted(months) or [NO_MONTH]:
        target = folder / file_name(month)
        known = before / target.name if before is not None and month in unmoved else None
        if known is not None and known.exists():
            os.link(known, target)
            continue
        chosen = f"where {in_month(month)}" if has_months else ""
        query = f"select * from {relation} {chosen}{'' if in_order else ' order by all'}"
        session.execute(f"copy ({query}) to {sql_text(str(target))} (format parquet, compression zstd)")


def read_sql(folder: Path) -> str:
    """SQL that reads a table from its folder."""
    return f"read_parquet({sql_text(str(folder / '*.parquet'))}, hive_partitioning = false)"
