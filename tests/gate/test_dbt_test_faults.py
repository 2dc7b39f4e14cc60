"""Every dbt data test fails once, on a fault seeded for it, and passes without the fault.

The query dbt compiled and ran for the published sample is run again, over a copy of its model's
rows in which one thing is broken. No data test of the project is left out.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import duckdb
import pytest

from tests.conftest import SampleRun

# What breaks each kind of test; {column} is the one it watches.
FAULTS = {
    "unique": "insert into broken select * from broken limit 1",
    "unique_combination": "insert into broken select * from broken limit 1",
    "published_once": "insert into broken select * from broken limit 1",
    "intervals_do_not_overlap": "insert into broken select * from broken limit 1",
    "not_null": 'update broken set "{column}" = null where rowid = 0',
    "accepted_values": "update broken set \"{column}\" = 'no such value' where rowid = 0",
    "rounded_to_minor_unit": "update broken set billed_amount = billed_amount + 1 where rowid = 0",
    "closed_plus_corrections_is_recomputed": "delete from broken where rowid = 0",
    "adds_up": "delete from broken",
    "held_records_add_up": "delete from broken where rowid = 0",
    "relationships": "update broken set \"{column}\" = 'no such key' where rowid = 0",
}
# A statement of our own needs a fault of its own.
STATEMENT_FAULTS = {
    "gen_06__free_lines_have_no_price": (
        "update broken set unit_price = 1 where charge_category = 'included'",
        "update broken set billed_amount = 1 where charge_category = 'included'",
    ),
    "gen_07__rated_is_quantity_times_price": ("update broken set rated_amount = rated_amount + 0.00000001",),
    "gen_07__lines_are_rounded_once": (
        "update broken set billed_amount = billed_amount + 0.01 where rowid = 0",
        "update broken set rated_amount = rated_amount + 0.001, billed_amount = billed_amount + 0.001",
    ),
    "wap_05__no_more_is_drawn_than_the_pool_holds": (
        "update broken set drawn_quantity = pool_quantity + 1 where rowid = 0",
        "update broken set lapsed_quantity = lapsed_quantity + 1 where rowid = 0",
    ),
    "wap_05__licences_are_of_a_plan": (
        "update broken set plan_id = null, full_time_licences = 1, is_in_force_at_month_end = false where rowid = 0",
        "update broken set plan_id = null, full_time_licences = 0, is_in_force_at_month_end = true where rowid = 0",
    ),
    "gen_09__closed_plus_corrections_is_recomputed": (
        "update broken set billed_amount = billed_amount + 0.01 where rowid = 0",
        "update broken set pricing_quantity = pricing_quantity + 1 where rowid = 0",
        "delete from broken where rowid = 0",
    ),
    "gen_09__a_correction_is_of_an_earlier_month": (
        "update broken set charge_class = 'correction' where rowid = 0",
        "update broken set usage_month = usage_month - interval 1 month where rowid = 0",
    ),
    "gen_09__issued_invoices_are_numbered_and_drafts_are_not": (
        "update broken set status = 'issued' where rowid = 0",
        "update broken set invoice_number = 'MH-1' where rowid = 0",
    ),
    "gen_05__held_records_add_up": (
        "delete from broken where rowid = 0",
        "update broken set record_count = record_count + 1 where rowid = 0",
        "update broken set quantity = quantity + 1 where rowid = 0",
        "update broken set reason = 'not held' where rowid = 0",
    ),
    # Whole rows, for nothing of the sample is issued.
    "gen_11__open_is_what_was_billed_and_not_paid": (
        "update broken set billed_amount = 3, paid_amount = 1, open_amount = 1",
        "update broken set billed_amount = 3, paid_amount = null, open_amount = 3",
    ),
    "gen_11__only_what_is_open_is_past_due": (
        "update broken set days_past_due = 1, aging_bucket = 'not_due', open_amount = 1",
        "update broken set days_past_due = 0, aging_bucket = '1-30', open_amount = 1",
        "update broken set days_past_due = 1, aging_bucket = '1-30', open_amount = 0",
    ),
    "gen_09__what_is_drafted_is_what_the_drafts_bill": (
        "update broken set unbilled_amount = unbilled_amount + 0.01 where state = 'drafted'",
        "update broken set state = 'blocked' where state = 'drafted'",
        "delete from broken where currency_code = 'EUR'",
    ),
    "gen_09__only_what_is_priced_has_an_amount": (
        "update broken set unbilled_amount = null where state = 'drafted'",
        "update broken set currency_code = '' where state = 'drafted'",
        "update broken set unbilled_amount = 0, currency_code = 'USD' where state = 'held'",
    ),
    "the_receivable_account_is_of_no_service": (
        "update broken set service = 'KIQ' where posting = 'receivable'",
        "update broken set service = 'KIQ' where posting = 'unbilled'",
        "update broken set meter = 'voice_minute' where posting = 'receivable'",
        "update broken set service = null where posting = 'revenue'",
    ),
    "gen_06__a_difference_is_of_what_was_compared": (
        "update broken set landed_quantity = null",
        "update broken set difference_quantity = difference_quantity + 1 where compared_count > 0",
        "update broken set compared_count = period_count + 1",
        "update broken set differing_count = compared_count + 1, first_differs_at = timestamp '2024-11-01'",
        "update broken set first_differs_at = timestamp '2024-11-01' where differing_count = 0",
        "update broken set missing_quantity = difference_quantity - 1 where difference_quantity > 0",
        "update broken set missing_quantity = null where compared_count > 0",
    ),
    "wap_04__no_prefix_is_longer_than_the_digits_compared": (
        "update broken set calling_prefix = '12345678' where rowid = 0",
    ),
    "gen_06__price_keys_are_known": (
        "update broken set price_key = 'inbound_toll_fre' where price_key = 'inbound_toll_free'",
        "update broken set price_key = null where meter = 'sms_segment'",
        "update broken set price_key = 'any' where meter = 'translated_word'",
    ),
    "gen_06__prices_are_not_negative": (
        "update broken set unit_price = -0.035 where rowid = 0",
        "update broken set unit_price = null where rowid = 0",
    ),
    "prc_01__price_updates_are_dated_in_order": (
        "update broken set pricing_page_on = null where rowid = 0",
        "update broken set billing_portal_on = null where rowid = 0",
        "update broken set withdrawn_on = date '2021-12-31' where rowid = 0",
        "update broken set named_effective_on = date '2021-12-31' where rowid = 0",
    ),
    "prc_02__cards_are_dated_in_order": (
        "update broken set published_on = null where rowid = 0",
        "update broken set withdrawn_on = published_on - 1 where rowid = 0",
    ),
    "wap_04__rates_are_not_negative": (
        "update broken set unit_price = -unit_price where rowid = 0",
        "update broken set card_id = null where rowid = 0",
        "update broken set market = null where rowid = 0",
        "update broken set category = null where rowid = 0",
    ),
    "wap_05__pool_sizes_are_whole": (
        "update broken set conversations_per_licence = -1 where rowid = 0",
        "update broken set plan_id = null where rowid = 0",
        "update broken set pricing_page_on = null where rowid = 0",
        "update broken set billing_portal_on = null where rowid = 0",
        "update broken set withdrawn_on = date '2021-12-31' where rowid = 0",
    ),
    "prc_04__plan_contents_are_whole": (
        "update broken set plan_id = null where rowid = 0",
        "update broken set plan_name = null where rowid = 0",
        "update broken set includes_agent_assist = null where rowid = 0",
        "update broken set published_on = null where rowid = 0",
    ),
    "sto_03__storage_limits_are_whole": (
        "update broken set base_bytes = -1 where rowid = 0",
        "update broken set bytes_per_user = null where rowid = 0",
        "update broken set plan_id = null where rowid = 0",
        "update broken set meter = null where rowid = 0",
        "update broken set published_on = null where rowid = 0",
    ),
    "sto_04__storage_blocks_are_whole": (
        "update broken set block_bytes = 0 where rowid = 0",
        "update broken set meter = null where rowid = 0",
        "update broken set published_on = null where rowid = 0",
    ),
    "gen_06__settings_have_a_value_that_is_known": (
        "update broken set value = 'kiq_02' where setting = 'kiq_basis'",
        "update broken set value = 'yes' where setting = 'message_era_pool'",
        "update broken set value = '0' where setting = 'voice_outlier_months'",
        "update broken set published_on = null where rowid = 0",
    ),
    "gen_07__minor_units_are_known": ("update broken set minor_unit = 4 where rowid = 0",),
    "gen_02__statuses_are_ranked": (
        "update broken set status_rank = 0 where rowid = 0",
        "update broken set status = null where rowid = 0",
    ),
    "wap_04__prefixes_are_digits_with_a_market": (
        "update broken set calling_prefix = '+1' where rowid = 0",
        "update broken set market = null where rowid = 0",
        "update broken set valid_from = null where rowid = 0",
    ),
    "voi_03__prefixes_are_area_codes_of_country_code_1": ("update broken set calling_prefix = '242' where rowid = 0",),
    "expression_holds_fct_invoices_line_count_0": ("update broken set line_count = 0 where rowid = 0",),
}


@dataclass(frozen=True)
class DataTest:
    """One data test as dbt compiled it."""

    name: str
    kind: str
    relation: str
    column: str
    query: str

    @property
    def faults(self) -> tuple[str, ...]:
        if self.name in STATEMENT_FAULTS:
            return STATEMENT_FAULTS[self.name]
        return (FAULTS[self.kind].format(column=self.column),)


def _compiled(sample_run: SampleRun) -> Iterator[DataTest]:
    target = sample_run.settings.dbt_target_dir
    manifest: dict[str, Any] = json.loads((target / "manifest.json").read_text())
    for node in manifest["nodes"].values():
        if node["resource_type"] != "test":
            continue
        metadata = node.get("test_metadata") or {"name": "singular", "kwargs": {}}
        folder = target / "compiled" / node["package_name"] / node["original_file_path"]
        path = folder / node["path"] if metadata["name"] != "singular" else folder
        yield DataTest(
            name=node["name"],
            kind=metadata["name"],
            relation=manifest["nodes"][node["attached_node"]]["relation_name"],
            column=str(node.get("column_name") or ""),
            query=path.read_text().strip(),
        )


@pytest.fixture(scope="module")
def data_tests(sample_run: SampleRun) -> list[DataTest]:
    return sorted(_compiled(sample_run), key=lambda test: test.name)


@pytest.fixture(scope="module")
def built(sample_run: SampleRun) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:") as connection:
        connection.execute(f"attach '{sample_run.settings.warehouse_path}' as warehouse (read_only)")
        yield connection


def _failures(built: duckdb.DuckDBPyConnection, test: DataTest, fault: str | None) -> int:
    built.execute(f"create or replace temp table broken as select * from {test.relation}")
    if built.execute("select count(*) from broken").fetchone() == (0,):
        built.execute("insert into broken default values")
    if fault:
        built.execute(fault)
    found = built.execute(f"select count(*) from ({test.query.replace(test.relation, 'broken')})").fetchone()
    assert found is not None
    return int(found[0])


def test_every_data_test_that_judged_the_sample_is_seen_here(sample_run: SampleRun, data_tests: list[DataTest]) -> None:
    assert sample_run.report.verdict is not None
    checks = [check for check in sample_run.report.verdict.checks if check.kind == "dbt"]
    # Unit tests count as well, one check a model; faults of theirs are seeded in their own tests.
    judged = Counter(check.name for check in checks if not check.name.startswith("unit_tests_of_"))
    assert judged == Counter(test.name for test in data_tests)
    assert judged.total() >= 80


@pytest.mark.parametrize("kind", [*FAULTS, "expression_holds"])
def test_data_tests_fail_on_the_fault_seeded_for_them(
    built: duckdb.DuckDBPyConnection, data_tests: list[DataTest], kind: str
) -> None:
    chosen = [test for test in data_tests if test.kind == kind]
    assert chosen
    for test in chosen:
        filled = built.execute(f"select count(*) from {test.relation}").fetchone() != (0,)
        if filled:
            assert _failures(built, test, None) == 0, test.name
        for fault in test.faults:
            assert _failures(built, test, fault) > 0, (test.name, fault)


def test_no_kind_of_data_test_lacks_a_fault(data_tests: list[DataTest]) -> None:
    assert {test.kind for test in data_tests} == {*FAULTS, "expression_holds"}
