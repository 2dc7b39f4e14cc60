"""Fixtures: settings on empty folders, and one small sample run end to end for all who only read it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from orchestration import pipeline
from orchestration.pipeline import RunReport
from orchestration.sampling import generate
from orchestration.settings import Settings, load_settings

load_settings()  # turns telemetry off before any library is imported


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """An installation with nothing in it."""
    return Settings(home=tmp_path / "var", landing=tmp_path / "landing", memory_limit="1GB")


@pytest.fixture
def land(settings: Settings) -> Callable[[str, str, str | bytes], Path]:
    """Write a file into the landing folder of `settings`."""
    return landing_into(settings)


def landing_into(settings: Settings) -> Callable[[str, str, str | bytes], Path]:
    """What writes a file of a source into the landing folder of `settings`."""

    def write(source: str, name: str, content: str | bytes) -> Path:
        path = settings.landing / source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


@dataclass
class SampleRun:
    """A sample of 4,000 records, published; read it, never change it."""

    settings: Settings
    report: RunReport
    key: dict[str, Any]


@pytest.fixture(scope="session")
def sample_run(tmp_path_factory: pytest.TempPathFactory) -> SampleRun:
    root = tmp_path_factory.mktemp("sample")
    settings = Settings(home=root / "var", landing=root / "landing", memory_limit="1GB")
    made = generate(settings.landing, records=4_000)
    report = pipeline.run_all(settings)
    return SampleRun(settings, report, json.loads(made.key_path.read_text()))
