"""On top of an earlier build the grain of large models is looked at where they are new: faults there are found.

The queries that judged the second of two loads are run again over copies of their models' rows with one row put
in twice: a new one, or an old one that came back beside itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import duckdb
import pytest

from orchestration import duck, pipeline
from orchestration.settings import Settings
from orchestration.warehouse.failed_tests import compiled_path
from orchestration.warehouse.project import read_project
from tests.conftest import landing_into
from tests.small_extracts import MESSAGES, WEBHOOKS, conversation_status, exchange

OCTOBER, NOVEMBER = 1728000000, 1730700000


@dataclass
class OnTop:
    """The build file of two loads, the relations of its models, and the queries that judged the second by grain."""

    connection: duckdb.DuckDBPyConnection
    relations: dict[str, str]
    queries: dict[str, str]

    def failures(self, model: str, fault: str, of: str = "") -> int:
        """How many keys the model's grain test finds twice once `fault` has changed `broken`, a copy of its rows.

        Or of the rows of the model `of`, where the test reads another.
        """
        query, relation = self.queries[model], self.relations[of or model]
        assert relation in query
        self.connection.execute(f"create or replace temp table broken as select * from {relation}")
        self.connection.execute(fault)
        found = self.connection.execute(f"select count(*) from ({query.replace(relation, 'broken')})").fetchone()
        assert found is not None
        return int(found[0])


@pytest.fixture(scope="module")
def on_top(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OnTop]:
    root = tmp_path_factory.mktemp("on_top")
    settings = Settings(home=root / "var", landing=root / "landing", memory_limit="1GB")
    land = landing_into(settings)
    land("tenants", "all.csv", "tenant_id,name,billing_currency\nt,T,USD\n")
    land(
        "account_map",
        "all.csv",
        "tenant_id,system,account_id,kind,valid_from\nt,kustomer,org,platform,2024-01-01T00:00:00Z\n"
        "t,whatsapp,waba,platform,2024-01-01T00:00:00Z\n",
    )
    for name, day, epoch in (("old", "2024-10-04", OCTOBER), ("new", "2024-11-04", NOVEMBER)):
        # Of one conversation a message comes with each load: it is read again.
        resumed = f"both-{name},org,both,in,chat,{day}T12:00:00Z,\n"
        land("kustomer_messages", f"{name}.csv", MESSAGES + exchange(name, day) + resumed)
        land("whatsapp_webhooks", f"{name}.csv", WEBHOOKS + conversation_status(f"w-{name}", "delivered", epoch, name))
        assert pipeline.run_all(settings).release is not None
    project = read_project((settings.dbt_target_dir / "manifest.json").read_bytes())
    nodes = {node.unique_id: node for node in project.nodes.values()}
    queries = {}
    for test in project.of_kind("test"):
        if (test.raw.get("test_metadata") or {}).get("name") == "unique_combination":
            query = settings.dbt_target_dir / compiled_path(test)
            queries[nodes[test.raw["attached_node"]].name] = query.read_text(encoding="utf-8")
    relations = {model.name: model.relation for model in project.of_kind("model")}
    with duck.connect(settings.warehouse_path, settings, read_only=True) as connection:
        yield OnTop(connection, relations, queries)


def test_one_unit_each_also_beside_those_of_the_load_before(on_top: OnTop) -> None:
    model = "int_wap_04__units_mapped"
    assert on_top.failures(model, "select 1") == 0
    assert on_top.failures(model, "insert into broken from broken where unit_id = 'new'") == 1
    # Billed in October, and once more with what came now.
    again = "insert into broken select * replace (2 as mapped_batch) from broken where unit_id = 'old'"
    assert on_top.failures(model, again) == 1


def test_one_exchange_a_conversation_also_beside_those_of_the_load_before(on_top: OnTop) -> None:
    model, pieces = "int_kiq_01__exchanges_completed", "int_kiq_01__conversation_pieces"
    assert on_top.failures(model, "select 1") == 0
    assert on_top.failures(model, "insert into broken from broken where conversation_id = 'new'") == 1
    # Billed in October, and once more with what came now.
    again = "insert into broken select * replace (2 as load_batch) from broken where conversation_id = 'old'"
    assert on_top.failures(model, again, of=pieces) == 1


@pytest.mark.parametrize("model", ["int_kiq_01__conversations_reread", "int_kiq_01__exchanges_reread"])
def test_conversations_are_read_again_once(on_top: OnTop, model: str) -> None:
    assert on_top.failures(model, "select 1") == 0
    assert on_top.failures(model, "insert into broken from broken where conversation_id = 'both'") == 1


def test_pieces_of_a_conversation_that_is_read_again_are_no_fault(on_top: OnTop) -> None:
    model = "int_kiq_01__exchanges_completed"
    pieces, reread = "int_kiq_01__conversation_pieces", "int_kiq_01__conversations_reread"
    both = f"from {on_top.relations[pieces]} where conversation_id = 'both'"
    assert on_top.connection.execute(f"select count(*) {both}").fetchone() == (2,)
    assert on_top.failures(model, "select 1") == 0
    assert on_top.failures(model, "delete from broken", of=reread) == 1


def test_units_drawn_down_once(on_top: OnTop) -> None:
    model = "int_wap_06__pool_drawn_down"
    assert on_top.failures(model, "select 1") == 0
    assert on_top.failures(model, "insert into broken from broken where unit_id = 'new'") == 1


def test_units_that_share_a_hash_are_told_apart(on_top: OnTop) -> None:
    fault = "update broken set unit_hash = 1, mapped_batch = 2"
    assert on_top.failures("int_wap_04__units_mapped", fault) == 0
