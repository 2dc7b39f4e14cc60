"""Another version of the project on a home with a closed month: all is built again, the ledger stays, and the way back
is open (docs/deploy.md)."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from orchestration import duck, pipeline
from orchestration.closing import ledger
from orchestration.publishing import history
from orchestration.publishing.release import current_release
from orchestration.quality.content_hash import mart_names
from orchestration.settings import Settings
from orchestration.warehouse.fingerprint import models_hash
from orchestration.warehouse.node_worker import relations_there
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


def test_going_back_from_a_version_with_another_mart_serves_what_was_served_before(
    mine: Settings, tmp_path: Path
) -> None:
    """A mart, and a view it reads, that the former version does not know: neither is left to be published by it."""
    project = copy_of_project(tmp_path / "project")
    (project / "models/intermediate/invoicing/int_tenants_named.sql").write_text(
        "{{ config(materialized='view') }}\nselect tenant_id from {{ ref('dim_tenants') }}\n", encoding="utf-8"
    )
    (project / "models/marts/core/dim_names.sql").write_text(
        "select tenant_id from {{ ref('int_tenants_named') }}\n", encoding="utf-8"
    )
    (project / "models/marts/core/_names.yml").write_text(
        "version: 2\nmodels:\n  - name: dim_names\n    columns:\n      - name: tenant_id\n        data_type: varchar\n",
        encoding="utf-8",
    )
    served = current_release(mine)
    assert served is not None
    assert "dim_names" in _tables(replace(mine, project_dir=project))

    assert "dim_names" not in _tables(mine)
    back = current_release(mine)
    assert back is not None and back.content_hash == served.content_hash
    with duck.connect(mine.warehouse_path, mine, read_only=True) as connection:
        assert ("intermediate", "int_tenants_named") not in relations_there(connection)


def _tables(version: Settings) -> list[str]:
    """Tables of schema marts in what a run of this version publishes."""
    release = pipeline.run_all(version).release
    assert release is not None
    with duck.connect(release.database, version, read_only=True) as connection:
        return mart_names(connection)


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
