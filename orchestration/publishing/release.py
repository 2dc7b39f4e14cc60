"""Publishing: the one door from candidate to release, and the pointer analysts follow.

A release is a new read-only DuckDB file and the same tables as Parquet. It appears whole: the
pointer is flipped only when everything is on disk, and old releases are never written again.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestration import clock, duck
from orchestration.closing import ledger
from orchestration.damaged_file import PUBLISH_AGAIN, FileDamaged
from orchestration.durable import sync
from orchestration.errors import GateRefused, LockLost, MeterhouseError
from orchestration.publishing import history
from orchestration.publishing.changes import KEPT_RELEASES
from orchestration.publishing.draft import Draft, forget_drafts, make_durable, release_number, write_draft
from orchestration.publishing.guard import demand_verdict, no_candidate
from orchestration.publishing.release_tables import DATABASE
from orchestration.quality import known_hashes
from orchestration.quality import verdict as verdicts
from orchestration.quality.content_hash import combine
from orchestration.quality.month_contents import Content
from orchestration.quality.verdict import Verdict
from orchestration.settings import Settings
from orchestration.warehouse import fencing, state
from orchestration.warehouse.fencing import Writer
from orchestration.warehouse.fingerprint import models_hash, project_hash
from orchestration.warehouse.writer_lock import holding_lock

VERDICT = "verdict.json"


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
    """The release being served, or None before the first. Raises FileDamaged where its manifest cannot be read."""
    pointer = settings.published_dir / "current"
    if not pointer.is_symlink() or not (pointer / "manifest.json").exists():
        return None
    path = pointer.resolve()
    try:
        manifest = json.loads((path / "manifest.json").read_text(encoding="utf-8"))
        return Release(manifest["release_id"], path, manifest["content_hash"], is_new=False)
    except (ValueError, KeyError, TypeError) as error:
        raise FileDamaged(f"the manifest of release {path.name} cannot be read", PUBLISH_AGAIN) from error


def require_release(settings: Settings) -> Release:
    """The release being served, or a plain error."""
    release = current_release(settings)
    if release is None:
        raise MeterhouseError("nothing has been published yet", "Run `meterhouse run` first.")
    return release


def release_verdict(release: Release) -> Verdict:
    """The verdict a release was published under. Raises MeterhouseError where the release lacks it."""
    try:
        return verdicts.read((release.path / VERDICT).read_text(encoding="utf-8"))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise MeterhouseError(
            f"the verdict of release {release.release_id} cannot be read",
            "If it is the one served, remove published/current and run `meterhouse run`, which publishes it again.",
        ) from error


class Drafting:
    """Writes the next release's files ahead, for `publish` to take; as a context, takes away what was not taken."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.draft: Draft | None = None

    def write(self, hashes: Mapping[str, str], candidate: Mapping[str, Content]) -> None:
        """`hashes` are those of the candidate's marts, `candidate` what they hold. Call with the write lock held."""
        served = current_release(self._settings)
        if served is None or served.content_hash != combine(hashes):
            self.draft = write_draft(self._settings, combine(hashes), candidate, served.path if served else None)

    def __enter__(self) -> Drafting:
        return self

    def __exit__(self, *_: object) -> None:
        if self.draft is not None:
            self.draft.discard()


def publish(settings: Settings, draft: Draft | None = None) -> Release:
    """Release the candidate. Every way of publishing ends here, under the write lock (taken here if need be).

    `draft` is taken where it was made of this very content. Raises GateRefused unless a passing verdict exists
    for exactly this candidate's content (guard.py), and LockLost where another writer has taken the lock since.
    The same content as the current release makes no new one (`is_new` False).
    """
    with holding_lock(settings) as writer:
        return _publish(settings, writer, draft)


def _publish(settings: Settings, writer: Writer, draft: Draft | None) -> Release:
    fencing.demand_newest(settings, writer)
    forget_drafts(settings, draft)
    if not settings.warehouse_path.exists():
        raise no_candidate()
    with duck.connect(settings.warehouse_path, settings, read_only=True) as connection:
        verdict, hashes = demand_verdict(connection, settings)
        batch = state.newest_batch(connection)
        served = current_release(settings)
        # The process that served it may have ended before its record was in the history.
        is_recorded = served is not None and history.settle(settings, served.release_id)
        if served is not None and served.content_hash == verdict.candidate_hash:
            if not is_recorded:
                # Served without a record, by a version that wrote it after the flip.
                _prepare_history(settings, served.path, served.release_id, served.content_hash, batch)
                history.settle(settings, served.release_id)
            return served
        candidate = known_hashes.mart_contents(connection, settings)
    before = served.path if served else None
    if draft is not None and draft.content_hash != verdict.candidate_hash:
        draft.discard()
        draft = None
    draft = draft or write_draft(settings, verdict.candidate_hash, candidate, before)
    try:
        if not draft.is_whole():
            # The release it started from is not what it was.
            draft = write_draft(settings, verdict.candidate_hash, candidate, before, whole=True)
            if not draft.is_whole():
                raise GateRefused("the copy differs from the candidate that was judged", "Run again.")
        manifest = {"release_id": draft.release_id, "content_hash": verdict.candidate_hash, "tables": hashes}
        _write(draft.folder / "manifest.json", manifest)
        _write(draft.folder / VERDICT, verdict.as_dict())
        make_durable([draft.folder / "manifest.json", draft.folder / VERDICT, draft.folder])
        final = draft.folder.with_name(draft.release_id)
        with fencing.still_newest(settings, writer):
            _prepare_history(settings, draft.folder, draft.release_id, verdict.candidate_hash, batch)
            draft.folder.rename(final)
            _flip(settings, final)
    except LockLost:
        # A folder of this name may be the newer writer's by now; who publishes next takes away what is nobody's.
        raise
    except BaseException:
        draft.discard()
        raise
    history.settle(settings, draft.release_id)
    history.forget_prepared(settings)
    _prune(settings, final)
    return Release(draft.release_id, final, verdict.candidate_hash)


def _prepare_history(settings: Settings, release_path: Path, release_id: str, content_hash: str, batch: int) -> None:
    history.prepare(
        settings,
        release_path,
        release_id,
        content_hash,
        clock.utc_now(),
        ledger_head=ledger.head(settings),
        newest_batch=batch,
        project_sha256=project_hash(settings),
        models_sha256=models_hash(settings),
    )


def _write(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _flip(settings: Settings, final: Path) -> None:
    sync(final.parent)
    pointer = settings.published_dir / "current"
    following = settings.published_dir / ".current.next"
    following.unlink(missing_ok=True)
    following.symlink_to(Path("releases") / final.name)
    following.replace(pointer)
    sync(settings.published_dir)


def _prune(settings: Settings, final: Path) -> None:
    # A copy that somebody laid beside them is not ours to take away.
    releases = sorted(p for p in final.parent.iterdir() if p.is_dir() and release_number(p.name) is not None)
    for old in releases[:-KEPT_RELEASES]:
        if old != final:
            shutil.rmtree(old, ignore_errors=True)
