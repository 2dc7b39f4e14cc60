"""The command line: plain errors, exit codes, JSON; the same job as the UI."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from orchestration import cli, duck
from orchestration.errors import MeterhouseError
from orchestration.ingestion.landing_folder import LandingMissing, demand_landing
from orchestration.publishing.release import current_release
from orchestration.settings import PROJECT_DIR, Settings, load_settings
from tests.conftest import SampleRun
from tests.orchestration.copied_home import copy_of


@pytest.fixture
def copied(sample_run: SampleRun, tmp_path: Path) -> Settings:
    """The published sample in a home of its own, free to be run in."""
    return copy_of(sample_run, tmp_path)


def _run(sample_run: SampleRun, *arguments: str) -> subprocess.CompletedProcess[str]:
    return _run_in(sample_run.settings, *arguments)


def _run_in(
    settings: Settings, *arguments: str, typed: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    ours = {
        "METERHOUSE_HOME": str(settings.home),
        "METERHOUSE_LANDING": str(settings.landing),
        "PYTHONPATH": str(PROJECT_DIR),
    }
    return subprocess.run(
        [sys.executable, "-m", "orchestration.cli", *arguments],
        env=os.environ | ours | environment,
        input=typed,
        capture_output=True,
        text=True,
        check=False,
    )


def test_nothing_new_is_said_so(sample_run: SampleRun) -> None:
    done = _run(sample_run, "run", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["nothing_new"] is True


def test_nothing_new_is_seen_without_writing_a_byte_or_loading_a_framework(sample_run: SampleRun) -> None:
    def tree() -> dict[str, tuple[int, int, int]]:
        found = [sample_run.settings.home, *sample_run.settings.home.rglob("*")]
        return {str(p): (s.st_size, s.st_mtime_ns, s.st_ino) for p in found for s in [p.lstat()]}

    before = tree()
    code = "import sys; from orchestration.cli import main; sys.argv[1:] = ['run', '--json']; main(); "
    code += "print(*{name.partition('.')[0] for name in sys.modules})"
    environment = {"METERHOUSE_HOME": sample_run.settings.home, "METERHOUSE_LANDING": sample_run.settings.landing}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {name: str(path) for name, path in environment.items()} | {"PYTHONPATH": str(PROJECT_DIR)},
        capture_output=True,
        text=True,
        check=True,
    )
    told, modules = done.stdout.splitlines()
    assert json.loads(told)["nothing_new"] is True
    assert {"dagster", "dbt", "great_expectations", "agate", "jinja2"} & set(modules.split()) == set()
    assert tree() == before


def test_a_month_again_says_that_nothing_changed(copied: Settings) -> None:
    done = _run_in(copied, "run", "--month", "2024-10", "--reason", "asked by finance", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["computed_again"], told["same_content"]) == (["2024-10"], True)
    refused = _run_in(copied, "run", "--month", "2024-10", "--tenant", "tnt_002")
    assert refused.returncode == 2
    assert "there is no tenant 'tnt_002'" in refused.stderr
    assert "tnt_0002" in refused.stderr
    for month in ("2014-11", "2030-01"):
        never = _run_in(copied, "run", "--month", month, "--month", "2024-10")
        assert never.returncode == 2
        assert f"nothing was ever metered in {month}:" in never.stderr
        assert "2024-10, 2024-11" in never.stderr
    assert json.loads(_run_in(copied, "status", "--json").stdout)["anything_to_do"] is False


def test_sql_and_explain_answer_from_the_release(sample_run: SampleRun) -> None:
    query = "select line_id, billed_amount from fct_invoice_lines where meter = 'carrier_penalty' order by 1 limit 1"
    (line,) = json.loads(_run(sample_run, "sql", query, "--json").stdout)
    explained = _run(sample_run, "explain", line["line_id"])
    assert explained.returncode == 0
    assert "1 x USD 500.00 = USD 500.00; carrier's fine passed through at cost (PEN-01)" in explained.stdout
    assert "carrier_penalties  NOTE-" in explained.stdout
    assert "quantity (notices)" in explained.stdout
    assert "clause PEN-0" in explained.stdout


def test_what_json_has_no_form_for_is_text_and_no_column_hides_another(sample_run: SampleRun) -> None:
    query = "select 'nan'::double as a, ['-inf'::double, 1.5] as b, map {date '2024-11-01': 2} as c, 0.10 as d"
    (row,) = json.loads(_run(sample_run, "sql", query, "--json").stdout, parse_constant=pytest.fail)
    assert row == {"a": "nan", "b": ["-inf", 1.5], "c": {"2024-11-01": 2}, "d": "0.10"}
    twice = _run(sample_run, "sql", "select 1 as a, 2 as a", "--json")
    assert (twice.returncode, twice.stdout) == (2, "")
    assert "two columns are named 'a'\n  to do: Give them different names" in twice.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("export", "--month", "2024-13"),
        ("export",),
        ("explain", "nothing"),
        ("run", "--month", "November"),
        ("run", "--tenant", "tnt_0002"),
        ("sample", "--tenants", "1", "--force"),
        ("sample",),
        ("sql", "select nonsense from nowhere"),
        ("sql", ""),
        ("ui", "--port", "99999"),
        ("report", "--month", "2024-10", "--out", "."),
        ("report", "--month", "0000-10"),
        ("invoice", "tnt_0002", "2024-11", "--as-known-at", "0001-01-01T00:00:00+01:00"),
        ("sign-off", "--month", "2024-11", "--by", os.fsdecode(b"An\xff")),
        ("no-such-command",),
    ],
)
def test_a_mistake_is_a_plain_message_and_exit_code_2(
    sample_run: SampleRun, arguments: tuple[str, ...], tmp_path: Path
) -> None:
    done = _run(sample_run, *arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert done.stderr.strip()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("THREADS", "two"),
        ("THREADS", "0"),
        ("THREADS", "-1"),
        ("MEMORY_LIMIT", "2"),
        ("MEMORY_LIMIT", "all of it"),
        ("MEMORY_LIMIT", "0GB"),
        ("MEMORY_LIMIT", "63.9MB"),
        ("MEMORY_LIMIT", "1001TB"),
    ],
)
def test_a_limit_that_cannot_be_meant_is_named_with_what_to_write(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"METERHOUSE_{name}", value)
    with pytest.raises(MeterhouseError, match=f"METERHOUSE_{name} is '{value}'") as refused:
        load_settings()
    assert refused.value.remedy.startswith("Write ")


@pytest.mark.parametrize("name", ["HOME", "LANDING"])
def test_a_folder_the_engine_would_take_for_a_pattern_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    monkeypatch.setenv(f"METERHOUSE_{name}", str(tmp_path / "pl[a]in" / "here"))
    with pytest.raises(MeterhouseError, match=rf"METERHOUSE_{name} is .*a path with \[ can match") as refused:
        load_settings()
    assert refused.value.remedy.startswith("Rename the folder")
    monkeypatch.setenv(f"METERHOUSE_{name}", str(tmp_path / "pl{a}in" / "here"))
    load_settings()


def test_limits_are_read_as_they_are_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METERHOUSE_THREADS", "3")
    monkeypatch.setenv("METERHOUSE_MEMORY_LIMIT", "1.5 GiB")
    settings = load_settings()
    assert (settings.threads, settings.memory_limit) == (3, "1.5 GiB")


def test_the_prompt_answers_until_what_is_piped_in_ends(sample_run: SampleRun) -> None:
    done = _run_in(sample_run.settings, "sql", typed="select 6 * 7 as answer\nselect nothing\n")
    assert done.returncode == 0, done.stderr
    assert "42" in done.stdout
    assert 'column "nothing" was not found' in done.stdout


def test_hints_name_a_program_that_is_installed_beside_python(sample_run: SampleRun) -> None:
    program = Path(sys.executable).with_name("meterhouse")
    done = subprocess.run([program, "--help"], capture_output=True, text=True, check=True)
    assert "Usage: meterhouse" in done.stdout
    # What is not on the path is told with its place.
    told = _run_in(sample_run.settings, "run", PATH="/usr/bin:/bin").stdout
    assert f"meterhouse is {program}" in told
    assert "meterhouse is" not in _run_in(sample_run.settings, "run", PATH=f"{program.parent}:/usr/bin:/bin").stdout


def test_doctor_and_status_say_what_is_served(sample_run: SampleRun) -> None:
    assert "release: 000001-" in _run(sample_run, "doctor").stdout
    told = json.loads(_run(sample_run, "status", "--json").stdout)
    assert told["verdict"] == "passed"
    # The sample's traps give some of each; the lines of a run say how many.
    assert told["errors"] > 0 and told["warnings"] > 0
    shown = _run(sample_run, "status").stdout
    assert f"errors: {told['errors']}\nwarnings: {told['warnings']}\n" in shown
    again = _run(sample_run, "run").stdout
    assert again.startswith("Nothing new: ")
    assert f"\n{told['errors']:,} error(s) to fix: " in again
    assert f"\n{told['warnings']:,} warning(s), each with its remedy: " in again


@pytest.mark.parametrize("place", ["file", "file/below", "/proc/nope", "/dev/null"])
def test_a_home_that_can_be_no_folder_is_a_plain_error(sample_run: SampleRun, tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    nowhere = replace(sample_run.settings, home=tmp_path / place)
    for command in (("status",), ("run",), ("doctor",)):
        done = _run_in(nowhere, *command)
        assert done.returncode == 2, done.stderr
        assert f"METERHOUSE_HOME is '{nowhere.home}', " in done.stderr
        assert "to do: " in done.stderr
        assert "Traceback" not in done.stderr


def test_a_character_the_output_has_no_code_for_is_printed_as_its_escape(sample_run: SampleRun) -> None:
    for more in ((), ("--json",)):
        done = _run_in(sample_run.settings, "sql", "select 'Ω' as a", *more, PYTHONIOENCODING="latin-1")
        assert done.returncode == 0, done.stderr
        assert "\\u03a9" in done.stdout


def test_an_output_that_is_full_is_not_taken_for_the_home(sample_run: SampleRun) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "orchestration.cli", "sql", "select * from range(100000)"],
            env=os.environ
            | {
                "METERHOUSE_HOME": str(sample_run.settings.home),
                "METERHOUSE_LANDING": str(sample_run.settings.landing),
                "PYTHONPATH": str(PROJECT_DIR),
            },
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("error: what this command prints could not be written")
    assert str(sample_run.settings.home) not in done.stderr


@pytest.mark.parametrize(
    "error",
    [
        PermissionError(13, "Permission denied", "landing/translations/a.csv"),
        duckdb.IOException('IO Error: Cannot open file "landing/translations/a.csv": Permission denied'),
    ],
)
def test_what_may_not_be_read_is_named_with_who_was_refused(
    error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever runs this may be root, who is refused nothing: the error is raised, the words are the program's."""

    def fails(**_: object) -> None:
        raise RuntimeError("in a thread") from error

    monkeypatch.setattr(cli, "app", fails)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert told.startswith("error: landing/translations/a.csv may not be read or written by this account")
    assert "to do: Give this account access to it" in told


def test_a_damaged_release_is_named_and_what_is_to_do_serves_it_again(copied: Settings) -> None:
    served = current_release(copied)
    assert served is not None
    for path, command in ((served.path / "manifest.json", "status"), (served.database, "sql")):
        kept = path.read_bytes()
        path.chmod(0o644)
        path.write_bytes(kept[:100])
        for done in (_run_in(copied, command, *(["select 1"] if command == "sql" else [])), _run_in(copied, "doctor")):
            assert done.returncode in (2, 6)
            assert served.release_id in done.stderr
            assert "emove published/current and run `meterhouse run`" in done.stderr
            assert "Traceback" not in done.stderr
        path.write_bytes(kept)
    served.database.write_bytes(b"nothing")
    (copied.published_dir / "current").unlink()
    assert _run_in(copied, "run").returncode == 0
    again = current_release(copied)
    assert again is not None
    assert (again.content_hash, again.release_id) != (served.content_hash, served.release_id)
    assert _run_in(copied, "sql", "select 1").returncode == 0


@pytest.mark.parametrize("damage", ["cut off", "of another kind", "other bytes"])
def test_a_damaged_build_file_is_no_run_that_writes_and_is_built_again_when_removed(
    copied: Settings, damage: str
) -> None:
    """What opens the file said that a run is writing, and to ask again later; the run itself was a traceback."""
    path, served = copied.warehouse_path, current_release(copied)
    kept = path.read_bytes()
    third = len(kept) // 3
    other = kept[:third] + b"U" * third + kept[2 * third :]
    path.write_bytes({"cut off": kept[:5000], "of another kind": b"no database", "other bytes": other}[damage])
    for command in ("status", "quality", "run"):
        done = _run_in(copied, command)
        assert done.returncode == 6, done.stderr
        assert "warehouse.duckdb" in done.stderr.split("to do: ")[1]
        assert "run `meterhouse run`" in done.stderr.split("to do: ")[1]
    if damage != "cut off":
        return
    assert str(path) in _run_in(copied, "doctor").stderr
    path.unlink()
    assert _run_in(copied, "run").returncode == 0
    assert current_release(copied) == served


def test_a_file_that_waits_is_named_and_what_is_to_do_ends_the_waiting(copied: Settings, tmp_path: Path) -> None:
    """A close said that not all is taken in and to run; the run said nothing of why, however often."""
    landing = tmp_path / "landing_waiting"
    shutil.copytree(copied.landing, landing)
    late = landing / "translations" / "late.csv.part"
    late.write_text("half", encoding="utf-8")
    mine = replace(copied, landing=landing)
    for _ in range(2):
        done = _run_in(mine, "run")
        assert "waiting translations/late.csv.part: late.csv.part is still being written" in done.stdout
    assert json.loads(_run_in(mine, "status", "--json").stdout)["anything_to_do"] is True
    late.unlink()
    assert "waiting" not in _run_in(mine, "run").stdout
    assert json.loads(_run_in(mine, "status", "--json").stdout)["anything_to_do"] is False


def test_status_answers_while_somebody_writes(copied: Settings) -> None:
    with duck.connect(copied.warehouse_path, copied):
        done = _run_in(copied, "status", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["release_id"].startswith("000001-")
    assert f"process {os.getpid()}" in told["writing"]
    assert (told["anything_to_do"], told["verdict"]) == (None, None)


def test_a_landing_that_is_not_there_is_an_error_and_never_nothing_new(sample_run: SampleRun, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    (tmp_path / "empty").mkdir()
    commands = (("run",), ("run", "--month", "2024-10"), ("status",), ("doctor",))
    for name, told in (("nope", "does not exist"), ("file", "is not a folder"), ("empty", "is empty")):
        unmounted = replace(sample_run.settings, landing=tmp_path / name)
        for arguments in commands if name == "nope" else commands[:1]:
            done = _run_in(unmounted, *arguments)
            assert done.returncode == 2, (name, arguments, done.stdout)
            assert told in done.stderr
            assert "METERHOUSE_LANDING" in done.stderr
            assert "Traceback" not in done.stderr
    assert f"{unmounted.landing} (missing)" in _run_in(unmounted, "doctor").stdout
    assert current_release(unmounted) == current_release(sample_run.settings)


def test_only_a_default_landing_that_was_never_made_is_merely_empty(settings: Settings) -> None:
    demand_landing(settings)
    with pytest.raises(LandingMissing):
        demand_landing(replace(settings, landing_named=True))


def test_what_was_run_without_dagster_is_noted_there(sample_run: SampleRun, tmp_path: Path) -> None:
    import dagster as dg

    from orchestration.dagster_runs import catch_up, note_published

    mine = replace(sample_run.settings, home=tmp_path / "var")
    shutil.copytree(sample_run.settings.published_dir, mine.published_dir, symlinks=True)
    shutil.copytree(sample_run.settings.dbt_target_dir, mine.dbt_target_dir)
    note_published(mine)
    assert not mine.dagster_home.exists()  # no UI, nobody looks
    catch_up(mine)
    assert sample_run.report.release is not None
    with dg.DagsterInstance.get() as instance:
        event = instance.get_latest_materialization_event(dg.AssetKey(["publishing", "release"]))
        months = instance.get_materialized_partitions(dg.AssetKey(["publishing", "invoices"]))
        lines = instance.get_materialized_partitions(dg.AssetKey(["marts", "fct_invoice_lines"]))
        check = dg.AssetCheckKey(dg.AssetKey(["marts", "fct_invoices"]), "invoices_has_rows")
        told = instance.event_log_storage.get_asset_check_execution_history(check, limit=5)
        catch_up(mine)  # noted already: nothing is noted twice
        again = instance.event_log_storage.get_asset_check_execution_history(check, limit=5)
    assert event is not None
    assert event.asset_materialization is not None
    assert event.asset_materialization.metadata["release_id"].value == sample_run.report.release.release_id
    assert months == lines == {"2024-09", "2024-10", "2024-11"}
    assert len(told) == len(again) == 1


def test_ctrl_c_is_no_success(tmp_path: Path) -> None:
    """A script that closes a month and then exports it must not go on: the command ended with 0 and said nothing."""
    command = [sys.executable, "-m", "orchestration.cli", "sample", "--records", "2000000"]
    home = {"METERHOUSE_HOME": str(tmp_path / "home"), "METERHOUSE_LANDING": str(tmp_path / "landing")}
    environment = os.environ | home | {"PYTHONPATH": str(PROJECT_DIR)}
    # Tests that a script runs in its background ignore the signal, and so would what they start.
    ours = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        started = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    finally:
        signal.signal(signal.SIGINT, ours)
    try:
        # At work, and seconds from its end: it has begun to write.
        until = time.monotonic() + 60
        while not list((tmp_path / "landing").rglob("*.*")) and time.monotonic() < until:
            time.sleep(0.05)
        assert started.poll() is None
        started.send_signal(signal.SIGINT)
        _, errors = started.communicate(timeout=60)
    finally:
        started.kill()
        started.wait()
    assert started.returncode == 130, errors
    assert "interrupted" in errors and "Traceback" not in errors
