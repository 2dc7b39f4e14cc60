"""The relations of schema `raw` and `ops` in the warehouse, and the folders behind them.

Raw relations are views over immutable Parquet parts; nothing is copied into the warehouse. A source
has parts of two kinds: typed ones, written here, directly in its folder; and landed Parquet files
linked as they are, in a folder for each layout, typed by the view. Creating relations is all that
happens here.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import duckdb

from orchestration.ingestion.part_names import BATCH_SQL, EMPTY_NAME, NUMBER_SQL, SHA_SQL
from orchestration.ingestion.sources import SOURCES, SourceSpec
from orchestration.settings import Settings
from orchestration.sql_literals import sql_text, sql_values

QUARANTINE_FOLDER = "_quarantine"
QUARANTINE_COLUMNS = {
    "source": "VARCHAR",
    "file_sha256": "VARCHAR",
    "file_name": "VARCHAR",
    "row_number": "BIGINT",
    "load_batch": "INTEGER",
    "field": "VARCHAR",
    "reason": "VARCHAR",
    "remedy": "VARCHAR",
    "raw_text": "VARCHAR",
}

RECEIPTS_DDL = """
create table if not exists raw.receipts (
    source varchar, file_name varchar, file_sha256 varchar, bytes bigint,
    rows_total bigint, rows_accepted bigint, rows_quarantined bigint,
    load_batch integer, loader_version varchar, status varchar, reason varchar, remedy varchar,
    ignored_columns varchar, part_number integer
)"""

FILE_FINDINGS_DDL = """
create table if not exists raw.file_findings (
    source varchar, file_name varchar, field varchar, row_number bigint,
    reason varchar, remedy varchar
)"""

# What a landed path looked like when it was last judged, so that an unchanged one is not read again.
SEEN_DDL = """
create table if not exists raw.seen_files (
    path varchar primary key, bytes bigint, modified_ns bigint, file_sha256 varchar, status varchar
)"""

# Parts that hold rows. A linked part shares its inode with the landed file: what it looked like when
# it was taken in is kept, so that a change in place is noticed (raw_store.check_parts).
PARTS_DDL = """
create table if not exists ops.parts (
    part_number integer, source varchar, load_batch integer, rows bigint, file_sha256 varchar,
    file_name varchar, layout varchar, bytes bigint, modified_ns bigint, inode bigint
)"""

PART_INSTANTS_DDL = """
create table if not exists ops.part_instants (
    part_number integer, column_name varchar, earliest timestamp, latest timestamp
)"""

PART_LAYOUTS_DDL = "create table if not exists ops.part_layouts (source varchar, layout varchar, select_list varchar)"
RAW_VIEWS_DDL = "create table if not exists ops.raw_views (name varchar, definition_md5 varchar)"

OPS_DDL = (
    PARTS_DDL,
    PART_INSTANTS_DDL,
    PART_LAYOUTS_DDL,
    "create table if not exists ops.touched_months (source varchar, billing_month date)",
    # A home of version 0.1.0 has it without the source.
    "alter table ops.touched_months add column if not exists source varchar",
    "create table if not exists ops.moved_tenant_months (tenant_id varchar, billing_month date)",
    "create table if not exists ops.metered_batches (load_batch integer)",
    RAW_VIEWS_DDL,
)


def columns_ddl(columns: dict[str, str]) -> str:
    """Column definitions, names quoted (some vendors call a column `from`)."""
    return ", ".join(f'"{name}" {kind}' for name, kind in columns.items())


def source_folder(settings: Settings, name: str) -> Path:
    """Where a source's parts lie; linked ones one folder deeper, by layout."""
    return settings.raw_dir / (QUARANTINE_FOLDER if name == "quarantine" else name)


def _ensure_empty_part(connection: duckdb.DuckDBPyConnection, folder: Path, columns: dict[str, str]) -> None:
    # First in name order, it also tells DuckDB the columns of all parts beside it.
    empty = folder / EMPTY_NAME
    if empty.exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    selected = ", ".join(f'cast(null as {kind}) as "{column}"' for column, kind in columns.items())
    connection.execute(f"copy (select {selected} where false) to {sql_text(str(empty))} (format parquet)")


def _view_sql(settings: Settings, spec: SourceSpec, layouts: dict[str, str], has_typed_parts: bool) -> str:
    identity = (
        f"{SHA_SQL} as file_sha256, {{row}} as row_number, {BATCH_SQL} as load_batch, {NUMBER_SQL} as part_number"
    )
    folder = source_folder(settings, spec.name)
    branches = []
    if has_typed_parts or not layouts:
        names = ", ".join(f'"{name}"' for name in spec.typed_columns)
        branches.append(
            # A part that holds all rows of its file does not store their numbers.
            f"select {names}, {identity.format(row='coalesce(row_number, file_row_number + 1)')} from read_parquet("
            f"{sql_text(str(folder / 'p*.parquet'))}, hive_partitioning = false, filename = true, "
            "file_row_number = true)"
        )
    for key, select_list in sorted(layouts.items()):
        branches.append(
            f"select {select_list}, {identity.format(row='file_row_number + 1')} from read_parquet("
            f"{sql_text(str(folder / key / 'p*.parquet'))}, hive_partitioning = false, filename = true, "
            "file_row_number = true)"
        )
    return " union all ".join(branches)


def define_raw_views(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """(Re)create the raw views whose definition is not what it should be: new layouts, a moved folder."""
    defined = dict(connection.execute("select name, definition_md5 from ops.raw_views").fetchall())
    layouts: dict[str, dict[str, str]] = {}
    for source, layout, listed in connection.execute("select * from ops.part_layouts").fetchall():
        layouts.setdefault(source, {})[layout] = listed
    typed = {
        source for (source,) in connection.execute("select distinct source from ops.parts where layout = ''").fetchall()
    }
    queries = {name: _view_sql(settings, spec, layouts.get(name, {}), name in typed) for name, spec in SOURCES.items()}
    listed = ", ".join(f'"{column}"' for column in QUARANTINE_COLUMNS)
    glob = sql_text(str(source_folder(settings, "quarantine") / "p*.parquet"))
    queries["quarantine"] = f"select {listed} from read_parquet({glob}, hive_partitioning = false)"
    for name, query in queries.items():
        columns = QUARANTINE_COLUMNS if name == "quarantine" else SOURCES[name].typed_columns | {"row_number": "BIGINT"}
        _ensure_empty_part(connection, source_folder(settings, name), columns)
        digest = hashlib.md5(query.encode(), usedforsecurity=False).hexdigest()
        if defined.get(name) == digest:
            continue
        connection.execute(f"create or replace view raw.{name} as {query}")
        connection.execute(f"delete from ops.raw_views where name = {sql_text(name)}")
        connection.execute(f"insert into ops.raw_views values {sql_values(name, digest)}")


def has_relation(connection: duckdb.DuckDBPyConnection, schema: str, name: str) -> bool:
    """Whether the warehouse has a table of that name."""
    found = connection.execute(
        f"select 1 from duckdb_tables() where schema_name = {sql_text(schema)} and table_name = {sql_text(name)}"
    ).fetchone()
    return found is not None
