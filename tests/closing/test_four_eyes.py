"""Separation of duties: who closes a month is not who signed off its drafts, by every door there is to a close."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from orchestration.closing import ledger
from orchestration.closing.close import CloseRequest, close_month
from orchestration.closing.four_eyes import one_person_text, same_person
from orchestration.closing.proposal import propose_close
from orchestration.definitions import build_definitions
from orchestration.errors import MeterhouseError
from orchestration.month_report.page import write_month_report
from orchestration.settings import FOUR_EYES, PROJECT_DIR, Settings, load_settings
from tests.closing.steps import instant, sign_all

SEPTEMBER, OCTOBER = date(2024, 9, 1), date(2024, 10, 1)
IN_TIME = "2024-11-04"
REFUSED = r"Sam signed off these drafts \(ledger entry \d+\), and may not close them as well"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Sam", " sam ", True),
        ("Sam Straße", "SAM  STRASSE", True),
        # The same letter, as one character and as two.
        ("Jos\u00e9", "Jose\u0301", True),
        # Blanks and hyphens that are not drawn.
        ("Sam", "Sam\u200b", True),
        ("Sam", "Sa\u00adm", True),
        ("Sam", "\ufeffSam\u2060", True),
        ("Sam Lee", "Sam\u200b\u00a0Lee", True),
        # A letter whose small form is two characters that make one again.
        ("\u01f0an", "J\u030cAN", True),
        ("Sam", "Samuel", False),
        ("Sam Lee", "SamLee", False),
    ],
)
def test_a_name_in_another_case_or_spacing_is_the_same_person(one: str, other: str, same: bool) -> None:
    assert same_person(one, other) is same


@pytest.mark.parametrize(
    "request_",
    [
        CloseRequest(OCTOBER, "Sam", ("tnt_0002",)),
        # Tenants left out of a close before, closed by name.
        CloseRequest(SEPTEMBER, "SAM", tenants=("tnt_0002",)),
    ],
    ids=["a month", "by name"],
)
def test_who_signed_off_may_not_close(mine: Settings, request_: CloseRequest) -> None:
    strict = replace(mine, four_eyes=True)
    sign_all(strict, f"{request_.month:%Y-%m}", instant(IN_TIME))
    before = ledger.entries(strict)
    with pytest.raises(MeterhouseError, match=REFUSED) as refused:
        close_month(strict, request_, instant(IN_TIME))
    assert refused.value.remedy and ledger.entries(strict) == before
    assert "--by NAME (not Sam, who signed off)" in propose_close(strict, request_.month, instant(IN_TIME)).to_do[-1]
    # Who signed the holds may close.
    entry = close_month(strict, replace(request_, by="Hanna"), instant(IN_TIME))
    assert one_person_text(ledger.entries(strict), entry) == ""


def test_who_signed_off_may_close_what_somebody_else_has_signed_off_since(mine: Settings) -> None:
    strict = replace(mine, four_eyes=True)
    sign_all(strict, "2024-09", instant(IN_TIME))
    sign_off = ledger.entries(strict)[-1]
    ledger.append(strict, "sign_off", sign_off.body, by="Ann", now=instant(IN_TIME))
    entry = close_month(strict, CloseRequest(SEPTEMBER, "Sam", tenants=("tnt_0002",)), instant(IN_TIME))
    assert one_person_text(ledger.entries(strict), entry) == ""


def _close(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    ours = {
        "METERHOUSE_HOME": str(settings.home),
        "METERHOUSE_LANDING": str(settings.landing),
        "PYTHONPATH": str(PROJECT_DIR),
    }
    command = [sys.executable, "-m", "orchestration.cli", "close", "--by", "Sam", *arguments]
    return subprocess.run(command, env=os.environ | ours, capture_output=True, text=True, check=False)


def _close_in_dagster(settings: Settings, **config: Any) -> Any:
    job = build_definitions(settings).resolve_job_def("close_month")
    ops = {"close_the_month": {"config": {"by": "Sam", **config}}}
    quiet = {"console": {"config": {"log_level": "CRITICAL"}}}
    return job.execute_in_process(raise_on_error=False, run_config={"ops": ops, "loggers": quiet})


def test_both_doors_refuse_where_the_setting_says_so_and_warn_where_it_does_not(
    mine: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for month in ("2024-09", "2024-10"):
        sign_all(mine, month, instant(IN_TIME))
    by_name = ("--month", "2024-09", "--tenant", "tnt_0002")
    before = ledger.entries(mine)
    monkeypatch.setenv(FOUR_EYES, "on")
    for arguments in (by_name, ("--month", "2024-10", "--leave-out", "tnt_0002")):
        refused = _close(mine, *arguments)
        assert refused.returncode == 2
        assert "Sam signed off these drafts" in refused.stderr and f"{FOUR_EYES} is on" in refused.stderr
    for config in ({"month": "2024-09", "tenants": ["tnt_0002"]}, {"month": "2024-10", "leave_out": ["tnt_0002"]}):
        in_dagster = _close_in_dagster(mine, **config)
        (failure,) = in_dagster.get_step_failure_events()
        assert "Sam signed off these drafts" in failure.step_failure_data.error.message
    assert ledger.entries(mine) == before

    monkeypatch.delenv(FOUR_EYES)
    closed = _close_in_dagster(mine, month="2024-09", tenants=["tnt_0002"])
    (output,) = [e.step_output_data for e in closed.events_for_node("close_the_month") if e.is_successful_output]
    assert "Sam signed off" in output.metadata["warning"].value
    done = _close(mine, "--month", "2024-10")
    assert done.returncode == 0, done.stderr
    *_, sign_off, _, close = ledger.entries(mine)
    assert (sign_off.kind, close.kind) == ("sign_off", "close")
    told = (
        f"prepared and approved by the same person: Sam signed off (ledger entry {sign_off.sequence}) "
        f"and closed (ledger entry {close.sequence})"
    )
    assert done.stderr == f"warning: 2024-10 was {told}\n"
    report = write_month_report(mine, OCTOBER, mine.home / "report.html")
    assert report.read_text().count(told) == 1
    # September was closed by Carla for all but the tenant that Sam closed.
    report = write_month_report(mine, SEPTEMBER, mine.home / "report.html")
    assert report.read_text().count("prepared and approved by the same person") == 1


@pytest.mark.parametrize(("text", "found"), [("on", True), ("OFF", False), ("", False), (" on ", True)])
def test_the_setting_is_read(monkeypatch: pytest.MonkeyPatch, text: str, found: bool) -> None:
    monkeypatch.setenv(FOUR_EYES, text)
    assert load_settings().four_eyes is found


def test_a_setting_that_cannot_be_meant_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FOUR_EYES, "yes")
    with pytest.raises(MeterhouseError, match=f"{FOUR_EYES} is 'yes', neither on nor off"):
        load_settings()
