"""Whether a landed Parquet file can be a part of the raw store as it is, and how it is then read.

Such a file is typed as its source is, and none of its rows has a fault. The file's own statistics tell
where they can; columns of which they do not tell enough are read. Nothing is decided about rows here:
a file with a faulty one is typed row by row next door.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import duckdb

from orchestration.ingestion.row_typing import COST_FIELDS, EARLIEST, LATEST, WHOLE_NUMBERS, largest, typed
from orchestration.ingestion.sources import Field, SourceSpec
from orchestration.sql_literals import sql_list, sql_text

_TIMESTAMPTZ = "TIMESTAMP WITH TIME ZONE"
# Names that DuckDB's reader would give to columns of its own.
_RESERVED = {"filename", "file_row_number", "file_index"}
_LARGEST_UNIX = 99_999_999_999

# Earliest and latest, in microseconds since 1970; None where the column holds nothing.
InstantRange = tuple[int | None, int | None]


@dataclass(frozen=True)
class Layout:
    """How files of one shape become a source's typed columns: `key` names their folder."""

    key: str
    select_list: str


@dataclass(frozen=True)
class InPlace:
    """A file that may be linked: its rows, its layout, and the range of each instant it holds."""

    rows: int
    layout: Layout
    instants: dict[str, InstantRange]


@dataclass
class Footer:
    """What a Parquet file says of itself: rows, columns with their DuckDB types, and _FOOTER's row of each."""

    rows: int
    types: dict[str, str]
    statistics: dict[str, tuple[Any, ...]]


@dataclass(frozen=True)
class _Column:
    """One registry field as this file has it, with the SQL of what must be known about all its rows."""

    field: Field
    name: str
    kind: str

    @property
    def quoted(self) -> str:
        return '"' + self.name.replace('"', '""') + '"'

    @property
    def is_text(self) -> bool:
        return self.kind == "VARCHAR"

    def measures(self) -> list[str]:
        """SQL for what _Known says of the column, in its order, over all rows."""
        column = self.quoted
        nulls = f"count(*) - count({column})"
        if self.is_text:
            return [nulls, "true", "null", "null", f"coalesce(bool_or({_is_padded(column)}), false)"]
        if self.kind == _TIMESTAMPTZ:
            finite = f"coalesce(bool_and(isfinite({column})), true)"
            return [nulls, finite, f"epoch_us(min({column}))", f"epoch_us(max({column}))", "false"]
        if self.kind in WHOLE_NUMBERS:
            return [nulls, "true", f"min({column})", f"max({column})", "false"]
        return [nulls, "true", "null", "null", "false"]


@dataclass(frozen=True)
class _Known:
    """What decides about a column: nulls, whether times are finite, least and greatest number or microsecond.

    `padded` is true where some text is empty, blank or has blanks around it.
    """

    nulls: int
    finite: bool
    least: int | None
    greatest: int | None
    padded: bool


def _is_padded(text: str) -> str:
    # A text of blanks only sorts before '!' as well: one test for empty, blank and padded.
    return f"(suffix({text}, ' ') or {text} < '!')"


# A text column that takes less than this for a value is a few words over and over: read in no time, as is a
# small one, whose words may be written out one by one.
_BYTES_OF_A_WORD = 4
_SMALL_COLUMN = 1024 * 1024
_FOOTER = f"""
select
    file_name,
    path_in_schema,
    coalesce(sum(stats_null_count), 0)::bigint,
    count(*) filter (stats_null_count is null),
    count(*) filter (
        (stats_min_value is null or stats_max_value is null) and stats_null_count is distinct from num_values
    ),
    coalesce(bool_and(isfinite(try_cast(stats_min_value as timestamptz))
        and isfinite(try_cast(stats_max_value as timestamptz))), true),
    epoch_us(min(try_cast(stats_min_value as timestamptz))),
    epoch_us(max(try_cast(stats_max_value as timestamptz))),
    min(try_cast(stats_min_value as hugeint)),
    max(try_cast(stats_max_value as hugeint)),
    coalesce(bool_or({_is_padded("stats_min_value")} or {_is_padded("stats_max_value")}), false),
    coalesce(bool_and(coalesce(stats_distinct_count, 3) <= 2
        or (stats_min_value = stats_max_value and min_is_exact and max_is_exact)), true)
        or sum(total_uncompressed_size) >= greatest({_BYTES_OF_A_WORD} * sum(num_values), {_SMALL_COLUMN})
from parquet_metadata({{listed}}) group by file_name, path_in_schema
"""


def _from_footer(column: _Column, row: tuple[Any, ...] | None) -> _Known | None:
    """What the footer says of the column; None where it does not say enough."""
    if row is None:
        return None
    _, nulls, uncounted, unbounded, finite, earliest, latest, least, greatest, padded, is_told = row
    if uncounted:
        return None
    if column.is_text:
        # Blanks behind an identifier that is neither least nor greatest go unnoticed: a text of a typed
        # file is taken as sent. Words that are told apart (statuses, channels) are all looked at.
        return None if unbounded or not (padded or is_told) else _Known(nulls, True, None, None, padded)
    if column.kind == _TIMESTAMPTZ:
        return None if unbounded else _Known(nulls, finite, earliest, latest, False)
    if column.kind in WHOLE_NUMBERS:
        return None if unbounded else _Known(nulls, True, least, greatest, False)
    return _Known(nulls, True, None, None, False)


def read_footers(connection: duckdb.DuckDBPyConnection, paths: list[Path]) -> dict[Path, Footer]:
    """The footers of many files for little more than the price of one. Raises duckdb.Error for a bad one."""
    listed = sql_list(paths)
    rows = connection.execute(f"select file_name, num_rows from parquet_file_metadata({listed})").fetchall()
    footers = {str(name): Footer(int(count), {}, {}) for name, count in rows}
    for name, *statistics in connection.execute(_FOOTER.format(listed=listed)).fetchall():
        footers[name].statistics[statistics[0]] = tuple(statistics)
    schema = connection.execute(
        f"select file_name, name, duckdb_type from parquet_schema({listed}) where column_id > 0 "
        "order by file_name, column_id"
    ).fetchall()
    for file_name, columns in groupby(schema, key=lambda row: row[0]):
        types = [(name, kind) for _, name, kind in columns]
        plain = len({name.lower() for name, _ in types}) == len(types) and all(kind for _, kind in types)
        footers[file_name].types = dict(types) if plain else _described(connection, Path(file_name))
    return {path: footers[str(path)] for path in paths}


def is_readable(connection: duckdb.DuckDBPyConnection, path: Path) -> bool:
    """Whether every value of the file can be read: its bytes are looked at whole, which taking in seldom does."""
    try:
        connection.execute(f"select bit_xor(hash(columns(*))) from read_parquet({sql_text(str(path))})").fetchall()
    except duckdb.Error:
        return False
    return True


def _described(connection: duckdb.DuckDBPyConnection, path: Path) -> dict[str, str]:
    """Columns as the reader names and types them, where the file has nested ones or names told apart by case."""
    described = connection.execute(
        f"describe select * from read_parquet({sql_text(str(path))}, hive_partitioning = false)"
    ).fetchall()
    return {name: kind for name, kind, *_ in described}


def _look(
    connection: duckdb.DuckDBPyConnection, path: Path, footer: Footer, columns: list[_Column]
) -> dict[str, _Known]:
    """What is known of each field; columns of which the footer says too little are read."""
    known: dict[str, _Known] = {}
    untold = []
    for column in columns:
        nothing = _Known(0, True, None, None, False)
        told = _from_footer(column, footer.statistics.get(column.name)) if footer.rows else nothing
        if told is None:
            untold.append(column)
        else:
            known[column.field.name] = told
    if untold:
        measures = ", ".join(measure for column in untold for measure in column.measures())
        values = connection.execute(
            f"select {measures} from read_parquet({sql_text(str(path))}, hive_partitioning = false)"
        ).fetchone()
        assert values is not None
        for position, column in enumerate(untold):
            known[column.field.name] = _Known(*values[5 * position : 5 * position + 5])
    return known


def _native(field: Field, kind: str) -> bool:
    """Whether the column's own type already is what the field means."""
    match field.kind:
        case "text":
            return kind == "VARCHAR" or (kind == "VARCHAR[]" and not field.required)
        case "int":
            return kind in WHOLE_NUMBERS
        case "bool":
            return kind == "BOOLEAN"
        case "date":
            return kind == "DATE"
        case "decimal":
            if kind == "VARCHAR":
                return field.name in COST_FIELDS
            if kind.startswith("DECIMAL("):
                precision, scale = (int(n) for n in kind[8:-1].split(","))
                return scale <= 6 and precision - scale <= field.digits
            return False
        case "unix_instant":
            return kind in (_TIMESTAMPTZ, "BIGINT", "INTEGER", "UINTEGER")
        case _:
            return kind == _TIMESTAMPTZ


def _expression(column: _Column, padded: bool) -> str:
    field = column.field
    if column.is_text and field.kind == "text" and not padded:
        return column.quoted
    if column.kind == "VARCHAR[]":
        return f"to_json({column.quoted})::varchar"
    if field.kind == "decimal" and not column.is_text:
        return f"cast({column.quoted} as {field.duckdb_type})"
    if field.kind == "int":
        # No bound to check here: every value has been seen.
        return column.quoted if column.kind == "BIGINT" else f"cast({column.quoted} as bigint)"
    return typed(field, column.quoted, column.kind)


def _layout(spec: SourceSpec, found: dict[str, str], columns: list[_Column], padded: set[str]) -> Layout:
    by_field = {column.field.name: column for column in columns}
    listed = ", ".join(
        (_expression(by_field[f.name], f.name in padded) if f.name in by_field else f"cast(null as {f.duckdb_type})")
        + f' as "{f.name}"'
        for f in spec.fields
    )
    # Every column counts, also those we ignore: DuckDB takes the first file's columns for all of a folder.
    shape = repr((list(found.items()), listed))
    return Layout(hashlib.sha256(shape.encode()).hexdigest()[:16], listed)


def judge(
    connection: duckdb.DuckDBPyConnection,
    spec: SourceSpec,
    path: Path,
    footer: Footer,
    matched: dict[str, str],
) -> InPlace | None:
    """Whether and how the file can be linked; None where its rows must be typed one by one.

    `matched` maps the file's columns to fields. Raises duckdb.Error where a column cannot be read.
    """
    found = footer.types
    fields = {f.name: f for f in spec.fields}
    columns = [_Column(fields[target], name, found[name]) for name, target in matched.items()]
    if _RESERVED & {name.lower() for name in found} or not all(_native(c.field, c.kind) for c in columns):
        return None
    known = _look(connection, path, footer, columns)
    padded: set[str] = set()
    instants: dict[str, InstantRange] = {}
    for column in columns:
        field, found_out = column.field, known[column.field.name]
        if field.required and (found_out.nulls or found_out.padded):
            return None
        if not found_out.finite or not _in_bounds(column, found_out):
            return None
        if found_out.padded:
            padded.add(field.name)
        if field.kind.endswith("instant"):
            scale = 1 if column.kind == _TIMESTAMPTZ else 1_000_000
            least, greatest = found_out.least, found_out.greatest
            instants[field.name] = (least and least * scale, greatest and greatest * scale)
    return InPlace(footer.rows, _layout(spec, found, columns, padded), instants)


def _in_bounds(column: _Column, known: _Known) -> bool:
    if known.least is None or known.greatest is None:
        return True
    if column.field.kind == "int":
        return known.least >= 0 and known.greatest <= largest(column.field)
    if column.kind == _TIMESTAMPTZ:
        return known.least >= EARLIEST and known.greatest <= LATEST
    if column.field.kind == "unix_instant" and column.kind != _TIMESTAMPTZ:
        return known.least >= 0 and known.greatest <= _LARGEST_UNIX
    return True
