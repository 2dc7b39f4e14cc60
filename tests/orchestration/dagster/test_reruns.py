"""Months and single assets computed again: the same content, said so; from failure; subsets; new files on the way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import dagster as dg
import duckdb
import pytest

from orchestration.definitions import build_definitions
from orchestration.publishing.release import current_release
from orchestration.settings import Settings, load_settings
from orchestration.warehouse.writer_lock import writer_lock
from tests.conftest import SampleRun
from tests.orchestration.copied_home import copy_of
from tests.orchestration.dagster.conftest import instance_of, materialized, told

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass
class Home:
    """An installation with its Dagster instance."""

    settings: Settings
    instance: dg.DagsterInstance
    definitions: dg.Definitions = field(init=False)

    def __post_init__(self) -> None:
        self.definitions = build_definitions(self.settings)

    def run(self, job: str, *, months: tuple[str, ...] = (), assets: tuple[str, ...] = (), **config: Any) -> Any:
        """Run a job, or those of its assets, for months; `config` is the rerun's run config."""
        tags = {}
        if months:
            ends = {"start": months[0], "end": months[-1]}
            tags = {f"dagster/asset_partition_range_{end}": month for end, month in ends.items()}
        if len(months) == 1:
            tags = {"dagster/partition": months[0]}
        ops = {"ops": {"build_and_judge": {"config": config}}} if config else {}
        selected = [dg.AssetKey(asset.split("/")) for asset in assets] or None
        return self.definitions.resolve_job_def(job).execute_in_process(
            instance=self.instance,
            raise_on_error=False,
            run_config={**ops, **QUIET},
            tags=tags,
            asset_selection=selected,
        )

    def rows(self, query: str) -> list[Any]:
        with duckdb.connect(str(self.settings.warehouse_path), read_only=True) as connection:
            return connection.execute(query).fetchall()


@pytest.fixture(scope="module")
def home(sample_run: SampleRun, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    mine = copy_of(sample_run, tmp_path_factory.mktemp("reruns"))
    with instance_of(mine) as instance:
        yield Home(mine, instance)


def _message(result: Any) -> str:
    (failure,) = result.get_step_failure_events()
    return str(failure.step_failure_data.error.message)


def _hash(home: Home) -> str:
    served = current_release(home.settings)
    assert served is not None
    return served.content_hash


def test_a_run_with_nothing_new_makes_nothing_and_says_so(home: Home) -> None:
    before = current_release(home.settings)
    result = home.run("publish_release")
    assert result.success
    made = materialized(home.instance, result.run_id)
    assert {asset for asset, _ in made} == {"quality/verdict", "publishing/release"}
    assert made["quality/verdict", None]["models_run"] == 0
    assert made["quality/verdict", None]["nothing_changed"] is True
    assert made["publishing/release", None]["nothing_changed"] is True
    assert current_release(home.settings) == before
    assert any(line.startswith("nothing new has landed: ") for line in told(home.instance, result.run_id))


def test_a_month_again_gives_the_same_content_says_so_and_keeps_the_reason(home: Home) -> None:
    before = _hash(home)
    (tenant,) = home.rows("select min(tenant_id) from marts.fct_invoices where billing_month = date '2024-10-01'")[0]
    result = home.run("monthly_invoices", months=("2024-10",), tenants=[tenant], reason="asked by finance")
    assert result.success
    assert _hash(home) == before
    made = materialized(home.instance, result.run_id)
    lines = made["marts/fct_invoice_lines", "2024-10"]
    (count, total) = home.rows(
        "select count(*), sum(billed_amount) filter (where currency_code = 'USD') from marts.fct_invoice_lines "
        "where billing_month = date '2024-10-01'"
    )[0]
    assert (lines["dagster/partition_row_count"], lines["billed_USD"]) == (count, float(total))
    assert lines["exact_billed_USD"] == str(total)
    # That month of every asset that holds months, and no other.
    assert {partition for asset, partition in made if asset.startswith(("marts/fct_", "publishing/inv"))} == {"2024-10"}
    said = told(home.instance, result.run_id)
    assert "recomputed: 2024-10 (asked by finance)" in said
    assert f"nothing changed: content hash {before[:12]} as before" in said
    assert any(line.startswith(f"asked for {tenant}: the months were metered for all tenants") for line in said)
    assert made["quality/verdict", None]["nothing_changed"] is True
    rerun = home.rows("select months, tenants, reason from ops.reruns order by rerun desc limit 1")
    assert rerun == [("2024-10", tenant, "asked by finance")]
    fates = made["publishing/invoices", "2024-10"]
    assert fates["invoices"] > 0 and fates["records_billed"] > 0
    assert home.rows("select count(*) from ops.touched_months") == [(0,)]


def test_all_months_again_are_one_run(home: Home) -> None:
    before = _hash(home)
    result = home.run("monthly_invoices", months=("2024-09", "2024-11"))
    assert result.success and _hash(home) == before
    made = materialized(home.instance, result.run_id)
    months = {partition for asset, partition in made if asset == "marts/fct_invoices"}
    assert months == {"2024-09", "2024-10", "2024-11"}
    assert "recomputed: 2024-09, 2024-10, 2024-11" in told(home.instance, result.run_id)


def test_an_unknown_tenant_is_refused_with_those_like_it(home: Home) -> None:
    result = home.run("monthly_invoices", months=("2024-10",), tenants=["tnt_002"])
    assert not result.success
    message = _message(result)
    assert "there is no tenant 'tnt_002'" in message and "Did you mean" in message and "tnt_0002" in message
    assert "Traceback" not in message


def test_a_month_in_which_nothing_was_metered_is_refused_with_those_known(home: Home) -> None:
    result = home.run("monthly_invoices", months=("2022-02",))
    assert not result.success
    message = _message(result)
    assert "nothing was ever metered in 2022-02" in message
    assert "2024-10, 2024-11" in message


def test_one_asset_alone_is_made_judged_and_not_published(home: Home) -> None:
    before = current_release(home.settings)
    result = home.run("monthly_invoices", months=("2024-11",), assets=("marts/fct_usage_monthly",))
    assert result.success
    made = materialized(home.instance, result.run_id)
    assert made["quality/verdict", None]["passed"] is True
    assert ("publishing/release", None) not in made
    assert ("marts/fct_usage_monthly", "2024-11") in made
    assert current_release(home.settings) == before
    # What holds no months is one model made again, with what stands on it.
    result = home.run("monthly_invoices", months=(), assets=("marts/dim_plans",))
    assert result.success
    made = materialized(home.instance, result.run_id)
    assert made["marts/dim_plans", None]["dagster/row_count"] > 0
    assert not any(asset.startswith("staging/") for asset, _ in made)
    assert home.rows("select models from ops.reruns order by rerun desc limit 1") == [("dim_plans",)]


def test_taking_in_alone_builds_nothing(home: Home) -> None:
    result = home.run("publish_release", assets=("raw/translations",))
    assert result.success
    assert materialized(home.instance, result.run_id) == {}


def _publishing_job() -> Any:
    return build_definitions(load_settings()).resolve_job_def("publish_release")


def test_a_failed_run_goes_on_from_where_it_failed(home: Home) -> None:
    served = home.settings.published_dir / "current"
    target = served.readlink()
    served.unlink()
    served.mkdir()  # the pointer cannot be flipped onto a folder
    failed = home.run("publish_release")
    assert not failed.success
    assert [event.step_key for event in failed.get_step_failure_events()] == ["publishing__release"]
    served.rmdir()
    served.symlink_to(target)
    options = dg.ReexecutionOptions.from_failure(failed.run_id, home.instance)
    with dg.execute_job(
        dg.reconstructable(_publishing_job), instance=home.instance, reexecution_options=options, run_config=QUIET
    ) as again:
        assert again.success
        ran = {event.step_key for event in again.all_events if event.event_type_value == "STEP_SUCCESS"}
    assert ran == {"publishing__release"}


def test_files_that_landed_meanwhile_come_with_a_rerun_and_are_named(home: Home) -> None:
    header = "translation_id,org_id,source_lang,target_lang,character_count,status,completed_at,updated_at\n"
    (org,) = home.rows(
        "select min(account_id) from staging.stg_meterhouse__account_map where account_system = 'kustomer'"
    )[0]
    row = f"late-1,{org},en,de,900,completed,2024-09-12T10:00:00Z,2024-12-09T00:00:00Z\n"
    (home.settings.landing / "translations" / "late.csv").write_text(header + row, encoding="utf-8")
    before = _hash(home)
    result = home.run("monthly_invoices", months=("2024-11",))
    assert result.success, _message(result)
    assert _hash(home) != before
    said = told(home.instance, result.run_id)
    assert "newly landed files were included and affected 2024-09: translations/late.csv" in said
    # The sample's refused files and its Order that has no effect.
    assert any(" error(s) to fix: 6 file_refused, 1 order_term_rejected" in line for line in said)
    made = materialized(home.instance, result.run_id)
    assert made["raw/translations", None]["rows_accepted"] == 1
    assert ("marts/fct_translated_words_monthly", "2024-09") in made
    assert made["quality/verdict", None]["nothing_changed"] is False


def test_a_failed_check_is_red_on_its_asset_and_a_rerun_of_the_month_mends_it(home: Home) -> None:
    before = current_release(home.settings)
    # A line somebody changed, in a build file that otherwise looks as it was left.
    with writer_lock(home.settings), duckdb.connect(str(home.settings.warehouse_path)) as connection:
        connection.execute(
            "update marts.fct_invoice_lines set tenant_id = 'nobody', unit_price = unit_price + 1 where line_id = "
            "(select min(line_id) from marts.fct_invoice_lines where billing_month = date '2024-11-01' "
            "and billed_amount > 0)"
        )
        connection.execute("update ops.builds set seeds_hash = ''")
        connection.execute("delete from ops.test_results")
    result = home.run("publish_release")
    assert not result.success
    assert current_release(home.settings) == before
    message = _message(result)
    assert "checks failed, so nothing is published and the last release stays served" in message
    events = [entry.dagster_event for entry in home.instance.all_logs(result.run_id)]
    evaluations = [
        event.asset_check_evaluation_data
        for event in events
        if event is not None and event.event_type_value == "ASSET_CHECK_EVALUATION"
    ]
    red = {(e.asset_key.path[-1], e.check_name): e.metadata for e in evaluations if not e.passed}
    orphan = red["fct_invoice_lines", "relationships_fct_invoice_lines_tenant_id__tenant_id__ref_dim_tenants_"]
    failing = orphan["failing_rows"].value
    assert isinstance(failing, str) and "nobody" in failing
    assert ("fct_invoice_lines", "gen_07_amounts_are_quantity_times_price_rounded_once") in red
    assert all(metadata["remedy"].value for metadata in red.values())
    assert len(red) < len(evaluations) / 4

    mended = home.run("monthly_invoices", months=("2024-11",), reason="a line was changed by hand")
    assert mended.success
    assert before is not None and _hash(home) == before.content_hash
