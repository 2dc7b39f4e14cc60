"""Only the descendants of what changed run, and what does not run keeps its results; when in doubt, all."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from orchestration import duck, pipeline
from orchestration.errors import BuildFailed
from orchestration.ingestion.landing import ingest_landing
from orchestration.publishing.release import require_release
from orchestration.settings import Settings
from orchestration.warehouse import dbt_build, manifest_cache, node_runner, selection, state
from orchestration.warehouse.project import Project, read_project
from orchestration.warehouse.selection import Selection
from orchestration.warehouse.writer_lock import writer_lock
from tests.failing_model import failing_at

Land = Callable[[str, str, "str | bytes"], Path]
FIRST = {
    "tenants": "tenant_id,name,billing_currency\nt,T,USD\n",
    "account_map": "tenant_id,system,account_id,kind,valid_from\nt,kustomer,org,platform,2024-01-01T00:00:00Z\n",
    "translations": "translation_id,org_id,source_lang,target_lang,character_count,status,completed_at,updated_at\n"
    "a,org,en,de,100,completed,2024-09-05T10:00:00Z,2024-12-01T00:00:00Z\n",
    "number_events": "tenant_id,phone_number,number_type,event,occurred_at\n"
    "t,+12125550100,local,added,2024-09-01T00:00:00Z\n",
}
PAYMENTS = "invoice_number,tenant_id,paid_at,amount,currency_code\n"


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Contract data, a number and one translation, taken in, built, judged and published; never changed."""
    root = tmp_path_factory.mktemp("selection")
    for source, content in FIRST.items():
        (root / "landing" / source).mkdir(parents=True)
        (root / "landing" / source / "1.csv").write_text(content)
    settings = Settings(home=root / "var", landing=root / "landing", memory_limit="1GB")
    pipeline.run_all(settings)
    return settings


@pytest.fixture
def built(published: Settings, settings: Settings) -> Settings:
    """The same, where nothing is known of its folder: a copy as it was left."""
    shutil.copytree(published.landing, settings.landing)
    shutil.copytree(published.home, settings.home, symlinks=True)
    # The raw views name the folder they read.
    with writer_lock(settings):
        ingest_landing(settings)
    return settings


def _project(settings: Settings) -> Project:
    content = manifest_cache.manifest_json(settings)
    assert content is not None
    return read_project(content)


def _select(settings: Settings, *, everything: bool = False) -> Selection:
    project = _project(settings)
    with duck.connect(settings.warehouse_path, settings) as connection:
        now = selection.fingerprints(connection, settings, project)
        return selection.select(connection, project, now, everything=everything, full_refresh=False)


def _run(settings: Settings, statement: str) -> None:
    with duck.connect(settings.warehouse_path, settings) as connection:
        connection.execute(statement)


def test_nothing_changed_nothing_runs_and_every_result_is_kept(built: Settings) -> None:
    chosen = _select(built)
    assert (chosen.seeds, chosen.models, chosen.tests) == ([], [], [])
    assert len(chosen.kept) == len(_project(built).of_kind("test"))


def test_a_new_file_runs_its_descendants_and_their_tests_alone(built: Settings, land: Land) -> None:
    land("payments", "1.csv", PAYMENTS + "MH-1,t,2024-11-05T10:00:00Z,1.00,USD\n")
    with writer_lock(built):
        pipeline.take_in(built, lambda _: None)
    chosen = _select(built)
    project = _project(built)
    running = {node.name for node in chosen.models}
    assert "int_gen_02__payments_states" in running
    assert "int_gen_02__translations_states" not in running
    payments = next(key for key, relation in project.sources.items() if relation.endswith('"payments"'))
    receipts = [key for key in project.sources if key.endswith((".receipts", ".quarantine"))]
    below = project.with_descendants([payments, *receipts])
    assert {node.unique_id for node in chosen.models} <= below
    for test in project.of_kind("test"):
        reads_what_ran = bool(below.intersection(test.parents))
        assert reads_what_ran or test not in chosen.tests, test.name
    report = pipeline.run_all(built)
    assert 0 < report.models_run <= len(chosen.models)
    assert report.full_refresh is False
    assert report.verdict is not None
    judged = [c for c in report.verdict.checks if c.kind == "dbt" and not c.name.startswith("unit_tests_of_")]
    assert len(judged) == len(project.of_kind("test"))


@pytest.mark.parametrize("changed", ["source", "file_name", "reason"])
def test_a_file_refused_otherwise_is_something_to_publish(changed: str) -> None:
    with duckdb.connect() as connection:
        columns = "source varchar, file_name varchar, reason varchar"
        connection.execute(f"create schema raw; create table raw.file_findings ({columns})")
        none = state.findings_hash(connection)
        connection.execute("insert into raw.file_findings values ('translations', 'a.csv', 'a.csv is empty')")
        before = state.findings_hash(connection)
        connection.execute(f"update raw.file_findings set {changed} = 'another'")
        assert len({none, before, state.findings_hash(connection)}) == 3


def test_a_file_that_is_refused_or_no_longer_is_published_though_nothing_else_is_new(
    built: Settings, land: Land
) -> None:
    refused = land("payments", "empty.csv", "")
    for found in ([("payments", "empty.csv")], []):
        pipeline.run_all(built)
        with duck.connect(require_release(built).database, built, read_only=True) as connection:
            published = "select source, file_name from marts.rpt_findings where finding = 'file_refused'"
            assert connection.execute(published).fetchall() == found
        refused.unlink(missing_ok=True)


def test_what_was_looked_at_and_is_as_it_was_is_nothing_to_build_for(built: Settings, land: Land) -> None:
    """A file that was taken in before under another name, and one that is refused a second time as it was the first."""
    land("payments", "empty.csv", "")
    pipeline.run_all(built)
    land("translations", "copy.csv", FIRST["translations"])
    land("payments", "empty.csv", "").touch()
    report = pipeline.run_all(built)
    assert sorted(receipt.status for receipt in report.ingest.receipts) == ["duplicate_file", "refused"]
    assert report.verdict is None, "nothing was built or judged"
    assert not pipeline.has_work(built)


def test_what_stands_below_a_small_table_is_built_though_the_build_that_moved_it_ended_there(
    built: Settings, land: Land
) -> None:
    """The next one finds that table as it leaves it, and all below it as it was before."""
    header, row = FIRST["translations"].splitlines()
    land(
        "translations",
        "october.csv",
        f"{header}\n{row.replace('a,org', 'b,org').replace('2024-09-05', '2024-10-05')}\n",
    )
    with failing_at("int_gen_01__billing_months_seen"), pytest.raises(BuildFailed, match="billing_months_seen"):
        pipeline.run_all(built)
    pipeline.run_all(built)
    with duck.connect(require_release(built).database, built, read_only=True) as connection:
        october = connection.execute(
            "select meter, pricing_quantity from marts.fct_invoice_lines where billing_month = '2024-10-01' order by 1"
        ).fetchall()
    # The number stands on in October; 100 characters are 20 words.
    assert october == [("phone_number", 1), ("translated_word", 20)]


def test_what_an_unfinished_build_began_runs_again(built: Settings) -> None:
    project = _project(built)
    begun = project.models_in_order[0]
    _run(built, f"insert into ops.unfinished_nodes values ('{begun.unique_id}')")
    names = {node.unique_id for node in _select(built).models}
    assert names == project.with_descendants([begun.unique_id])


def test_a_relation_that_is_gone_is_built_again(built: Settings) -> None:
    _run(
        built,
        "drop table marts.fct_payments cascade" if _has(built, "fct_payments") else "drop table marts.fct_invoices",
    )
    assert _select(built).models


def _has(settings: Settings, name: str) -> bool:
    return any(node.name == name for node in _project(settings).of_kind("model"))


@pytest.mark.parametrize(
    "statement",
    ["update ops.test_results set passed = false", "delete from ops.test_results", "drop table ops.test_results"],
)
def test_a_result_that_failed_or_is_missing_is_found_again(built: Settings, statement: str) -> None:
    _run(built, statement)
    chosen = _select(built)
    assert len(chosen.tests) == len(_project(built).of_kind("test"))
    assert chosen.kept == []


def test_a_build_file_written_by_another_hand_is_built_and_judged_whole(built: Settings, land: Land) -> None:
    _run(built, "update marts.fct_invoice_lines set billed_amount = billed_amount + 1")
    land("payments", "1.csv", PAYMENTS + "MH-1,t,2024-11-05T10:00:00Z,1.00,USD\n")
    report = pipeline.run_all(built)
    assert report.models_run == len(_project(built).of_kind("model"))
    assert report.verdict is not None
    assert report.verdict.passed


def test_a_changed_project_builds_everything_anew(built: Settings) -> None:
    _run(built, "update ops.builds set project_hash = 'another'")
    outcome = dbt_build.build(built)
    assert outcome.full_refresh
    assert outcome.models_run == len(_project(built).of_kind("model"))


def test_below_a_small_table_that_comes_out_as_it_was_nothing_runs(built: Settings, land: Land) -> None:
    header, row = FIRST["translations"].splitlines()
    land("translations", "2.csv", f"{header}\n{row.replace('a,org', 'b,org')}\n")
    with writer_lock(built):
        pipeline.take_in(built, lambda _: None)
    possible = {node.name for node in _select(built).models}
    told: list[str] = []
    pipeline.run_all(built, told.append)
    ran = {text.removeprefix("building ") for text in told if text.startswith("building ")}
    # The tenant had usage in that month before, so the months seen are what they were, and so is storage.
    assert "int_gen_01__tenant_months_evident" in ran
    assert "int_gen_01__billing_months_seen" in possible - ran
    assert "int_sto_01__tenant_levels" in possible - ran
    assert "fct_translated_words_monthly" in ran


@pytest.mark.parametrize("small", [node_runner.SMALL_ROWS, 0])
def test_what_is_left_out_below_it_is_what_building_everything_gives(
    built: Settings, land: Land, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small: int
) -> None:
    """Also where every table has too many rows to be looked at: then all below it runs."""
    monkeypatch.setattr(node_runner, "SMALL_ROWS", small)
    header, row = FIRST["translations"].splitlines()
    land("translations", "2.csv", f"{header}\n{row.replace('a,org', 'b,org')}\n")
    in_steps = pipeline.run_all(built).release
    at_once = pipeline.run_all(Settings(home=tmp_path / "again", landing=built.landing, memory_limit="1GB")).release
    assert in_steps is not None
    assert at_once is not None
    assert in_steps.content_hash == at_once.content_hash
