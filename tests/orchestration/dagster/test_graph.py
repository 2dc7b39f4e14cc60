"""The graph reads like the product: stages, owners, clause texts, columns, lineage, checks; nothing left out."""

from __future__ import annotations

from typing import Any

import dagster as dg
import pytest

from orchestration import duck
from orchestration.definitions import build_definitions
from orchestration.graph.clause_texts import ClauseTexts
from orchestration.graph.keys import OWNERS, STAGES, VERDICT_KEY
from orchestration.ingestion.sources import SOURCES
from orchestration.quality.suites import candidate_suites
from orchestration.settings import PROJECT_DIR
from orchestration.warehouse.dbt_build import project_of
from orchestration.warehouse.unit_tests import check_name
from tests.conftest import SampleRun


@pytest.fixture(scope="module")
def definitions(sample_run: SampleRun) -> dg.Definitions:
    return build_definitions(sample_run.settings)


@pytest.fixture(scope="module")
def graph(definitions: dg.Definitions) -> Any:
    return definitions.resolve_asset_graph()


@pytest.fixture(scope="module")
def manifest(sample_run: SampleRun) -> dict[str, Any]:
    return project_of(sample_run.settings).raw


def _nodes(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    return [node for node in manifest["nodes"].values() if node["resource_type"] in ("model", "seed")]


def _key(node: dict[str, Any]) -> dg.AssetKey:
    return dg.AssetKey([node["schema"], node["name"]])


def test_every_seed_and_model_is_an_asset_of_one_stage(graph: Any, manifest: dict[str, Any]) -> None:
    nodes = _nodes(manifest)
    assert len(nodes) > 170
    assert {_key(node) for node in nodes} <= set(graph.get_all_asset_keys())
    assert {graph.get(key).group_name for key in graph.get_all_asset_keys()} == set(STAGES)


def test_every_asset_has_an_owner_kinds_and_a_description(graph: Any) -> None:
    for key in graph.get_all_asset_keys():
        asset = graph.get(key)
        assert asset.owners == OWNERS, key
        assert 1 <= len(asset.kinds) <= 3, key
        assert len(asset.description) > 20, key


def test_models_show_the_text_of_the_clauses_they_compute(graph: Any, manifest: dict[str, Any]) -> None:
    texts = ClauseTexts(PROJECT_DIR)
    shown = 0
    for node in _nodes(manifest):
        rules = texts.rules_of(node["name"], node["description"])
        for rule in rules:
            assert rule.paraphrase in graph.get(_key(node)).description, node["name"]
        shown += bool(rules)
        # A model named by a rule tells it.
        if node["name"].startswith("int_"):
            assert rules, node["name"]
    assert shown > 100


def test_columns_have_texts_and_where_they_come_from(graph: Any, manifest: dict[str, Any]) -> None:
    without = []
    for node in _nodes(manifest):
        metadata = graph.get(_key(node)).metadata
        columns = metadata["dagster/column_schema"].columns
        assert columns and all(column.description for column in columns), node["name"]
        lineage = metadata.get("dagster/column_lineage")
        if node["resource_type"] == "model":
            deps = lineage.deps_by_column if lineage else {}
            without += [] if any(deps.values()) else [node["name"]]
    # Its months are a series between two of them: no column is taken over.
    assert without == ["dim_billing_months"]
    lines = graph.get(dg.AssetKey(["marts", "fct_invoice_lines"])).metadata["dagster/column_lineage"]
    assert {(dep.asset_key.path[-1], dep.column_name) for dep in lines.deps_by_column["billed_amount"]} == {
        ("int_gen_12__lines_drafted", "billed_amount"),
        ("closed_lines", "billed_amount"),
    }


def test_lineage_names_only_columns_that_are_there(graph: Any, manifest: dict[str, Any], sample_run: SampleRun) -> None:
    columns = {_key(node): {column["name"] for column in node["columns"].values()} for node in _nodes(manifest)}
    with duck.connect(sample_run.settings.warehouse_path, sample_run.settings, read_only=True) as connection:
        for source in manifest["sources"].values():
            schema, name = source["source_name"], source["name"]
            described = connection.execute(f"describe {schema}.{name}").fetchall()
            columns[dg.AssetKey([schema, name])] = {column for column, *_ in described}
    for node in _nodes(manifest):
        lineage = graph.get(_key(node)).metadata.get("dagster/column_lineage")
        for parents in lineage.deps_by_column.values() if lineage else ():
            for dep in parents:
                assert dep.column_name in columns[dep.asset_key], (node["name"], dep)


def test_landing_comes_before_raw_and_the_verdict_before_the_release(graph: Any) -> None:
    for name in SOURCES:
        assert graph.get(dg.AssetKey(["raw", name])).parent_keys == {dg.AssetKey(["landing", name])}
    release = graph.get(dg.AssetKey(["publishing", "release"]))
    assert release.parent_keys == {VERDICT_KEY}


def test_every_test_and_expectation_is_a_blocking_check_of_the_asset_it_concerns(
    graph: Any, manifest: dict[str, Any]
) -> None:
    there = {(key.name, tuple(key.asset_key.path)) for key in graph.asset_check_keys}
    wanted: set[tuple[str, tuple[str, ...]]] = set()
    for node in manifest["nodes"].values():
        if node["resource_type"] == "test":
            attached = manifest["nodes"][node["attached_node"]]
            wanted.add((node["name"], (attached["schema"], attached["name"])))
    for model in {test["model"] for test in manifest["unit_tests"].values()}:
        (node,) = (node for node in _nodes(manifest) if node["name"] == model)
        wanted.add((check_name(model), (node["schema"], model)))
    for suite in candidate_suites():
        wanted |= {(e.name, tuple(suite.relation.split("."))) for e in suite.expectations}
    for source in SOURCES:
        wanted |= {(f"arriving_{source}_{what}", ("raw", source)) for what in ("has_rows", "keys_are_set")}
    assert there == wanted
    assert all(graph.get(key).blocking for key in graph.asset_check_keys)
    assert {key.asset_key for key in graph.asset_check_keys} <= set(graph.get_all_asset_keys())


def test_what_holds_months_has_a_partition_for_each(graph: Any, manifest: dict[str, Any]) -> None:
    for node in _nodes(manifest):
        assert (graph.get(_key(node)).partitions_def is not None) == (
            node["resource_type"] == "model" and "billing_month" in node["columns"]
        )
    assert graph.get(dg.AssetKey(["publishing", "invoices"])).partitions_def is not None


def test_jobs_schedules_and_the_sensor_start_what_they_say(definitions: dg.Definitions, graph: Any) -> None:
    by_name = {job.name: job for job in definitions.resolve_all_job_defs()}
    assert {"publish_release", "monthly_invoices", "close_month", "propose_close"} <= set(by_name)
    assert by_name["publish_release"].partitions_def is None
    assert by_name["monthly_invoices"].partitions_def is not None
    # All but what others write: the landing folder and the ledger.
    selected = set(by_name["monthly_invoices"].asset_layer.selected_asset_keys)
    left_out = set(graph.get_all_asset_keys()) - selected
    assert {key.path[0] for key in left_out} == {"landing", "ledger"}
    daily, propose = (definitions.resolve_schedule_def(name) for name in ("daily_draft", "propose_the_close"))
    assert (daily.job_name, propose.job_name) == ("publish_release", "propose_close")
    sensor = definitions.resolve_sensor_def("landing_sensor")
    assert sensor.job_name == "publish_release"
    assert daily.default_status == propose.default_status == dg.DefaultScheduleStatus.STOPPED
    assert sensor.default_status == dg.DefaultSensorStatus.STOPPED


def test_every_writing_step_takes_the_one_slot_of_the_writer_pool(definitions: dg.Definitions) -> None:
    steps: dict[str, str | None] = {}
    for job in definitions.resolve_all_job_defs():
        for node in job.nodes:
            assert isinstance(node.definition, dg.OpDefinition)
            steps[node.name] = node.definition.pool
    # Pulling writes into the landing folder alone, under a lock for each source.
    others = {"publishing__invoices", "look_at_landing", "pull_sources"}
    assert {name for name, pool in steps.items() if pool is None} == others
    assert {pool for name, pool in steps.items() if name not in others} == {"writer"}


@pytest.mark.parametrize(
    ("day", "month"), [("2024-12-04", "2024-11"), ("2025-01-04", "2024-12"), ("2025-03-04", "2025-02")]
)
def test_the_close_of_the_month_before_is_proposed_three_days_after_its_end(
    definitions: dg.Definitions, day: str, month: str
) -> None:
    from datetime import UTC, datetime

    from orchestration.billing_month import parse_month
    from orchestration.closing.demands import earliest_close

    instant = datetime.fromisoformat(f"{day}T06:30:00").replace(tzinfo=UTC)
    schedule = definitions.resolve_schedule_def("propose_the_close")
    (request,) = schedule.evaluate_tick(dg.build_schedule_context(scheduled_execution_time=instant)).run_requests or []
    assert request.run_config["ops"]["propose"]["config"]["month"] == month
    assert instant >= earliest_close(parse_month(month))
    definitions.resolve_job_def("propose_close")  # its config is what the schedule gives


def test_every_job_schedule_and_sensor_is_described_on_the_page_about_runs(definitions: dg.Definitions) -> None:
    page = (PROJECT_DIR / "docs/runs.md").read_text(encoding="utf-8")
    shown = [*definitions.resolve_all_job_defs(), *(definitions.schedules or ()), *(definitions.sensors or ())]
    names = {one.name for one in shown if not one.name.startswith("__")}
    assert {"pull_extracts", "daily_pull", "end_dead_runs"} < names
    assert [name for name in sorted(names) if f"`{name}`" not in page] == []
