"""Kept sums give the hash that all rows would, and are used only for months that hold what they held, under a seal."""

from __future__ import annotations

import duckdb
import pytest

from orchestration import duck
from orchestration.quality import kept_sums
from orchestration.quality.content_hash import candidate_hashes
from orchestration.quality.month_contents import contents
from orchestration.settings import Settings

MARTS = """
create schema ops;
create schema marts;
create table marts.fct_lines as
    select date '2024-01-01' + to_months(i % 4)::interval as billing_month, 'line ' || i as line_id,
    (i / 8)::decimal(18, 3) as amount from range(40) as t(i);
alter table marts.fct_lines alter billing_month type date;
create table marts.dim_plans as select 'plan ' || i as plan from range(3) as t(i);
create table marts.fct_nothing as from marts.fct_lines limit 0;
"""
TABLES = ["dim_plans", "fct_lines", "fct_nothing"]


@pytest.fixture
def marts(settings: Settings) -> duckdb.DuckDBPyConnection:
    connection = duck.connect(":memory:", settings)
    connection.execute(MARTS)
    _keep(connection)
    return connection


def _keep(connection: duckdb.DuckDBPyConnection) -> None:
    held = contents(connection, "marts", TABLES)
    _, sums = kept_sums.candidate_sums(connection, held, trusted=False)
    kept_sums.keep(connection, held, sums)


def _hashes(connection: duckdb.DuckDBPyConnection, *, trusted: bool) -> dict[str, str]:
    return kept_sums.candidate_sums(connection, contents(connection, "marts", TABLES), trusted=trusted)[0]


@pytest.mark.parametrize(
    "change",
    [
        "select 1",
        "update marts.fct_lines set amount = amount + 0.001 where line_id = 'line 7'",
        "update marts.fct_lines set billing_month = date '2024-02-01' where line_id = 'line 0'",
        "update marts.fct_lines set billing_month = null where line_id = 'line 0'",
        "delete from marts.fct_lines where billing_month = date '2024-03-01'",
        "insert into marts.fct_lines values (date '2025-01-01', 'line new', 1)",
        "insert into marts.fct_nothing values (date '2025-01-01', 'line new', 1)",
        "insert into marts.dim_plans values ('another')",
        "alter table marts.fct_lines add column note varchar",
        "alter table marts.fct_lines alter amount type varchar",
        "delete from marts.fct_lines",
    ],
)
def test_the_hash_is_that_of_all_rows(marts: duckdb.DuckDBPyConnection, change: str) -> None:
    before = candidate_hashes(marts)
    marts.execute(change)
    found = _hashes(marts, trusted=True)
    assert found == candidate_hashes(marts)
    assert (found == before) is (change == "select 1")


def test_a_month_that_holds_what_it_held_is_not_summed_again(marts: duckdb.DuckDBPyConnection) -> None:
    """Wrong sums of one month show where they are used: while its rows are as they were, and trusted."""
    right = candidate_hashes(marts)
    here = "table_name = 'fct_lines' and billing_month = '2024-02-01'"
    marts.execute(f"update ops.mart_month_sums set md5_low = md5_low + 1 where {here}")
    assert _hashes(marts, trusted=True)["fct_lines"] != right["fct_lines"]
    assert _hashes(marts, trusted=False) == right
    marts.execute("update marts.fct_lines set amount = 0 where line_id = 'line 1'")
    assert _hashes(marts, trusted=True) == candidate_hashes(marts)


def test_sums_of_another_version_of_the_engine_are_not_used(marts: duckdb.DuckDBPyConnection) -> None:
    marts.execute("update ops.mart_month_sums set md5_low = md5_low + 1, engine = '0.0.1'")
    assert _hashes(marts, trusted=True) == candidate_hashes(marts)


def test_every_kept_figure_is_under_the_seal(marts: duckdb.DuckDBPyConnection) -> None:
    sealed = kept_sums.sealed_text(marts)
    _keep(marts)
    assert kept_sums.sealed_text(marts) == sealed, "the same marts, the same text"
    columns = [name for name, *_ in marts.execute("describe ops.mart_month_sums").fetchall()]
    for column in columns:
        marts.execute("begin")
        marts.execute(f"update ops.mart_month_sums set {column} = null where billing_month = '2024-02-01'")
        assert kept_sums.sealed_text(marts) != sealed, column
        marts.execute("rollback")
