"""A published installation of its own, the UI as `meterhouse ui` starts it, and Debian's Chromium in front of it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from orchestration.settings import PROJECT_DIR, Settings
from tests.conftest import SampleRun
from tests.programs import program
from tests.project_copy import copy_of_project
from tests.survival.servers import cut_the_power, start_ui
from tests.ui.pages import CHROMIUM_ARGUMENTS, Ui


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
    project = copy_of_project(root / "project", with_program=True)
    shutil.copytree(sample_run.settings.home, root / "var", symlinks=True)
    shutil.copytree(sample_run.settings.landing, root / "landing")
    settings = replace(sample_run.settings, home=root / "var", landing=root / "landing", project_dir=project)
    served = start_ui(settings, artefacts / "ui.log")
    try:
        served.ready()
        yield Installation(settings, f"http://127.0.0.1:{served.port}")
        served.stop()
    finally:
        cut_the_power(settings)


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
