"""Kills survived, each for real: a running UI, its processes killed, what is served compared to the byte.

The tests share one UI and run in order; each lands a file, so that there is work to interrupt.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from orchestration.settings import Settings
from orchestration.warehouse.writer_lock import in_doubt
from tests.gate.served import nothing_served_changes, served_bytes
from tests.survival.servers import (
    Ui,
    command,
    cut_the_power,
    kill,
    processes_of,
    quick_folder,
    start_ui,
    wait_for,
)
from tests.survival.small import Small

pytestmark = pytest.mark.needs_programs
HEALTH = "{ instance { daemonHealth { allDaemonStatuses { daemonType required healthy } } } }"


@dataclass
class House:
    """The installation, its UI (another after a power cut), and where to log."""

    small: Small
    ui: Ui
    logs: Path

    @property
    def settings(self) -> Settings:
        return self.small.settings

    def begin(self, month: str) -> str:
        """Launch the main job on a new file; returns the run once it is in the middle of building."""
        self.small.land(month)
        answer = self.ui.launch("publish_release")
        assert answer["__typename"] == "LaunchRunSuccess", answer
        # The quality worker loads while the models are built, and judges when they are.
        wait_for("the run to build", lambda: processes_of(self.settings, "gx_runner"), every=0.01)
        return self.ui.launched[-1]

    def writer(self) -> int:
        return int((self.settings.home / "writer.lock").read_text().split()[0])


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with quick_folder() as root:
        small = Small(Settings(home=root / "var", landing=root / "landing"))
        small.land_contract()
        small.land("2024-09")
        done = command(small.settings, "run")
        assert done.returncode == 0, done.stderr
        assert not small.settings.dagster_home.exists()
        try:
            yield House(small, start_ui(small.settings, root / "ui.log"), root)
        finally:
            cut_the_power(small.settings)


def _daemons_are_well(ui: Ui) -> bool:
    data = ui.ask(HEALTH)
    statuses = data["instance"]["daemonHealth"]["allDaemonStatuses"] if data else []
    required = [status for status in statuses if status["required"]]
    return bool(required) and all(status["healthy"] for status in required)


def test_webserver_and_daemon_started_together_on_an_empty_home_both_come_up(house: House) -> None:
    house.ui.ready()
    wait_for("every daemon to report itself healthy", lambda: _daemons_are_well(house.ui), every=0.5)
    assert "Traceback" not in house.ui.said()


def test_a_killed_step_process_fails_the_run_in_plain_words(house: House) -> None:
    with nothing_served_changes(house.settings):
        run = house.begin("2024-10")
        kill(*wait_for("the quality worker", lambda: processes_of(house.settings, "gx_runner"), every=0.01))
        ended = house.ui.ended(run)
    assert ended["status"] == "FAILURE"
    assert "Great Expectations answered 0 of" in ended["told"]
    assert "Nothing was judged, so nothing is published" in ended["told"]


def test_a_killed_run_worker_is_noticed_and_lets_go_of_the_lock(house: House) -> None:
    with nothing_served_changes(house.settings):
        run = house.begin("2024-10")
        kill(house.writer())
        ended = house.ui.ended(run)
        wait_for("its quality worker to end with it", lambda: not processes_of(house.settings, "gx_runner"))
    assert ended["status"] == "FAILURE"
    assert "SIGKILL" in ended["told"]
    assert not in_doubt(house.settings)
    # The lock went with its process: the command line takes it at once, and builds upon what was durable.
    done = command(house.settings, "run", "--json")
    assert done.returncode == 0, done.stderr


def test_a_killed_daemon_comes_back_and_no_run_stays_open(house: House) -> None:
    before = house.small.served_hash()
    run = house.begin("2024-11")
    (daemon,) = processes_of(house.settings, "dagster._daemon")
    kill(daemon)
    wait_for("the UI to start its servers again", lambda: "restarting them" in house.ui.said())
    house.ui.ready()
    wait_for("the daemon to be well again", lambda: _daemons_are_well(house.ui), every=0.5)
    assert daemon not in processes_of(house.settings, "dagster._daemon")
    ended = house.ui.ended(run)
    # Its own process may have brought it to its end; if not, it was ended with a reason.
    assert ended["status"] == "SUCCESS" or "Ended by Meterhouse" in ended["told"] or "SIGKILL" in ended["told"]
    assert (house.small.served_hash() != before) == (ended["status"] == "SUCCESS")


def test_a_power_cut_is_tidied_up_by_the_next_start_and_the_next_run_makes_it_whole(house: House) -> None:
    before = served_bytes(house.settings)
    run = house.begin("2024-12")
    cut_the_power(house.settings)
    assert served_bytes(house.settings) == before
    house.ui.process.wait()
    house.ui = start_ui(house.settings, house.logs / "ui-again.log", in_background=True)
    house.ui.ready()
    assert f"run {run[:8]} of publish_release was started, but its process" in house.ui.said()
    ended = house.ui.ended(run)
    assert ended["status"] == "FAILURE"
    assert "Ended by Meterhouse: its process" in ended["told"]
    assert served_bytes(house.settings) == before

    assert house.ui.launch("publish_release")["__typename"] == "LaunchRunSuccess"
    assert house.ui.ended(house.ui.launched[-1])["status"] == "SUCCESS"
    undisturbed = Small(replace(house.settings, home=house.logs / "undisturbed"))
    assert command(undisturbed.settings, "run").returncode == 0
    assert house.small.served_hash() == undisturbed.served_hash()


def test_the_ui_ends_when_it_is_asked_to_and_leaves_no_process_behind(house: House) -> None:
    assert house.ui.stop() == 0
    # The code server ends when it has missed its servers' heartbeat.
    wait_for("every process to end", lambda: not processes_of(house.settings), every=0.5)
