"""Before the servers start: storage made once, a taken port and a full disk said plainly."""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from orchestration.errors import MeterhouseError
from orchestration.recovery import servers
from orchestration.recovery.full_disk import explained
from orchestration.recovery.servers import serve
from orchestration.recovery.start_up import start_up
from orchestration.settings import Settings
from tests.survival.servers import free_port, wait_for


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


def _is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class _Servers:
    """What `dagster dev` is: a process with one of its own, both in one group and deaf to what asks them to end."""

    def __init__(self, folder: Path) -> None:
        own = "import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); "
        child = own + "time.sleep(600)"
        told = folder / "child"
        code = (
            f"import subprocess, sys, pathlib; child = subprocess.Popen([sys.executable, '-c', {child!r}]); "
            f"pathlib.Path({str(told)!r}).write_text(str(child.pid)); {child}"
        )
        self.first = subprocess.Popen([sys.executable, "-c", code], process_group=0)
        wait_for("its child", lambda: told.exists() and told.read_text() != "")
        self.child = int(told.read_text())


def test_asked_a_second_time_to_end_nothing_of_the_servers_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = _Servers(tmp_path)
    asked = iter([KeyboardInterrupt])
    wait = made.first.wait

    def interrupted(timeout: float | None = None) -> int:
        for again in asked:
            raise again
        return wait(timeout)

    monkeypatch.setattr(made.first, "wait", interrupted)
    servers._end(made.first)
    assert made.first.poll() is not None
    wait_for("the end of its child", lambda: not _is_running(made.child))


def test_asked_to_end_while_the_servers_are_down_it_ends_well(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    handlers = {name: signal.getsignal(name) for name in (signal.SIGTERM, signal.SIGHUP)}

    def begun(*_: object) -> int:
        os.kill(os.getpid(), signal.SIGTERM)
        return 0

    monkeypatch.setattr(servers, "start_up", begun)
    monkeypatch.setattr(servers, "_start", lambda *_: subprocess.Popen(["true"]))
    said: list[str] = []
    try:
        assert serve(settings, free_port(), said.append) == 0
    finally:
        for name, handler in handlers.items():
            signal.signal(name, handler)
    assert said == ["one of the servers stopped by itself: restarting them"]
