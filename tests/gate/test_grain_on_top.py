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

Land = Callable[[str, str, "str | bytes"], Path]
MESSAGES = "id,org_id,conversation_id,direction,channel,sent_at,assistant_type\n"
WEBHOOKS = (
    "waba_id,wamid,status,timestamp,recipient_id,conversation_id,origin_type,"
    "expiration_timestamp,pricing_model,pricing_category,billable\n"
)
OCTOBER, NOVEMBER = 1728000000, 1730700000


def _exchange(name: str, day: str) -> str:
    return f"{name}1,org,{name},in,chat,{day}T10:00:00Z,\n{name}2,org,{name},out,chat,{day}T10:00:01Z,premium\n"


def _conversation(name: str, epoch: int) -> str:
    until = epoch + 86400
    return f"waba,w-{name},delivered,{epoch},14155550100,{name},user_initiated,{until},CBP,user_initiated,true\n"


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
        land("kustomer_messages", f"{name}.csv", MESSAGES + _exchange(name, day))
        land("whatsapp_webhooks", f"{name}.csv", WEBHOOKS + _conversation(name, epoch))
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


def test_conversations_of_one_exchange_each(on_top: OnTop) -> None:
    model = "int_kiq_01__exchanges_completed"
    assert on_top.failures(model, "select 1") == 0
    assert on_top.failures(model, "insert into broken from broken where conversation_id = 'new'") == 1
    # Billed in October, and once more with what came now.
    again = "insert into broken select * replace (2 as changed_batch) from broken where conversation_id = 'old'"
    assert on_top.failures(model, again) == 1


def test_units_mapped_once(on_top: OnTop) -> None:
    model = "int_wap_04__units_mapped"
    assert on_top.failures(model, "select 1") == 0
    assert on_top.failures(model, "insert into broken from broken where unit_id = 'new'") == 1
    again = "insert into broken select * replace (2 as mapped_batch) from broken where unit_id = 'old'"
    assert on_top.failures(model, again) == 1


def test_units_drawn_down_once(on_top: OnTop) -> None:
    model = "int_wap_06__pool_drawn_down"
    assert on_top.failures(model, "select 1") == 0
    assert on_top.failures(model, "insert into broken from broken where unit_id = 'new'") == 1


def test_units_that_share_a_hash_are_told_apart(on_top: OnTop) -> None:
    fault = "update broken set unit_hash = 1, mapped_batch = 2"
    assert on_top.failures("int_wap_04__units_mapped", fault) == 0
