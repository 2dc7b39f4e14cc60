"""The shipped units: accepted by systemd, started by their own command lines, a run through the UI's API."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from orchestration.publishing.release import current_release
from orchestration.settings import PROJECT_DIR, load_settings
from tests.deploy.listening import arguments, listening
from tests.deploy.postgres_server import PASSWORD
from tests.deploy.stack import Deployment, wait_for
from tests.deploy.test_proxy import LAUNCH, SELECTOR
from tests.deploy.units import Installed

SERVICES = ("meterhouse-code", "meterhouse-webserver", "meterhouse-viewer", "meterhouse-daemon")
# Without these a service could write to the project, become somebody else, or look into other people's files.
DEMANDED = {
    "User": "meterhouse",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "NoNewPrivileges": "yes",
    "CapabilityBoundingSet": "",
    "RestrictSUIDSGID": "yes",
    "SystemCallFilter": "@system-service",
}
RUN = "query($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"


@pytest.fixture
def installed(tmp_path: Path) -> Installed:
    return Installed(tmp_path / "root", tmp_path / "run")


def test_every_service_is_confined_and_listens_on_this_machine_alone(installed: Installed) -> None:
    for name in SERVICES:
        unit = installed.unit(name)
        assert {key: unit.settings.get(key, ["not set"])[-1] for key in DEMANDED} == DEMANDED, name
        (command,) = unit.commands("ExecStart")
        assert Path(command[0]).is_file()
        if "dagster-webserver" in command[0]:
            assert command[command.index("-h") + 1] == "127.0.0.1"
            assert ("--read-only" in command) == (name == "meterhouse-viewer")
        assert "--port" not in command, "the code server has no port: whoever reaches it can start runs"


def test_systemd_accepts_the_units(installed: Installed) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:  # read as systemd reads them by the tests beside this one
        assert all(installed.unit(name).commands("ExecStart") for name in SERVICES)
        return
    names = [f"{name}.service" for name in SERVICES]
    environment = os.environ | {"SYSTEMD_UNIT_PATH": f"{installed.units}:"}
    paths = [str(installed.units / name) for name in (*names, "meterhouse.target")]
    verified = subprocess.run(
        [analyze, "verify", "--man=no", *paths], env=environment, capture_output=True, text=True, check=False
    )
    assert (verified.returncode, verified.stderr) == (0, "")
    security = [analyze, "security", "--offline=true", "--no-pager", "--threshold=20", *names]  # 2.0 of 10
    judged = subprocess.run(security, env=environment, capture_output=True, text=True, check=False)
    assert judged.returncode == 0, judged.stdout


def test_the_command_line_reads_the_services_settings(installed: Installed) -> None:
    done = subprocess.run(
        [str(installed.etc / "meterhouse"), "status", "--json"],
        env={"PATH": os.environ["PATH"]},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["release_id"] is None


@pytest.mark.needs_programs
def test_the_deployment_listens_on_this_machine_alone(deployed: Deployment) -> None:
    assert listening(os.getpid()) == {"127.0.0.1"}


@pytest.mark.needs_programs
def test_a_run_launched_in_the_ui_publishes_and_postgresql_keeps_its_history(deployed: Deployment) -> None:
    launch = LAUNCH.replace("__typename", "__typename ... on LaunchRunSuccess { run { runId } } ")
    launched = deployed.graphql(launch, {"params": {"selector": SELECTOR, "runConfigData": {}}})["launchRun"]
    assert launched["__typename"] == "LaunchRunSuccess", launched
    run_id = launched["run"]["runId"]

    def ended() -> str | None:
        assert PASSWORD.encode() not in arguments(os.getpid()), "nor do processes tell it"
        status: str = deployed.graphql(RUN, {"id": run_id})["runOrError"]["status"]
        return status if status in ("SUCCESS", "FAILURE", "CANCELED") else None

    assert wait_for("the run", ended, deployed.logs, every_seconds=2) == "SUCCESS"
    home = deployed.installed.home
    release = current_release(load_settings().at(home, str(home / "landing")))
    assert release is not None and release.database.exists()
    heartbeats = "{ instance { daemonHealth { allDaemonStatuses { daemonType required healthy } } } }"
    daemons = deployed.graphql(heartbeats)["instance"]["daemonHealth"]["allDaemonStatuses"]
    assert [d for d in daemons if d["required"] and not d["healthy"]] == []

    import sqlalchemy

    url = deployed.installed.environment()["METERHOUSE_DAGSTER_POSTGRES"]
    with sqlalchemy.create_engine(url).connect() as connection:
        rows = connection.execute(sqlalchemy.text("select status from runs where run_id = :id"), {"id": run_id}).all()
    assert rows == [("SUCCESS",)]
    assert list(home.rglob("*.db")) == [], "no SQLite beside it"
    written = [path for path in home.rglob("*") if path.is_file() and PASSWORD.encode() in path.read_bytes()]
    assert written == [], "the password is in the environment file alone"

    # The command line without the environment file would go on with a history of its own.
    told = {"METERHOUSE_HOME": str(home), "METERHOUSE_LANDING": str(home / "landing"), "PYTHONPATH": str(PROJECT_DIR)}
    command = [str(PROJECT_DIR / ".venv/bin/python"), "-m", "orchestration.recovery.start_up"]
    without = subprocess.run(command, env=told, cwd=PROJECT_DIR, capture_output=True, text=True, check=False)
    assert without.returncode == 1
    assert "METERHOUSE_DAGSTER_POSTGRES is not set" in without.stderr and "Traceback" not in without.stderr


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("postgresql://dagster:hidden@localhost/dagster", "does not begin with postgresql+psycopg2://"),
        ("postgresql+psycopg2://dagster:hidden@/dagster?host=/nowhere", "Dagster's database does not answer"),
        ("postgresql+psycopg2://dagster:hidden@127.0.0.1:1/dagster", "does not answer: connection to server at"),
        ("postgresql+psycopg2://dagster:with@hidden:more@127.0.0.1/dagster", "Dagster's database does not answer"),
    ],
)
def test_a_database_that_does_not_answer_is_told_plainly(tmp_path: Path, url: str, told: str) -> None:
    environment = os.environ | {
        "METERHOUSE_HOME": str(tmp_path),
        "METERHOUSE_DAGSTER_POSTGRES": url,
        "PYTHONPATH": str(PROJECT_DIR),
    }
    command = [str(PROJECT_DIR / ".venv/bin/python"), "-m", "orchestration.recovery.start_up"]
    done = subprocess.run(command, env=environment, cwd=PROJECT_DIR, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert told in done.stderr and "to do: " in done.stderr
    assert "Traceback" not in done.stderr and "hidden" not in done.stderr
