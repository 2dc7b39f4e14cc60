"""Publishing: the one door from candidate to release, and the pointer analysts follow.

A release is a new read-only DuckDB file and the same tables as Parquet. It appears whole: the
pointer is flipped only when everything is on disk, and old releases are never written again.
"""

from __future__ import annotations

import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import duckdb

from orchestration import clock, duck
from orchestration.closing import ledger
from orchestration.errors import GateRefused
from orchestration.publishing import changes, history
from orchestration.publishing.guard import demand_verdict, no_candidate
from orchestration.publishing.parquet_files import write_table
from orchestration.publishing.release_tables import (
    DATABASE,
    Content,
    Descriptions,
    content_of,
    copied_whole,
    write_tables,
)
from orchestration.settings import Settings
from orchestration.warehouse import fencing, state
from orchestration.warehouse.fencing import Writer
from orchestration.warehouse.fingerprint import project_hash
from orchestration.warehouse.writer_lock import holding_lock

KEPT_RELEASES = 10
WRITTEN_WHOLE_EVERY = 20


@dataclass(frozen=True)
class Release:
    """One published state of all marts."""

    release_id: str
    path: Path
    content_hash: str
    is_new: bool = True

    @property
    def database(self) -> Path:
        return self.path / DATABASE


def current_release(settings: Settings) -> Release | None:
    """The release being served, or None before the first."""
    pointer = settings.published_dir / "current"
    if not pointer.is_symlink() or not (pointer / "manifest.json").exists():
        return None
    manifest = json.loads((pointer / "manifest.json").read_text(encoding="utf-8"))
    return Release(manifest["release_id"], pointer.resolve(), manifest["content_hash"], is_new=False)


def publish(settings: Settings) -> Release:
    """Release the candidate. Every way of publishing ends here, under the write lock (taken here if need be).

    Raises GateRefused unless a passing verdict exists for exactly this candidate's content (guard.py), and
    LockLost where another writer has taken the lock since. The same content as the current release makes
    no new one (`is_new` False).
    """
    with holding_lock(settings) as writer:
        return _publish(settings, writer)


def _publish(settings: Settings, writer: Writer) -> Release:
    fencing.demand_newest(settings, writer)
    if not settings.warehouse_path.exists():
        raise no_candidate()
    with duck.connect(settings.warehouse_path, settings) as connection:
        verdict, hashes = demand_verdict(connection, settings)
        served = current_release(settings)
        batch = state.newest_batch(connection)
        if served is not None and served.content_hash == verdict.candidate_hash:
            if not (history.history_dir(settings) / served.release_id).exists():
                # The process ended between the flip and the record.
                _keep_history(settings, served.path, served.content_hash, batch)
            return served
        releases = settings.published_dir / "releases"
        releases.mkdir(parents=True, exist_ok=True)
        published = history.publications(settings)
        # A restored installation has its history and none of its releases: numbers go on, order by them is by time.
        known = [p.name for p in releases.iterdir()] + [p.release_id for p in published]
        numbers = [int(name.split("-")[0]) for name in known if name[:6].isdigit()]
        release_id = f"{max(numbers, default=0) + 1:06d}-{verdict.candidate_hash[:12]}"
        building = releases / f".building-{release_id}"
        shutil.rmtree(building, ignore_errors=True)
        building.mkdir(parents=True)
        tables = sorted(hashes)
        candidate = _write_database(connection, settings, building, release_id, served, tables)
    if not copied_whole(settings, building, tables, candidate):
        shutil.rmtree(building, ignore_errors=True)
        raise GateRefused("the copy differs from the candidate that was judged", "Run again.")
    manifest = {"release_id": release_id, "content_hash": verdict.candidate_hash, "tables": hashes}
    _write(building / "manifest.json", manifest)
    _write(building / "verdict.json", verdict.as_dict())
    _make_durable(building)
    final = releases / release_id
    with fencing.still_newest(settings, writer):
        building.rename(final)
        _flip(settings, final)
    _keep_history(settings, final, verdict.candidate_hash, batch)
    _prune(settings, final)
    return Release(release_id, final, verdict.candidate_hash)


def _write_database(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    building: Path,
    release_id: str,
    served: Release | None,
    tables: list[str],
) -> dict[str, Content]:
    """The release's database and the same tables as Parquet: the marts, and what moved since `served`."""
    published = history.publications(settings)
    previous = next((p for p in reversed(published) if served is not None and p.release_id == served.release_id), None)
    connection.execute("set preserve_insertion_order = true")
    # What deletions leave behind must not add up for ever.
    whole = served is None or not served.database.exists() or int(release_id[:6]) % WRITTEN_WHOLE_EVERY == 0
    before = None if whole or served is None else served.path
    candidate = write_tables(connection, building, tables, _descriptions(settings), before)
    # One transaction: each of its comments would be made durable by itself.
    connection.execute("begin")
    changes.write_changes(connection, settings, release_id, previous, served.database if served else None)
    connection.execute("commit")
    # Of two releases, so never what the one before had.
    relation = f"released.marts.{changes.TABLE}"
    told = content_of(connection, relation)
    write_table(connection, relation, building / "parquet" / changes.TABLE, told.months, has_months=told.has_months)
    connection.execute("checkpoint released")
    connection.execute("detach released")
    return candidate


def _keep_history(settings: Settings, release_path: Path, content_hash: str, batch: int) -> None:
    history.keep(
        settings,
        release_path,
        content_hash,
        clock.utc_now(),
        ledger_head=ledger.head(settings),
        newest_batch=batch,
        project_sha256=project_hash(settings),
    )


def _descriptions(settings: Settings) -> Descriptions:
    path = settings.dbt_target_dir / "manifest.json"
    if not path.exists():
        return {}
    nodes = json.loads(path.read_text(encoding="utf-8"))["nodes"].values()
    return {
        node["name"]: (
            node["description"],
            {name: column["description"] for name, column in node["columns"].items()},
        )
        for node in nodes
        if node["resource_type"] == "model" and node["schema"] == "marts"
    }


def _write(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _make_durable(folder: Path) -> None:
    paths = [*sorted(folder.rglob("*")), folder]
    for path in paths:
        if path.is_file():
            path.chmod(0o444)
    # Side by side: the file system joins what waits for the disk at the same time.
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(_sync, paths))


def _flip(settings: Settings, final: Path) -> None:
    _sync(final.parent)
    pointer = settings.published_dir / "current"
    following = settings.published_dir / ".current.next"
    following.unlink(missing_ok=True)
    following.symlink_to(Path("releases") / final.name)
    following.replace(pointer)
    _sync(settings.published_dir)


def _prune(settings: Settings, final: Path) -> None:
    releases = sorted(p for p in final.parent.iterdir() if p.is_dir() and not p.name.startswith("."))
    for old in releases[:-KEPT_RELEASES]:
        if old != final:
            shutil.rmtree(old, ignore_errors=True)
    for unfinished in final.parent.glob(".building-*"):
        shutil.rmtree(unfinished, ignore_errors=True)
