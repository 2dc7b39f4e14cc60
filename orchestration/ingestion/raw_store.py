"""The parts of the raw store: written or linked, made durable, checked for being what was taken in.

A typed part holds a file's good rows, its bad ones go to quarantine; a clean Parquet file is linked as
it is. A part is there before its receipt, so that a crash leaves at worst a part without a receipt,
which is then removed. Receipts are written next door.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

import duckdb

from orchestration.durable import sync
from orchestration.errors import MeterhouseError
from orchestration.file_hash import file_sha256
from orchestration.ingestion.file_rows import RAW_TEXT_LIMIT, FileRows
from orchestration.ingestion.parquet_in_place import InPlace, InstantRange
from orchestration.ingestion.part_names import EMPTY_NAME, part_name
from orchestration.ingestion.prechecks import CheckedFile
from orchestration.ingestion.raw_schema import QUARANTINE_COLUMNS, QUARANTINE_FOLDER, columns_ddl
from orchestration.ingestion.row_typing import expected, typing_select
from orchestration.ingestion.sources import SourceSpec
from orchestration.settings import Settings
from orchestration.sql_literals import sql_list, sql_text, sql_values

# Against the defaults with zstd: two thirds of the time to write, a quarter less disk, as fast to read.
PARQUET_OPTIONS = "format parquet, compression zstd, compression_level 1, parquet_version v2"


class RawStoreChanged(MeterhouseError):
    """A part is gone, or its content is no longer what was taken in."""


@dataclass(frozen=True)
class PartIdentity:
    """What tells a part from all others, and the landed file it came from."""

    source: str
    file_name: str
    sha256: str
    batch: int
    part_number: int

    @property
    def name(self) -> str:
        return part_name(self.part_number, self.batch, self.sha256)


@dataclass
class Stored:
    """A file's rows in the store; total = accepted + quarantined, always. `written` are its parts.

    `hashed` is size and time of a linked file when it was hashed, which may be a while ago.
    """

    total: int
    accepted: int
    quarantined: int
    layout: str = ""
    select_list: str = ""
    instants: dict[str, InstantRange] = field(default_factory=dict)
    part: Path | None = None
    written: list[Path] = field(default_factory=list)
    hashed: tuple[int, int] | None = None


def _put(connection: duckdb.DuckDBPyConnection, query: str, final: Path) -> int:
    """Write the query's rows as one part; returns how many. No rows, no part."""
    temporary = final.with_suffix(".part")
    written_rows = connection.execute(f"copy ({query}) to {sql_text(str(temporary))} ({PARQUET_OPTIONS})").fetchone()
    count = int(written_rows[0]) if written_rows else 0
    if not count:
        temporary.unlink(missing_ok=True)
        return 0
    temporary.replace(final)
    return count


def make_durable(stored: Iterable[Stored]) -> None:
    """Have files and the folders they are named in on disk before anything says that they are there."""
    folders = set()
    for file in stored:
        for path in file.written:
            if not file.layout:  # a linked file was on disk before it was linked
                sync(path)
            folders |= {path.parent, path.parent.parent}
    for folder in folders:
        sync(folder)


def _fault_texts(spec: SourceSpec) -> tuple[str, str]:
    """SQL for reason and remedy of a row's `fault` (field|missing, field|bad or field|far)."""
    reasons, remedies = [], []
    for spec_field in spec.fields:
        name = spec_field.name
        missing = sql_text(f"{name} is missing")
        reasons.append(f"when '{name}|missing' then {missing}")
        remedies.append(
            f"when '{name}|missing' then "
            + sql_text(f"Deliver the row again with {name}; it cannot be billed without it.")
        )
        correct = sql_text(f"Correct {name} at the source and deliver the row again.")
        if spec_field.kind.endswith("instant"):
            reasons.append(f"when '{name}|far' then " + sql_text(f"{name} is not within the years 1 to 9999 (UTC)"))
            remedies.append(f"when '{name}|far' then {correct}")
        wanted = expected(spec_field)
        if wanted:
            bad = sql_text(f"{name} is not {wanted}")
            reasons.append(f"when '{name}|bad' then {bad}")
            remedies.append(f"when '{name}|bad' then {correct}")
    return f"case fault {' '.join(reasons)} end", f"case fault {' '.join(remedies)} end"


def link_file(settings: Settings, checked: CheckedFile, found: InPlace, identity: PartIdentity) -> Stored:
    """Make the staged link of a landed file a part of the store: no byte of it is written again."""
    if not found.rows:
        return Stored(0, 0, 0)
    folder = settings.raw_dir / identity.source / found.layout.key
    folder.mkdir(parents=True, exist_ok=True)
    final = folder / identity.name
    _move(checked.plain_path, final)
    layout = found.layout
    return Stored(
        found.rows,
        found.rows,
        0,
        layout.key,
        layout.select_list,
        found.instants,
        final,
        [final],
        checked.hashed_signature,
    )


def _move(staged: Path, final: Path) -> None:
    try:
        staged.replace(final)
    except OSError:  # tmp on another file system
        temporary = final.with_suffix(".part")
        shutil.copyfile(staged, temporary)
        temporary.replace(final)
        staged.unlink()
    # The landed file has the same inode: whoever opens it to write into it is told so by the system.
    # Where we may not say so (not our file), check_parts is what notices.
    with suppress(PermissionError):
        final.chmod(0o444)


def write_clean(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    spec: SourceSpec,
    rows: FileRows,
    identity: PartIdentity,
) -> Stored | None:
    """Type and write the rows in one pass; None, and nothing left behind, where one of them is not clean.

    The part has every row of the file in its order, so their numbers are those of the part's rows and
    are not stored.
    """
    part = settings.raw_dir / spec.name / identity.name
    temporary = part.with_suffix(".part")
    query = typing_select(spec, rows.column_types, rows.relation, row_number="cast(null as bigint)", odd=rows.odd)
    literal = sql_text(str(temporary))
    try:
        connection.execute(f"copy ({query}) to {literal} ({PARQUET_OPTIONS})")
        counted = connection.execute(f"select count(*), count(fault) from read_parquet({literal})").fetchone()
        total, faulty = counted or (0, 1)
    except (duckdb.Error, UnicodeDecodeError):
        # Not what this reader takes for a record of the source: the exact one says what and where. (A
        # message that quotes the file in the middle of a character cannot be decoded.)
        total, faulty = 0, 1
    faulty = faulty or rows.rows_told not in (None, total)
    if faulty or not total:
        temporary.unlink(missing_ok=True)
        return None if faulty else Stored(0, 0, 0)
    temporary.replace(part)
    return Stored(total, total, 0, part=part, written=[part])


def write_rows(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    spec: SourceSpec,
    rows: FileRows,
    identity: PartIdentity,
) -> Stored:
    """Type the rows and write both parts. Returns the counts; nothing is lost between them."""
    typed = typing_select(spec, rows.column_types, rows.relation)
    names = ", ".join(f'"{f.name}"' for f in spec.fields)
    (total,) = connection.execute(f"select count(*) from {rows.relation}").fetchone() or (0,)
    part = settings.raw_dir / spec.name / identity.name
    # Typed once, not once to count and once to write: what was not accepted has a fault.
    accepted = _put(connection, f"select {names}, row_number from ({typed}) where fault is null", part)
    quarantined = total - accepted + len(rows.unreadable)
    stored = Stored(total + len(rows.unreadable), accepted, quarantined)
    if accepted:
        stored.part = part
        stored.written.append(part)
    if quarantined:
        quarantine = settings.raw_dir / QUARANTINE_FOLDER / identity.name
        _put(connection, _quarantine_query(connection, spec, rows, identity, typed), quarantine)
        stored.written.append(quarantine)
    return stored


def remove_parts(settings: Settings, identity: PartIdentity) -> None:
    """Take away what was written of a file that then could not be read to its end."""
    for folder in (identity.source, QUARANTINE_FOLDER):
        part = settings.raw_dir / folder / identity.name
        for path in (part, part.with_suffix(".part")):
            path.unlink(missing_ok=True)


def _quarantine_query(
    connection: duckdb.DuckDBPyConnection, spec: SourceSpec, rows: FileRows, identity: PartIdentity, typed: str
) -> str:
    connection.execute(f"create or replace temp table unreadable ({columns_ddl(QUARANTINE_COLUMNS)})")
    remedy = "Correct the line at the source and deliver it again."
    bad_rows = [
        sql_values(
            spec.name,
            identity.sha256,
            identity.file_name,
            bad.row_number,
            identity.batch,
            None,
            bad.reason,
            remedy,
            bad.raw_text,
        )
        for bad in rows.unreadable
    ]
    for start in range(0, len(bad_rows), 100):  # a file may be bad in every line
        connection.execute(f"insert into unreadable values {', '.join(bad_rows[start : start + 100])}")
    reason, remedy = _fault_texts(spec)
    listed = ", ".join(f'"{name}"' for name in rows.column_types)
    faulty = (
        f"select {sql_text(spec.name)}, {sql_text(identity.sha256)}, {sql_text(identity.file_name)}, "
        f"faults.row_number, {identity.batch}::integer, split_part(fault, '|', 1), {reason}, {remedy}, "
        f"left(to_json(sent)::varchar, {RAW_TEXT_LIMIT}) "
        f"from (select row_number, fault from ({typed}) where fault is not null) as faults "
        f"inner join (select {listed}, row_number from {rows.relation}) as sent "
        "on faults.row_number = sent.row_number"
    )
    return f"select * from unreadable union all {faulty} order by 4"


def part_row(
    part: Path,
    part_number: int,
    source: str,
    batch: int,
    rows: int,
    sha256: str,
    layout: str,
    hashed: tuple[int, int] | None = None,
) -> str:
    """The part as SQL values of ops.parts, with what its file looked like when it was `hashed`, else looks like now."""
    info = part.stat()
    size, modified = hashed or (info.st_size, info.st_mtime_ns)
    return sql_values(
        part_number,
        source,
        batch,
        rows,
        sha256,
        part.name,
        layout,
        size,
        modified,
        info.st_ino,
    )


def instant_row(part_number: int, column: str, found: InstantRange) -> str:
    """The range as SQL values of ops.part_instants."""
    made = ("null" if value is None else f"make_timestamp({value})" for value in found)
    return f"({part_number}, {sql_text(column)}, {', '.join(made)})"


def instants_of_typed(connection: duckdb.DuckDBPyConnection, spec: SourceSpec, parts: list[Path]) -> Iterator[str]:
    """Rows of ops.part_instants for typed parts of one source, read from the parts."""
    if not parts or not spec.instants:
        return
    ranges = ", ".join(f'epoch_us(min("{name}")), epoch_us(max("{name}"))' for name in spec.instants)
    found = connection.execute(
        f"select filename, {ranges} from read_parquet({sql_list(parts)}, hive_partitioning = false, "
        "filename = true) group by all"
    ).fetchall()
    for filename, *values in found:
        number = int(Path(filename).name[1:8])
        for position, column in enumerate(spec.instants):
            yield instant_row(number, column, (values[2 * position], values[2 * position + 1]))


def remove_orphans(connection: duckdb.DuckDBPyConnection, settings: Settings) -> int:
    """Delete parts that no receipt names (a load that died halfway). Returns how many.

    Of a linked part only our name goes; the landed file keeps its own.
    """
    # Texts, not paths: with thousands of parts the difference is felt.
    raw = str(settings.raw_dir)
    known = {
        os.path.join(raw, source, layout, name)  # noqa: PTH118
        for source, layout, name in connection.execute("select source, layout, file_name from ops.parts").fetchall()
    }
    known |= {
        os.path.join(raw, QUARANTINE_FOLDER, part_name(number, batch, sha256))  # noqa: PTH118
        for number, batch, sha256 in connection.execute(
            "select part_number, load_batch, file_sha256 from raw.receipts "
            "where status = 'accepted' and rows_quarantined > 0"
        ).fetchall()
    }
    removed = 0
    for folder, _, names in os.walk(raw):
        for name in names:
            path = os.path.join(folder, name)  # noqa: PTH118
            if name != EMPTY_NAME and path not in known:
                Path(path).unlink()
                removed += 1
    return removed


def check_parts(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Raise RawStoreChanged where a part is missing or was changed after it was taken in.

    One stat a part; only a part that looks different is read, and one that merely got a new time
    (a restored backup, a touch) is noted anew.
    """
    rows = connection.execute(
        "select source, layout, file_name, bytes, modified_ns, inode, file_sha256, part_number from ops.parts"
    ).fetchall()
    raw = str(settings.raw_dir)
    for source, layout, name, size, modified, inode, sha256, number in rows:
        path = os.path.join(raw, source, layout, name)  # noqa: PTH118
        try:
            info = os.stat(path)  # noqa: PTH116
        except FileNotFoundError:
            _refuse_part(connection, Path(path), number, "is missing from the raw store")
        if (info.st_size, info.st_mtime_ns, info.st_ino) == (size, modified, inode):
            continue
        # The hash we know is that of the landed file, which only a linked part still is.
        if info.st_size != size or (layout and file_sha256(Path(path)) != sha256):
            _refuse_part(connection, Path(path), number, "was changed in place after it was taken in")
        connection.execute(
            f"update ops.parts set modified_ns = {info.st_mtime_ns}, inode = {info.st_ino} where part_number = {number}"
        )


def _refuse_part(connection: duckdb.DuckDBPyConnection, path: Path, number: int, what: str) -> NoReturn:
    source, file_name = connection.execute(
        f"select source, file_name from raw.receipts where part_number = {number}"
    ).fetchone() or ("", "")
    raise RawStoreChanged(
        f"{source}/{file_name} {what} (part {path.name}); what was billed from it can no longer be shown",
        f"Put the content that was taken in (sha256 {path.name[17:81]}) back at {path}, and deliver new content as a "
        "file with a name of its own or by renaming a new file over the old one. If the old content is lost, move "
        "raw and warehouse.duckdb out of METERHOUSE_HOME and run again: everything in the landing folder is taken in "
        "again.",
    )
