"""The command line: plain errors, exit codes, JSON; the same job as the UI."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from orchestration.settings import PROJECT_DIR
from tests.conftest import SampleRun


def _run(sample_run: SampleRun, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {
        "METERHOUSE_HOME": str(sample_run.settings.home),
        "METERHOUSE_LANDING": str(sample_run.settings.landing),
        "PYTHONPATH": str(PROJECT_DIR),
    }
    return subprocess.run(
        [sys.executable, "-m", "orchestration.cli", *arguments],
        env=environment,
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


def test_sql_and_explain_answer_from_the_release(sample_run: SampleRun) -> None:
    query = "select line_id, billed_amount from fct_invoice_lines where meter = 'carrier_penalty' order by 1 limit 1"
    (line,) = json.loads(_run(sample_run, "sql", query, "--json").stdout)
    explained = _run(sample_run, "explain", line["line_id"])
    assert explained.returncode == 0
    assert "1 x USD 500.00 = 500.00, rounded to 500.00" in explained.stdout
    assert "carrier_penalties  NOTE-" in explained.stdout
    assert "clause PEN-0" in explained.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("export", "--month", "2024-13"),
        ("export",),
        ("explain", "nothing"),
        ("run", "--month", "November"),
        ("sample", "--tenants", "1"),
        ("sql", "select nonsense from nowhere"),
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


def test_doctor_and_status_say_what_is_served(sample_run: SampleRun) -> None:
    assert "release: 000001-" in _run(sample_run, "doctor").stdout
    assert json.loads(_run(sample_run, "status", "--json").stdout)["verdict"] == "passed"


def test_the_dagster_job_runs_a_month_and_shows_in_the_instance(sample_run: SampleRun) -> None:
    import dagster as dg

    from orchestration.dagster_runs import run_job

    run_job(sample_run.settings, "2024-11")
    with dg.DagsterInstance.get() as instance:
        (record,) = instance.get_run_records()
        assert record.dagster_run.status == dg.DagsterRunStatus.SUCCESS
        assert record.dagster_run.job_name == "monthly_invoices"
        event = instance.get_latest_materialization_event(dg.AssetKey(["publishing", "invoices"]))
    assert event is not None
    assert event.asset_materialization is not None
    assert event.asset_materialization.partition == "2024-11"


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
        (record,) = instance.get_run_records()
    assert event is not None
    assert event.asset_materialization is not None
    assert event.asset_materialization.metadata["release_id"].value == sample_run.report.release.release_id
    assert record.dagster_run.job_name == "record_months"
    assert record.dagster_run.status == dg.DagsterRunStatus.SUCCESS
