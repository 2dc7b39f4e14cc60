"""What is computed again must be there: tenants however they are known, months in which something was metered."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from orchestration.errors import MeterhouseError
from orchestration.pipeline import RunReport, rerun_text
from orchestration.quality.verdict import Verdict
from orchestration.warehouse.again import Again, Marked, _demand_months, _demand_tenants


@pytest.fixture
def build_file() -> Iterator[duckdb.DuckDBPyConnection]:
    """What the two look at: `mapped` is a tenant of the account map alone, October has lines and no record."""
    with duckdb.connect() as connection:
        connection.execute("create schema intermediate")
        connection.execute("create schema marts")
        connection.execute("create table intermediate.int_gen_02__tenants_states as select 'described' as tenant_id")
        connection.execute(
            "create table intermediate.int_gen_08__tenant_currencies as "
            "select unnest(['described', 'mapped']) as tenant_id"
        )
        connection.execute(
            "create table marts.rpt_record_fates as select unnest([null, date '2024-09-01']) as billing_month"
        )
        connection.execute(
            "create table marts.fct_invoice_lines as select date '2024-08-01' as usage_month, "
            "date '2024-10-01' as billing_month"
        )
        yield connection


def test_a_tenant_known_from_the_account_map_alone_is_known(build_file: duckdb.DuckDBPyConnection) -> None:
    _demand_tenants(build_file, ("described", "mapped"))
    with pytest.raises(MeterhouseError, match="there is no tenant 'maped'") as refusal:
        _demand_tenants(build_file, ("maped",))
    assert refusal.value.remedy == "Did you mean mapped?"


def test_months_named_must_each_hold_something(build_file: duckdb.DuckDBPyConnection) -> None:
    _demand_months(build_file, Again(months=("2024-08", "2024-09", "2024-10")))
    with pytest.raises(MeterhouseError, match="nothing was ever metered in 2014-11, 2030-01:") as refusal:
        _demand_months(build_file, Again(months=("2014-11", "2024-09", "2030-01")))
    assert refusal.value.remedy == "Known months: 2024-08, 2024-09, 2024-10."


def test_of_a_stretch_of_months_one_is_enough(build_file: duckdb.DuckDBPyConnection) -> None:
    _demand_months(build_file, Again(months=("2024-07", "2024-08"), stretch=True))
    with pytest.raises(MeterhouseError, match="nothing was ever metered in 2024-06, 2024-07:"):
        _demand_months(build_file, Again(months=("2024-06", "2024-07"), stretch=True))


def test_where_nothing_was_built_every_month_will_be() -> None:
    with duckdb.connect() as connection:
        _demand_months(connection, Again(months=("2024-11",)))


@pytest.mark.parametrize(("months", "told"), [(("2024-09",), True), ((), False)])
def test_of_tenants_it_is_told_only_with_months_that_were_metered(months: tuple[str, ...], told: bool) -> None:
    """Tenants may stand in the config of a run that computes a model alone."""
    again = Again(months, tenants=("tnt_0002",), models=() if months else ("fct_invoices",))
    report = RunReport(marked=Marked(again), verdict=Verdict("0" * 64))
    lines = rerun_text(report)
    assert lines[0] == f"recomputed: {'2024-09' if months else 'fct_invoices'}"
    assert any("the months were metered for all tenants" in line for line in lines) == told
