"""Before the servers start: storage made once, a taken port and a full disk said plainly."""

from __future__ import annotations

import errno
import socket

import pytest

from orchestration.errors import MeterhouseError
from orchestration.recovery.full_disk import explained
from orchestration.recovery.servers import serve
from orchestration.recovery.start_up import start_up
from orchestration.settings import Settings


def test_start_up_makes_the_storage_of_an_empty_home_once(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DAGSTER_HOME", "METERHOUSE_HOME", "METERHOUSE_LANDING"):
        monkeypatch.setenv(name, "")  # given back what they were
    said: list[str] = []
    assert start_up(settings, said.append) == 0
    assert said == []
    made = {path.name for path in settings.dagster_home.rglob("*.db")}
    assert {"runs.db", "index.db", "schedules.db"} <= made


def test_a_port_that_is_taken_is_said_before_anything_starts(settings: Settings) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(MeterhouseError, match=f"port {port} of 127.0.0.1 is in use") as refusal:
            serve(settings, port, print)
    assert f"--port {port + 1}" in refusal.value.remedy


def test_a_full_disk_is_told_from_other_errors(settings: Settings) -> None:
    inner = OSError(errno.ENOSPC, "No space left on device", "/data/x")
    outer = RuntimeError("while writing")
    outer.__cause__ = inner
    told = explained(outer, settings)
    assert told is not None
    assert str(told) == "/data/x cannot be written: its disk is full or read-only"
    assert "the last release stays" in told.remedy
    assert explained(OSError(errno.ENOENT, "No such file or directory", "/data/x"), settings) is None
