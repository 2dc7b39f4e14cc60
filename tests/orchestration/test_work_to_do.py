"""Why there is something to do: each case in its own words, by `status` and by the close that is refused for it."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pytest

from orchestration import cli, duck, pipeline
from orchestration.closing import ledger
from orchestration.closing.close import CloseRequest, close_month
from orchestration.errors import GateRefused
from orchestration.publishing.history import history_dir
from orchestration.publishing.release import require_release
from orchestration.quality import seal
from orchestration.quality import verdict as verdicts
from orchestration.settings import Settings
from orchestration.warehouse.fingerprint import project_hash
from orchestration.warehouse.writer_lock import settle_doubt, writer_lock
from tests.conftest import SampleRun
from tests.orchestration.copied_home import copy_of
from tests.project_copy import copy_of_project

NOW = datetime(2025, 1, 10, tzinfo=UTC)


@pytest.fixture
def copied(sample_run: SampleRun, tmp_path: Path) -> Settings:
    """The published sample in a home of its own, nothing to do in it."""
    found = copy_of(sample_run, tmp_path)
    assert pipeline.work_to_do(found) is None
    return found


def _edited(settings: Settings, part: str) -> Settings:
    project = copy_of_project(settings.home.parent / "project")
    path = sorted((project / part).rglob("*.*"))[0]
    path.write_text(f"{path.read_text()}\n")
    return replace(settings, project_dir=project)


def _change(settings: Settings, statement: str) -> Settings:
    with writer_lock(settings), duckdb.connect(str(settings.warehouse_path)) as connection:
        connection.execute(statement)
    settle_doubt(settings)
    return settings


def _failed(settings: Settings) -> Settings:
    """The verdict that stands, as the gate would have kept it had one check failed."""
    with writer_lock(settings) as writer, duck.connect(settings.warehouse_path, settings) as connection:
        found = verdicts.latest(connection)
        assert found is not None
        first, *others = found.checks
        verdicts.keep(connection, replace(found, checks=(replace(first, passed=False), *others)))
        seal.keep(connection, settings, project_hash(settings), writer.number)
    return settings


def _landed(settings: Settings) -> Settings:
    (settings.landing / "translations" / "late.csv.part").write_text("half")
    return settings


def _closed(settings: Settings) -> Settings:
    ledger.append(settings, "close", {"month": "2024-09", "tenants": None, "left_out": []}, by="Carla", now=NOW)
    return settings


def _without_history(settings: Settings) -> Settings:
    shutil.rmtree(history_dir(settings) / require_release(settings).release_id)
    return settings


CASES: dict[str, tuple[Callable[[Settings], Settings], str]] = {
    "a model": (
        lambda s: _edited(s, "models"),
        r"the project \(models, seeds or tests\) changed since release 000001-",
    ),
    "a seed": (lambda s: _edited(s, "seeds"), r"the project \(models, seeds or tests\) changed since release 000001-"),
    "a test": (lambda s: _edited(s, "tests"), r"the project \(models, seeds or tests\) changed since release 000001-"),
    "a file": (_landed, "files have landed, changed or gone since the last run"),
    "a failed check": (_failed, "the checks of the last build did not all pass"),
    "a close": (_closed, "a month was closed, and is not published as issued yet"),
    "a file taken in": (
        lambda s: _change(s, "update ops.metered_batches set load_batch = load_batch - 1"),
        "files were taken in that no build holds yet",
    ),
    "a file refused": (
        lambda s: _change(
            s, "delete from raw.file_findings where file_name = (select min(file_name) from raw.file_findings)"
        ),
        "a file was refused, or is no longer, since the last build",
    ),
    "an unfinished build": (
        lambda s: _change(s, "update ops.builds set project_hash = ''"),
        "the last build did not finish",
    ),
    "no build": (lambda s: _change(s, "delete from ops.builds"), "nothing has been built yet"),
    "no verdict": (
        lambda s: _change(s, "insert into ops.builds_awaiting_verdict values ('')"),
        "the last build has not been judged yet",
    ),
    "a forged verdict": (
        lambda s: _change(s, "update ops.verdicts set body = body || ' '"),
        "the verdict in the build file is not one the gate gave",
    ),
    "no record": (_without_history, "the history lacks the record of release 000001-"),
}


@pytest.mark.parametrize("case", CASES)
def test_what_there_is_to_do_is_told_with_its_reason(
    copied: Settings, case: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make, told = CASES[case]
    mine = make(copied)
    assert pipeline.has_work(mine)
    monkeypatch.setattr(cli, "load_settings", lambda: mine)
    cli.status()
    lines = capsys.readouterr().out.splitlines()
    assert "anything to do: True" in lines
    (why,) = [line for line in lines if line.startswith("why: ")]
    assert re.match(f"why: {told}", why)


@pytest.mark.parametrize("case", ["a model", "a seed", "a test", "a failed check", "a file"])
def test_a_close_says_which_of_them_it_is_refused_for(copied: Settings, case: str) -> None:
    """A file that waits is named; the others were told as if one of them had been waiting, or a check had failed."""
    make, told = CASES[case]
    named = (
        "the release does not contain everything that has landed: translations/late.csv.part"
        if case == "a file"
        else told
    )
    with pytest.raises(GateRefused, match=f"^{named}") as refused:
        close_month(make(copied), CloseRequest(date(2024, 9, 1), "Carla"), NOW)
    assert "`meterhouse run`" in refused.value.remedy
    assert ("`meterhouse quality`" in refused.value.remedy) == (case == "a failed check")


def test_a_build_file_written_by_another_hand_is_told(
    copied: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with duckdb.connect(str(copied.warehouse_path)) as connection:
        connection.execute("create table scratch as select 1 as a")
    monkeypatch.setattr(cli, "load_settings", lambda: copied)
    cli.status(as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert (told["anything_to_do"], told["verdict"]) == (True, "passed")
    assert told["why"].startswith("since it was built, another program has written to the build file")


def test_where_there_is_nothing_to_do_no_reason_is_told(
    copied: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, "load_settings", lambda: copied)
    cli.status()
    assert "why" not in capsys.readouterr().out
    cli.status(as_json=True)
    assert json.loads(capsys.readouterr().out)["why"] is None
