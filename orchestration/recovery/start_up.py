"""What happens before the servers start: Dagster's storage is made, and runs of the time before are ended."""

from __future__ import annotations

from collections.abc import Callable

from orchestration.errors import MeterhouseError
from orchestration.settings import Settings

# A run launched by somebody else a moment ago may not have its process yet.
PATIENCE_SECONDS = 10.0


def start_up(settings: Settings, say: Callable[[str], None]) -> int:
    """Ready Dagster's home for servers to start on, however the last ones ended. Returns how many runs were ended.

    Storage is made here, by one process: webserver and daemon started together on an empty home both try to,
    and one of them dies. Raises MeterhouseError where the home cannot be written.
    """
    from orchestration.dagster_runs import prepare_home

    try:
        prepare_home(settings)
        return _ready(say)
    except OSError as error:
        raise _cannot_write(settings, error) from error
    except Exception as error:
        if _is_of_the_disk(error):
            raise _cannot_write(settings, error) from error
        raise


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


def _is_of_the_disk(error: BaseException) -> bool:
    """SQLite's words for a full disk and for a folder that cannot be written, through whatever wraps them."""
    seen: BaseException | None = error
    while seen is not None:
        text = str(seen)
        if any(words in text for words in ("disk is full", "disk I/O error", "readonly database", "unable to open")):
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def _cannot_write(settings: Settings, error: BaseException) -> MeterhouseError:
    said = str(error).splitlines()[0]
    return MeterhouseError(
        f"Dagster's home {settings.dagster_home} cannot be written: {said}",
        "Make room there (it holds the history of runs only) or make it writable, then start again. Releases are "
        "not touched, and `meterhouse run` works without it.",
    )
