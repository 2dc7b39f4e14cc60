"""`meterhouse ui` serves this machine alone: web server, code server and daemon."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
import requests

from orchestration.settings import PROJECT_DIR
from tests.deploy.listening import listening
from tests.deploy.stack import wait_for
from tests.deploy.units import free_port

LOADED = "{workspaceOrError{... on Workspace{locationEntries{loadStatus}}}}"


@pytest.mark.needs_programs
def test_all_its_servers_listen_on_127_0_0_1(tmp_path: Path) -> None:
    port = free_port()
    places = {"METERHOUSE_HOME": str(tmp_path / "var"), "METERHOUSE_LANDING": str(tmp_path / "landing")}
    environment = os.environ | places | {"PYTHONPATH": str(PROJECT_DIR)}
    command = [sys.executable, "-m", "orchestration.cli", "ui", "--port", str(port)]
    with (tmp_path / "ui.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:

        def loaded() -> bool:
            answer = requests.post(f"http://127.0.0.1:{port}/graphql", json={"query": LOADED}, timeout=5).json()
            entries = answer["data"]["workspaceOrError"]["locationEntries"]
            return [entry["loadStatus"] for entry in entries] == ["LOADED"]

        wait_for("the code location", loaded, tmp_path)
        assert listening(process.pid) == {"127.0.0.1"}
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(30)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(30)
