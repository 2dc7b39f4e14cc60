"""What happens before the servers start: Dagster's storage is made, and runs of the time before are ended.

`meterhouse ui` does it; for servers started otherwise it is `python -m orchestration.recovery.start_up`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from orchestration.errors import MeterhouseError
from orchestration.settings import Settings, load_settings

# A run launched by somebody else a moment ago may not have its process yet.
PATIENCE_SECONDS = 10.0


def start_up(settings: Settings, say: Callable[[str], None]) -> int:
    """Ready Dagster's home for servers to start on, however the last ones ended. Returns how many runs were ended.

    Storage is made here, by one process: webserver and daemon started together on an empty home both try to,
    and one of them dies.
    """
    from orchestration.dagster_runs import prepare_home

    prepare_home(settings)
    return _ready(say)


def _ready(say: Callable[[str], None]) -> int:
    import warnings

    warnings.filterwarnings("ignore")
    import dagster as dg

    from orchestration.recovery.runs import reconcile

    with dg.DagsterInstance.get() as instance:
        # Asking each once is what makes its tables.
        instance.get_runs_count()
        instance.event_log_storage.get_concurrency_keys()
        assert instance.schedule_storage is not None
        instance.schedule_storage.all_instigator_state()
        freed = reconcile(instance, PATIENCE_SECONDS)
    for run in freed:
        say(str(run))
    return len(freed)


if __name__ == "__main__":
    argparse.ArgumentParser("python -m orchestration.recovery.start_up", description=__doc__).parse_args()
    try:
        start_up(load_settings(), print)
    except MeterhouseError as error:
        sys.exit(f"error: {error}\n  to do: {error.remedy}")
