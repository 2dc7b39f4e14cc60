"""The command as a process of its own: what it prints, asks and leaves; killed; and the same as a Dagster job."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

import pytest

from orchestration.pulling.failures import PullRunning
from orchestration.settings import PROJECT_DIR
from tests.conftest import SampleRun
from tests.orchestration.pulling.conftest import Pulling
from tests.orchestration.pulling.resources import call
from tests.orchestration.pulling.server import BASIC, TOKEN, USER, Fault

WATCHED = """
import sys
def watch(event, arguments):
    if event == "socket.connect":
        sys.stderr.write(f"CONNECT {arguments[1]!r}\\n")
sys.addaudithook(watch)
from orchestration.cli import main
main()
"""


@pytest.fixture
def environment(pull: Pulling, tmp_path: Path) -> dict[str, str]:
    """A process's whole environment; its home folder is empty."""
    (tmp_path / "person").mkdir()
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path / "person"),
        "PYTHONPATH": str(PROJECT_DIR),
        "METERHOUSE_HOME": str(pull.settings.home),
        "METERHOUSE_LANDING": str(pull.settings.landing),
        **{name: value for name, value in pull.environment.items() if "PLATFORM" not in name},
    }


def _run(environment: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", WATCHED, "pull", *arguments],
        env=dict(environment),
        cwd=environment["HOME"],
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_tells_what_it_did_asks_only_the_api_and_leaves_nothing_elsewhere(
    pull: Pulling, environment: dict[str, str]
) -> None:
    pull.api.hold(USER, "Calls", [call(n, "2024-11-05 10:00") for n in range(5)])
    pull.api.largest_page = 3
    arguments = ("--source", "calls", "--since", "2024-11-01", "--until", "2024-11-20")
    done = _run(environment, *arguments)
    assert done.returncode == 0, done.stderr
    (file,) = pull.files()
    assert done.stdout == f"twilio_calls: 2 pages, 5 records, 5 new or changed -> twilio_calls/{file.name}\n"
    again = _run(environment, *arguments)
    assert again.stdout == "twilio_calls: 2 pages, 5 records, nothing new\n"
    connections = {line for line in (done.stderr + again.stderr).splitlines() if line.startswith("CONNECT")}
    assert connections == {f"CONNECT ('127.0.0.1', {pull.api.port})"}
    assert list(Path(environment["HOME"]).rglob("*")) == []
    assert [p.name for p in pull.settings.home.rglob("*")] == ["pulling", "twilio_calls.sqlite"]


def test_a_failure_ends_with_its_own_exit_code_and_plain_words(pull: Pulling, environment: dict[str, str]) -> None:
    pull.api.always = Fault(401, body=json.dumps({"message": f"no: Basic {BASIC}"}).encode())
    done = _run(environment, "--since", "2024-11-01")
    assert done.returncode == 7
    assert done.stdout.count("FAILED, nothing landed") == 4
    assert done.stderr.count("check TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN") == 4
    assert "Traceback" not in done.stderr
    assert BASIC not in done.stdout + done.stderr
    environment["TWILIO_AUTH_TOKEN"] = ""
    done = _run(environment, "--since", "2024-11-01")
    assert done.returncode == 2
    assert "TWILIO_AUTH_TOKEN is not set" in done.stderr


def test_an_error_nobody_foresaw_shows_no_secret(environment: dict[str, str]) -> None:
    broken = "from orchestration.pulling import client\ndef broken(*_): raise RuntimeError('unforeseen')\n"
    broken += "client.ListClient.pages = broken\nfrom orchestration.cli import main\nmain()"
    command = [sys.executable, "-c", broken, "pull", "--source", "calls", "--since", "2024-11-01"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert "unforeseen" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.returncode == 7
    assert TOKEN not in done.stderr


def test_json_for_scripts(pull: Pulling, environment: dict[str, str]) -> None:
    pull.api.hold(USER, "Calls", [call(1, "2024-11-05 10:00")])
    days = ("--since", "2024-11-01", "--until", "2024-11-20")
    done = _run(environment, "--source", "calls", "--source", "twilio_messages", *days, "--json")
    assert done.returncode == 7
    calls, messages = json.loads(done.stdout)
    assert (calls["source"], calls["landed"], len(calls["files"]), calls["error"]) == ("twilio_calls", 1, 1, None)
    assert "HTTP 404" in messages["error"]["message"]


def test_killed_midway_it_leaves_nothing_that_counts_and_the_next_pull_is_whole(
    pull: Pulling, environment: dict[str, str]
) -> None:
    pull.api.hold(USER, "Calls", [call(n, "2024-11-05 10:00") for n in range(10)])
    pull.api.largest_page = 2
    release = threading.Event()
    pull.api.fail_page(3, Fault(held=release))
    process = subprocess.Popen(
        [sys.executable, "-m", "orchestration.cli", "pull", "--source", "calls", "--since", "2024-11-01"],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert pull.api.holding.wait(60)
        # Two pages are in its hidden part file; nobody else may pull meanwhile.
        (report,) = pull("calls", since="2024-11-01")
        assert isinstance(report.error, PullRunning)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        release.set()
    assert [path.name for path in pull.files()] == [".pulled.ndjson.gz.part"]
    (report,) = pull("calls", since="2024-11-01")
    assert (report.landed, [f"twilio_calls/{path.name}" for path in pull.files()]) == (10, report.files)
    assert len(pull.landed()) == 10


def test_the_dagster_job_pulls_and_its_failure_says_the_remedy(pull: Pulling, monkeypatch: pytest.MonkeyPatch) -> None:
    import dagster as dg

    from orchestration.pulling.dagster_jobs import pull_extracts
    from orchestration.resources import Installation

    for name, value in pull.environment.items():
        monkeypatch.setenv(name, value)
    resources = {"installation": Installation(home=str(pull.settings.home), landing=str(pull.settings.landing))}
    pull.api.hold(USER, "Calls", [call(1, "2024-11-05 10:00")])

    def execute(instance: dg.DagsterInstance, **config: object) -> dg.ExecuteInProcessResult:
        return pull_extracts.execute_in_process(
            instance=instance,
            resources=resources,
            raise_on_error=False,
            run_config={"ops": {"pull_sources": {"config": {"sources": ["calls"], **config}}}},
        )

    with dg.DagsterInstance.ephemeral() as instance:
        done = execute(instance, since="2024-11-01", until="2024-11-20")
        assert done.success
        assert [len(pull.landed()), len(pull.files())] == [1, 1]
        pull.api.always = Fault(401, body=json.dumps({"message": f"no: {TOKEN}"}).encode())
        failed = execute(instance)
        assert not failed.success
        (event,) = [e for e in failed.all_events if e.event_type_value == "STEP_FAILURE"]
        assert event.step_failure_data.user_failure_data is not None
        assert "check TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN" in (
            event.step_failure_data.user_failure_data.description or ""
        )
        told = "".join(
            str(entry) for run in instance.get_run_records() for entry in instance.all_logs(run.dagster_run.run_id)
        )
    assert "twilio_calls" in told
    assert TOKEN not in told
    assert BASIC not in told


def test_the_job_and_its_schedule_are_in_the_definitions_and_the_schedule_is_off(sample_run: SampleRun) -> None:
    import dagster as dg

    from orchestration.definitions import build_definitions

    definitions = build_definitions(sample_run.settings)
    assert definitions.resolve_job_def("pull_extracts").name == "pull_extracts"
    schedule = definitions.resolve_schedule_def("daily_pull")
    assert schedule.job_name == "pull_extracts"
    assert schedule.default_status == dg.DefaultScheduleStatus.STOPPED
