"""A published installation of its own, the UI as `meterhouse ui` starts it, and Debian's Chromium in front of it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from orchestration.settings import PROJECT_DIR, Settings
from tests.conftest import SampleRun
from tests.programs import program
from tests.ui.pages import CHROMIUM_ARGUMENTS, Ui

STARTED_SECONDS = 180
# What an installation runs from; tests and benchmarks are not among it.
PROJECT_PARTS = ("orchestration", "models", "macros", "seeds", "tests/generic", "dbt_project.yml", "profiles.yml")


@dataclass(frozen=True)
class Installation:
    """State, landing and project of the UI's own, free to be broken, and where its UI answers."""

    settings: Settings
    address: str


@pytest.fixture(scope="session")
def artefacts() -> Path:
    """Where screenshots and the UI's log are kept: METERHOUSE_UI_ARTEFACTS, or var/ui-artefacts."""
    folder = Path(os.environ.get("METERHOUSE_UI_ARTEFACTS") or PROJECT_DIR / "var" / "ui-artefacts").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("[0-9][0-9]-*.png"):
        old.unlink()
    return folder


@pytest.fixture(scope="package")
def installation(
    sample_run: SampleRun, tmp_path_factory: pytest.TempPathFactory, artefacts: Path
) -> Iterator[Installation]:
    """The published sample, copied with the project, and `meterhouse ui` on it until the tests are done."""
    root = tmp_path_factory.mktemp("ui")
    for part in PROJECT_PARTS:
        source, target = PROJECT_DIR / part, root / "project" / part
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, target)
    shutil.copytree(sample_run.settings.home, root / "var", symlinks=True)
    shutil.copytree(sample_run.settings.landing, root / "landing")
    settings = replace(sample_run.settings, home=root / "var", landing=root / "landing", project_dir=root / "project")
    port = _free_port()
    with (artefacts / "ui.log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "orchestration.cli", "ui", "--port", str(port)],
            cwd=settings.project_dir,
            env=environment(settings),
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            address = f"http://127.0.0.1:{port}"
            _wait_until_it_answers(process, address, artefacts / "ui.log")
            yield Installation(settings, address)
        finally:
            _end(process)


def environment(settings: Settings) -> dict[str, str]:
    """What a process of this installation is started with."""
    return os.environ | {
        "METERHOUSE_HOME": str(settings.home),
        "METERHOUSE_LANDING": str(settings.landing),
        "METERHOUSE_MEMORY_LIMIT": settings.memory_limit,
        "PYTHONPATH": str(settings.project_dir),
        # A test's own home must not leak in.
        "DAGSTER_HOME": str(settings.dagster_home),
    }


@pytest.fixture
def ui(installation: Installation, artefacts: Path) -> Iterator[Ui]:
    """A fresh browser on the UI. Asking anything of another host fails the test."""
    elsewhere: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program("chromium", "chromium"), args=CHROMIUM_ARGUMENTS)
        page = browser.new_page(viewport={"width": 1600, "height": 1000})
        page.on("request", lambda request: _note_elsewhere(request.url, installation.address, elsewhere))
        yield Ui(page, installation.address, artefacts)
        browser.close()
    assert elsewhere == []


def _note_elsewhere(url: str, address: str, elsewhere: list[str]) -> None:
    host = address.removeprefix("http://")
    if not url.startswith((f"http://{host}", f"ws://{host}", "data:", "blob:", "file:", "about:")):
        elsewhere.append(url)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_it_answers(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    """The web server is up and has loaded the project's definitions."""
    query = b'{"query": "{repositoriesOrError{__typename}}"}'
    until = time.monotonic() + STARTED_SECONDS
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        request = urllib.request.Request(f"{address}/graphql", query, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                if b"RepositoryConnection" in answer.read():
                    return
        except (urllib.error.URLError, OSError):
            pass
        time.sleep(0.5)
    pytest.fail(f"the UI did not start:\n{log.read_text(encoding='utf-8')[-3000:]}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """As Ctrl-C in the terminal does it; what has not ended by itself after a while is killed."""
    os.killpg(process.pid, signal.SIGINT)
    until = time.monotonic() + 30
    while time.monotonic() < until and _group_lives(process):
        time.sleep(0.2)
    if _group_lives(process):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _group_lives(process: subprocess.Popen[bytes]) -> bool:
    process.poll()
    try:
        os.killpg(process.pid, 0)
    except ProcessLookupError:
        return False
    return True
