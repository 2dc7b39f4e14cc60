"""A filter on months reaches the records before they are joined to anything: cost follows the month, not history."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import jinja2
import pytest

from benchmarks.work_count import PROFILE
from orchestration import duck
from orchestration.settings import PROJECT_DIR, Settings
from orchestration.warehouse import dbt_build
from orchestration.warehouse.project import Node, Project
from orchestration.warehouse.side_by_side import LARGE
from tests.conftest import SampleRun

MONTH = "2024-10-01"
VIEWS = [
    "int_kiq__usage_metered",
    "int_trw__usage_metered",
    "int_voi__legs_metered",
    "int_msg__usage_metered",
    "int_wap__usage_metered",
]


def _instants(instant: str, months: list[str]) -> str:
    source = (PROJECT_DIR / "macros/billing_month.sql").read_text(encoding="utf-8")
    call = f"{{{{ in_months_of('{instant}', {months}) }}}}"
    return jinja2.Environment(extensions=["jinja2.ext.do"]).from_string(source + call).render()


def _macros_of(project: Project, node: Node) -> set[str]:
    """Names of the macros a node and its hooks call, directly or through others."""
    waiting, found = list(node.raw["depends_on"]["macros"]), set[str]()
    while waiting:
        key = waiting.pop()
        if key not in found:
            found.add(key)
            waiting += project.macros[key]["depends_on"]["macros"] if key in project.macros else []
    return {key.rsplit(".", 1)[-1] for key in found}


def test_no_model_notes_touched_months_while_another_asks_for_them(settings: Settings) -> None:
    """A model's text and its hooks ask one after the other, and must hear the same: large ones run one at a time."""
    project = dbt_build.project_of(settings)
    concerned = [
        node
        for node in project.of_kind("model")
        if any(name.startswith(("touch_months", "months_listed_as_touched")) for name in _macros_of(project, node))
    ]
    assert len(concerned) > 25
    assert [node.name for node in concerned if LARGE not in node.config["tags"]] == []


def _operators(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("children", []):
        yield from _operators(child)


@pytest.mark.parametrize("view", VIEWS)
def test_a_month_is_told_apart_below_the_outer_joins(sample_run: SampleRun, view: str) -> None:
    """Said by month alone, every record of history was joined to its conversation, account and settings."""
    settings = sample_run.settings
    chosen = f"billing_month = date '{MONTH}' and {_instants('occurred_at', [MONTH])}"
    with duck.connect(settings.warehouse_path, settings, read_only=True) as connection:
        rows = connection.execute(
            f"select count(*) filter (billing_month = date '{MONTH}'), count(*) from intermediate.{view}"
        ).fetchone()
        assert rows is not None and 0 < rows[0] < rows[1]
        for setting in PROFILE:
            connection.execute(setting)
        query = f"select count(*), count(tenant_id) from intermediate.{view} where {chosen}"
        found = connection.execute(query).fetchone()
        profile = connection.get_profiling_information()
    assert found is not None and found[0] == rows[0]
    told: dict[str, Any] = json.loads(profile) if isinstance(profile, str) else profile
    joined = [
        operator["operator_cardinality"]
        for operator in _operators(told)
        if operator.get("extra_info", {}).get("Join Type") == "LEFT"
    ]
    assert joined and max(joined) <= rows[0]


@pytest.mark.parametrize(
    ("instant", "months", "inside"),
    [
        ("timestamp '2024-09-30 23:59:59.999999'", ["2024-10-01"], False),
        ("timestamp '2024-10-01 00:00:00'", ["2024-10-01"], True),
        ("timestamp '2024-10-31 23:59:59.999999'", ["2024-10-01"], True),
        ("timestamp '2024-11-01 00:00:00'", ["2024-10-01"], False),
        ("timestamp '2024-11-01 00:00:00'", ["2024-10-01", "2024-11-01"], True),
        ("timestamp '2024-11-15 00:00:00'", ["2024-12-01", "2024-10-01"], False),
        ("timestamp '2024-12-31 23:59:59'", ["2024-12-01", "2025-01-01"], True),
        ("timestamp '2025-01-31 23:59:59'", ["2024-12-01", "2025-01-01"], True),
        ("timestamp '2025-02-01 00:00:00'", ["2024-12-01", "2025-01-01"], False),
        ("timestamp '2024-11-01 00:00:00'", [], False),
        ("cast(null as timestamp)", ["2024-10-01"], None),
        ("cast(null as timestamp)", ["1970-01-01"], True),
    ],
)
def test_instants_of_months_are_half_open(
    sample_run: SampleRun, instant: str, months: list[str], inside: bool | None
) -> None:
    with duck.connect(":memory:", sample_run.settings) as connection:
        assert connection.execute(f"select {_instants('x', months)} from (select {instant} as x)").fetchone() == (
            inside,
        )


def test_months_that_follow_each_other_are_one_stretch() -> None:
    """Two comparisons, whatever the months: said month by month, the engine compares every row and skips no group."""
    assert _instants("x", ["2024-11-01", "2024-12-01", "2025-01-01"]).count("timestamp '") == 2
    assert _instants("x", ["2024-11-01", "2025-01-01"]).count("timestamp '") == 4
