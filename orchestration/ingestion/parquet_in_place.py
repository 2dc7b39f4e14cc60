"""Whether a landed Parquet file can be a part of the raw store as it is, and how it is then read.

Such a file is typed as its source is, and none of its rows has a fault: one pass over its columns
finds out. It decides nothing about rows; a file with a faulty one is typed row by row next door.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import duckdb

from orchestration.ingestion.row_typing import COST_FIELDS, typed
from orchestration.ingestion.sources import Field, SourceSpec

_WHOLE_NUMBERS = ("BIGINT", "INTEGER", "SMALLINT", "UBIGINT", "UINTEGER")
_TIMESTAMPTZ = "TIMESTAMP WITH TIME ZONE"
# Names that DuckDB's reader would give to columns of its own.
_RESERVED = {"filename", "file_row_number", "file_index"}
_LARGEST_UNIX = 99_999_999_999
_LARGEST_INT = 2**63 - 1

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
        """How many are present, how many of these are a value, then what `least` and `greatest` are judged by.

        For text `least` is instead whether some value is empty, blank or padded with blanks.
        """
        column = self.quoted
        present = f"count({column})"
        if self.is_text:
            # A text of blanks only sorts before '!' as well: one test for empty, blank and padded.
            return [present, present, f"coalesce(bool_or(suffix({column}, ' ') or {column} < '!'), false)", "null"]
        if self.kind.endswith("[]"):
            return [present, present, "null", "null"]
        value = f"epoch_us({column})" if self.kind == _TIMESTAMPTZ else column
        finite = f"count({column}) filter (isfinite({column}))" if self.kind == _TIMESTAMPTZ else present
        return [present, finite, f"min({value})", f"max({value})"]


def _native(field: Field, kind: str) -> bool:
    """Whether the column's own type already is what the field means."""
    match field.kind:
        case "text":
            return kind == "VARCHAR" or (kind == "VARCHAR[]" and not field.required)
        case "int":
            return kind in _WHOLE_NUMBERS
        case "bool":
            return kind == "BOOLEAN"
        case "date":
            return kind == "DATE"
        case "decimal":
            if kind == "VARCHAR":
                return field.name in COST_FIELDS
            if kind.startswith("DECIMAL("):
                precision, scale = (int(n) for n in kind[8:-1].split(","))
                return scale <= 6 and precision - scale <= 12
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
    literal: str,
    found: dict[str, str],
    matched: dict[str, str],
) -> InPlace | None:
    """Look at every value of the file once; None where its rows must be typed one by one.

    `literal` is the file's quoted path, `found` its columns and types, `matched` file column to field.
    Raises duckdb.Error where the file cannot be read to its end.
    """
    fields = {f.name: f for f in spec.fields}
    columns = [_Column(fields[target], name, found[name]) for name, target in matched.items()]
    if _RESERVED & {name.lower() for name in found} or not all(_native(c.field, c.kind) for c in columns):
        return None
    measures = ", ".join(measure for column in columns for measure in column.measures())
    values = connection.execute(
        f"select count(*), {measures} from read_parquet({literal}, hive_partitioning = false)"
    ).fetchone()
    assert values is not None
    total = int(values[0])
    padded: set[str] = set()
    instants: dict[str, InstantRange] = {}
    for position, column in enumerate(columns):
        present, sound, least, greatest = values[1 + 4 * position : 5 + 4 * position]
        field = column.field
        if field.required and present != total:
            return None
        if column.is_text:
            if least:
                if field.required:
                    return None
                padded.add(field.name)
        elif not _sound(column, present, sound, least, greatest):
            return None
        elif field.kind.endswith("instant"):
            scale = 1 if column.kind == _TIMESTAMPTZ else 1_000_000
            instants[field.name] = (least and least * scale, greatest and greatest * scale)
    return InPlace(total, _layout(spec, found, columns, padded), instants)


def _sound(column: _Column, present: int, sound: int, least: int | None, greatest: int | None) -> bool:
    if present != sound:
        return False
    if least is None or greatest is None:
        return True
    if column.field.kind == "int":
        return least >= 0 and greatest <= _LARGEST_INT
    if column.field.kind == "unix_instant" and column.kind != _TIMESTAMPTZ:
        return least >= 0 and greatest <= _LARGEST_UNIX
    return True
