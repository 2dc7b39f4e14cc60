"""Runs whose process is gone are ended and their slots freed; runs somebody works on are left alone."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest
from dagster._core.events import EngineEventData

from orchestration import processes
from orchestration.processes import ProcessIdentity
from orchestration.recovery.runs import PROCESS_TAG, reconcile
from orchestration.settings import PROJECT_DIR

# A run in a process of its own, in the middle of a step that holds the only slot of the writer pool.
WORKER = """
import os, sys
import dagster as dg
from orchestration.resources import Installation

@dg.op(pool="writer")
def write(installation: Installation):
    print("writing", flush=True)
    sys.stdin.read()

@dg.job(executor_def=dg.in_process_executor, resource_defs={"installation": Installation()})
def long_job():
    write()

with dg.DagsterInstance.get() as instance:
    quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    long_job.execute_in_process(instance=instance, run_config=quiet)
"""


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dg.DagsterInstance]:
    """An instance on files, as the servers have it, with one slot in the writer pool; every test ends its runs."""
    home = tmp_path_factory.mktemp("dagster")
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n", encoding="utf-8")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("DAGSTER_HOME", str(home))
        with dg.DagsterInstance.get() as found:
            found.event_log_storage.set_concurrency_slots("writer", 1)
            yield found


def _worker() -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", WORKER],
        env=os.environ | {"PYTHONPATH": str(PROJECT_DIR)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "writing\n"
    return process


def _slots_taken(instance: dg.DagsterInstance) -> int:
    return instance.event_log_storage.get_concurrency_info("writer").active_slot_count


def _told(instance: dg.DagsterInstance, run_id: str) -> str:
    return "\n".join(entry.message for entry in instance.all_logs(run_id))


def _run(instance: dg.DagsterInstance, status: dg.DagsterRunStatus, tags: dict[str, str] | None = None) -> str:
    run: Any = instance.create_run_for_job(_nothing, status=status, tags=tags)
    return str(run.run_id)


@dg.job
def _nothing() -> None:
    pass


def test_a_killed_run_is_ended_with_its_reason_and_its_slot_is_freed(instance: dg.DagsterInstance) -> None:
    with _worker() as process:
        (record,) = instance.get_run_records(dg.RunsFilter(job_name="long_job"))
        run_id = record.dagster_run.run_id
        assert _slots_taken(instance) == 1
        # Somebody works on it: it is left alone.
        assert reconcile(instance, 0) == []
        assert record.dagster_run.status == dg.DagsterRunStatus.STARTED
        process.kill()
        process.communicate()
    assert _slots_taken(instance) == 1  # nobody frees it by himself
    (freed,) = reconcile(instance, 0)
    assert (freed.run_id, freed.was, freed.slots) == (run_id, "started", 1)
    assert str(freed).endswith(
        f"its process {process.pid} ended without reporting: marked as ended; 1 slot(s) of the writer pool freed"
    )
    assert _slots_taken(instance) == 0
    ended = instance.get_run_by_id(run_id)
    assert ended is not None
    assert ended.status == dg.DagsterRunStatus.FAILURE
    assert "Ended by Meterhouse" in _told(instance, run_id)
    assert "the last release stays served. Launch the run again" in _told(instance, run_id)
    assert reconcile(instance, 0) == []


def test_a_run_that_was_being_cancelled_ends_as_cancelled(instance: dg.DagsterInstance) -> None:
    run_id = _run(instance, dg.DagsterRunStatus.CANCELING, {PROCESS_TAG: _dead().as_text()})
    (freed,) = reconcile(instance, 0)
    assert freed.was == "canceling"
    ended = instance.get_run_by_id(run_id)
    assert ended is not None
    assert ended.status == dg.DagsterRunStatus.CANCELED


def test_a_slot_that_an_ended_run_still_holds_is_freed(instance: dg.DagsterInstance) -> None:
    run_id = _run(instance, dg.DagsterRunStatus.FAILURE)
    assert instance.event_log_storage.claim_concurrency_slot("writer", run_id, "write").is_claimed
    reconcile(instance, 0)
    assert _slots_taken(instance) == 0


def test_a_run_without_a_process_is_waited_for_then_ended(instance: dg.DagsterInstance) -> None:
    starting = _run(instance, dg.DagsterRunStatus.STARTING)
    waiting = _run(instance, dg.DagsterRunStatus.NOT_STARTED)
    assert reconcile(instance, 600) == []
    (freed,) = reconcile(instance, 0)
    assert (freed.run_id, freed.reason) == (starting, "it never got a process")
    # What waits to be launched is the daemon's to launch when it is back.
    run = instance.get_run_by_id(waiting)
    assert run is not None
    assert run.status == dg.DagsterRunStatus.NOT_STARTED


def test_a_run_killed_before_it_was_marked_is_known_by_dagsters_own_events(instance: dg.DagsterInstance) -> None:
    dead, alive = (_run(instance, dg.DagsterRunStatus.STARTING) for _ in range(2))
    for run_id, pid in ((dead, _dead().pid), (alive, os.getpid())):
        run = instance.get_run_by_id(run_id)
        instance.report_engine_event("Started process for run", run, EngineEventData.in_process(pid))
    (freed,) = reconcile(instance, 0)
    assert freed.run_id == dead
    assert "ended without reporting" in freed.reason


def _dead() -> ProcessIdentity:
    """A process that was, and is no more."""
    with subprocess.Popen([sys.executable, "-c", "pass"]) as process:
        pass
    me = processes.this_process()
    return ProcessIdentity(process.pid, "1", me.boot, me.host)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, None),
        # The number was given to another process since.
        ({"started": "1"}, "ended without reporting"),
        ({"boot": "another"}, "the machine has been restarted since"),
        # Containers and other hosts: their pids say nothing here.
        ({"host": "elsewhere/pid:[1]"}, None),
        ({"host": f"{processes.host().partition('/')[0]}/pid:[1]"}, None),
    ],
)
def test_a_process_is_told_by_more_than_its_number(change: dict[str, str], reason: str | None) -> None:
    found = ProcessIdentity(**(processes.this_process().__dict__ | change))
    assert processes.parse(found.as_text()) == found
    told = processes.why_gone(found)
    assert told is None if reason is None else reason in str(told)


def test_a_killed_process_that_nobody_buried_is_gone() -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    me = processes.this_process()
    child = ProcessIdentity(process.pid, processes.start_of(process.pid), me.boot, me.host)
    assert processes.why_gone(child) is None
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # dead, and not reaped: a zombie
    assert "ended without reporting" in str(processes.why_gone(child))
    process.communicate()
