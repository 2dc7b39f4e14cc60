"""A real `meterhouse ui` on an installation of a test's own, its GraphQL API, and ways to kill what it started.

Processes are found by the state folder in their environment, so nothing but a test's own is ever killed.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orchestration.settings import Settings

PATIENCE = 400.0
FINISHED = {"SUCCESS", "FAILURE", "CANCELED"}


def wait_for(what: str, found: Callable[[], Any], seconds: float = PATIENCE, every: float = 0.05) -> Any:
    """The first true answer of `found`; fails by name when there is none in time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if answer := found():
            return answer
        time.sleep(every)
    raise AssertionError(f"waited {seconds:.0f} s for {what}")


@contextmanager
def quick_folder() -> Iterator[Path]:
    """An empty folder in memory where there is one: Dagster makes each of thousands of events durable by itself."""
    memory = Path("/dev/shm")
    where = memory if os.access(memory, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="meterhouse-", dir=where) as folder:
        yield Path(folder)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def environment_of(settings: Settings) -> dict[str, str]:
    return os.environ | {
        "METERHOUSE_HOME": str(settings.home),
        "METERHOUSE_LANDING": str(settings.landing),
        "DAGSTER_HOME": str(settings.dagster_home),
        "PYTHONPATH": str(settings.project_dir),
        "METERHOUSE_MEMORY_LIMIT": settings.memory_limit,
    }


def command(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `meterhouse` to its end."""
    return subprocess.run(
        [sys.executable, "-m", "orchestration.cli", *arguments],
        cwd=settings.project_dir,
        env=environment_of(settings),
        capture_output=True,
        text=True,
        check=False,
    )


def processes_of(settings: Settings, words: str = "") -> list[int]:
    """Living processes of this installation whose command line holds `words`."""
    mark = f"METERHOUSE_HOME={settings.home}".encode()
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit() or int(folder.name) == os.getpid():
            continue
        with suppress(OSError):
            if mark not in (folder / "environ").read_bytes().split(b"\0"):
                continue
            if words in (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"):
                found.append(int(folder.name))
    return sorted(found)


def kill(*pids: int) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def cut_the_power(settings: Settings) -> None:
    """Kill every process of the installation, the youngest too: none gets to say a word."""
    while found := processes_of(settings):
        kill(*found)
        time.sleep(0.02)


@dataclass
class Ui:
    """A running `meterhouse ui`."""

    settings: Settings
    port: int
    process: subprocess.Popen[bytes]
    log: Path
    launched: list[str] = field(default_factory=list)

    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def ask(self, query: str, **variables: Any) -> Any:
        """Data of a GraphQL answer; None while nobody answers."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/graphql", body, headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                told = json.load(answer)
        except urllib.error.HTTPError as error:
            raise AssertionError(error.read().decode()[:2000]) from error
        except (OSError, ValueError):
            return None
        assert not told.get("errors"), told["errors"]
        return told["data"]

    def repository(self) -> dict[str, str] | None:
        """What names the loaded definitions in the API; None until they are loaded."""
        data = self.ask(
            "{ repositoriesOrError { __typename ... on RepositoryConnection { nodes { name location { name } } } } }"
        )
        nodes = data["repositoriesOrError"].get("nodes") if data else None
        if not nodes:
            return None
        return {"repositoryName": nodes[0]["name"], "repositoryLocationName": nodes[0]["location"]["name"]}

    def ready(self) -> dict[str, str]:
        def found() -> dict[str, str] | None:
            assert self.process.poll() is None, self.said()
            return self.repository()

        answer: dict[str, str] = wait_for("the UI to have loaded its definitions", found, every=0.2)
        return answer

    def launch(
        self, job: str, assets: list[list[str]] | None = None, how: str = "launchRun", **parameters: Any
    ) -> dict[str, Any]:
        """Launch a job, or a selection of it, by one of the API's mutations; its answer."""
        selector: dict[str, Any] = {**self.ready(), "jobName": job}
        if assets is not None:
            selector["assetSelection"] = [{"path": path} for path in assets]
        selector |= parameters.pop("selector", {})
        answer: dict[str, Any] = self.ask(
            f"mutation ($p: ExecutionParams!) {{ {how}(executionParams: $p) {{ __typename "
            "... on LaunchRunSuccess { run { runId } } ... on PythonError { message } "
            "... on RunConfigValidationInvalid { errors { message } } ... on InvalidSubsetError { message } } }",
            p={"selector": selector, "runConfigData": {}, "mode": "default", **parameters},
        )[how]
        if answer["__typename"] == "LaunchRunSuccess":
            self.launched.append(answer["run"]["runId"])
        return answer

    def status(self, run_id: str) -> str:
        """Status of a run; empty while nobody answers."""
        data = self.ask("query ($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }", id=run_id)
        return str(data["runOrError"]["status"]) if data else ""

    def ended(self, run_id: str) -> dict[str, str]:
        """Status and messages of a run once it has ended."""
        wait_for(f"run {run_id} to end", lambda: self.status(run_id) in FINISHED, every=0.2)
        return {"status": self.status(run_id), "told": "\n".join(self._messages(run_id))}

    def _messages(self, run_id: str) -> list[str]:
        """Every message of a run's log, and of the errors in it; the API gives a thousand at a time."""
        told: list[str] = []
        cursor = None
        while True:
            page = self.ask(
                "query ($id: ID!, $after: String) { logsForRun(runId: $id, afterCursor: $after) { "
                "... on EventConnection { cursor hasMore events { ... on MessageEvent { message } "
                "... on ExecutionStepFailureEvent { error { message cause { message } } } } } } }",
                id=run_id,
                after=cursor,
            )["logsForRun"]
            for event in page["events"]:
                error = event.get("error") or {}
                cause = error.get("cause") or {}
                told += [event.get("message") or "", error.get("message") or "", cause.get("message") or ""]
            cursor = page["cursor"]
            if not page["hasMore"]:
                return told

    def stop(self) -> int:
        """End as a service manager would."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)


def start_ui(settings: Settings, log: Path, in_background: bool = False) -> Ui:
    """Start `meterhouse ui`; `ready` waits until it serves. In the background of a script it ignores SIGINT."""
    port = free_port()
    # A process ignores what whoever started it did at that instant.
    ours = signal.signal(signal.SIGINT, signal.SIG_IGN if in_background else signal.default_int_handler)
    try:
        with log.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "orchestration.cli", "ui", "--port", str(port)],
                cwd=settings.project_dir,
                env=environment_of(settings),
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
    finally:
        signal.signal(signal.SIGINT, ours)
    return Ui(settings, port, process, log)
