"""A release in the making: the marts as a database and as Parquet, in a folder nobody is shown.

Written from the candidate while its suites run, or when it is published. What makes a release of it is
release.py, which asks the guard first and compares the finished files once more.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from pathlib import Path

from orchestration import duck
from orchestration.durable import sync_all
from orchestration.publishing import changes, history
from orchestration.publishing.parquet_files import write_table
from orchestration.publishing.release_tables import DATABASE, Descriptions, copied_whole, write_contents, write_tables
from orchestration.quality.month_contents import Content, content_of
from orchestration.settings import Settings
from orchestration.warehouse.project import read_project

WRITTEN_WHOLE_EVERY = 20
_RELEASE_ID = re.compile(r"([0-9]{6,})-[0-9a-f]+")


@dataclass(frozen=True)
class Draft:
    """The files of a release to be, made of the candidate with this content hash; seen to by a thread of their own."""

    folder: Path
    release_id: str
    content_hash: str
    seen_to: Future[bool]

    def is_whole(self) -> bool:
        """Whether the finished database, opened anew, holds what the candidate did; then its files are durable."""
        return self.seen_to.result()

    def discard(self) -> None:
        """Take its files away, if they still are a draft's."""
        wait([self.seen_to])
        shutil.rmtree(self.folder, ignore_errors=True)


def write_draft(
    settings: Settings,
    content_hash: str,
    candidate: Mapping[str, Content],
    served: Path | None,
    *,
    whole: bool = False,
) -> Draft:
    """Write the files of the next release; `served` is the folder of the one served, started from unless `whole`.

    `candidate` is what the marts of the build file hold, by table. Call with the write lock held.
    """
    releases = settings.published_dir / "releases"
    releases.mkdir(parents=True, exist_ok=True)
    published = history.publications(settings)
    # A restored installation has its history and none of its releases: numbers go on, order by them is by time.
    known = [p.name for p in releases.iterdir()] + [p.release_id for p in published]
    number = max((release_number(name) or 0 for name in known), default=0) + 1
    release_id = f"{number:06d}-{content_hash[:12]}"
    forget_drafts(settings)
    building = releases / f".building-{release_id}"
    building.mkdir()
    previous = next((p for p in reversed(published) if served is not None and p.release_id == served.name), None)
    # What deletions leave behind must not add up for ever.
    whole = whole or served is None or not (served / DATABASE).exists() or number % WRITTEN_WHOLE_EVERY == 0
    # Tables are written side by side: with as many threads of the engine's own on top, these wait for each other.
    # 76,000 lines took 2.9 s and 6.8 s of CPU, and take 2.5 and 5.8.
    shared = replace(settings, threads=max(1, settings.threads // 2))
    try:
        with duck.connect(":memory:", shared) as connection:
            duck.attach_to_read(connection, settings.warehouse_path)
            former = write_tables(connection, building, candidate, _descriptions(settings), None if whole else served)
            # One transaction: each of its comments would be made durable by itself.
            connection.execute("begin")
            database = served / DATABASE if served is not None else None
            changes.write_changes(connection, settings, release_id, previous, database, _moved_lines(candidate, former))
            connection.execute("commit")
            # Of two releases, so never what the one before had.
            relation = f"released.marts.{changes.TABLE}"
            told = content_of(connection, relation)
            parquet = building / "parquet" / changes.TABLE
            write_table(connection, relation, parquet, told.months, has_months=told.has_months)
            connection.execute("checkpoint released")
        write_contents(building, candidate)
    except BaseException:
        # A half draft on a full disk is as large as what there was room for, and leaves the next run less.
        shutil.rmtree(building, ignore_errors=True)
        raise
    # Whoever asked goes on meanwhile, and waits where it matters.
    looking = ThreadPoolExecutor(1)
    seen_to = looking.submit(_see_to, settings, building, candidate)
    looking.shutdown(wait=False)
    return Draft(building, release_id, content_hash, seen_to)


def release_number(name: str) -> int | None:
    """The number that the id of a release begins with; None for the name of anything else that lies there."""
    found = _RELEASE_ID.fullmatch(name)
    return int(found[1]) if found else None


def forget_drafts(settings: Settings, but: Draft | None = None) -> None:
    """Take away the drafts of processes that ended before they published. Call with the write lock held."""
    for unfinished in (settings.published_dir / "releases").glob(".building-*"):
        if but is None or unfinished != but.folder:
            shutil.rmtree(unfinished, ignore_errors=True)


def _moved_lines(candidate: Mapping[str, Content], former: Mapping[str, Content]) -> list[str] | None:
    """Billing months whose invoice lines differ from the release started from; None where that cannot be told."""
    now, then = candidate.get("fct_invoice_lines"), former.get("fct_invoice_lines")
    # Of other columns every month moved, also one that is gone.
    return now.moved_since(then) if now and then and now.columns == then.columns else None


def _see_to(settings: Settings, building: Path, candidate: Mapping[str, Content]) -> bool:
    if not copied_whole(settings, building, candidate):
        return False
    make_durable([*sorted(building.rglob("*")), building])
    return True


def make_durable(paths: Iterable[Path]) -> None:
    """Make files read-only, and them and folders outlast a power cut."""
    listed = list(paths)
    for path in listed:
        if path.is_file():
            path.chmod(0o444)
    sync_all(listed)


def _descriptions(settings: Settings) -> Descriptions:
    path = settings.dbt_target_dir / "manifest.json"
    if not path.exists():
        return {}
    return {
        node.name: (
            node.raw["description"],
            {name: column["description"] for name, column in node.raw["columns"].items()},
        )
        for node in read_project(path.read_bytes()).of_kind("model")
        if node.raw["schema"] == "marts"
    }
