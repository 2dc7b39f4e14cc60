"""Taking in what lies in the landing folder: each file once, each row into one place, a receipt for all.

The one entry is `ingest_landing`. It decides which files are new; how a file is checked, read
and written is next door.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from orchestration import duck
from orchestration.ingestion.file_rows import open_rows
from orchestration.ingestion.prechecks import CheckedFile, check_file
from orchestration.ingestion.raw_schema import ensure_raw_relations, sql_values
from orchestration.ingestion.raw_store import RowCounts, remove_orphans, write_rows
from orchestration.ingestion.refusal import RefusedFile, StillBeingWritten
from orchestration.ingestion.sources import SOURCES
from orchestration.settings import Settings

LOADER_VERSION = "1"
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Receipt:
    """What became of one landed file. status: accepted, duplicate_file, refused or waiting."""

    source: str
    file_name: str
    status: str
    file_sha256: str = ""
    bytes: int = 0
    rows_total: int = 0
    rows_accepted: int = 0
    rows_quarantined: int = 0
    reason: str = ""
    remedy: str = ""
    field_name: str | None = None
    row_number: int | None = None
    ignored_columns: str = ""


@dataclass
class IngestReport:
    """Outcome of one look at the landing folder; `batch` is None when nothing new was accepted."""

    batch: int | None = None
    receipts: list[Receipt] = field(default_factory=list)
    unchanged_files: int = 0

    def with_status(self, status: str) -> list[Receipt]:
        return [receipt for receipt in self.receipts if receipt.status == status]

    @property
    def findings(self) -> list[Receipt]:
        return self.with_status("refused")

    @property
    def touched_sources(self) -> list[str]:
        return sorted({receipt.source for receipt in self.with_status("accepted")})

    def as_dict(self) -> dict[str, Any]:
        return {
            "batch": self.batch,
            "unchanged_files": self.unchanged_files,
            "receipts": [asdict(receipt) for receipt in self.receipts],
        }


def landed_paths(settings: Settings) -> list[tuple[str, Path]]:
    """(source folder, path) of everything landed, one folder deep, manifests left out, in name order."""
    found: list[tuple[str, Path]] = []
    if not settings.landing.is_dir():
        return found
    for folder in sorted(settings.landing.iterdir()):
        if folder.is_symlink() or not folder.is_dir():
            if not folder.name.startswith("."):
                found.append(("", folder))
            continue
        for path in sorted(folder.iterdir()):
            if not path.name.endswith(".manifest.json") and not path.name.startswith("."):
                found.append((folder.name, path))
    return found


def anything_new(settings: Settings) -> bool:
    """Whether some landed file was never judged, or changed since; decided by names, sizes and times."""
    if not settings.warehouse_path.exists():
        return bool(landed_paths(settings))
    with duck.connect(settings.warehouse_path, settings, read_only=True) as connection:
        try:
            seen = _seen(connection)
        except duckdb.CatalogException:
            return True
    return any(_signature(path) != seen.get(str(path)) for _, path in landed_paths(settings))


def _seen(connection: duckdb.DuckDBPyConnection) -> dict[str, tuple[int, int]]:
    rows = connection.execute("select path, bytes, modified_ns from raw.seen_files").fetchall()
    return {path: (size, modified) for path, size, modified in rows}


def _signature(path: Path) -> tuple[int, int]:
    info = path.lstat()
    return info.st_size, info.st_mtime_ns


def ingest_landing(settings: Settings, progress: Progress | None = None) -> IngestReport:
    """Take in everything new. One bad file or row stops nothing else.

    Returns the receipts of the files looked at; unchanged files are only counted. Raises
    duckdb.IOException where another process is writing the warehouse.
    """
    settings.home.mkdir(parents=True, exist_ok=True)
    with duck.connect(settings.warehouse_path, settings) as connection:
        ensure_raw_relations(connection, settings)
        remove_orphans(connection, settings)
        return _ingest(connection, settings, progress)


def _ingest(connection: duckdb.DuckDBPyConnection, settings: Settings, progress: Progress | None) -> IngestReport:
    report = IngestReport()
    seen = _seen(connection)
    row = connection.execute("select coalesce(max(load_batch), 0) + 1 from raw.receipts").fetchone()
    batch = int(row[0]) if row else 1
    known = {
        (source, sha)
        for source, sha in connection.execute(
            "select source, file_sha256 from raw.receipts where status = 'accepted'"
        ).fetchall()
    }
    paths = landed_paths(settings)
    for done, (source, path) in enumerate(paths):
        if progress:
            progress(path.name, done, len(paths))
        signature = _signature(path)
        if seen.get(str(path)) == signature:
            report.unchanged_files += 1
            continue
        receipt = _take_in(connection, settings, source, path, batch, known)
        report.receipts.append(receipt)
        if receipt.status == "accepted":
            known.add((source, receipt.file_sha256))
            report.batch = batch
        if receipt.status != "waiting":
            _record(connection, receipt, path, signature, batch)
    if progress:
        progress("", len(paths), len(paths))
    return report


def _take_in(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    source: str,
    path: Path,
    batch: int,
    known: set[tuple[str, str]],
) -> Receipt:
    checked: CheckedFile | None = None
    try:
        if source not in SOURCES:
            raise RefusedFile(
                f"{source or path.name!r} is not a source",
                f"Use one of the folders {', '.join(SOURCES)}.",
            )
        if path.name.endswith(".part"):
            raise StillBeingWritten(f"{path.name} is still being written")
        checked = check_file(path, settings)
        if (source, checked.sha256) in known:
            return Receipt(
                source,
                path.name,
                "duplicate_file",
                checked.sha256,
                checked.stored_bytes,
                reason="the same content was taken in before; nothing to do",
            )
        return _load(connection, settings, source, checked, batch)
    except StillBeingWritten as error:
        return Receipt(source, path.name, "waiting", reason=str(error), remedy="Looked at again next time.")
    except RefusedFile as error:
        return Receipt(
            source,
            path.name,
            "refused",
            checked.sha256 if checked else "",
            path.lstat().st_size,
            reason=error.reason,
            remedy=error.remedy,
            field_name=error.field,
            row_number=error.row_number,
        )
    finally:
        if checked is not None and checked.plain_path != path:
            checked.plain_path.unlink(missing_ok=True)


def _load(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    source: str,
    checked: CheckedFile,
    batch: int,
) -> Receipt:
    spec = SOURCES[source]
    rows = open_rows(connection, spec, checked, settings)
    try:
        counts: RowCounts = write_rows(
            connection,
            settings,
            spec,
            rows,
            sha256=checked.sha256,
            file_name=checked.path.name,
            batch=batch,
        )
    finally:
        for temporary in rows.temporary:
            temporary.unlink(missing_ok=True)
    expected = checked.manifest.get("rows")
    if expected is not None and int(expected) != counts.total:
        for part in settings.raw_dir.glob(f"*/b{batch:06d}_{checked.sha256}.parquet"):
            part.unlink()
        raise StillBeingWritten(f"{checked.path.name} has {counts.total} records, its manifest says {expected}")
    return Receipt(
        source,
        checked.path.name,
        "accepted",
        checked.sha256,
        checked.stored_bytes,
        counts.total,
        counts.accepted,
        counts.quarantined,
        ignored_columns=", ".join(rows.ignored_columns),
    )


def _record(
    connection: duckdb.DuckDBPyConnection,
    receipt: Receipt,
    path: Path,
    signature: tuple[int, int],
    batch: int,
) -> None:
    connection.execute("begin")
    row = sql_values(
        receipt.source,
        receipt.file_name,
        receipt.file_sha256,
        receipt.bytes,
        receipt.rows_total,
        receipt.rows_accepted,
        receipt.rows_quarantined,
        batch if receipt.status == "accepted" else 0,
        LOADER_VERSION,
        receipt.status,
        receipt.reason,
        receipt.remedy,
        receipt.ignored_columns,
    )
    connection.execute(f"insert into raw.receipts values {row}")
    connection.execute(
        f"delete from raw.file_findings where (source, file_name) = {sql_values(receipt.source, receipt.file_name)}"
    )
    if receipt.status == "refused":
        row = sql_values(
            receipt.source,
            receipt.file_name,
            receipt.field_name,
            receipt.row_number,
            receipt.reason,
            receipt.remedy,
        )
        connection.execute(f"insert into raw.file_findings values {row}")
    row = sql_values(str(path), *signature, receipt.file_sha256, receipt.status)
    connection.execute(f"insert or replace into raw.seen_files values {row}")
    connection.execute("commit")
