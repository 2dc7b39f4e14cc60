"""A month's status, from made-up ledger entries: left-out tenants, a release behind the ledger, failed checks."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from orchestration.closing.ledger import Entry
from orchestration.closing.scope import Draft
from orchestration.month_report.facts import gather_facts
from orchestration.month_report.owed import Receivables
from orchestration.month_report.page import render_month_report
from orchestration.month_report.signed import past_holds, status_of
from orchestration.month_report.watched import FailedCheck
from tests.conftest import SampleRun
from tests.orchestration.month_report.reading import Page

OCTOBER = date(2024, 10, 1)


def _entry(sequence: int, kind: str, **body: Any) -> Entry:
    return Entry(sequence, kind, f"2024-11-0{sequence}T09:30:00.000000Z", "Carla", "", {"month": "2024-10", **body})


def _close(sequence: int, tenants: list[str] | None, left_out: list[str]) -> Entry:
    body = {"invoices": 1, "tenants": tenants, "left_out": left_out, "early_reason": "", "release_id": "r"}
    return _entry(sequence, "close", **body)


def _draft(tenant: str) -> Draft:
    return Draft(f"i-{tenant}", tenant, OCTOBER, "us", "")


def test_a_month_without_a_close_is_a_draft() -> None:
    status = status_of([_entry(1, "sign_off", invoices=1)], [_draft("a")], OCTOBER)
    assert (status.word, status.closing, status.is_behind) == ("draft", None, False)


def test_a_close_that_leaves_tenants_out_names_them_until_they_are_closed() -> None:
    first, rest = _close(1, None, ["a", "b"]), _close(2, ["b"], [])
    partly = status_of([first], [_draft("a"), _draft("b")], OCTOBER)
    assert (partly.word, partly.left_open, partly.is_behind) == ("partly_closed", ("a", "b"), False)
    assert status_of([first, rest], [_draft("a")], OCTOBER).left_open == ("a",)
    whole = status_of([first, rest, _close(3, ["a"], [])], [], OCTOBER)
    assert whole.closing is not None
    assert (whole.word, whole.closing.sequence, whole.closing.recorded_at) == ("closed", 1, "2024-11-01 09:30 UTC")


def test_a_release_older_than_the_close_says_so() -> None:
    assert status_of([_close(1, None, ["a"])], [_draft("a"), _draft("b")], OCTOBER).is_behind
    assert not status_of([_close(1, None, ["a"])], [_draft("a")], OCTOBER).is_behind


def test_another_month_is_another_matter() -> None:
    assert status_of([_close(1, None, [])], [], date(2024, 11, 1)).word == "draft"


def test_signed_holds_that_no_longer_stand_are_kept() -> None:
    told = {i: {"hold": "finding", "tenant_id": None, "facts": i} for i in ("gone", "stands")}
    (hold,) = past_holds([_entry(1, "hold_signed", holds=told, why="seen")], OCTOBER, {"stands"})
    assert (hold.facts, hold.signed_by, hold.why) == ("gone", "Carla", "seen")


def test_a_failed_check_and_a_lagging_release_are_shouted(sample_run: SampleRun, tmp_path: Path) -> None:
    facts = gather_facts(sample_run.settings, OCTOBER)
    failed = [FailedCheck("sums_agree", "dbt", "fct_invoices", "3 rows <differ>")]
    behind = status_of([_close(1, None, ["tnt_0002"])], [_draft("b")], OCTOBER)
    target = tmp_path / "page.html"
    target.write_text(render_month_report(replace(facts, failed_checks=failed, status=behind)), encoding="utf-8")
    page = Page(target)
    assert "1 failed" in page.section_text("quality")
    assert [r["Observed"] for r in page.rows("failed-checks")] == ["3 rows <differ>"]
    status = page.root.get_element_by_id("status").text_content()
    assert status.startswith("Closed except for 1 tenant by Carla")
    assert "run again" in status


def test_where_everything_is_paid_that_is_said(sample_run: SampleRun, tmp_path: Path) -> None:
    facts = gather_facts(sample_run.settings, OCTOBER)
    target = tmp_path / "page.html"
    target.write_text(render_month_report(replace(facts, receivables=Receivables(2, [], []))), encoding="utf-8")
    assert "Nothing is open: all 2 issued invoices are settled." in Page(target).section_text("receivables")
