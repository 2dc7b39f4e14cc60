"""What every release invoiced, kept for ever: the invoices, their lines, the seeds they came from and when.

Releases themselves are pruned; this is what "as it was known on the 3rd" is shown from.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path

from orchestration import clock
from orchestration.damaged_file import FileDamaged
from orchestration.durable import sync
from orchestration.publishing.parquet_files import read_sql
from orchestration.settings import Settings
from orchestration.sql_literals import sql_text

TABLES = ("fct_invoices", "fct_invoice_lines")
# Former versions, which one may go back to, refuse a field they do not know: what else is told is a file of its own.
RECORD = "published.json"
MODELS = "models_sha256"
_KINDS = {"newest_batch": int}


@dataclass(frozen=True)
class Published:
    """One publication: when (UTC), what content, on which ledger, and the newest batch of files in it."""

    release_id: str
    published_at: str
    content_hash: str
    ledger_head: str
    newest_batch: int
    project_sha256: str
    path: Path
    # Of the project without its seeds; empty in what earlier versions kept.
    models_sha256: str

    def read_sql(self, table: str) -> str:
        """SQL that reads the release's rows of `fct_invoices` or `fct_invoice_lines`."""
        # In what earlier versions kept, a table is one file.
        former = self.path / f"{table}.parquet"
        return f"read_parquet({sql_text(str(former))})" if former.exists() else read_sql(self.path / table)


def history_dir(settings: Settings) -> Path:
    """Where publications are kept."""
    return settings.published_dir / "history"


def publications(settings: Settings) -> list[Published]:
    """All publications, oldest first. Raises FileDamaged for a record that is not as it was written."""
    folder = history_dir(settings)
    if not folder.exists():
        return []
    kept = sorted(p for p in folder.iterdir() if not p.name.startswith(".") and (p / RECORD).exists())
    return [_read(path) for path in kept]


def _read(path: Path) -> Published:
    try:
        told = json.loads((path / RECORD).read_text(encoding="utf-8"))
        models = path / MODELS
        told[MODELS] = models.read_text(encoding="utf-8").strip() if models.exists() else told.get(MODELS, "")
        # What a later version tells besides is its own.
        known = {f.name: told[f.name] for f in fields(Published) if f.name != "path"}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _damaged(path, f"{type(error).__name__}: {error}") from error
    if wrong := [name for name, value in known.items() if type(value) is not _KINDS.get(name, str)]:
        raise _damaged(path, f"{wrong[0]} is {known[wrong[0]]!r}")
    return Published(path=path, **known)


def _damaged(path: Path, why: str) -> FileDamaged:
    return FileDamaged(
        f"{path / RECORD} is not as it was written: {why}",
        f"Restore {path} from a backup. Without one, move that folder out of {path.parent}: what was published then "
        "cannot be shown any more, and of the release that is served `meterhouse run` writes a new record.",
    )


def known_at(settings: Settings, instant: datetime) -> Published | None:
    """The newest publication at or before `instant` (UTC), or None. Raises FileDamaged as `publications` does."""
    text = clock.recorded(instant)
    before = [p for p in publications(settings) if p.published_at <= text]
    return before[-1] if before else None


def prepare(
    settings: Settings,
    release_path: Path,
    release_id: str,
    content_hash: str,
    now: datetime,
    *,
    ledger_head: str,
    newest_batch: int,
    project_sha256: str,
    models_sha256: str,
) -> None:
    """Keep the invoices and seeds of a release about to be served, whose files lie at `release_path`: hard links.

    They become part of the history with `settle`, so that a process that ends in between loses nothing.
    """
    building = _prepared(settings, release_id)
    shutil.rmtree(building, ignore_errors=True)
    (building / "seeds").mkdir(parents=True)
    for table in TABLES:
        shutil.copytree(release_path / "parquet" / table, building / table, copy_function=os.link)
    for seed in seed_files(settings):
        shutil.copy(seed, building / "seeds" / seed.name)
    record = {
        "release_id": release_id,
        "published_at": clock.recorded(now),
        "content_hash": content_hash,
        "ledger_head": ledger_head,
        "newest_batch": newest_batch,
        "project_sha256": project_sha256,
    }
    (building / MODELS).write_text(f"{models_sha256}\n", encoding="utf-8")
    (building / RECORD).write_text(json.dumps(record, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    # Once the release is served it must not be without its record, after a power cut either.
    for path in [*building.rglob("*"), building, building.parent]:
        sync(path)


def settle(settings: Settings, release_id: str) -> bool:
    """Make what was prepared of a release that is served part of the history. Returns whether it is in it."""
    final = history_dir(settings) / release_id
    prepared = _prepared(settings, release_id)
    if not final.exists() and (prepared / RECORD).exists():
        prepared.rename(final)
        sync(final.parent)
    return final.exists()


def forget_prepared(settings: Settings) -> None:
    """Take away what was prepared of releases that were never served. Call when the one that is has its record."""
    for unserved in history_dir(settings).glob(".building-*"):
        shutil.rmtree(unserved, ignore_errors=True)


def _prepared(settings: Settings, release_id: str) -> Path:
    return history_dir(settings) / f".building-{release_id}"


def seed_files(settings: Settings) -> list[Path]:
    """The seeds an amount depends on."""
    seeds = settings.project_dir / "seeds"
    return sorted([*(seeds / "terms").glob("*.csv"), *(seeds / "reference").glob("*.csv")])
