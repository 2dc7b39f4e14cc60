"""`meterhouse doctor`: every problem is named with what to do, and the exit code tells scripts that there is one."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from orchestration import cli, pipeline
from orchestration.closing import ledger
from orchestration.damaged_file import FileDamaged
from orchestration.doctor import Finding, examine
from orchestration.publishing import history
from orchestration.settings import Settings
from tests.conftest import SampleRun
from tests.orchestration.copied_home import copy_of


@pytest.fixture
def copied(sample_run: SampleRun, tmp_path: Path) -> Settings:
    """The published sample in a home of its own, free to be damaged."""
    return copy_of(sample_run, tmp_path)


def _by_name(settings: Settings) -> dict[str, Finding]:
    return {found.shown.partition(":")[0].partition(" ")[0]: found for found in examine(settings)}


def test_a_sound_home_has_nothing_to_do(sample_run: SampleRun) -> None:
    found = _by_name(sample_run.settings)
    assert list(found) == ["python", "landing", "state", "disk", "release", "build", "history", "ledger"]
    assert not any(finding.problem for finding in found.values())
    assert found["build"].shown == "build file: ok"
    assert found["history"].shown == "history: 1 publications"
    assert found["ledger"].shown == "ledger: 0 entries, as they were written"


def test_a_home_not_made_yet_is_none_that_cannot_be_written(settings: Settings, tmp_path: Path) -> None:
    """Its parents are not there either, and said that it could not be written."""
    found = _by_name(replace(settings, home=tmp_path / "not" / "yet"))
    assert found["state"].shown.endswith("(ok)")
    assert found["release"].shown == "release: none yet (meterhouse run)"
    assert found["build"].shown == "build file: none yet (meterhouse run)"


def test_a_folder_without_the_right_to_write_is_named(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs this may be root, who is refused nothing: the system's answer is given here."""
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    problem = _by_name(settings)["state"].problem
    assert problem is not None
    assert str(settings.home) in str(problem)
    assert "right to write" in problem.remedy


def test_a_changed_ledger_is_told_with_the_ledgers_exit_code(
    copied: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = ledger.ledger_dir(copied) / "000001"
    folder.mkdir(parents=True)
    (folder / ledger.ENTRY_FILE).write_text(json.dumps({"sequence": 1, "sha256": "made up"}), encoding="utf-8")
    monkeypatch.setenv("METERHOUSE_HOME", str(copied.home))
    monkeypatch.setenv("METERHOUSE_LANDING", str(copied.landing))
    monkeypatch.setattr(sys, "argv", ["meterhouse", "doctor"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == ledger.LedgerTampered.exit_code
    printed = capsys.readouterr()
    assert "ledger: not as it was written" in printed.out
    assert "to do: " in printed.err
    # What is sound is shown all the same.
    assert "build file: ok" in printed.out


@pytest.mark.parametrize("content", ["", "[]", "null", "{}", '{"published_at": 3}', "\udcff"])
def test_a_record_of_the_history_that_cannot_be_read_is_named_by_every_command(
    copied: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], content: str
) -> None:
    (published,) = history.publications(copied)
    record = published.path / history.RECORD
    record.write_bytes(content.encode("utf-8", "surrogateescape"))
    monkeypatch.setenv("METERHOUSE_HOME", str(copied.home))
    monkeypatch.setenv("METERHOUSE_LANDING", str(copied.landing))
    for command in (["doctor"], ["invoice", "tnt_0001", "2024-11"], ["verify-ledger"]):
        monkeypatch.setattr(sys, "argv", ["meterhouse", *command])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert ended.value.code == FileDamaged.exit_code
        printed = capsys.readouterr().err
        assert f"error: {record} is not as it was written" in printed
        assert f"to do: Restore {published.path} from a backup" in printed


def test_a_record_taken_away_is_written_again_for_what_is_served(copied: Settings) -> None:
    (published,) = history.publications(copied)
    (published.path / history.RECORD).write_text("", encoding="utf-8")
    published.path.rename(copied.home / "aside")
    pipeline.run_all(copied)
    assert [again.release_id for again in history.publications(copied)] == [published.release_id]
