"""Finding runs whose process is gone, ending them with a plain message, freeing their slots of the writer pool.

Dagster's own launcher does not look after a run once its code server is gone: after a power cut a run stays
"started" for ever and holds its slot. Which process works on a run stands in a tag of the run, put there when
it starts; before that, in the events Dagster itself wrote.
"""

from __future__ import annotations

from dataclasses import dataclass

import dagster as dg
from dagster import DagsterEventType, DagsterInstance, DagsterRunStatus, RunRecord, RunsFilter

from orchestration import clock, processes

PROCESS_TAG = "meterhouse/process"
WITHOUT_A_WORKER = [DagsterRunStatus.STARTING, DagsterRunStatus.STARTED, DagsterRunStatus.CANCELING]
# A process may be a second older than the event that names it says, for the system counts in ticks.
SLACK_SECONDS = 2.0


@dataclass(frozen=True)
class FreedRun:
    """A run that was ended because nobody worked on it: what it was doing, why that is known, slots it held."""

    run_id: str
    job_name: str
    was: str
    reason: str
    slots: int

    def __str__(self) -> str:
        slots = f"; {self.slots} slot(s) of the writer pool freed" if self.slots else ""
        return f"run {self.run_id[:8]} of {self.job_name} was {self.was}, but {self.reason}: marked as ended{slots}"


def mark_run(instance: DagsterInstance, run_id: str) -> None:
    """Note on a run that this process works on it."""
    instance.add_run_tags(run_id, {PROCESS_TAG: processes.this_process().as_text()})


def reconcile(instance: DagsterInstance, patience_seconds: float) -> list[FreedRun]:
    """End every run whose process is gone and free the slots of all runs that have ended. Says what it did.

    A run of which no process is known yet is let alone for `patience_seconds` after it last moved. Runs of other
    hosts and containers are let alone: whether their processes live cannot be seen from here. Safe to call at
    any time, and from several processes.
    """
    freed = []
    for record in instance.get_run_records(RunsFilter(statuses=WITHOUT_A_WORKER)):
        reason = _why_gone(instance, record, patience_seconds)
        if reason is None:
            continue
        # A process that has ended has written all it ever will: look again before believing the record.
        now = instance.get_run_by_id(record.dagster_run.run_id)
        if now is None or now.status not in WITHOUT_A_WORKER:
            continue
        freed.append(_end(instance, now, reason))
    _free_slots_of_ended_runs(instance)
    return freed


def _end(instance: DagsterInstance, run: dg.DagsterRun, reason: str) -> FreedRun:
    was = run.status.value.lower()
    message = (
        f"Ended by Meterhouse: {reason}. Its unfinished work is not served, and the last release stays served. "
        "Launch the run again: it continues with what is left to do."
    )
    if run.status == DagsterRunStatus.CANCELING:
        instance.report_run_canceled(run, message)
    else:
        instance.report_run_failed(run, message)
    return FreedRun(run.run_id, run.job_name, was, reason, _free_slots(instance, run.run_id))


def _free_slots(instance: DagsterInstance, run_id: str) -> int:
    storage = instance.event_log_storage
    if not storage.supports_global_concurrency_limits or run_id not in storage.get_concurrency_run_ids():
        return 0
    held = sum(
        slot.run_id == run_id
        for key in storage.get_concurrency_keys()
        for slot in storage.get_concurrency_info(key).claimed_slots
    )
    storage.free_concurrency_slots_for_run(run_id)
    return held


def _free_slots_of_ended_runs(instance: DagsterInstance) -> None:
    storage = instance.event_log_storage
    if not storage.supports_global_concurrency_limits:
        return
    for run_id in storage.get_concurrency_run_ids():
        run = instance.get_run_by_id(run_id)
        if run is None or run.is_finished:
            storage.free_concurrency_slots_for_run(run_id)


def _why_gone(instance: DagsterInstance, record: RunRecord, patience_seconds: float) -> str | None:
    marked = processes.parse(record.dagster_run.tags.get(PROCESS_TAG, ""))
    if marked is not None:
        return processes.why_gone(marked)
    idle = (clock.utc_now() - record.update_timestamp).total_seconds()
    if idle < patience_seconds:
        return None
    events = instance.all_logs(record.dagster_run.run_id, of_type=DagsterEventType.ENGINE_EVENT)
    told = [(pid, event.timestamp) for event in events if (pid := _pid_of(event)) is not None]
    if not told:
        return "it never got a process"
    pid, at = told[-1]
    began = processes.started_at(pid)
    if began is None:
        return f"its process {pid} ended without reporting"
    return f"its process {pid} ended, and its number now belongs to another" if began > at + SLACK_SECONDS else None


def _pid_of(event: dg.EventLogEntry) -> int | None:
    """The process an event of Dagster's engine names as the run's worker."""
    if event.dagster_event is None:
        return None
    value = getattr(event.dagster_event.engine_event_data.metadata.get("pid"), "value", None)
    return int(value) if value is not None and str(value).isdigit() else None
