"""Events written in lots are the events Dagster's own storage would hold, in their order, for every reader."""

import time
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage

from orchestration.graph.event_storage import BatchedEventLog
from orchestration.settings import Settings
from tests.orchestration.dagster.conftest import instance_of

KEYS = [f"a{n}" for n in range(20)]


@dg.multi_asset(
    specs=[dg.AssetSpec(key) for key in KEYS],
    check_specs=[dg.AssetCheckSpec("sound", asset=key) for key in KEYS],
)
def many(context: dg.AssetExecutionContext):  # type: ignore[no-untyped-def]
    for number, key in enumerate(KEYS):
        context.log.info(f"making {key}")
        yield dg.MaterializeResult(
            key, metadata={"number": number}, check_results=[dg.AssetCheckResult(passed=True, asset_key=key)]
        )


JOB = dg.Definitions(assets=[many], jobs=[dg.define_asset_job("all_of_them")]).resolve_job_def("all_of_them")
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def _shape(instance: dg.DagsterInstance, run_id: str) -> list[str]:
    return [
        entry.dagster_event.event_type_value if entry.dagster_event else entry.user_message
        for entry in instance.all_logs(run_id)
    ]


def test_a_run_is_told_as_dagsters_own_storage_tells_it(settings: Settings) -> None:
    own = dg.DagsterInstance.ephemeral()
    expected = _shape(own, JOB.execute_in_process(instance=own, run_config=QUIET).run_id)
    with instance_of(settings) as instance:
        assert isinstance(instance.event_log_storage, BatchedEventLog)
        run_id = JOB.execute_in_process(instance=instance, run_config=QUIET).run_id
        assert _shape(instance, run_id) == expected
        # Another process reads the files with Dagster's own storage.
        reader = SqliteEventLogStorage(str(settings.dagster_home / "history" / "runs"))
        assert len(reader.get_logs_for_run(run_id)) == len(expected)
        for number, key in enumerate(KEYS):
            event = instance.get_latest_materialization_event(dg.AssetKey(key))
            assert event is not None and event.asset_materialization is not None
            assert event.asset_materialization.metadata["number"].value == number
            (check,) = instance.event_log_storage.get_asset_check_execution_history(
                dg.AssetCheckKey(dg.AssetKey(key), "sound"), limit=2
            )
            assert check.status.value == "SUCCEEDED"


def test_what_waits_is_written_soon_and_before_anybody_here_reads(settings: Settings) -> None:
    with instance_of(settings) as instance:
        log = instance.event_log_storage
        assert isinstance(log, BatchedEventLog)
        instance.report_runless_asset_event(dg.AssetMaterialization("one"))
        assert instance.get_latest_materialization_event(dg.AssetKey("one")) is not None
        instance.report_runless_asset_event(dg.AssetMaterialization("two"))
        reader = SqliteEventLogStorage(str(settings.dagster_home / "history" / "runs"))
        reader.register_instance(instance)
        deadline = time.monotonic() + 30
        while not reader.has_asset_key(dg.AssetKey("two")):
            assert time.monotonic() < deadline, "never written"
            time.sleep(0.05)


def test_a_lot_that_cannot_be_written_whole_is_written_one_by_one(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with instance_of(settings) as instance:
        log = instance.event_log_storage
        assert isinstance(log, BatchedEventLog)
        asked = []

        def broken(shard: str) -> None:
            asked.append(shard)
            raise OSError("no room")

        monkeypatch.setattr(log, "_opened", broken)
        for name in ("one", "two"):
            instance.report_runless_asset_event(dg.AssetMaterialization(name))
        log.flush()
        assert asked
        for name in ("one", "two"):
            assert instance.get_latest_materialization_event(dg.AssetKey(name)) is not None


def test_the_history_of_a_home_stays_where_it_was(settings: Settings, tmp_path: Path) -> None:
    with instance_of(settings) as instance:
        JOB.execute_in_process(instance=instance, run_config=QUIET)
    assert (settings.dagster_home / "history" / "runs" / "index.db").exists()
    assert (settings.dagster_home / "history" / "runs.db").exists()
