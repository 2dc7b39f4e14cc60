"""What must not be added to is built from nothing: what a failed build left half anew, what a stranger wrote, a model
named to be computed again. Each is held against a home that saw all of it at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration import duck, pipeline
from orchestration.errors import BuildFailed, GateRefused
from orchestration.settings import Settings
from orchestration.warehouse.again import Again
from orchestration.warehouse.writer_lock import writer_lock
from tests.failing_model import failing_at
from tests.project_copy import copy_of_project
from tests.small_extracts import MESSAGES, exchange

Land = Callable[[str, str, "str | bytes"], Path]
CONTRACT = {
    "tenants": "tenant_id,name,billing_currency\nt,T,USD\n",
    "account_map": "tenant_id,system,account_id,kind,valid_from\nt,kustomer,org,platform,2024-01-01T00:00:00Z\n",
    "kustomer_conversations": "id,org_id,customer_id,created_at,updated_at\n"
    "x,org,c,2024-08-01T09:00:00Z,2024-12-01T00:00:00Z\ny,org,c,2024-08-02T09:00:00Z,2024-12-01T00:00:00Z\n",
}
PIECES, SUMS = "int_kiq_01__conversation_pieces", "int_gen_05__event_usage_aggregated"
# How a stranger, or an error of ours, may leave a row that is kept from build to build.
DAMAGED = {
    PIECES: f"update intermediate.{PIECES} set first_reply_at = null",
    SUMS: f"update intermediate.{SUMS} set quantity = 7",
}


@pytest.fixture
def built(settings: Settings, land: Land) -> Settings:
    """Two landings of messages, one of them twice, so that something is contested."""
    for source, content in CONTRACT.items():
        land(source, "all.csv", content)
    for name in ("1.csv", "2.csv"):
        land("kustomer_messages", name, MESSAGES + exchange("x", "2024-08-01"))
    _hash(settings)
    return settings


def _hash(settings: Settings, **asked: Any) -> str:
    release = pipeline.run_all(settings, **asked).release
    assert release is not None
    return release.content_hash


def _at_once(settings: Settings, tmp_path: Path) -> str:
    return _hash(Settings(home=tmp_path / "at_once", landing=settings.landing, memory_limit="1GB"))


def _another_project(folder: Path) -> Path:
    """The project with one rule changed, and a fault in a model after those the rule concerns."""
    copy_of_project(folder)
    for path, was, becomes in (
        ("macros/kiq_conversations.sql", "direction = 'in'", "direction = 'inbound'"),
        ("models/intermediate/metering/customer_assist/int_kiq_01__exchanges_reread.sql", "min(org_id)", "min(org)"),
    ):
        text = (folder / path).read_text(encoding="utf-8")
        assert text.count(was) == 1
        (folder / path).write_text(text.replace(was, becomes), encoding="utf-8")
    return folder


def test_the_former_version_does_not_add_to_what_a_failed_upgrade_left(
    built: Settings, land: Land, tmp_path: Path
) -> None:
    with pytest.raises(BuildFailed, match="int_kiq_01__exchanges_reread"):
        pipeline.run_all(replace(built, project_dir=_another_project(tmp_path / "project")))
    land("kustomer_messages", "3.csv", MESSAGES + exchange("y", "2024-08-02"))
    report = pipeline.run_all(built)
    assert report.full_refresh
    assert report.release is not None
    assert report.release.content_hash == _at_once(built, tmp_path)


@pytest.mark.parametrize(
    "failing", [PIECES, "int_kiq_01__exchanges_reread", "int_gen_02__conversation_messages_contested"]
)
def test_a_build_upon_a_lost_index_that_fails_is_begun_anew(
    built: Settings, land: Land, tmp_path: Path, failing: str
) -> None:
    next((built.home / "keys").glob("kustomer_messages*")).unlink()
    land("kustomer_messages", "3.csv", MESSAGES + exchange("y", "2024-08-02"))
    with failing_at(failing), pytest.raises(BuildFailed, match=failing):
        pipeline.run_all(built)
    report = pipeline.run_all(built)
    assert report.full_refresh
    assert report.release is not None
    assert report.release.content_hash == _at_once(built, tmp_path)


def test_a_model_computed_again_whose_build_fails_is_seen_by_all_below_it(built: Settings) -> None:
    before = _hash(built)
    with writer_lock(built), duck.connect(built.warehouse_path, built) as connection:
        connection.execute(DAMAGED[PIECES])
    # Summed from the damaged rows as well: only what is below the model made anew can mend it.
    with pytest.raises(GateRefused):
        pipeline.run_all(built, again=Again(months=("2024-08",)))
    with failing_at(SUMS), pytest.raises(BuildFailed, match=SUMS):
        pipeline.run_all(built, again=Again(models=(PIECES,)))
    assert _hash(built) == before


def test_a_month_computed_again_whose_build_fails_is_work_for_the_next_run(built: Settings) -> None:
    """Nothing new lands meanwhile: only the mark says that what stands is not what was asked for."""
    before = _hash(built)
    assert not pipeline.has_work(built)
    with failing_at(SUMS), pytest.raises(BuildFailed, match=SUMS):
        pipeline.run_all(built, again=Again(months=("2024-08",)))
    assert pipeline.has_work(built)
    report = pipeline.run_all(built)
    assert SUMS in {unique_id.rsplit(".", 1)[-1] for unique_id in report.built}
    assert report.touched_months == ["2024-08-01"]
    assert report.release is not None
    assert report.release.content_hash == before
    assert not pipeline.has_work(built)


@pytest.mark.parametrize("kept", DAMAGED)
def test_what_a_stranger_wrote_into_kept_rows_is_not_believed(built: Settings, kept: str) -> None:
    before = _hash(built)
    with duckdb.connect(str(built.warehouse_path)) as stranger:
        stranger.execute(DAMAGED[kept])
    report = pipeline.run_all(built)
    assert report.full_refresh
    assert report.release is not None
    assert report.release.content_hash == before


@pytest.mark.parametrize("kept", DAMAGED)
def test_a_model_computed_again_is_computed_from_nothing(built: Settings, kept: str) -> None:
    before = _hash(built)
    with writer_lock(built), duck.connect(built.warehouse_path, built) as connection:
        connection.execute(DAMAGED[kept])
    report = pipeline.run_all(built, again=Again(models=(kept,), reason="looks wrong"))
    assert not report.full_refresh
    assert report.release is not None
    assert report.release.content_hash == before
    with duck.connect(built.warehouse_path, built, read_only=True) as connection:
        damaged = f"from intermediate.{kept} where {'quantity = 7' if kept == SUMS else 'first_reply_at is null'}"
        assert connection.execute(f"select count(*) {damaged}").fetchone() == (0,)
