"""Dagster's home: its dagster.yaml, and where its history is kept (SQLite in the home, or PostgreSQL).

Readied before servers start by recovery/start_up.py. What runs there is decided elsewhere.
The database's URL holds a password: the file names the variable it is in, and Dagster reads that itself.
"""

from __future__ import annotations

import importlib.util
import os

from orchestration.errors import MeterhouseError
from orchestration.settings import DAGSTER_POSTGRES, Settings

# With its driver: the database library's own choice is one that is not installed.
URL_BEGINS = "postgresql+psycopg2://"
# One run at a time, and one writing step: what is launched meanwhile is queued, and seen so. Output of steps is
# not captured: they say what they do in the event log, and catching it costs a process a step.
DAGSTER_YAML = """telemetry:
  enabled: false
nux:
  enabled: false
run_monitoring:
  # Makes the jobs' max_runtime count; a run that cannot start or be cancelled is not waited for.
  enabled: true
  start_timeout_seconds: 300
  cancel_timeout_seconds: 180
  max_runtime_seconds: 14400
  poll_interval_seconds: 30
  free_slots_after_run_end_seconds: 60
run_coordinator:
  module: dagster._core.run_coordinator
  class: QueuedRunCoordinator
  config:
    dequeue_interval_seconds: 1
concurrency:
  runs:
    max_concurrent_runs: 1
  pools:
    granularity: op
    default_limit: 1
compute_logs:
  module: dagster._core.storage.noop_compute_log_manager
  class: NoOpComputeLogManager
"""
SQLITE_YAML = """storage:
  custom:
    module: orchestration.graph.event_storage
    class: BatchedSqliteStorage
    config:
      base_dir:
        env: DAGSTER_HOME
"""
POSTGRES_YAML = f"""storage:
  postgres:
    postgres_url:
      env: {DAGSTER_POSTGRES}
"""


def configure(settings: Settings) -> None:
    """Write dagster.yaml, with the storage the settings name. Creates no storage.

    Raises MeterhouseError where the history is on PostgreSQL and this process was not told its URL, or
    where the database does not answer.
    """
    settings.dagster_home.mkdir(parents=True, exist_ok=True)
    path = settings.dagster_home / "dagster.yaml"
    former = path.read_text(encoding="utf-8") if path.exists() else ""
    if settings.dagster_on_postgres:
        _demand_database()
    elif POSTGRES_YAML in former:
        # Run without the service's environment file: its history would go on in SQLite, unseen by the UI.
        raise MeterhouseError(
            f"Dagster's history for {settings.home} is in PostgreSQL, but {DAGSTER_POSTGRES} is not set",
            f"Load the service's environment file, or remove {path} to keep the history in SQLite from now on.",
        )
    text = DAGSTER_YAML + (POSTGRES_YAML if settings.dagster_on_postgres else SQLITE_YAML)
    if text != former:
        following = path.with_name(f"{path.name}.{os.getpid()}")
        following.write_text(text, encoding="utf-8")
        following.replace(path)


_FORM = (
    f"Write {DAGSTER_POSTGRES} as {URL_BEGINS}USER:PASSWORD@HOST:PORT/DATABASE, with special characters of "
    "the password as %XX."
)


def _demand_database() -> None:
    if importlib.util.find_spec("dagster_postgres") is None:
        raise MeterhouseError(
            f"{DAGSTER_POSTGRES} is set, but the package dagster-postgres is not installed",
            "Install it from requirements.lock: make install.",
        )
    url = os.environ[DAGSTER_POSTGRES]
    if not url.startswith(URL_BEGINS):
        raise MeterhouseError(f"{DAGSTER_POSTGRES} does not begin with {URL_BEGINS}", _FORM)
    import sqlalchemy
    from sqlalchemy.exc import SQLAlchemyError

    try:
        engine = sqlalchemy.create_engine(url, connect_args={"connect_timeout": 10})
        with engine.connect():
            pass
        engine.dispose()
    except (SQLAlchemyError, ValueError) as error:
        said = str(getattr(error, "orig", "")).strip().partition("\n")[0]
        # A password with an @ or a colon of its own is taken for a part of the host, which the message quotes.
        shown = f": {said}" if said and url.count("@") == 1 else ""
        raise MeterhouseError(
            f"Dagster's database does not answer{shown}", f"Check that PostgreSQL is running. {_FORM}"
        ) from error
