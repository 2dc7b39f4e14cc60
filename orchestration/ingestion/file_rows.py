"""One checked file as a DuckDB relation of its source's columns, plus the rows that are no record at all.

CSV and Parquet are read by DuckDB; JSON, and CSV with broken rows, by Python into a temporary
Parquet file of text columns. What the values mean is row_typing's work; whether a Parquet file
needs typing at all, parquet_in_place's.
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from orchestration.ingestion.csv_records import read_csv, values_of
from orchestration.ingestion.json_in_sql import relation_of
from orchestration.ingestion.json_records import Record, read_json
from orchestration.ingestion.parquet_in_place import Footer, InPlace, judge, read_footers
from orchestration.ingestion.prechecks import CheckedFile, staging_dir
from orchestration.ingestion.refusal import RefusedFile
from orchestration.ingestion.row_typing import COST_FIELDS, FLOATS, WHOLE_NUMBERS
from orchestration.ingestion.sources import DUCKDB_TYPES, Field, SourceSpec
from orchestration.settings import Settings
from orchestration.sql_literals import sql_text
from orchestration.wording import storable_text

WRITE_EVERY = 50_000
# How a CSV line ends whose last value is empty.
EMPTY_ENDS = tuple(f"{value}{end}" for value in (",", ',""') for end in ("", "\n", "\r\n", "\r"))
RAW_TEXT_LIMIT = 65_536


@dataclass(frozen=True)
class UnreadableRow:
    """A line that is no record: its number in the file, what is wrong, and its text."""

    row_number: int
    reason: str
    raw_text: str


@dataclass
class FileRows:
    """`relation` is SQL that can stand in a FROM clause; it has `row_number` and `column_types`' columns.

    `in_place` is set where the file itself can be the part, with no row to be typed; `odd` is SQL for
    rows that this relation may not read right, `rows_told` how many rows it must have to be read right.
    """

    relation: str
    column_types: dict[str, str]
    unreadable: list[UnreadableRow] = field(default_factory=list)
    ignored_columns: list[str] = field(default_factory=list)
    temporary: list[Path] = field(default_factory=list)
    in_place: InPlace | None = None
    odd: str = ""
    rows_told: int | None = None


def _match_columns(spec: SourceSpec, header: list[str]) -> dict[str, str]:
    """File column to registry column, by name; refuses a header that lacks a required one."""
    duplicated = sorted(name for name, times in Counter(header).items() if times > 1)
    if duplicated:
        raise RefusedFile(
            f"column {duplicated[0]!r} occurs twice in the header",
            "Deliver each column once.",
            field=duplicated[0],
            row_number=1,
        )
    matched: dict[str, str] = {}
    names = set(header)
    for spec_field in spec.fields:
        found = next((n for n in (spec_field.name, *spec_field.aliases) if n in names), None)
        if found is not None:
            matched[found] = spec_field.name
        elif spec_field.required:
            raise RefusedFile(
                f"header has no column {spec_field.name!r}; it has {', '.join(header[:30])}",
                f"Deliver {spec.name} with its column {spec_field.name!r}, or move the file to its own source.",
                field=spec_field.name,
                row_number=1,
            )
    return matched


def _take_out_broken(columns: dict[str, list[str | None]], numbers: list[int]) -> list[UnreadableRow]:
    """Take rows out that hold half a character, which JSON can escape (\\ud83d) and no text can hold; returns them."""
    broken: dict[int, str] = {}
    for name, values in columns.items():
        for position, value in enumerate(values):
            if value is not None and value != storable_text(value):
                broken.setdefault(position, name)
    taken = []
    for position in sorted(broken, reverse=True):
        record = {name: values.pop(position) for name, values in columns.items()}
        reason = f"{broken[position]} contains half a character (a lone surrogate)"
        taken.append(UnreadableRow(numbers.pop(position), reason, json.dumps(record)[:RAW_TEXT_LIMIT]))
    return taken


def _text_parquet(
    spec: SourceSpec, records: Iterator[tuple[Record | None, str, str]], target: Path
) -> tuple[int, list[UnreadableRow]]:
    import pyarrow as pa  # a quarter of a second that a run without such files need not pay
    import pyarrow.parquet as pq

    names = [f.name for f in spec.fields]
    schema = pa.schema([(name, pa.string()) for name in names] + [("row_number", pa.int64())])
    unreadable: list[UnreadableRow] = []
    columns: dict[str, list[str | None]] = {name: [] for name in names}
    numbers: list[int] = []
    row_number = 0
    with pq.ParquetWriter(target, schema, compression="zstd") as writer:

        def write() -> None:
            try:
                arrays = [pa.array(columns[name], pa.string()) for name in names]
            except UnicodeEncodeError:
                unreadable.extend(_take_out_broken(columns, numbers))
                arrays = [pa.array(columns[name], pa.string()) for name in names]
            writer.write_table(pa.table([*arrays, pa.array(numbers, pa.int64())], schema=schema))
            numbers.clear()
            for values in columns.values():
                values.clear()

        for record, reason, raw_text in records:
            row_number += 1
            if record is None:
                unreadable.append(UnreadableRow(row_number, reason, raw_text[:RAW_TEXT_LIMIT]))
                continue
            for name in names:
                columns[name].append(record.get(name))
            numbers.append(row_number)
            if len(numbers) >= WRITE_EVERY:
                write()
        write()
    return row_number, unreadable


def _from_json(spec: SourceSpec, checked: CheckedFile, target: Path) -> FileRows:
    records = read_json(spec, checked.plain_path, checked.form, checked.manifest)
    _, unreadable = _text_parquet(spec, records, target)
    types = {f.name: "VARCHAR" for f in spec.fields}
    return FileRows(f"read_parquet({sql_text(str(target))})", types, unreadable, temporary=[target])


@dataclass(frozen=True)
class _CsvFile:
    """A CSV file whose header is that of its source, read by DuckDB as texts."""

    header: list[str]
    matched: dict[str, str]
    picked: str
    source: str

    def query(self, also: str = "") -> str:
        """SQL for the file's rows; `also` is one more column of them."""
        return f"select {self.picked}{also} from {self.source}"

    @property
    def ignored(self) -> list[str]:
        return [name for name in self.header if name not in self.matched]

    @property
    def types(self) -> dict[str, str]:
        return dict.fromkeys(self.matched.values(), "VARCHAR")


def _csv(spec: SourceSpec, path: Path) -> _CsvFile:
    with path.open(encoding="utf-8-sig", newline="") as text:
        try:
            header = next(values_of(text))
        except (StopIteration, csv.Error) as error:
            raise RefusedFile("the header cannot be read", "Deliver the extract with its header.") from error
    separators = [mark for mark in (";", "\t", "|") if mark in header[0]] if len(header) == 1 else []
    if separators:
        raise RefusedFile(
            f"values are separated by {separators[0]!r}",
            "Deliver the file with commas between its values, and quotes around values that contain commas (RFC 4180).",
            row_number=1,
        )
    matched = _match_columns(spec, header)
    bound = ", ".join(f"{sql_text(f'c{i}')}: 'VARCHAR'" for i in range(len(header)))
    picked = ", ".join(f'c{i} as "{matched[name]}"' for i, name in enumerate(header) if name in matched)
    source = (
        f"read_csv({sql_text(str(path))}, columns = {{{bound}}}, header = true, auto_detect = false, "
        "delim = ',', quote = '\"', escape = '\"', nullstr = '', strict_mode = true, "
        "max_line_size = 16777216, compression = 'none')"
    )
    return _CsvFile(header, matched, picked, source)


def _rows_declared(checked: CheckedFile, width: int) -> int | None:
    """How many rows the engine must find below a header of `width` columns, else it misread some; None: any number.

    It drops the values a row has too many where these are empty, so that what stands before may be shifted. The
    commas tell: without quotes every one separates two values.
    """
    by_lines, commas = checked.rows_by_lines, checked.commas
    if by_lines is None:
        if width == 1:
            return -1 if commas else None
        lines, over = divmod(commas, width - 1)
        return -1 if over else lines - 1
    if by_lines >= 0 and commas != (by_lines + 1) * (width - 1) and _has_value_too_many(checked.plain_path, width):
        return -1
    return by_lines


def _has_value_too_many(path: Path, width: int) -> bool:
    """Whether a line, none of which is part of a longer row, ends in an empty value it has too many."""
    with path.open(encoding="utf-8-sig", newline="") as text:
        ends_empty = (line for line in text if line.endswith(EMPTY_ENDS))
        try:
            return any(len(values) > width for values in values_of(ends_empty))
        except csv.Error:
            return True


def _from_csv(connection: duckdb.DuckDBPyConnection, spec: SourceSpec, checked: CheckedFile, target: Path) -> FileRows:
    found = _csv(spec, checked.plain_path)
    types = found.types
    numbered = found.query(also=", row_number() over () as row_number")
    try:
        # Into a temporary Parquet: row numbers need file order once, typing may then run in parallel.
        copied = connection.execute(f"copy ({numbered}) to {sql_text(str(target))} (format parquet)").fetchone()
        is_read = copied is not None and _rows_declared(checked, len(found.header)) in (None, copied[0])
    except (duckdb.Error, UnicodeDecodeError):
        is_read = False
    unreadable: list[UnreadableRow] = []
    if not is_read:
        # Some row is not what the header promises, or spans lines, which a stray quote can make it do, or a value too
        # many was dropped: read it row by row, keep the good, name the bad.
        _, unreadable = _text_parquet(spec, read_csv(spec, checked.plain_path, found.header, found.matched), target)
        types = {f.name: "VARCHAR" for f in spec.fields}
    return FileRows(f"read_parquet({sql_text(str(target))})", types, unreadable, found.ignored, [target])


def clean_rows(spec: SourceSpec, checked: CheckedFile) -> FileRows | None:
    """The file's rows in a form that can be typed and written in one pass, if no row turns out to need more.

    Rows come in file order, without numbers. None where only `open_rows` will do.
    """
    if checked.form == ".csv":
        found = _csv(spec, checked.plain_path)
        return FileRows(
            f"({found.query()})", found.types, [], found.ignored, rows_told=_rows_declared(checked, len(found.header))
        )
    if checked.form == ".parquet":
        return None
    relation = relation_of(spec, checked)
    if relation is None:
        return None
    return FileRows(relation, {f.name: "VARCHAR" for f in spec.fields}, odd="source_rows.odd")


_NAIVE = {"TIMESTAMP", "TIMESTAMP_NS", "TIMESTAMP_MS", "TIMESTAMP_S"}
# What a column is that holds nothing in any row (pyarrow's null, which pandas makes of one).
_NOTHING = '"NULL"'
_ROW_NUMBER = "file_row_number"


def _usable(spec_field: Field, column_type: str) -> bool:
    base = column_type.split("(")[0].upper()
    if column_type == _NOTHING:
        return True
    if base == "VARCHAR" or column_type == DUCKDB_TYPES[spec_field.kind]:
        return base not in _NAIVE
    if spec_field.kind.endswith("instant"):
        return base == "TIMESTAMP WITH TIME ZONE" or (
            spec_field.kind == "unix_instant" and base in ("BIGINT", "INTEGER", "UINTEGER", "UBIGINT")
        )
    if spec_field.kind == "decimal":
        # What is billed is no binary fraction; what the vendor charges us is compared only (GEN-06).
        return base == "DECIMAL" or base in WHOLE_NUMBERS or (base in FLOATS and spec_field.name in COST_FIELDS)
    if spec_field.kind == "int":
        return base in WHOLE_NUMBERS or base == "DOUBLE" or (base == "DECIMAL" and column_type.endswith(",0)"))
    if spec_field.kind in ("bool", "date"):
        return False
    return base in ("BIGINT", "INTEGER", "UBIGINT", "VARCHAR[]")


def _sent(name: str, column_type: str) -> str:
    """SQL for a column's values as they are typed: lists as JSON text, nothing as text."""
    if column_type == "VARCHAR[]":
        return f'to_json("{name}")::varchar'
    return f'cast("{name}" as varchar)' if column_type == _NOTHING else f'"{name}"'


def _engine_said(error: duckdb.Error, path: Path) -> str:
    """The first line of what the engine said, without the path of our own link to the file."""
    return str(error).splitlines()[0].replace(f"'{path}'", "").replace(str(path), "").replace("  ", " ").strip()


def damaged(error: duckdb.Error, path: Path) -> RefusedFile:
    """What is said of a Parquet file whose footer is whole and whose data are not."""
    return RefusedFile(
        f"the Parquet file cannot be read to its end: {_engine_said(error, path)}", "Deliver the file again."
    )


def _from_parquet(
    connection: duckdb.DuckDBPyConnection,
    spec: SourceSpec,
    checked: CheckedFile,
    numbered_copy: Path,
    footer: Footer | None,
) -> FileRows:
    literal = sql_text(str(checked.plain_path))
    try:
        footer = footer or read_footers(connection, [checked.plain_path])[checked.plain_path]
    except duckdb.Error as error:
        raise RefusedFile(
            f"not a readable Parquet file: {_engine_said(error, checked.plain_path)}", "Deliver the file again."
        ) from error
    found = footer.types
    matched = _match_columns(spec, list(found))
    fields = {f.name: f for f in spec.fields}
    for name, target in matched.items():
        if not _usable(fields[target], found[name]):
            raise RefusedFile(
                f"column {name!r} has type {found[name]}, which cannot be read as {fields[target].kind}",
                "Deliver it as text, or with the type given in the extract's description; instants need a time zone.",
                field=name,
            )
    picked = ", ".join(f'{_sent(name, found[name])} as "{target}"' for name, target in matched.items())
    types = {
        target: "VARCHAR" if found[name] in ("VARCHAR[]", _NOTHING) else found[name] for name, target in matched.items()
    }
    relation = (
        f"(select {picked}, file_row_number + 1 as row_number from "
        f"read_parquet({literal}, hive_partitioning = false, file_row_number = true))"
    )
    temporary = []
    try:
        in_place = judge(connection, spec, checked.plain_path, footer, matched)
        if not in_place and _ROW_NUMBER in map(str.lower, found):
            # The reader numbers no rows of a file with a column of that name: numbered once, in file order.
            numbered = f"select {picked}, row_number() over () as row_number from read_parquet({literal})"
            connection.execute(f"copy ({numbered}) to {sql_text(str(numbered_copy))} (format parquet)")
            relation, temporary = f"read_parquet({sql_text(str(numbered_copy))})", [numbered_copy]
    except duckdb.Error as error:
        raise damaged(error, checked.plain_path) from error
    ignored = [name for name in found if name not in matched]
    return FileRows(relation, types, [], ignored, temporary, in_place=in_place)


def open_rows(
    connection: duckdb.DuckDBPyConnection,
    spec: SourceSpec,
    checked: CheckedFile,
    settings: Settings,
    footer: Footer | None = None,
) -> FileRows:
    """The rows of a checked file. Raises RefusedFile where the file as a whole is not of this source.

    `footer` is a Parquet file's, where it has been read already.
    """
    target = staging_dir(settings) / f"rows_{checked.sha256}.parquet"
    match checked.form:
        case ".csv":
            return _from_csv(connection, spec, checked, target)
        case ".parquet":
            return _from_parquet(connection, spec, checked, target, footer)
        case _:
            return _from_json(spec, checked, target)
