"""Dagster's disk runs full, before and in the middle of a run: refused in plain words, and whole again with room.

The full disk is a real one: a small tmpfs over Dagster's home, in a mount namespace of the command's own.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from orchestration.settings import Settings
from tests.gate.served import nothing_served_changes
from tests.survival.servers import command, environment_of, quick_folder
from tests.survival.small import Small

pytestmark = pytest.mark.needs_programs
MEND = "mount -o remount,size=64m dagster $HOME_OF_DAGSTER; python -m orchestration.recovery.start_up; "


def _on_a_disk_of(size: str, settings: Settings, script: str) -> subprocess.CompletedProcess[str]:
    """Run a shell script with Dagster's home on a file system of that size."""
    settings.dagster_home.mkdir(parents=True, exist_ok=True)
    mounted = f"mount -t tmpfs -o size={size} dagster $HOME_OF_DAGSTER || exit 90; {script}"
    environment = environment_of(settings)
    venv = str(settings.project_dir / ".venv/bin")
    return subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mounted],
        cwd=settings.project_dir,
        env=environment | {"HOME_OF_DAGSTER": str(settings.dagster_home), "PATH": f"{venv}:{environment['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def small() -> Iterator[Small]:
    with quick_folder() as root:
        made = Small(Settings(home=root / "var", landing=root / "landing"))
        made.land_contract()
        made.land("2024-09")
        done = command(made.settings, "run")
        assert done.returncode == 0, done.stderr
        yield made


def _plain(done: subprocess.CompletedProcess[str], settings: Settings) -> None:
    assert done.returncode == 2, done.stderr
    assert f"error: Dagster's home {settings.dagster_home} cannot be written: its disk is full" in done.stderr
    assert "the last release stays" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_ui_does_not_start_on_a_full_disk_and_says_why(small: Small) -> None:
    with nothing_served_changes(small.settings):
        _plain(_on_a_disk_of("64k", small.settings, "python -m orchestration.cli ui"), small.settings)


def test_a_run_whose_history_cannot_be_written_is_refused_and_whole_again_with_room(small: Small) -> None:
    settings = small.settings
    small.land("2024-10")
    with nothing_served_changes(settings):
        done = _on_a_disk_of("2m", settings, f"python -m tests.survival.job 2024-10; refused=$?; {MEND} exit $refused")
    _plain(done, settings)
    # With room again the run that could not say how it ended is ended.
    assert "of monthly_invoices was start" in done.stdout
    assert "marked as ended" in done.stdout
    # What was begun is finished without Dagster, and is what an undisturbed run gives.
    assert command(settings, "run").returncode == 0
    undisturbed = Small(replace(settings, home=Path(settings.home).with_name("undisturbed")))
    assert command(undisturbed.settings, "run").returncode == 0
    assert small.served_hash() == undisturbed.served_hash()
