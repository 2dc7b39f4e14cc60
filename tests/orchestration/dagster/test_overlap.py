"""Two writers never meet: a step waits for another process, says for whom, and gives up with a plain message."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml

from orchestration.dagster_home import DAGSTER_YAML, SQLITE_YAML
from orchestration.graph.steps import WRITER_POOL, sole_writer
from orchestration.settings import PROJECT_DIR, Settings

HOLD = (
    "import sys; from pathlib import Path; from orchestration.settings import Settings\n"
    "from orchestration.warehouse.writer_lock import writer_lock\n"
    "home = Path(sys.argv[1])\n"
    "with writer_lock(Settings(home=home, landing=home)): print('held', flush=True); sys.stdin.readline()\n"
)


@pytest.fixture
def other(settings: Settings) -> Any:
    """Another process that writes until its standard input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(settings.home)],
        cwd=PROJECT_DIR,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "held"
    yield process
    process.communicate()


class _Log(logging.Handler):
    """Lets the other process go as soon as somebody says that they wait for it."""

    def __init__(self, other: Any) -> None:
        super().__init__()
        self.said: list[str] = []
        self._other = other

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())
        self._other.stdin.close()


def _logger(handler: logging.Handler) -> Any:
    log = logging.Logger("waiting")
    log.addHandler(handler)
    return log


def test_a_step_waits_for_the_process_that_writes(settings: Settings, other: Any) -> None:
    handler = _Log(other)
    with sole_writer(settings, _logger(handler), wait_seconds=60):
        assert other.wait(timeout=60) == 0
    other.stdin = None
    (said,) = handler.said
    assert said.startswith(f"process {other.pid} is writing to the warehouse (since ")
    assert said.endswith("): waiting for it to end")


def test_a_step_that_waited_too_long_says_for_whom_and_what_to_do(settings: Settings, other: Any) -> None:
    with (
        pytest.raises(
            dg.Failure,
            match=rf"process {other.pid} is writing to the warehouse \(since .*; gave up after 0 seconds. Wait for",
        ),
        sole_writer(settings, _logger(logging.NullHandler()), wait_seconds=0),
    ):
        pass


def test_the_instance_runs_one_at_a_time_and_queues_the_others(tmp_path: Path) -> None:
    text = DAGSTER_YAML + SQLITE_YAML
    told = yaml.safe_load(text)
    assert told["concurrency"]["runs"]["max_concurrent_runs"] == 1
    assert told["concurrency"]["pools"] == {"granularity": "op", "default_limit": 1}
    (tmp_path / "dagster.yaml").write_text(text.replace("env: DAGSTER_HOME", "env: METERHOUSE_TEST_HOME"))
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("METERHOUSE_TEST_HOME", str(tmp_path))
        with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
            assert type(instance.run_coordinator).__name__ == "QueuedRunCoordinator"
            info = instance.event_log_storage.get_concurrency_info(WRITER_POOL)
            assert instance.get_concurrency_config().pool_config.default_pool_limit == 1
            assert info.claimed_slots == []
