"""A run killed at any step: what it had made durable is built upon, and comes out as if it had never been disturbed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration import pipeline
from orchestration.errors import BuildFailed, GateRefused, WarehouseBusy
from orchestration.publishing import history
from orchestration.publishing.release import current_release, publish
from orchestration.quality.gx_runner import SuiteRunner
from orchestration.quality.suites import arriving_suites
from orchestration.quality.verdict import Check
from orchestration.settings import Settings
from orchestration.warehouse import writer_lock as writer_lock_module
from orchestration.warehouse.durable_state import NO_FILE, durable_state
from orchestration.warehouse.writer_lock import in_doubt, writer_lock
from tests.conftest import SampleRun
from tests.gate.served import nothing_served_changes, served_bytes
from tests.orchestration.copied_home import copy_of
from tests.survival.servers import environment_of
from tests.survival.small import Small

# Ends the moment its release is served.
SERVES = """
import os, signal
from orchestration import pipeline
from orchestration.publishing import release
from orchestration.settings import load_settings
flip = release._flip
def flip_and_die(*arguments):
    flip(*arguments)
    os.kill(os.getpid(), signal.SIGKILL)
release._flip = flip_and_die
pipeline.run_all(load_settings())
"""
# Says each step, from whichever thread, and waits to be told to go on, so that it can be killed there.
RUN = """
import sys, threading
from orchestration import pipeline
from orchestration.settings import load_settings
one_at_a_time = threading.Lock()
def say(step):
    with one_at_a_time:
        print(step, flush=True)
        sys.stdin.readline()
pipeline.run_all(load_settings(), say)
"""
STEPS = (
    "taking in ",
    "finding records that arrived more than once",
    "building int_gen_05__event_usage_aggregated",
    "building fct_invoice_lines",
    "running Great Expectations suites",
    "publishing",
)


def _killed_at(settings: Settings, step: str) -> None:
    """Run until `step` is said, and kill the process there."""
    with subprocess.Popen(
        [sys.executable, "-c", RUN],
        env=environment_of(settings),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        try:
            for said in process.stdout:
                if said.startswith(step):
                    return
                process.stdin.write("\n")
                process.stdin.flush()
            raise AssertionError(f"never said: {step}")
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


def _served(settings: Settings) -> dict[str, str]:
    """What is published, to the byte; not the draft of a release, which nobody is shown."""
    return {name: text for name, text in served_bytes(settings).items() if "/.building-" not in name}


@pytest.fixture
def small(tmp_path: Path) -> Small:
    made = Small(Settings(home=tmp_path / "var", landing=tmp_path / "landing", memory_limit="1GB"))
    made.land_contract()
    made.land("2024-08")
    assert pipeline.run_all(made.settings).release is not None
    return made


def test_a_run_killed_at_a_step_is_built_upon(small: Small, tmp_path: Path) -> None:
    for month, step in enumerate(STEPS, start=1):
        small.land(f"2024-{month:02d}")
        before = _served(small.settings)
        _killed_at(small.settings, step)
        assert _served(small.settings) == before, step
        with writer_lock(small.settings):
            assert not (small.settings.home / "build_file_in_doubt").exists(), step
        report = pipeline.run_all(small.settings)
        assert not report.full_refresh, step
        assert report.release is not None and report.release.is_new, step
    at_once = Settings(home=tmp_path / "at_once", landing=small.settings.landing, memory_limit="1GB")
    whole = pipeline.run_all(at_once)
    assert whole.release is not None
    assert whole.release.content_hash == small.served_hash()


def test_a_release_served_by_a_run_that_was_killed_is_in_the_history(small: Small) -> None:
    (first,) = history.publications(small.settings)
    small.land("2024-09")
    killed = subprocess.run([sys.executable, "-c", SERVES], env=environment_of(small.settings), check=False)
    assert killed.returncode == -signal.SIGKILL
    second = current_release(small.settings)
    assert second is not None and second.release_id != first.release_id
    assert [p.release_id for p in history.publications(small.settings)] == [first.release_id]
    assert pipeline.has_work(small.settings)
    # What lands first does not hide it.
    small.land("2024-10")
    third = pipeline.run_all(small.settings).release
    assert third is not None
    kept = history.publications(small.settings)
    assert [p.release_id for p in kept] == [first.release_id, second.release_id, third.release_id]
    assert [p.newest_batch for p in kept] == [1, 2, 3]
    assert sorted(p.name for p in history.history_dir(small.settings).iterdir()) == [p.release_id for p in kept]
    assert not pipeline.has_work(small.settings)


def test_the_history_is_made_whole_with_nothing_new_landed(small: Small) -> None:
    small.land("2024-09")
    subprocess.run([sys.executable, "-c", SERVES], env=environment_of(small.settings), check=False)
    report = pipeline.run_all(small.settings)
    assert report.release is not None and not report.release.is_new
    assert history.publications(small.settings)[-1].release_id == report.release.release_id
    assert not pipeline.has_work(small.settings)


def test_what_could_not_be_judged_is_judged_by_the_next_run(small: Small) -> None:
    """Its verdict is not the one before's, though nothing new has landed since."""
    before = small.served_hash()
    small.land("2024-09")
    with pytest.MonkeyPatch.context() as broken:
        broken.setattr(SuiteRunner, "answer", _no_answer)
        with pytest.raises(BuildFailed), nothing_served_changes(small.settings):
            pipeline.run_all(small.settings)
    assert pipeline.has_work(small.settings)
    with pytest.raises(GateRefused, match="not judged as it stands"):
        publish(small.settings)
    report = pipeline.run_all(small.settings)
    assert report.release is not None and report.release.content_hash != before
    # It says which months the run before had touched.
    assert "2024-09-01" in report.touched_months
    assert not pipeline.has_work(small.settings)


def test_a_quality_worker_killed_while_it_writes_its_answer_has_judged_nothing(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.tmp_dir.mkdir(parents=True)
    half = (
        "import os, pathlib, signal, sys\n"
        'pathlib.Path(sys.argv[1]).write_text(\'{"checks": [{"na\')\n'
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    begin = subprocess.Popen

    def killed(_: object, **options: Any) -> subprocess.Popen[str]:
        return begin([sys.executable, "-c", half, str(settings.tmp_dir / "suites_answer.json")], **options)

    monkeypatch.setattr(subprocess, "Popen", killed)
    with SuiteRunner(settings) as runner:
        runner.ask(arriving_suites(["translations"]))
        with pytest.raises(BuildFailed, match="Great Expectations answered 0 of ") as failed:
            runner.answer()
    assert "nothing is published" in failed.value.remedy


def _no_answer(_: SuiteRunner) -> None:
    raise BuildFailed("Great Expectations answered nothing", "Run again.")


def test_killed_in_its_very_first_build_it_begins_anew(tmp_path: Path) -> None:
    small = Small(Settings(home=tmp_path / "var", landing=tmp_path / "landing", memory_limit="1GB"))
    small.land_contract()
    small.land("2024-08")
    _killed_at(small.settings, "building fct_invoice_lines")
    report = pipeline.run_all(small.settings)
    assert report.full_refresh and report.release is not None


def test_what_a_stranger_wrote_after_a_kill_is_not_believed(small: Small) -> None:
    small.land("2024-09")
    _killed_at(small.settings, "building fct_invoice_lines")
    with duckdb.connect(str(small.settings.warehouse_path)) as stranger:
        stranger.execute("delete from intermediate.int_gen_05__event_usage_aggregated")
    assert in_doubt(small.settings)
    report = pipeline.run_all(small.settings)
    assert report.full_refresh and report.release is not None
    assert not in_doubt(small.settings)


def _written_by_a_stranger(settings: Settings) -> None:
    with duckdb.connect(str(settings.warehouse_path)) as stranger:
        stranger.execute("delete from intermediate.int_gen_05__event_usage_aggregated")


@pytest.mark.parametrize("after", ["taking the lock", "taking in"])
def test_what_a_stranger_writes_between_two_steps_is_not_believed(small: Small, after: str) -> None:
    small.land("2024-09")
    report = pipeline.RunReport()
    with writer_lock(small.settings):
        if after == "taking the lock":
            _written_by_a_stranger(small.settings)
        report.ingest = pipeline.take_in(small.settings, print)
        if after == "taking in":
            _written_by_a_stranger(small.settings)
        pipeline.build_and_judge(small.settings, print, report)
    assert report.full_refresh
    assert pipeline.run_all(small.settings).release is not None


def test_what_a_stranger_writes_while_it_is_judged_is_not_served(small: Small) -> None:
    small.land("2024-09")
    answer = SuiteRunner.answer

    def answered(runner: SuiteRunner) -> list[Check]:
        found = answer(runner)
        _written_by_a_stranger(small.settings)
        return found

    with pytest.MonkeyPatch.context() as disturbed:
        disturbed.setattr(SuiteRunner, "answer", answered)
        with pytest.raises(GateRefused, match="another program has written to the build file"):
            pipeline.run_all(small.settings)
    report = pipeline.run_all(small.settings)
    assert report.full_refresh and report.release is not None


def test_in_doubt_nothing_is_believed_that_stands_beside_the_models(sample_run: SampleRun, tmp_path: Path) -> None:
    mine = copy_of(sample_run, tmp_path)
    served = current_release(mine)
    assert served is not None
    with duckdb.connect(str(mine.warehouse_path)) as stranger:
        stranger.execute("delete from ops.contested_keys")
        stranger.execute("delete from ops.contested_parts")
        stranger.execute("update ops.arrivals set unset_keys = 1")
    report = pipeline.run_all(mine)
    assert report.full_refresh and report.verdict is not None and report.verdict.passed
    assert report.verdict.candidate_hash == served.content_hash


LOGS = """
import duckdb, os, sys
connection = duckdb.connect(sys.argv[1])
connection.execute("set checkpoint_threshold = '1TB'")
connection.execute("begin")
connection.execute("delete from intermediate.int_gen_05__event_usage_aggregated")
connection.execute(sys.argv[2])
os._exit(1)
"""


@pytest.mark.parametrize(("ends", "doubted"), [("commit", True), ("rollback", False)])
def test_a_log_left_beside_the_build_file_is_a_doubt_if_it_says_anything(
    small: Small, ends: str, doubted: bool
) -> None:
    """Whoever opens the file next reads it in: what the file holds then, its headers do not say."""
    small.land("2024-09")
    _killed_at(small.settings, "building fct_invoice_lines")
    path = small.settings.warehouse_path
    subprocess.run([sys.executable, "-c", LOGS, str(path), ends], check=False)
    log = path.with_name("warehouse.duckdb.wal")
    log.touch()
    assert in_doubt(small.settings)
    with writer_lock(small.settings):
        assert (small.settings.home / "build_file_in_doubt").exists() == doubted
    assert not log.exists()


READS = """
import duckdb, sys
connection = duckdb.connect(sys.argv[1], read_only=True)
print("open", flush=True)
sys.stdin.read()
"""


def test_what_a_log_says_is_asked_once_nobody_has_the_file_open(small: Small) -> None:
    """As the quality worker has for a moment, of a run that was killed in a checkpoint."""
    small.land("2024-09")
    _killed_at(small.settings, "building fct_invoice_lines")
    path = small.settings.warehouse_path
    command = [sys.executable, "-c", READS, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as reader:
        assert reader.stdout is not None and reader.stdout.readline() == b"open\n"
        path.with_name("warehouse.duckdb.wal").touch()
        with pytest.raises(WarehouseBusy, match=f"process {reader.pid} .* has warehouse.duckdb open"):
            pipeline.run_all(small.settings)
        reader.communicate()
    assert not pipeline.run_all(small.settings).full_refresh


def test_what_a_file_holds_for_good_changes_with_a_checkpoint_and_not_before(tmp_path: Path) -> None:
    path = tmp_path / "a.duckdb"
    assert durable_state(path) == NO_FILE
    with duckdb.connect(str(path)) as connection:
        connection.execute("create table t as select range as i from range(10)")
    before = durable_state(path)
    size = path.stat().st_size
    with duckdb.connect() as connection:
        connection.execute(f"attach '{path}' as a (recovery_mode no_wal_writes)")
        connection.execute("set checkpoint_threshold = '1TB'")
        # So much that the engine writes it to the file before it counts.
        connection.execute("insert into a.t select hash(range) >> 1 from range(2_000_000)")
        assert path.stat().st_size > size
        assert durable_state(path) == before
        connection.execute("checkpoint a")
        assert durable_state(path) != before


def test_a_former_copy_in_its_place_is_told_by_its_being_another_file(tmp_path: Path) -> None:
    path, copy = tmp_path / "a.duckdb", tmp_path / "b.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create table t as select 1 as i")
    shutil.copy(path, copy)
    assert durable_state(copy) != durable_state(path)
    before = durable_state(path)
    copy.replace(path)
    assert durable_state(path) != before


def test_asking_what_the_file_holds_leaves_the_engine_its_lock(tmp_path: Path) -> None:
    """A process that closes a file it has open elsewhere lets go of its locks on it."""
    path = tmp_path / "a.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create table t as select 1 as i")
        connection.execute("checkpoint")
        assert durable_state(path) is not None
        opened = subprocess.run(
            [sys.executable, "-c", "import duckdb, sys; duckdb.connect(sys.argv[1])", str(path)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert "Conflicting lock is held" in opened.stderr


def test_where_the_headers_cannot_be_read_a_run_is_as_ever_and_a_kill_a_doubt(
    small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_lock_module, "durable_state", lambda _: None)
    small.land("2024-09")
    assert not pipeline.run_all(small.settings).full_refresh
    # As one that died holding the lock left it.
    (small.settings.home / "writer.lock").write_text("1\n\n\n")
    assert in_doubt(small.settings)
