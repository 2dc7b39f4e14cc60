"""What the files of the raw store say of themselves: how often a field is not set, without a row being read."""

from __future__ import annotations

import re
from collections.abc import Sequence

import duckdb

from orchestration.ingestion.raw_schema import source_folder
from orchestration.settings import Settings
from orchestration.sql_literals import sql_list, sql_text

# A field that is a landed column as it is, or its instant; any other expression may make a null of its own.
_AS_LANDED = re.compile(r'(?:^|, )(make_timestamp\(epoch_us\()?"((?:[^"]|"")+)"(?(1)\)\)) as "(\w+)"(?=, |$)')


def columns_as_landed(select_list: str) -> dict[str, str]:
    """Field to the file's column, of the fields that a layout takes over as they landed."""
    return {field: column.replace('""', '"') for _, column, field in _AS_LANDED.findall(select_list)}


def unset_counts(
    connection: duckdb.DuckDBPyConnection, settings: Settings, source: str, batch: int, fields: Sequence[str]
) -> dict[str, int]:
    """How many rows of one batch of a source have each field not set; fields the files do not tell of are left out."""
    layouts = dict(
        connection.execute(
            f"select layout, select_list from ops.part_layouts where source = {sql_text(source)}"
        ).fetchall()
    )
    parts: dict[str, list[str]] = {}
    for layout, name in connection.execute(
        f"select layout, file_name from ops.parts where source = {sql_text(source)} and load_batch = {batch} "
        "and rows > 0 order by part_number"
    ).fetchall():
        parts.setdefault(layout, []).append(name)
    found: dict[str, int | None] = dict.fromkeys(fields, 0) if parts else {}
    for layout, names in parts.items():
        # Parts that we wrote have the fields' own names.
        columns = columns_as_landed(layouts[layout]) if layout else {field: field for field in fields}
        folder = source_folder(settings, source) / layout
        told = _nulls_by_column(connection, sql_list([folder / name for name in names]), len(names))
        for field in fields:
            nulls, before = told.get(columns.get(field, "")), found[field]
            found[field] = None if nulls is None or before is None else before + nulls
    return {field: count for field, count in found.items() if count is not None}


def _nulls_by_column(connection: duckdb.DuckDBPyConnection, listed: str, files: int) -> dict[str, int]:
    """Nulls by column over all the files, of columns that every row group of every file counts them for."""
    rows = connection.execute(
        "select path_in_schema, sum(stats_null_count)::bigint, bool_or(stats_null_count is null), "
        f"count(distinct file_name) from parquet_metadata({listed}) group by path_in_schema"
    ).fetchall()
    return {column: nulls for column, nulls, uncounted, there in rows if not uncounted and there == files}
