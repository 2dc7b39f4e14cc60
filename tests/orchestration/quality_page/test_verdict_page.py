"""The verdict page tells every check of a verdict once, what failed first, and needs nothing but itself."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from lxml import html

from orchestration import duck
from orchestration.errors import MeterhouseError, WarehouseBusy
from orchestration.ingestion.sources import SOURCES
from orchestration.publishing.release import current_release
from orchestration.quality import circumstances
from orchestration.quality import verdict as verdicts
from orchestration.quality.circumstances import Circumstances
from orchestration.quality.failing_keys import key_columns, key_text
from orchestration.quality.gate import judge
from orchestration.quality.gx_runner import SuiteRunner
from orchestration.quality.suites import arriving_suites, candidate_suites
from orchestration.quality.verdict import Check, Verdict
from orchestration.quality_page import expected
from orchestration.quality_page.facts import gather_facts, rule_ids
from orchestration.quality_page.page import (
    render_verdict_page,
    write_kept_release_page,
    write_verdict_page,
)
from orchestration.settings import Settings
from orchestration.warehouse.dbt_build import project_of
from orchestration.warehouse.node_runner import NodeRunner
from tests.conftest import SampleRun

HOSTILE = "<script>alert('x')</script> & \"q\" <img src=http://x.example/y>"
KNOWN = Circumstances("2024-12-01 04:30:00 UTC", ("2024-10", "2024-11"))


def _parsed(page: str) -> Any:
    return html.document_fromstring(page)


def _text(element: Any) -> str:
    return " ".join(" ".join(element.itertext()).split())


def _failed(root: Any) -> list[Any]:
    return list(root.xpath("//section[@id='failed']/article"))


def _assert_every_check_once(page: str, verdict: Verdict) -> None:
    told = Counter(_parsed(page).xpath("//@data-check"))
    assert told == Counter(check.name for check in verdict.checks)


def _assert_needs_nothing_else(page: str) -> None:
    root = _parsed(page)
    assert root.xpath("//script|//link|//iframe|//img|//object") == []
    assert [link for link in root.xpath("//@href|//@src") if not link.startswith("#")] == []
    assert re.search(r"url\(|@import", page) is None


def _assert_accessible(page: str) -> None:
    root = _parsed(page)
    assert root.get("lang") == "en"
    assert len(root.xpath("//h1")) == 1
    ids = root.xpath("//@id")
    assert len(ids) == len(set(ids))
    assert {link[1:] for link in root.xpath("//a/@href")} <= set(ids)
    assert set(root.xpath("//@aria-labelledby")) <= set(ids)
    for table in root.xpath("//table"):
        assert table.xpath("./caption")
        assert all(cell.get("scope") == "col" for cell in table.xpath("./thead//th"))
        assert all(row.xpath("./th[@scope='row']") for row in table.xpath("./tbody/tr"))


@pytest.fixture(scope="module")
def passed_page(sample_run: SampleRun, tmp_path_factory: pytest.TempPathFactory) -> str:
    target = tmp_path_factory.mktemp("page") / "verdict.html"
    return write_verdict_page(sample_run.settings, target).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def broken(sample_run: SampleRun, tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, Verdict]:
    """The sample's candidate with an amount and a clause broken, judged by the real gate."""
    home = tmp_path_factory.mktemp("broken") / "var"
    shutil.copytree(sample_run.settings.home, home, symlinks=True)
    settings = replace(sample_run.settings, home=home)
    with duck.connect(settings.warehouse_path, settings) as connection:
        line = "(select min(line_id) from marts.fct_invoice_lines where charge_class is null)"
        connection.execute(
            f"update marts.fct_invoice_lines set billed_amount = billed_amount + 0.01 where line_id = {line}"
        )
        connection.execute(
            "update seeds.price_updates set clause_id = 'KIQ-94' "
            "where price_update_id = 'kiq_conversation.usd.2022-01-01'"
        )
        project = project_of(settings)
        with NodeRunner(project, connection, settings) as runner:
            tests = runner.test(project.of_kind("test")).tests
    with SuiteRunner(settings) as suites:
        verdict = judge(settings, tests, suites, None, ["0001-01-01", "2024-11-01"])
    return settings, verdict


def test_a_passed_verdict_is_told_whole(sample_run: SampleRun, passed_page: str) -> None:
    verdict = sample_run.report.verdict
    assert verdict is not None
    _assert_every_check_once(passed_page, verdict)
    root = _parsed(passed_page)
    count = f"{len(verdict.checks):,}"
    assert _text(root.xpath("//h1")[0]) == f"All {count} checks passed"
    assert _failed(root) == []
    release = current_release(sample_run.settings)
    assert release is not None
    assert f"Yes, as release {release.release_id}" in _text(root.get_element_by_id("published"))
    assert verdict.candidate_hash == _text(root.get_element_by_id("candidate"))
    assert "2024-11" in _text(root.get_element_by_id("months"))
    assert _text(root.get_element_by_id("judged")).endswith("UTC")


def test_counts_per_suite_add_up(sample_run: SampleRun, passed_page: str) -> None:
    verdict = sample_run.report.verdict
    assert verdict is not None
    rows = _parsed(passed_page).xpath("//table[@id='suites-table']/tbody/tr")
    counts = [[int(_text(cell).replace(",", "")) for cell in row.xpath("./td")] for row in rows]
    assert [sum(column) for column in zip(*counts, strict=True)] == [len(verdict.checks), len(verdict.checks), 0]
    titles = [_text(row.xpath("./th")[0]) for row in rows]
    assert {"Great Expectations: What arrived", "dbt tests: marts", "dbt tests: seeds"} <= set(titles)
    assert "Other checks" not in titles


def test_each_check_says_what_it_expects_where_and_what_it_saw(sample_run: SampleRun, passed_page: str) -> None:
    rows = {row.get("data-check"): row for row in _parsed(passed_page).xpath("//tr[@data-check]")}
    arrived = rows["arriving_twilio_calls_keys_are_set"]
    assert _text(arrived.xpath("./th")[0]).startswith("Every row that arrived has sid, account_sid")
    assert [_text(cell) for cell in arrived.xpath("./td")][:3] == [
        "raw.twilio_calls",
        "0 rows not as expected",
        "passed",
    ]
    rated = rows["gen_07__rated_is_quantity_times_price"]
    assert "Rated is quantity times price. rated_amount = pricing_quantity * unit_price" in _text(rated)
    assert "marts.fct_invoice_lines" in _text(rated)
    assert rated.xpath(".//a/@href") == ["#GEN-07"]
    clause = _parsed(passed_page).get_element_by_id("GEN-07")
    assert "Amounts are exact and rounded once" in _text(clause)
    with duck.connect(sample_run.settings.warehouse_path, sample_run.settings, read_only=True) as connection:
        lines = connection.execute("select count(*) from marts.fct_invoice_lines").fetchone()
    assert lines is not None
    assert f"{lines[0]} rows" in _text(rows["invoice_lines_has_rows"])
    assert "invoice_lines_has_rows" in _text(rows["invoice_lines_has_rows"])


def test_every_expectation_and_data_test_has_words_of_its_own(sample_run: SampleRun) -> None:
    manifest = json.loads((sample_run.settings.dbt_target_dir / "manifest.json").read_text(encoding="utf-8"))
    found = expected.of_suites() | expected.of_dbt_tests(manifest) | expected.of_unit_tests(manifest)
    names = {e.name for suite in [*arriving_suites(list(SOURCES)), *candidate_suites()] for e in suite.expectations}
    names |= {node["name"] for node in manifest["nodes"].values() if node["resource_type"] == "test"}
    assert names <= found.keys()
    for name, words in found.items():
        assert words.text.endswith("."), name
        assert "_not_null" not in words.text, name
        assert words.relation, name


def test_the_page_needs_nothing_else_and_is_accessible(passed_page: str, broken: tuple[Settings, Verdict]) -> None:
    settings, verdict = broken
    failed_page = render_verdict_page(gather_facts(settings, verdict, KNOWN))
    for page in (passed_page, failed_page):
        _assert_needs_nothing_else(page)
        _assert_accessible(page)
        assert "http" not in page


def test_what_the_real_gate_refused_comes_first_with_keys_and_remedies(broken: tuple[Settings, Verdict]) -> None:
    settings, verdict = broken
    assert not verdict.passed
    page = write_verdict_page(settings)
    assert page == settings.home / "quality" / f"{verdict.candidate_hash[:12]}.html"
    text = page.read_text(encoding="utf-8")
    _assert_every_check_once(text, verdict)
    root = _parsed(text)
    assert _text(root.xpath("//h1")[0]) == f"{len(verdict.failed)} of {len(verdict.checks)} checks failed"
    articles = {article.get("data-check"): _text(article) for article in _failed(root)}
    assert articles.keys() == {check.name for check in verdict.failed}
    # One line off by a cent: the suite's check, dbt's, and the invoice that no longer adds up.
    with duck.connect(settings.warehouse_path, settings, read_only=True) as connection:
        found = connection.execute(
            "select line_id, invoice_id from marts.fct_invoice_lines where charge_class is null order by 1 limit 1"
        ).fetchone()
    assert found is not None
    line_id, invoice_id = found
    for name in ("gen_07_amounts_are_quantity_times_price_rounded_once", "gen_07__lines_are_rounded_once"):
        assert f"line_id={line_id}" in articles[name], name
        assert "GEN-07 Amounts are exact and rounded once" in articles[name]
    assert f"invoice_id={invoice_id}" in articles["gen_07_invoice_totals_are_the_sum_of_their_lines"]
    priced = articles["relationships_price_updates_clause_id__clause_id__ref_clauses_"]
    assert "Every clause_id exists in clauses." in priced
    assert "1 failing row" in priced
    assert "price_update_id=kiq_conversation.usd.2022-01-01, clause_id=KIQ-94" in priced
    assert "Correct these rows of seeds/terms/price_updates.csv" in priced
    served = current_release(settings)
    assert served is not None
    told = _text(root.get_element_by_id("published"))
    assert told == f"No: the gate refused it. Release {served.release_id} stays served, unchanged"
    assert _text(root.get_element_by_id("months")) == "all, because contract data arrived; usage arrived for 2024-11"
    # Failed ones stand before everything that passed.
    assert text.index('id="failed"') < text.index('id="suites"') < text.index("<tr data-check")


def test_equal_facts_give_equal_bytes(broken: tuple[Settings, Verdict]) -> None:
    settings, verdict = broken
    one, other = (render_verdict_page(gather_facts(settings, verdict, KNOWN)) for _ in range(2))
    assert one == other


def test_hostile_keys_and_messages_stay_text(sample_run: SampleRun) -> None:
    hostile = Check(HOSTILE, "dbt", HOSTILE, False, HOSTILE, (HOSTILE, HOSTILE + "2"), HOSTILE)
    fine = replace(hostile, name="fine", passed=True)
    verdict = Verdict("0" * 64, (hostile, fine))
    page = render_verdict_page(gather_facts(sample_run.settings, verdict, Circumstances()))
    root = _parsed(page)
    assert root.xpath("//script|//img") == []
    _assert_every_check_once(page, verdict)
    (article,) = _failed(root)
    assert [_text(key) for key in article.xpath(".//li")] == [HOSTILE, HOSTILE + "2"]
    _assert_accessible(page)


def test_a_check_nobody_knows_is_told_all_the_same(sample_run: SampleRun) -> None:
    verdict = Verdict("1" * 64, (Check("wap_06__something_new", "other", "somewhere", False, remedy="Look."),))
    page = render_verdict_page(gather_facts(sample_run.settings, verdict, Circumstances()))
    (article,) = _failed(_parsed(page))
    told = _text(article)
    assert "Something new." in told
    assert "WAP-06" in told
    assert "no single row to show" in told
    assert "Free conversations come first" in told


def test_an_empty_verdict_has_not_passed(sample_run: SampleRun) -> None:
    page = render_verdict_page(gather_facts(sample_run.settings, Verdict("2" * 64, ()), Circumstances()))
    assert "Nothing was checked" in page
    assert "Failed" in _text(_parsed(page).get_element_by_id("status"))


def test_a_passing_verdict_not_published_yet_says_so(sample_run: SampleRun) -> None:
    verdict = Verdict("3" * 64, (Check("fine", "dbt", "somewhere", True),))
    page = render_verdict_page(gather_facts(sample_run.settings, verdict, KNOWN))
    assert _text(_parsed(page).get_element_by_id("published")).startswith("Not yet: meterhouse run publishes it")
    assert _text(_parsed(page).get_element_by_id("months")) == "2024-10, 2024-11"


def test_a_kept_release_has_its_page(sample_run: SampleRun, tmp_path: Path) -> None:
    mine = replace(sample_run.settings, home=tmp_path / "var")
    shutil.copytree(sample_run.settings.published_dir, mine.published_dir, symlinks=True)
    release = current_release(mine)
    assert release is not None
    # No build file: the last verdict is the served release's.
    assert write_verdict_page(mine) == write_kept_release_page(mine, "000001")
    with pytest.raises(MeterhouseError, match="no release '000777'") as refusal:
        write_kept_release_page(mine, "000777")
    assert release.release_id in refusal.value.remedy


def test_before_anything_was_judged_that_is_said(settings: Settings) -> None:
    with pytest.raises(MeterhouseError, match="nothing has been judged yet") as refusal:
        write_verdict_page(settings)
    assert "meterhouse run" in refusal.value.remedy


def test_while_a_run_is_writing_that_is_said(sample_run: SampleRun, tmp_path: Path) -> None:
    mine = replace(sample_run.settings, home=tmp_path / "var")
    mine.home.mkdir()
    shutil.copy(sample_run.settings.warehouse_path, mine.warehouse_path)
    writing = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", writing, str(mine.warehouse_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"open\n"
        with pytest.raises(WarehouseBusy):
            write_verdict_page(mine)
        writer.communicate(b"")


def test_keys_show_which_row_and_nothing_of_a_person() -> None:
    columns = ["tenant_id", "tenant_name", "phone_number", "recipient_id", "billed_amount", "email_address"]
    assert key_columns(columns, ["tenant_id", "phone_number", "tenant_name"]) == ["tenant_id", "phone_number"]
    assert key_columns(columns, []) == ["tenant_id", "phone_number"]
    assert key_text(["tenant_id", "phone_number"], ["tnt_1", "+14155550199"]) == "tenant_id=tnt_1, phone_number=…0199"
    assert key_text(["record_key"], ["tnt_1|14155550199|added"]) == "record_key=tnt_1|…0199|added"
    assert key_text(["line_id", "meter"], ["tnt_1/2024-11", None]) == "line_id=tnt_1/2024-11, meter=not set"


def test_clauses_are_found_in_names() -> None:
    assert rule_ids("not_null_int_gen_02__calls_contested_record_key") == ["GEN-02"]
    assert rule_ids("gen_07__x GEN-07, and WAP-05") == ["GEN-07", "WAP-05"]
    assert rule_ids("unique_plans_plan_id fct_2024_11") == []


def test_results_of_a_suite_that_did_not_run_again_stand(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "build.duckdb")) as connection:
        connection.execute("create schema ops")
        now = datetime(2024, 12, 1, 4, 30, tzinfo=UTC)
        told = {"a": {"suite": "s", "result": {"n": 1}}, "b": {"suite": "s", "result": {"n": 1}}}
        circumstances.keep(connection, now, ["2024-11-01"], told, ["a", "b", "dbt_test"])
        circumstances.keep(connection, now, [], {"b": {"suite": "s", "result": {"n": 2}}}, ["a", "b"])
        assert circumstances.results_by_suite(connection) == {"s": [{"n": 1}, {"n": 2}]}
        circumstances.keep(connection, now, [], {}, ["b"])
        assert circumstances.results_by_suite(connection) == {"s": [{"n": 2}]}
        assert circumstances.read(connection) == Circumstances("2024-12-01 04:30:00 UTC", ())
        assert verdicts.latest(connection) is None
