"""Proposing a close says what must be signed and writes the report; it closes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestration.closing import ledger
from orchestration.definitions import build_definitions
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
    assert metadata["holds_to_sign"] == to_do.count("sign the hold ")
    assert said[-1].startswith("close: meterhouse close --month 2024-10")
    assert "<html" in Path(report).read_text(encoding="utf-8").lower()
    assert ledger.entries(mine) == []


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
    from datetime import UTC, date, datetime

    from orchestration.closing.proposal import propose_close

    found = propose_close(sample_run.settings, date(2023, 1, 1), datetime(2024, 12, 10, tzinfo=UTC))
    assert (found.drafts, found.totals, found.ready) == (0, {}, False)
    assert any(line.startswith("there is no draft invoice of 2023-01") for line in found.to_do)
