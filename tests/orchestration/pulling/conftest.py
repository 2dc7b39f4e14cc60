"""An API on the loopback, an environment that points at it, and a pull that waits for nothing."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from orchestration.pulling.pull import PullRequest, SourcePull, pull_all
from orchestration.pulling.waiting import Patience
from orchestration.settings import Settings
from tests.orchestration.pulling.server import PLATFORM_TOKEN, TOKEN, USER, Api, serving


@dataclass
class Pulling:
    """One installation that pulls from one API. `slept` are the seconds it would have waited."""

    settings: Settings
    api: Api
    environment: dict[str, str]
    now: datetime = datetime(2024, 11, 8, 12, tzinfo=UTC)
    slept: list[float] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def __call__(self, *sources: str, since: str = "", until: str = "", again: bool = False) -> list[SourcePull]:
        request = PullRequest(
            sources,
            date.fromisoformat(since) if since else None,
            date.fromisoformat(until) if until else None,
            again,
        )
        return pull_all(
            self.settings,
            request,
            self.said.append,
            environment=self.environment,
            patience=Patience(self.slept.append),
            now=lambda: self.now,
        )

    def files(self, source: str = "twilio_calls") -> list[Path]:
        """Everything in the source's landing folder, hidden files too."""
        folder = self.settings.landing / source
        return sorted(folder.iterdir()) if folder.exists() else []

    def lines(self, source: str = "twilio_calls") -> list[str]:
        return [
            line for path in self.files(source) for line in gzip.decompress(path.read_bytes()).decode().splitlines()
        ]

    def landed(self, source: str = "twilio_calls") -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines(source)]


@pytest.fixture
def api() -> Iterator[Api]:
    with serving(Api()) as found:
        yield found


@pytest.fixture
def pull(settings: Settings, api: Api, monkeypatch: pytest.MonkeyPatch) -> Pulling:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return Pulling(
        settings,
        api,
        {
            "TWILIO_ACCOUNT_SID": USER,
            "TWILIO_AUTH_TOKEN": TOKEN,
            "METERHOUSE_TWILIO_URL": api.url,
            "METERHOUSE_PLATFORM_URL": api.url,
            "METERHOUSE_PLATFORM_TOKEN": PLATFORM_TOKEN,
        },
    )
