"""The sensor starts one run for new content: not for a renamed or touched file, again for one that failed."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.test_utils import create_run_for_test

from orchestration.resources import Installation
from orchestration.sensors import ATTEMPTS, CONTENT_TAG, landing_sensor
from orchestration.settings import Settings
from orchestration.warehouse.writer_lock import writer_lock
from tests.conftest import SampleRun
from tests.orchestration.copied_home import copy_of

NEW = (
    "translation_id,org_id,source_lang,target_lang,character_count,status,completed_at,updated_at\n"
    "new-1,org,en,de,900,completed,2024-11-12T10:00:00Z,2024-12-09T00:00:00Z\n"
)


class Watched:
    """A home looked at by the sensor, tick by tick."""

    def __init__(self, settings: Settings, instance: dg.DagsterInstance) -> None:
        self.settings = settings
        self.instance = instance
        self.cursor: str | None = None

    def tick(self) -> Any:
        context = dg.build_sensor_context(
            instance=self.instance,
            cursor=self.cursor,
            resources={"installation": Installation(home=str(self.settings.home), landing=str(self.settings.landing))},
        )
        result = landing_sensor(context)
        if isinstance(result, dg.SensorResult):
            self.cursor = result.cursor
        return result

    def request(self) -> dg.RunRequest:
        (request,) = self.tick().run_requests
        return request

    def skipped(self) -> str:
        result = self.tick()
        reason = result if isinstance(result, dg.SkipReason) else result.skip_reason
        return str(reason.skip_message)

    def ran(self, request: dg.RunRequest, status: dg.DagsterRunStatus) -> str:
        return create_run_for_test(self.instance, job_name="publish_release", tags=request.tags, status=status).run_id


@pytest.fixture(scope="module")
def home(sample_run: SampleRun, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return copy_of(sample_run, tmp_path_factory.mktemp("sensor"))


@pytest.fixture
def watched(home: Settings) -> Any:
    with dg.DagsterInstance.ephemeral() as instance:
        yield Watched(home, instance)
    (home.landing / "translations" / "new.csv").unlink(missing_ok=True)


def _drop(watched: Watched, content: str = NEW) -> Path:
    path = watched.settings.landing / "translations" / "new.csv"
    path.write_text(content, encoding="utf-8")
    return path


def test_nothing_new_starts_nothing(watched: Watched) -> None:
    assert watched.skipped() == "nothing new has landed"


def test_a_landing_that_is_not_there_fails_the_look(watched: Watched, tmp_path: Path) -> None:
    watched.settings = replace(watched.settings, landing=tmp_path / "unmounted")
    with pytest.raises(dg.Failure, match=r"does not exist\. Mount or create it, or set METERHOUSE_LANDING"):
        watched.tick()


def test_a_renamed_copied_or_touched_file_starts_nothing(watched: Watched) -> None:
    known = next(path for path in sorted((watched.settings.landing / "translations").iterdir()) if path.is_file())
    renamed = known.rename(known.with_name(f"renamed-{known.name}"))
    os.utime(renamed, ns=(1, 1))
    try:
        assert watched.skipped() == "no new content: 1 files were renamed, copied or touched"
        assert watched.skipped() == "no new content: 1 files were renamed, copied or touched"
    finally:
        renamed.rename(known)


def test_new_content_starts_one_run_named_by_it(watched: Watched) -> None:
    path = _drop(watched)
    first = watched.request()
    assert first.run_key is not None
    assert first.run_key.endswith("-1")
    assert first.tags["meterhouse/landed_files"] == "translations/new.csv"
    # The same content by another name and time is the same run.
    path = path.rename(path.with_name("other.csv"))
    os.utime(path, ns=(10**18, 10**18))
    assert watched.request().run_key == first.run_key
    path.write_text(NEW.replace("900", "901"), encoding="utf-8")
    assert watched.request().run_key != first.run_key
    path.unlink()


def test_a_run_that_is_under_way_is_waited_for_and_a_failed_one_tried_again(watched: Watched) -> None:
    _drop(watched)
    first = watched.request()
    run_id = watched.ran(first, dg.DagsterRunStatus.STARTED)
    assert watched.skipped() == f"run {run_id[:8]} is taking it in"
    watched.instance.delete_run(run_id)
    keys = [first.run_key]
    for _ in range(ATTEMPTS):
        watched.ran(first, dg.DagsterRunStatus.FAILURE)
        result = watched.tick()
        keys += [request.run_key for request in result.run_requests or []]
    assert [str(key).rpartition("-")[2] for key in keys] == ["1", "2", "3"]
    assert "3 runs failed on this content" in watched.skipped()
    # Other content is not held up by it.
    _drop(watched, NEW.replace("900", "902"))
    assert str(watched.request().run_key).endswith("-1")
    assert watched.request().tags[CONTENT_TAG] != first.tags[CONTENT_TAG]


def test_a_file_still_being_written_starts_no_second_run(watched: Watched) -> None:
    path = _drop(watched)
    watched.ran(watched.request(), dg.DagsterRunStatus.SUCCESS)
    assert "a file is still incomplete" in watched.skipped()
    path.rename(path.with_name("new.csv.part"))
    assert watched.skipped().startswith("no new content")
    path.with_name("new.csv.part").unlink()


def test_a_mended_manifest_starts_another_run(watched: Watched) -> None:
    path = _drop(watched)
    manifest = path.with_name("new.csv.manifest.json")
    try:
        manifest.write_text('{"rows": 2}', encoding="utf-8")  # it has one
        first = watched.request()
        watched.ran(first, dg.DagsterRunStatus.SUCCESS)
        assert "a file is still incomplete" in watched.skipped()
        manifest.write_text('{"rows": 1}', encoding="utf-8")
        assert watched.request().run_key != first.run_key
    finally:
        manifest.unlink(missing_ok=True)


def test_while_somebody_writes_it_looks_again_later(watched: Watched) -> None:
    import subprocess
    import sys

    code = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.readline()"
    with writer_lock(watched.settings):
        writer = subprocess.Popen(
            [sys.executable, "-c", code, str(watched.settings.warehouse_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert writer.stdout is not None and writer.stdout.readline().strip() == "held"
            assert watched.skipped().startswith("a run is writing to the warehouse")
        finally:
            writer.communicate("\n")
