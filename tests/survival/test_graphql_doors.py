"""The doors of the UI's own API: each is tried on a real webserver, and none publishes what did not pass.

The candidate is bad in one month, October, by a test of the dbt project; September is good and served.
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestration.assets import RELEASE_KEY, VERDICT_KEY
from orchestration.settings import Settings
from tests.gate.served import nothing_served_changes
from tests.project_copy import copy_of_project
from tests.survival.servers import Ui, command, cut_the_power, quick_folder, start_ui
from tests.survival.small import Small

pytestmark = pytest.mark.needs_programs
BAD = "gen_08__october_is_bad"
RELEASE, VERDICT = list(RELEASE_KEY.path), list(VERDICT_KEY.path)
INVOICES = ["publishing", "invoices"]


@pytest.fixture(scope="module")
def ui() -> Iterator[Ui]:
    """A UI over a served good September and a judged bad October."""
    with quick_folder() as root:
        settings = Settings(home=root / "var", landing=root / "landing", project_dir=_project(root / "project"))
        small = Small(settings)
        small.land_contract()
        small.land("2024-09")
        done = command(settings, "run")
        assert done.returncode == 0, done.stderr
        small.land("2024-10")
        with nothing_served_changes(settings):
            done = command(settings, "run")
        assert done.returncode == 3
        assert "1 of " in done.stderr
        assert BAD in done.stderr
        try:
            yield start_ui(settings, root / "ui.log")
        finally:
            cut_the_power(settings)


def _project(project: Path) -> Path:
    """A copy of the project with one test more, that a draft of October fails."""
    copy_of_project(project, with_program=True)
    bad_month = "select invoice_id from {{ ref('fct_invoices') }} where billing_month = date '2024-10-01'\n"
    (project / "tests" / f"{BAD}.sql").write_text(bad_month)
    return project


def _refused(ui: Ui, answer: dict[str, Any], words: str = BAD) -> None:
    assert answer["__typename"] == "LaunchRunSuccess", answer
    ended = ui.ended(ui.launched[-1])
    assert ended["status"] == "FAILURE"
    assert words in ended["told"], ended["told"]


def test_faked_checks_and_materialisations_open_nothing(ui: Ui) -> None:
    ui.ready()
    with nothing_served_changes(ui.settings):
        for key in (VERDICT, RELEASE):
            event = {"eventType": "ASSET_MATERIALIZATION", "assetKey": {"path": key}}
            told = ui.ask(
                "mutation ($p: ReportRunlessAssetEventsParams!) { reportRunlessAssetEvents(eventParams: $p) "
                "{ __typename } }",
                p=event,
            )
            assert told["reportRunlessAssetEvents"]["__typename"] == "ReportRunlessAssetEventsSuccess"
        for key, name in ((["marts", "fct_invoices"], BAD), (VERDICT, "arriving_translations")):
            told = ui.ask(
                "mutation ($p: ReportAssetCheckEvaluationsParams!) { reportAssetCheckEvaluations(eventParams: $p) "
                "{ __typename } }",
                p={"assetKey": {"path": key}, "checkName": name, "passed": True},
            )
            assert told["reportAssetCheckEvaluations"]["__typename"] != "PythonError"
        for path, body in (
            (f"report_asset_check/{'/'.join(VERDICT)}", {"check_name": "arriving_translations", "passed": True}),
            (f"report_asset_materialization/{'/'.join(VERDICT)}", {"metadata": {"passed": True}}),
        ):
            headers = {"Content-Type": "application/json"}
            address = f"http://127.0.0.1:{ui.port}/{path}"
            request = urllib.request.Request(address, json.dumps(body).encode(), headers)
            with urllib.request.urlopen(request, timeout=60) as answer:
                assert answer.status == 200
        # What was faked stands in Dagster's history alone; the gate never looks there.
        _refused(ui, ui.launch("publish_release", [RELEASE]))


def test_the_release_materialised_alone_is_refused(ui: Ui) -> None:
    with nothing_served_changes(ui.settings):
        _refused(ui, ui.launch("__ASSET_JOB", [RELEASE], how="launchPipelineExecution"))


def test_publishing_with_the_checks_left_out_is_refused(ui: Ui) -> None:
    without: dict[str, list[str]] = {"assetCheckSelection": []}
    with nothing_served_changes(ui.settings):
        # The models and their verdict are one step: Dagster will not run it without its checks, and where it
        # would, the gate judges all the same.
        answer = ui.launch("publish_release", [VERDICT, RELEASE], selector=without)
        if answer["__typename"] not in ("PythonError", "InvalidSubsetError"):
            _refused(ui, answer)
        _refused(ui, ui.launch("publish_release", [RELEASE], selector=without))


def test_a_re_execution_of_the_publishing_step_alone_is_refused(ui: Ui) -> None:
    parent = ui.launched[0]
    step: dict[str, Any] = {
        "stepKeys": ["publishing__release"],
        "executionMetadata": {"parentRunId": parent, "rootRunId": parent},
    }
    with nothing_served_changes(ui.settings):
        _refused(ui, ui.launch("publish_release", [RELEASE], how="launchRunReexecution", **step))


def test_a_run_of_another_month_is_refused(ui: Ui) -> None:
    good_month = {"tags": [{"key": "dagster/partition", "value": "2024-09"}]}
    with nothing_served_changes(ui.settings):
        _refused(ui, ui.launch("monthly_invoices", [RELEASE, INVOICES], executionMetadata=good_month))
        # The whole job, for a month that has nothing wrong: the candidate holds all months, and is judged whole.
        _refused(ui, ui.launch("monthly_invoices", executionMetadata=good_month))
