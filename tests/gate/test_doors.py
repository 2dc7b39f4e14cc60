"""No door around the gate: without a passing verdict on this very candidate nothing is published."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest

from orchestration.errors import GateRefused, WarehouseBusy
from orchestration.publishing.release import current_release, publish
from orchestration.settings import Settings
from orchestration.warehouse.writer_lock import writer_lock
from tests.conftest import SampleRun


@pytest.fixture
def copied(sample_run: SampleRun, tmp_path: Path) -> Settings:
    """A copy of the published sample, free to be tampered with."""
    shutil.copytree(sample_run.settings.home, tmp_path / "var", symlinks=True)
    return Settings(home=tmp_path / "var", landing=sample_run.settings.landing, memory_limit="1GB")


def _change(settings: Settings, statement: str) -> None:
    with duckdb.connect(str(settings.warehouse_path)) as connection:
        connection.execute(statement)


def _refused(settings: Settings, words: str) -> None:
    before = current_release(settings)
    with pytest.raises(GateRefused, match=words) as refusal:
        publish(settings)
    assert refusal.value.remedy
    assert current_release(settings) == before


def test_publishing_the_same_candidate_again_changes_nothing(copied: Settings) -> None:
    assert publish(copied).is_new is False


def test_a_tampered_candidate_is_refused(copied: Settings) -> None:
    _change(copied, "update marts.fct_invoice_lines set billed_amount = 0")
    _refused(copied, "not judged as it stands")


def test_a_deleted_verdict_is_refused(copied: Settings) -> None:
    _change(copied, "delete from ops.verdicts")
    _refused(copied, "not judged as it stands")


def test_a_failed_verdict_is_refused_and_names_check_and_remedy(copied: Settings) -> None:
    check = '"name": "gen_07", "kind": "dbt", "subject": "fct_invoices", "passed": false, "observed": "",'
    check += '"failing_keys": ["inv_1"], "remedy": "Rebuild."'
    _change(
        copied,
        "update ops.verdicts set passed = false, body = json_object('candidate_hash', candidate_hash, "
        f"'checks', json('[{{{check}}}]'))",
    )
    _refused(copied, "gen_07 on fct_invoices .rows inv_1.: Rebuild")


def test_an_empty_verdict_does_not_pass(copied: Settings) -> None:
    _change(
        copied,
        "update ops.verdicts set passed = true, "
        "body = json_object('candidate_hash', candidate_hash, 'checks', json('[]'))",
    )
    _refused(copied, "0 of 0 checks failed")


def test_materialising_the_release_asset_alone_is_refused(copied: Settings) -> None:
    import dagster as dg

    from orchestration.assets import release
    from orchestration.resources import Installation

    _change(copied, "update marts.fct_invoice_lines set billed_amount = 0")
    before = current_release(copied)
    result = dg.materialize(
        [release],
        resources={"installation": Installation(home=str(copied.home), landing=str(copied.landing))},
        raise_on_error=False,
    )
    assert not result.success
    assert current_release(copied) == before


def test_a_second_writer_is_told_who_writes(copied: Settings) -> None:
    with (
        writer_lock(copied),
        pytest.raises(WarehouseBusy, match=r"process \d+ is writing"),
        writer_lock(copied),
    ):
        pass


def test_a_released_file_cannot_be_written(copied: Settings) -> None:
    served = current_release(copied)
    assert served is not None
    assert served.database.stat().st_mode & 0o222 == 0
