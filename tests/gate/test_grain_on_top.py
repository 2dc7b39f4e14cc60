"""On top of an earlier build the grain of large models is looked at where they are new: faults there are found.

The queries that judged the second of two loads are run again over copies of their models' rows with one row put
in twice: a new one, or an old one that came back beside itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from orchestration import duck, pipeline
from orchestration.settings import Settings
from orchestration.warehouse.failed_tests import compiled_path
from orchestration.warehouse.project import read_project
from tests.small_extracts import MESSAGES, WEBHOOKS, conversation_status, exchange

Land = Callable[[str, str, "str | bytes"], Path]
OCTOBER, NOVEMBER = 1728000000, 1730700000


@dataclass
class OnTop:
    """The build file of two loads, and the grain tests that judged the second: model and query by its name."""

    connection: duckdb.DuckDBPyConnection
    tests: dict[str, tuple[str, str]]

    def failures(self, model: str, fault: str) -> int:
        """How many keys the model's grain test finds twice once `fault` has changed a copy of its rows, `broken`."""
        relation, query = self.tests[model]
        self.connection.execute(f"create or replace temp table broken as select * from {relation}")
        self.connection.execute(fault)
        found = self.connection.execute(f"select count(*) from ({query.replace(relation, 'broken')})").fetchone()
        assert found is not None
        return int(found[0])


@pytest.fixture
def on_top(settings: Settings, land: Land) -> Iterator[OnTop]:
    land("tenants", "all.csv", "tenant_id,name,billing_currency\nt,T,USD\n")
    land(
        "account_map",
        "all.csv",
        "tenant_id,system,account_id,kind,valid_from\nt,kustomer,org,platform,2024-01-01T00:00:00Z\n"
        "t,whatsapp,waba,platform,2024-01-01T00:00:00Z\n",
    )
    for name, day, epoch in (("old", "2024-10-04", OCTOBER), ("new", "2024-11-04", NOVEMBER)):
        land("kustomer_messages", f"{name}.csv", MESSAGES + exchange(name, day))
        land("whatsapp_webhooks", f"{name}.csv", WEBHOOKS + conversation_status(f"w-{name}", "delivered", epoch, name))
        assert pipeline.run_all(settings).release is not None
    project = read_project((settings.dbt_target_dir / "manifest.json").read_bytes())
    nodes = {node.unique_id: node for node in project.nodes.values()}
    tests = {}
    for test in project.of_kind("test"):
        if (test.raw.get("test_metadata") or {}).get("name") == "unique_combination":
            model = nodes[test.raw["attached_node"]]
            query = settings.dbt_target_dir / compiled_path(test)
            tests[model.name] = (model.relation, query.read_text(encoding="utf-8"))
    with duck.connect(settings.warehouse_path, settings, read_only=True) as connection:
        yield OnTop(connection, tests)


@pytest.mark.parametrize(
    ("model", "key", "batch"),
    [
        ("int_kiq_01__exchanges_completed", "conversation_id", "changed_batch"),
        ("int_wap_04__units_mapped", "unit_id", "mapped_batch"),
    ],
)
def test_one_row_each_also_beside_those_of_the_load_before(on_top: OnTop, model: str, key: str, batch: str) -> None:
    assert on_top.failures(model, "select 1") == 0
    assert on_top.failures(model, f"insert into broken from broken where {key} = 'new'") == 1
    # Billed in October, and once more with what came now.
    again = f"insert into broken select * replace (2 as {batch}) from broken where {key} = 'old'"
    assert on_top.failures(model, again) == 1


def test_units_drawn_down_once(on_top: OnTop) -> None:
    model = "int_wap_06__pool_drawn_down"
    assert on_top.failures(model, "select 1") == 0
    assert on_top.failures(model, "insert into broken from broken where unit_id = 'new'") == 1


def test_units_that_share_a_hash_are_told_apart(on_top: OnTop) -> None:
    fault = "update broken set unit_hash = 1, mapped_batch = 2"
    assert on_top.failures("int_wap_04__units_mapped", fault) == 0
