"""Sample data are written where nothing is and nothing was: by the command, and so by `make invoices`."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from orchestration.closing import ledger
from orchestration.errors import MeterhouseError
from orchestration.ingestion.landing import ingest_landing
from orchestration.sampling.room import demand_room
from orchestration.settings import PROJECT_DIR, Settings

Land = Callable[[str, str, str | bytes], Path]


def test_where_nothing_is_there_is_room(settings: Settings, tmp_path: Path) -> None:
    demand_room(settings, settings.landing)
    settings.landing.mkdir()
    demand_room(settings, settings.landing)
    demand_room(settings, tmp_path / "elsewhere")


def test_a_folder_in_which_something_lies_is_refused(settings: Settings, land: Land, tmp_path: Path) -> None:
    lying = land("translations", "a.csv", "x")
    for folder, told in ((settings.landing, "the folder is not empty"), (lying, "is not a folder")):
        with pytest.raises(MeterhouseError, match=told):
            demand_room(settings, folder)
    demand_room(settings, tmp_path / "elsewhere")


def test_a_home_that_took_something_in_is_refused_for_its_landing_alone(
    settings: Settings, land: Land, tmp_path: Path
) -> None:
    land("translations", "a.csv", "x")
    ingest_landing(settings)
    unmounted = replace(settings, landing=tmp_path / "unmounted")
    with pytest.raises(MeterhouseError, match="has files taken in before") as refusal:
        demand_room(unmounted, unmounted.landing)
    assert "METERHOUSE_LANDING" in refusal.value.remedy
    demand_room(unmounted, tmp_path / "elsewhere")


def test_a_home_with_a_ledger_is_refused(settings: Settings) -> None:
    (ledger.ledger_dir(settings) / "000001").mkdir(parents=True)
    with pytest.raises(MeterhouseError, match="has a ledger"):
        demand_room(settings, settings.landing)


@pytest.mark.parametrize("landing", ["not mounted", "empty folder"])
def test_make_invoices_puts_no_sample_into_a_home_that_holds_something(
    settings: Settings, tmp_path: Path, landing: str
) -> None:
    (ledger.ledger_dir(settings) / "000001").mkdir(parents=True)
    if landing == "empty folder":
        (tmp_path / landing).mkdir()
    before = sorted(tmp_path.rglob("*"))
    done = _make_invoices(settings, tmp_path / landing)
    assert done.returncode != 0
    assert "no sample data was written" in done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(tmp_path.rglob("*")) == before


def test_make_invoices_takes_a_landing_with_a_space_in_its_name_as_it_is(settings: Settings, tmp_path: Path) -> None:
    lying = tmp_path / "my landing" / "not_a_source" / "a.csv"
    lying.parent.mkdir(parents=True)
    lying.write_text("x")
    script = _make_invoices(settings, lying.parent.parent, "MH=echo would")
    assert script.returncode == 0, script.stderr
    assert "would run" in script.stdout
    assert "would sample" not in script.stdout


def _make_invoices(settings: Settings, landing: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """The target as it stands, without installing what is installed."""
    places = {"METERHOUSE_HOME": str(settings.home), "METERHOUSE_LANDING": str(landing)}
    return subprocess.run(
        ["make", "--no-print-directory", "-o", ".venv/.installed", "invoices", *more],
        cwd=PROJECT_DIR,
        env=os.environ | places,
        capture_output=True,
        text=True,
        check=False,
    )
