"""What the steps share: the writer pool, waiting for another writer, and which months a run is for."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from typing import TypeVar

import dagster as dg

from orchestration.errors import MeterhouseError, WarehouseBusy
from orchestration.settings import Settings
from orchestration.warehouse.writer_lock import writer_lock

# Every step that writes takes a slot of this pool; its limit of 1 stands in dagster.yaml.
WRITER_POOL = "writer"
# A run that hangs is ended after four hours (dagster.yaml says so too), for it keeps all others waiting.
LONGEST_RUN = {"dagster/max_runtime": "14400"}
WAIT_SECONDS = 600.0
LOOK_AGAIN_SECONDS = 0.5
T = TypeVar("T")


def when_free(log: dg.DagsterLogManager, begin: Callable[[], T], wait_seconds: float = WAIT_SECONDS) -> T:
    """What `begin` gives, as soon as no other process writes: runs of the command line are not in Dagster's queue.

    `begin` raises WarehouseBusy, having done nothing, while somebody does. Says once who writes; raises
    dagster.Failure, with that and what to do, when it takes too long.
    """
    waited = 0.0
    while True:
        try:
            return begin()
        except WarehouseBusy as busy:
            if waited == 0:
                log.info(f"{busy}: waiting for it to end")
            if waited >= wait_seconds:
                raise dg.Failure(
                    f"{busy}; gave up after {wait_seconds:.0f} seconds. {busy.remedy}", allow_retries=False
                ) from busy
            time.sleep(LOOK_AGAIN_SECONDS)
            waited += LOOK_AGAIN_SECONDS


@contextmanager
def in_plain_words() -> Iterator[None]:
    """A person's mistake or a refusal inside fails the step in its own words, and is not tried again."""
    try:
        yield
    except MeterhouseError as error:
        raise dg.Failure(f"{error}. {error.remedy}", allow_retries=False) from error


@contextmanager
def sole_writer(settings: Settings, log: dg.DagsterLogManager, wait_seconds: float = WAIT_SECONDS) -> Iterator[None]:
    """The writer lock, waited for."""
    with ExitStack() as held:
        when_free(log, lambda: held.enter_context(writer_lock(settings)), wait_seconds)
        yield


def months_of(context: dg.AssetExecutionContext | dg.OpExecutionContext) -> tuple[str, ...]:
    """The billing months the run was started for, as 2024-11; none when it is for all that landed."""
    if context.has_partition_key or context.has_partition_key_range:
        return tuple(context.partition_keys)
    return ()


def month_before(instant: datetime) -> str:
    """The billing month before the one `instant` (UTC) lies in, as 2024-11."""
    return f"{instant.replace(day=1) - timedelta(days=1):%Y-%m}"
