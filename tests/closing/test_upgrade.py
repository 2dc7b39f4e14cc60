"""A new version of the project on a home with a closed month: all is built again, the ledger stays (docs/deploy.md)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from orchestration import pipeline
from orchestration.closing import ledger
from orchestration.publishing.release import current_release
from orchestration.settings import Settings
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
