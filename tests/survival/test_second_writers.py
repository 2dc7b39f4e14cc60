"""A second writer is stopped, by the lock or by its number: two real processes, one of them paused."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from orchestration import clock, duck
from orchestration.closing import ledger
from orchestration.errors import LockLost, WarehouseBusy
from orchestration.publishing import history, release
from orchestration.publishing.release import current_release, publish
from orchestration.quality import gate
from orchestration.quality import verdict as verdicts
from orchestration.quality.gx_runner import SuiteRunner
from orchestration.settings import Settings
from orchestration.warehouse import fencing
from orchestration.warehouse.writer_lock import held, in_doubt, note_durable, writer_lock
from tests.closing.conftest import copied
from tests.conftest import SampleRun
from tests.gate.served import nothing_served_changes
from tests.survival.servers import environment_of, wait_for

# Takes the lock, waits to be told to go on, then publishes; says what came of it.
WRITER = """
import sys
from orchestration.errors import MeterhouseError
from orchestration.publishing.release import publish
from orchestration.settings import load_settings
from orchestration.warehouse.writer_lock import writer_lock
settings = load_settings()
with writer_lock(settings) as writer:
    print(writer.number, flush=True)
    sys.stdin.readline()
    try:
        print("published", publish(settings).release_id, flush=True)
    except MeterhouseError as error:
        print(type(error).__name__, error.exit_code, error, error.remedy, flush=True)
"""


@contextmanager
def _writer(settings: Settings) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A process that holds the lock, and its number."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER],
        env=environment_of(settings),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield process, int(process.stdout.readline())
    finally:
        process.kill()
        process.communicate()


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def _goes_on(process: subprocess.Popen[str]) -> str:
    told, _ = process.communicate("\n")
    return told


@pytest.fixture
def mine(sample_run: SampleRun, tmp_path: Path) -> Settings:
    return copied(sample_run.settings, tmp_path / "var")


def test_a_paused_writer_keeps_its_lock_and_the_next_is_told_what_to_do(mine: Settings) -> None:
    with _writer(mine) as (process, number):
        os.kill(process.pid, signal.SIGSTOP)
        wait_for("the writer to be paused", lambda: _state(process.pid) == "T")
        with nothing_served_changes(mine), pytest.raises(WarehouseBusy) as refusal:
            publish(mine)
        told = str(refusal.value)
        assert told.startswith(f"process {process.pid} is writing to the warehouse (since 20")
        assert told.endswith("but is paused")
        assert f"kill -CONT {process.pid}" in refusal.value.remedy
        assert f"kill -KILL {process.pid}" in refusal.value.remedy
        os.kill(process.pid, signal.SIGCONT)
        assert _goes_on(process).startswith("published ")
    # Its lock ended with it, and the next writer's number is the next.
    with writer_lock(mine) as writer:
        assert writer.number == number + 1


def test_a_writer_paused_past_a_takeover_may_not_publish(mine: Settings) -> None:
    with _writer(mine) as (old, old_number):
        os.kill(old.pid, signal.SIGSTOP)
        wait_for("the writer to be paused", lambda: _state(old.pid) == "T")
        # The lock of a living process goes by one way only: its file is removed by hand.
        (mine.home / "writer.lock").unlink()
        with _writer(mine) as (new, new_number):
            assert new_number == old_number + 1
            with nothing_served_changes(mine):
                os.kill(old.pid, signal.SIGCONT)
                told = _goes_on(old)
                assert told.startswith("LockLost 3 ")
                assert f"process {new.pid} took it at 20" in told
                assert "the last release stays served" in told
                # The newer one took a lock whose history was thrown away: it has to build all again before it may.
                assert _goes_on(new).startswith(
                    "GateRefused 3 since it was built, another program has written to the build file"
                )


def test_who_loses_the_lock_while_it_writes_a_release_does_not_serve_it(
    mine: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its number is looked at once more where the pointer is turned: all the writing lies in between."""
    (mine.published_dir / "current").unlink()
    known = history.publications(mine)
    with ExitStack() as ending:

        def taken_over(_: object) -> None:
            (mine.home / "writer.lock").unlink()
            ending.enter_context(_writer(mine))

        monkeypatch.setattr(release, "make_durable", taken_over)
        with writer_lock(mine), pytest.raises(LockLost):
            publish(mine)
    assert current_release(mine) is None
    assert history.publications(mine) == known


def test_who_lost_the_lock_may_not_write_into_the_ledger(mine: Settings) -> None:
    before = ledger.entries(mine)
    with writer_lock(mine):
        (mine.home / "writer.lock").unlink()
        with _writer(mine) as (new, _), pytest.raises(LockLost, match=f"process {new.pid} took it"):
            ledger.append(mine, "sign_off", {"month": "2024-09"}, by="Sam", now=clock.utc_now())
    assert ledger.entries(mine) == before


def test_who_lost_the_lock_may_keep_no_verdict(mine: Settings) -> None:
    with duck.connect(mine.warehouse_path, mine, read_only=True) as connection:
        before = verdicts.latest(connection)
    with writer_lock(mine), SuiteRunner(mine) as runner:
        (mine.home / "writer.lock").unlink()
        with _writer(mine) as (new, _), pytest.raises(LockLost, match=f"process {new.pid} took it"):
            gate.judge(mine, [], runner)
    with duck.connect(mine.warehouse_path, mine, read_only=True) as connection:
        assert verdicts.latest(connection) == before


def test_another_thread_does_not_hold_the_lock_of_this_one(settings: Settings) -> None:
    with writer_lock(settings) as writer, ThreadPoolExecutor(1) as pool:
        assert held(settings) == writer
        assert pool.submit(held, settings).result() is None


def test_a_write_that_leaves_the_size_what_it_was_is_a_doubt(settings: Settings) -> None:
    with writer_lock(settings):
        settings.warehouse_path.write_bytes(b"before")
    assert not in_doubt(settings)
    look = settings.warehouse_path.stat()
    settings.warehouse_path.write_bytes(b"behind")
    os.utime(settings.warehouse_path, ns=(look.st_atime_ns, look.st_mtime_ns + 1_000_000))
    assert in_doubt(settings)


def test_a_killed_writer_leaves_no_lock_behind(mine: Settings) -> None:
    with _writer(mine) as (process, number):
        process.kill()
        process.wait()
        with writer_lock(mine) as writer:
            assert writer.number == number + 1
            # It had made nothing durable since it took the lock: the build file holds what it held.
            assert not (mine.home / "build_file_in_doubt").exists()


def test_who_lost_the_lock_says_nothing_in_the_lock_file_of_the_next(mine: Settings) -> None:
    lock = mine.home / "writer.lock"
    with writer_lock(mine):
        lock.unlink()
        with _writer(mine):
            theirs = lock.read_text()
            note_durable(mine)
            assert lock.read_text() == theirs


def test_a_stranger_with_the_build_file_open_is_named(mine: Settings) -> None:
    code = (
        f"import duckdb, sys; c = duckdb.connect({str(mine.warehouse_path)!r}); print(1, flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as stranger:
        assert stranger.stdout is not None
        assert stranger.stdout.readline() == "1\n"
        with nothing_served_changes(mine), pytest.raises(WarehouseBusy) as refusal:
            publish(mine)
        assert f"process {stranger.pid} (" in str(refusal.value)
        assert "has warehouse.duckdb open" in str(refusal.value)
        assert f"kill {stranger.pid}" in refusal.value.remedy
        stranger.communicate("")


def test_numbers_only_grow_whoever_takes_them(mine: Settings) -> None:
    numbers = []
    for _ in range(3):
        with writer_lock(mine) as writer:
            numbers.append(writer.number)
    with _writer(mine) as (_, number):
        numbers.append(number)
    assert numbers == list(range(numbers[0], numbers[0] + 4))
    newest = fencing.newest(mine)
    assert newest is not None
    assert newest.number == numbers[-1]
