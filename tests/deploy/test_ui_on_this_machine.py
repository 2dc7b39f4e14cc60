"""`meterhouse ui` serves this machine alone: web server, code server and daemon."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestration.settings import Settings
from tests.deploy.listening import listening
from tests.survival.servers import cut_the_power, processes_of, start_ui, wait_for


@pytest.mark.needs_programs
def test_all_its_servers_listen_on_127_0_0_1_and_end_with_it(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "var", landing=tmp_path / "landing", memory_limit="1GB")
    served = start_ui(settings, tmp_path / "ui.log")
    try:
        served.ready()
        assert listening(served.process.pid) == {"127.0.0.1"}
        assert served.stop() == 0
        wait_for("everything it started to end", lambda: not processes_of(settings))
    finally:
        cut_the_power(settings)
