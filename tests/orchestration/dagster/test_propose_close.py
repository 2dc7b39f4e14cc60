"""Proposing a close says what must be signed and writes the report; it closes nothing."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import dagster as dg
import pytest

from orchestration import pipeline
from orchestration.closing import ledger
from orchestration.closing.close import CloseRequest, close_month
from orchestration.closing.proposal import propose_close
from orchestration.closing_jobs import publish_as_issued
from orchestration.damaged_file import FileDamaged
from orchestration.definitions import build_definitions
from orchestration.errors import GateRefused
from orchestration.graph import landing
from orchestration.resources import Installation
from orchestration.warehouse.writer_lock import writer_lock
from tests.closing.steps import instant, sign_all
from tests.conftest import SampleRun
from tests.orchestration.copied_home import copy_of
from tests.orchestration.dagster.conftest import instance_of, told

QUIET = {"console": {"config": {"log_level": "CRITICAL"}}}


def test_the_proposal_names_all_that_is_missing_and_closes_nothing(sample_run: SampleRun, tmp_path: Path) -> None:
    mine = copy_of(sample_run, tmp_path)
    job = build_definitions(mine).resolve_job_def("propose_close")
    with instance_of(mine) as instance:
        result = job.execute_in_process(
            instance=instance,
            run_config={"ops": {"propose": {"config": {"month": "2024-10"}}}, "loggers": QUIET},
        )
        assert result.success
        (output,) = (e for e in result.all_events if e.event_type_value == "STEP_OUTPUT")
        metadata = {name: value.value for name, value in output.step_output_data.metadata.items()}
        said = told(instance, result.run_id)
    to_do, drafts, report = (metadata[name] for name in ("to_do", "drafts", "report"))
    assert isinstance(to_do, str) and isinstance(drafts, int) and isinstance(report, str)
    # September is open as well: months are closed in order.
    assert "2024-09 is not closed yet" in to_do
    assert drafts > 0
    assert "sign off the" in to_do
    assert metadata["holds_to_sign"] == to_do.count("review hold ")
    assert said[-1].startswith("close: meterhouse close --month 2024-10")
    assert "<html" in Path(report).read_text(encoding="utf-8").lower()
    assert ledger.entries(mine) == []


def test_a_file_that_waits_is_named_by_proposal_and_close(sample_run: SampleRun, tmp_path: Path) -> None:
    mine = copy_of(sample_run, tmp_path)
    late = mine.landing / "payments" / "late.csv"
    late.parent.mkdir(exist_ok=True)
    late.write_text("invoice_number,paid_at,amount\n", encoding="utf-8")
    late.with_name("late.csv.manifest.json").write_text('{"rows": 5}', encoding="utf-8")
    with writer_lock(mine):
        assert [r.file_name for r in pipeline.take_in(mine, lambda _: None).with_status("waiting")] == ["late.csv"]
    sign_all(mine, "2024-09", instant("2024-10-04"))
    september = date(2024, 9, 1)
    proposal = propose_close(mine, september, instant("2024-10-04"))
    assert not proposal.ready
    assert "payments/late.csv" in proposal.to_do[0] and "move the file out of the landing" in proposal.to_do[0]
    with pytest.raises(GateRefused, match=r"payments/late\.csv") as refusal:
        close_month(mine, CloseRequest(september, "Carla"), instant("2024-10-04"))
    assert "move the file out of the landing" in refusal.value.remedy
    late.unlink()
    assert not any("late.csv" in line for line in propose_close(mine, september, instant("2024-10-04")).to_do)
    close_month(mine, CloseRequest(september, "Carla", ("tnt_0002",)), instant("2024-10-04"))


@pytest.mark.parametrize(
    ("job", "op", "config"),
    [("propose_close", "propose", {}), ("close_month", "close_the_month", {"by": "Ann"})],
)
def test_a_month_written_wrongly_fails_in_plain_words(
    sample_run: SampleRun, job: str, op: str, config: dict[str, str]
) -> None:
    with instance_of(sample_run.settings) as instance:
        result = (
            build_definitions(sample_run.settings)
            .resolve_job_def(job)
            .execute_in_process(
                instance=instance,
                run_config={"ops": {op: {"config": {"month": "2024-9"} | config}}, "loggers": QUIET},
                raise_on_error=False,
            )
        )
    (failed,) = (e for e in result.all_events if e.event_type_value == "STEP_FAILURE")
    assert failed.step_failure_data.user_failure_data is not None
    assert failed.step_failure_data.user_failure_data.description == "'2024-9' is not a month. Write it as 2024-11."


def test_a_month_nobody_used_has_nothing_to_close(sample_run: SampleRun) -> None:
    found = propose_close(sample_run.settings, date(2023, 1, 1), instant("2024-12-10"))
    assert (found.drafts, found.totals, found.ready) == (0, {}, False)
    assert any(line.startswith("2023-01 has no draft invoice") for line in found.to_do)


def test_a_publication_refused_after_a_close_fails_in_plain_words(
    sample_run: SampleRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refusing(*_: object) -> None:
        raise GateRefused("2 of 9 checks failed", "See them: `meterhouse quality`.")

    monkeypatch.setattr(pipeline, "run_all", refusing)
    settings = sample_run.settings
    context = dg.build_op_context(
        resources={"installation": Installation(home=str(settings.home), landing=str(settings.landing))}
    )
    with pytest.raises(dg.Failure) as failed:
        publish_as_issued(context, month="2024-10")
    assert failed.value.description == "2 of 9 checks failed. See them: `meterhouse quality`."
    assert not failed.value.allow_retries


def test_a_build_file_that_cannot_be_read_is_told_by_who_looks_at_the_landing(
    sample_run: SampleRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(_: object) -> None:
        raise FileDamaged("warehouse.duckdb cannot be read", "Remove it.")

    monkeypatch.setattr(landing, "signatures_seen", damaged)
    settings = sample_run.settings
    installation = Installation(home=str(settings.home), landing=str(settings.landing))
    with pytest.raises(dg.Failure) as failed:
        list(landing.landing(dg.build_asset_context(), installation=installation))
    assert failed.value.description == "warehouse.duckdb cannot be read. Remove it."
