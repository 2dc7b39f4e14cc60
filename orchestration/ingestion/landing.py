"""Taking in what lies in the landing folder: each file once, each row into one place, a receipt for all.

The one entry is `ingest_landing`. It decides which files are new and in which order they are taken in;
how a file is checked, read, stored and entered in the books is next door.
"""

from __future__ import annotations

import shutil
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from orchestration import duck
from orchestration.ingestion import spool
from orchestration.ingestion.file_rows import clean_rows, damaged, open_rows
from orchestration.ingestion.landing_folder import demand_landing, landed_paths, noted, signature
from orchestration.ingestion.parquet_in_place import Footer, is_readable, read_footers
from orchestration.ingestion.prechecks import CheckedFile, check_file, staging_dir, unchanged_since
from orchestration.ingestion.raw_setup import ensure_raw_relations
from orchestration.ingestion.raw_store import (
    PartIdentity,
    Stored,
    check_parts,
    link_file,
    remove_orphans,
    remove_parts,
    write_clean,
    write_rows,
)
from orchestration.ingestion.receipts import Receipt, ReceiptBook, refused_and_gone, seen_files, withdraw_gone
from orchestration.ingestion.refusal import RefusedFile, StillBeingWritten
from orchestration.ingestion.sources import SOURCES, SourceSpec
from orchestration.settings import Settings
from orchestration.warehouse.writer_lock import doubt_strangers, note_durable
from orchestration.wording import some_of, storable_text

__all__ = ["LOADER_VERSION", "IngestReport", "Receipt", "anything_new", "ingest_landing", "landed_paths"]

LOADER_VERSION = "3"
# Hashing frees the interpreter: files ahead are checked while DuckDB reads the one before. Each may
# have an unpacked copy in the staging folder: few, or many small ones, whose footers are read together.
CHECKING_THREADS = 2
FILES_AHEAD = 3
SMALL_FILES_AHEAD = 64
SMALL_BYTES_AHEAD = 16 * 1024**2
Checked = CheckedFile | RefusedFile | StillBeingWritten
Progress = Callable[[str, int, int], None]


@dataclass
class IngestReport:
    """Outcome of one look at the landing folder; `batch` is None when nothing new was accepted."""

    batch: int | None = None
    receipts: list[Receipt] = field(default_factory=list)
    unchanged_files: int = 0
    # Of how many refused files that are gone the findings were taken back.
    withdrawn_findings: int = 0

    def with_status(self, status: str) -> list[Receipt]:
        return [receipt for receipt in self.receipts if receipt.status == status]

    @property
    def findings(self) -> list[Receipt]:
        return self.with_status("refused")


def anything_new(settings: Settings) -> bool:
    """Whether some landed file was never judged, or changed since, or a refused one is gone.

    Decided by names, sizes and times. Raises LandingMissing where files should lie and there is no folder.
    """
    demand_landing(settings)
    if settings.landing_url and spool.differs(settings):
        return True
    if not settings.warehouse_path.exists():
        return bool(landed_paths(settings))
    landed = landed_paths(settings)
    with duck.connect(settings.warehouse_path, settings, read_only=True) as connection:
        try:
            seen = seen_files(connection)
            # A landing folder that is missing is no sign that somebody took the files out of it.
            if settings.landing.is_dir() and refused_and_gone(connection, landed):
                return True
        except duckdb.CatalogException:
            return True
    looks = ((path, signature(path)) for _, path in landed)
    return any(look is not None and look != seen.get(noted(path)) for path, look in looks)


def ingest_landing(settings: Settings, progress: Progress | None = None) -> IngestReport:
    """Take in everything new. One bad file or row stops nothing else.

    Returns the receipts of the files looked at; unchanged files are only counted. Raises
    duckdb.IOException where another process is writing the warehouse, RawStoreChanged where a part
    is no longer what was taken in, LandingMissing or, of a landing on object storage, RemoteLandingError where it
    cannot be read whole.
    """
    demand_landing(settings)
    settings.home.mkdir(parents=True, exist_ok=True)
    if settings.landing_url:
        spool.fill(settings, progress)
    doubt_strangers(settings)
    with duck.connect(settings.warehouse_path, settings) as connection:
        ensure_raw_relations(connection, settings)
        remove_orphans(connection, settings)
        check_parts(connection, settings)
        with _staging(settings):
            report = _Ingest(connection, settings).run(progress)
    note_durable(settings)
    return report


@contextmanager
def _staging(settings: Settings) -> Iterator[None]:
    """An empty folder for what is in hand; whatever a run that died left in it goes too."""
    folder = staging_dir(settings)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _check(settings: Settings, source: str, path: Path) -> Checked:
    """Everything about a landed file that needs no database; run ahead of the loading, in a thread."""
    try:
        if source not in SOURCES:
            if not source and path.name in SOURCES:
                raise RefusedFile(
                    f"the folder {path.name} is a link, or not a folder; nothing in it was read",
                    f"Create a folder {path.name} in the landing folder and put the files themselves into it.",
                )
            raise RefusedFile(
                f"{source or path.name!r} is not a source",
                f"Use one of the folders {', '.join(SOURCES)}.",
            )
        if path.is_dir() and not path.is_symlink():
            raise RefusedFile(
                f"{path.name!r} is a folder; nothing in it was read: {_names_in(path)}",
                f"Move its files into the folder {source} itself, one level up.",
            )
        if path.name.endswith(".part"):
            raise StillBeingWritten(f"{storable_text(path.name)} is still being written")
        return check_file(path, settings)
    except FileNotFoundError:
        return StillBeingWritten(f"{storable_text(path.name)} disappeared while it was being checked")
    except (RefusedFile, StillBeingWritten) as outcome:
        return outcome


def _names_in(folder: Path) -> str:
    try:
        names = sorted(storable_text(entry.name) for entry in folder.iterdir())
    except PermissionError:
        return "its contents may not be listed"
    return some_of(names, 5) if names else "it is empty"


def _demand_complete(checked: CheckedFile, rows: int) -> None:
    """Raise StillBeingWritten where the file has not the rows its manifest says, or changed since it was hashed."""
    expected = checked.manifest.get("rows")
    if expected is not None and int(expected) != rows:
        raise StillBeingWritten(f"{checked.path.name} has {rows} records, but its manifest says {expected}")
    if not unchanged_since(checked):
        raise StillBeingWritten(f"{checked.path.name} was written to while it was being read")


class _Ingest:
    """One look at the landing folder: files checked in threads, loaded one after the other, in name order."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
        self.connection = connection
        self.settings = settings
        batch, number = connection.execute(
            "select coalesce(max(load_batch), 0) + 1, coalesce(max(part_number), 0) + 1 from raw.receipts"
        ).fetchone() or (1, 1)
        self.batch = int(batch)
        self.next_part = int(number)
        self.known = set(
            connection.execute("select source, file_sha256 from raw.receipts where status = 'accepted'").fetchall()
        )
        self.book = ReceiptBook(connection, settings, LOADER_VERSION, self.batch)
        self.waiting: deque[Future[Checked]] = deque()
        self.footers: dict[Path, Footer] = {}

    def run(self, progress: Progress | None) -> IngestReport:
        report = IngestReport()
        listed = landed_paths(self.settings)
        if self.settings.landing.is_dir():
            report.withdrawn_findings = len(withdraw_gone(self.connection, listed))
        seen = seen_files(self.connection)
        looks = [(source, path, signature(path)) for source, path in listed]
        paths = [(source, path, look) for source, path, look in looks if look is not None]
        new = [(source, path, look) for source, path, look in paths if seen.get(noted(path)) != look]
        report.unchanged_files = len(paths) - len(new)
        with ThreadPoolExecutor(CHECKING_THREADS) as pool:
            ahead = deque(new)
            bytes_ahead = 0
            for done, (source, path, look) in enumerate(new):
                while ahead and (
                    len(self.waiting) < FILES_AHEAD
                    or (len(self.waiting) < SMALL_FILES_AHEAD and bytes_ahead + ahead[0][2][0] < SMALL_BYTES_AHEAD)
                ):
                    following = ahead.popleft()
                    bytes_ahead += following[2][0]
                    self.waiting.append(pool.submit(_check, self.settings, following[0], following[1]))
                bytes_ahead -= look[0]
                if progress:
                    progress(storable_text(path.name), report.unchanged_files + done, len(paths))
                receipt, stored = self._take_in(source, path, self.waiting.popleft().result())
                report.receipts.append(receipt)
                if receipt.status == "accepted":
                    self.known.add((source, receipt.file_sha256))
                    report.batch = self.batch
                if receipt.status != "waiting":
                    self.book.add(receipt, path, look, stored)
        self.book.enter()
        if progress:
            progress("", len(paths), len(paths))
        return report

    def _take_in(self, source: str, path: Path, checked: Checked) -> tuple[Receipt, Stored | None]:
        name, source = storable_text(path.name), storable_text(source)
        try:
            if not isinstance(checked, CheckedFile):
                raise checked
            if (source, checked.sha256) in self.known:
                reason = "the same content was already taken in; nothing to do"
                return Receipt(
                    source, name, "duplicate_file", checked.sha256, checked.stored_bytes, reason=reason
                ), None
            return self._load(source, checked)
        except StillBeingWritten as error:
            remedy = "The next run looks at it again."
            return Receipt(source, name, "waiting", reason=str(error), remedy=remedy), None
        except RefusedFile as error:
            return Receipt(
                source,
                name,
                "refused",
                checked.sha256 if isinstance(checked, CheckedFile) else "",
                (signature(path) or (0, 0))[0],
                reason=error.reason,
                remedy=error.remedy,
                field_name=error.field,
                row_number=error.row_number,
            ), None
        finally:
            if isinstance(checked, CheckedFile) and checked.plain_path != path:
                checked.plain_path.unlink(missing_ok=True)

    def _load(self, source: str, checked: CheckedFile) -> tuple[Receipt, Stored]:
        spec = SOURCES[source]
        identity = PartIdentity(source, checked.path.name, checked.sha256, self.batch, self.next_part)
        stored, ignored = self._store(spec, checked, identity)
        try:
            _demand_complete(checked, stored.total)
        except StillBeingWritten:
            for part in stored.written:
                part.unlink()
            raise
        self.next_part += 1
        return Receipt(
            source,
            checked.path.name,
            "accepted",
            checked.sha256,
            checked.stored_bytes,
            stored.total,
            stored.accepted,
            stored.quarantined,
            ignored_columns=", ".join(ignored),
            part_number=identity.part_number,
        ), stored

    def _footer(self, checked: CheckedFile) -> Footer | None:
        """The footer of a Parquet file, read together with those of the files checked by now."""
        path = checked.plain_path
        if checked.form == ".parquet" and path not in self.footers:
            results = [future.result() for future in self.waiting if future.done()]
            checked_by_now = [c.plain_path for c in results if isinstance(c, CheckedFile) and c.form == ".parquet"]
            ready = [p for p in checked_by_now if p not in self.footers]
            with suppress(duckdb.Error):  # one of them is bad: each alone, then
                self.footers |= read_footers(self.connection, [path, *ready])
        return self.footers.pop(path, None)

    def _store(self, spec: SourceSpec, checked: CheckedFile, identity: PartIdentity) -> tuple[Stored, list[str]]:
        """The file's parts, by the cheapest way it allows, and the columns it has beside its source's."""
        clean = clean_rows(spec, checked)
        if clean is not None:
            stored = write_clean(self.connection, self.settings, spec, clean, identity)
            if stored is not None:
                return stored, clean.ignored_columns
        rows = open_rows(self.connection, spec, checked, self.settings, self._footer(checked))
        try:
            if rows.in_place:
                # Before it is linked: that makes it read-only, also for the producer who is not done.
                _demand_complete(checked, rows.in_place.rows)
                return link_file(self.settings, checked, rows.in_place, identity), rows.ignored_columns
            return write_rows(self.connection, self.settings, spec, rows, identity), rows.ignored_columns
        except duckdb.Error as error:
            # Of other forms the rows are our own copy, and what is wrong is not the file.
            if checked.form != ".parquet" or is_readable(self.connection, checked.plain_path):
                raise
            remove_parts(self.settings, identity)
            raise damaged(error, checked.plain_path) from error
        finally:
            for temporary in rows.temporary:
                temporary.unlink(missing_ok=True)
