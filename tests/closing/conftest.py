"""A closed month of the sample to look at, and copies of it to break."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from orchestration import pipeline
from orchestration.settings import Settings
from tests.closing.steps import close_at
from tests.conftest import SampleRun


def copied(settings: Settings, home: Path) -> Settings:
    """The same installation in another place, links and read-only files included."""
    shutil.copytree(settings.home, home, symlinks=True)
    return replace(settings, home=home)


@pytest.fixture(scope="session")
def closed_sample(sample_run: SampleRun, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The sample with September closed, tnt_0002 left out of it, and published as issued; read it only."""
    settings = copied(sample_run.settings, tmp_path_factory.mktemp("closed") / "var")
    close_at(settings, "2024-09", "2024-10-04", leave_out=("tnt_0002",))
    pipeline.run_all(settings)
    return settings


@pytest.fixture
def mine(closed_sample: Settings, tmp_path: Path) -> Settings:
    """A copy of the closed sample that a test may break."""
    return copied(closed_sample, tmp_path / "var")
