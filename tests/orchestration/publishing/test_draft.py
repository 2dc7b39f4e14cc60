"""A draft that became no release is taken away: on a full disk the next run needs its room."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest

from orchestration.publishing import draft, release, release_tables
from orchestration.publishing.release import current_release, publish
from tests.conftest import SampleRun
from tests.orchestration.copied_home import copy_of


def _full(*_: Any, **__: Any) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_and_a_killed_process_leave_no_draft_behind(sample_run: SampleRun, tmp_path: Path) -> None:
    settings = copy_of(sample_run, tmp_path)
    served = current_release(settings)
    assert served is not None
    releases = settings.published_dir / "releases"
    killed = releases / ".building-000009-aaaaaaaaaaaa"
    # Nothing is served: the candidate is published anew.
    (settings.published_dir / "current").unlink()
    # While tables are written, while the finished files are looked at, and after.
    for module, name in ((release_tables, "write_table"), (draft, "copied_whole"), (release, "_write")):
        (killed / "parquet").mkdir(parents=True)
        with pytest.MonkeyPatch.context() as disk:
            disk.setattr(module, name, _full)
            with pytest.raises(OSError, match="No space left"):
                publish(settings)
        assert [path.name for path in releases.iterdir()] == [served.release_id], name
    made = publish(settings)
    assert made.is_new
    (killed / "parquet").mkdir(parents=True)
    assert not publish(settings).is_new
    assert {path.name for path in releases.iterdir()} == {served.release_id, made.release_id}


def test_what_somebody_lays_beside_the_releases_is_neither_counted_nor_taken_away(
    sample_run: SampleRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = copy_of(sample_run, tmp_path)
    releases = settings.published_dir / "releases"
    for name in ("000007_backup", "000008", "notes"):
        (releases / name).mkdir()
    (settings.published_dir / "current").unlink()
    monkeypatch.setattr(release, "KEPT_RELEASES", 1)
    made = publish(settings)
    assert made.release_id.startswith("000002-")
    assert {path.name for path in releases.iterdir()} == {made.release_id, "000007_backup", "000008", "notes"}
