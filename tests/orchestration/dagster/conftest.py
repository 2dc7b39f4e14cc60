"""Dagster instances in homes of their own, and what a run told."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dagster as dg

from orchestration.dagster_runs import prepare_home
from orchestration.settings import Settings

CHANGED = ("DAGSTER_HOME", "METERHOUSE_HOME", "METERHOUSE_LANDING", "DAGSTER_EVENT_BATCH_SIZE")


@contextmanager
def instance_of(settings: Settings) -> Iterator[dg.DagsterInstance]:
    """The installation's instance; what making it ready sets in this process is as before afterwards."""
    before = {name: os.environ.get(name) for name in CHANGED}
    prepare_home(settings)
    try:
        with dg.DagsterInstance.get() as instance:
            yield instance
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def told(instance: dg.DagsterInstance, run_id: str) -> list[str]:
    """What a run's steps logged."""
    return [entry.user_message for entry in instance.all_logs(run_id) if not entry.is_dagster_event]


def materialized(instance: dg.DagsterInstance, run_id: str) -> dict[tuple[str, str | None], dict[str, Any]]:
    """Metadata of what a run materialized, by (asset, partition)."""
    found = {}
    for entry in instance.all_logs(run_id):
        event = entry.dagster_event
        if event is not None and event.is_step_materialization:
            made = event.step_materialization_data.materialization
            metadata = {name: value.value for name, value in made.metadata.items()}
            found["/".join(made.asset_key.path), made.partition] = metadata
    return found
