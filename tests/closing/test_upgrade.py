"""Another version of the project on a home with a closed month: all is built again, the ledger stays, and the way back
is open (docs/deploy.md)."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from orchestration import pipeline
from orchestration.closing import ledger
from orchestration.publishing import history
from orchestration.publishing.release import current_release
from orchestration.settings import Settings
from orchestration.warehouse.fingerprint import models_hash
from tests.conftest import SampleRun
from tests.project_copy import copy_of_project

CHANGED = "models/intermediate/rating/int_gen_07__lines_rated.sql"


def test_a_version_that_computes_the_same_builds_all_again_and_publishes_nothing(
    mine: Settings, tmp_path: Path
) -> None:
    project = copy_of_project(tmp_path / "project")
    model = project / CHANGED
    model.write_text(model.read_text(encoding="utf-8") + "-- said in other words\n", encoding="utf-8")
    upgraded = replace(mine, project_dir=project)
    served, head = current_release(mine), ledger.head(mine)
    assert served is not None

    assert pipeline.has_work(upgraded)
    report = pipeline.run_all(upgraded)
    assert report.full_refresh and report.models_run > 100
    assert report.release is not None and not report.release.is_new
    assert report.release.content_hash == served.content_hash
    assert ledger.head(upgraded) == head
    assert not pipeline.has_work(upgraded)


def test_former_versions_can_read_what_is_kept_of_a_publication(sample_run: SampleRun) -> None:
    """They know six facts and refuse another: the hash of the models lies beside them, and is read from there."""
    (published,) = history.publications(sample_run.settings)
    assert set(_record(published)) == {
        "release_id",
        "published_at",
        "content_hash",
        "ledger_head",
        "newest_batch",
        "project_sha256",
    }
    assert published.models_sha256 == models_hash(sample_run.settings)


def test_what_other_versions_kept_of_a_publication_is_read(mine: Settings) -> None:
    """Without the models' hash, with it among the others, and with a fact that only a later version knows."""
    first, *_, last = history.publications(mine)
    (first.path / history.MODELS).unlink()
    (last.path / history.MODELS).unlink()
    record = _record(last) | {"models_sha256": "abc", "told_by_a_later_version": 1}
    (last.path / history.RECORD).write_text(json.dumps(record), encoding="utf-8")
    first, *_, last = history.publications(mine)
    assert (first.models_sha256, last.models_sha256) == ("", "abc")


def _record(published: history.Published) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((published.path / history.RECORD).read_text(encoding="utf-8"))
    return told
