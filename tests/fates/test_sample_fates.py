"""GEN-05 on the sample: every labelled trap ends in the bucket the rules give it, and nothing is lost."""

from __future__ import annotations

from collections import Counter
from typing import Any

from orchestration import duck
from tests.conftest import SampleRun


def _published(sample_run: SampleRun, query: str) -> list[tuple[Any, ...]]:
    assert sample_run.report.release is not None
    with duck.connect(sample_run.report.release.database, sample_run.settings, read_only=True) as connection:
        return connection.execute(query).fetchall()


def test_fates_equal_what_the_key_file_expects(sample_run: SampleRun) -> None:
    found: Counter[tuple[str, str, str]] = Counter()
    query = "select source, fate, reason, sum(record_count)::bigint from marts.rpt_record_fates group by all"
    for source, fate, reason, records in _published(sample_run, query):
        # Which of the three a counted record is depends on prices and pools, not on the record.
        counted = fate in ("billed", "included", "zero_rated")
        found[(str(source), "counted" if counted else str(fate), "" if counted else str(reason))] += int(str(records))
    expected = {(e["source"], e["fate"], e["reason"]): e["records"] for e in sample_run.key["expected_fates"]}
    assert dict(found) == expected


def test_every_raw_row_of_every_source_has_a_fate(sample_run: SampleRun) -> None:
    query = "select source, sum(record_count)::bigint from marts.rpt_record_fates group by 1"
    assert dict(_published(sample_run, query)) == sample_run.key["rows"]


def test_every_malformed_file_is_refused_and_published_as_a_finding(sample_run: SampleRun) -> None:
    query = "select source, file_name from marts.rpt_findings where finding = 'file_refused'"
    expected = {(f["source"], f["file"]) for f in sample_run.key["malformed_files"]}
    assert set(_published(sample_run, query)) == expected


def test_the_pool_is_exactly_used_up_or_exceeded_as_labelled(sample_run: SampleRun) -> None:
    query = (
        "select tenant_id, relief, sum(consumed_quantity)::bigint from marts.fct_whatsapp_monthly "
        "where billing_month = date '2024-09-01' and tenant_id in ('tnt_0007', 'tnt_0008') group by all"
    )
    # Tenant 7: 2 licences x 5 = 10, 10 used. Tenant 8: 1 x 5 = 5; 8 user-initiated + 1 business.
    assert set(_published(sample_run, query)) == {
        ("tnt_0007", "pool", 10),
        ("tnt_0008", "pool", 5),
        ("tnt_0008", "none", 4),
    }


def test_storage_at_the_limit_is_free_and_one_byte_over_is_a_block(sample_run: SampleRun) -> None:
    query = (
        "select tenant_id, meter, overage_quantity from marts.fct_storage_monthly where billing_month = "
        "date '2024-10-01' and tenant_id in ('tnt_0016', 'tnt_0017', 'tnt_0018', 'tnt_0019') order by all"
    )
    blocks = {(tenant, meter): count for tenant, meter, count in _published(sample_run, query)}
    for meter in ("data_storage", "attachment_storage"):
        assert blocks["tnt_0016", meter] == 0  # exactly at the limit
        assert blocks["tnt_0017", meter] == 1  # one byte over
        assert blocks["tnt_0018", meter] == 0  # over on the 20th, cured by month end
        assert blocks["tnt_0019", meter] == 1  # 1 GB under in production, 3 GB in the sandbox


def test_a_number_moved_between_tenants_is_paid_by_both(sample_run: SampleRun) -> None:
    query = (
        "select tenant_id, sum(consumed_quantity)::bigint from marts.fct_phone_numbers_monthly "
        "where billing_month = date '2024-09-01' and tenant_id in ('tnt_0001', 'tnt_0002') group by 1"
    )
    # Tenant 1 has 7 of its own, tenant 2 has 4; both had the moved one in September.
    assert dict(_published(sample_run, query)) == {"tnt_0001": 8, "tnt_0002": 5}


def test_a_mid_october_renewal_makes_two_word_lines(sample_run: SampleRun) -> None:
    query = (
        "select unit_price::varchar from marts.fct_invoice_lines where tenant_id = 'tnt_0005' "
        "and meter = 'translated_word' and billing_month = date '2024-10-01' order by 1"
    )
    assert _published(sample_run, query) == [("0.00050000",), ("0.00060000",)]


def test_contested_and_overturned_penalties_are_held_billed_and_credited(sample_run: SampleRun) -> None:
    query = (
        "select strftime(billing_month, '%Y-%m'), price_key, billed_amount::varchar "
        "from marts.fct_invoice_lines where meter = 'carrier_penalty' order by all"
    )
    assert _published(sample_run, query) == [
        ("2024-09", "NOTE-CREDITED", "500.000"),
        ("2024-09", "NOTE-OPEN", "500.000"),
        ("2024-11", "NOTE-CREDITED", "-500.000"),
        ("2024-11", "NOTE-UPHELD", "500.000"),
    ]


def test_pen_02_the_contested_fine_is_pending_by_its_notice_and_amount(sample_run: SampleRun) -> None:
    query = (
        "select strftime(billing_month, '%Y-%m'), tenant_id, severity, price_key, reason, record_count "
        "from marts.rpt_findings where finding = 'fine_pending'"
    )
    ((month, _, severity, notice, reason, records),) = _published(sample_run, query)
    assert (month, severity, notice, records) == ("2024-09", "info", "NOTE-HELD", 1)
    assert "USD 500.00 in notice NOTE-HELD, posted on 2024-09-" in str(reason)


def test_gen_10_an_order_that_moves_whatsapp_off_arrears_is_rejected_and_ignored(sample_run: SampleRun) -> None:
    query = (
        "select tenant_id, reason from marts.rpt_findings "
        "where finding = 'order_term_rejected' and meter like 'whatsapp%'"
    )
    ((tenant, reason),) = _published(sample_run, query)
    assert "GEN-10" in str(reason)
    invoiced = (
        "select count(distinct billing_month) from marts.fct_invoice_lines "
        f"where meter like 'whatsapp%' and tenant_id = '{tenant}'"
    )
    assert _published(sample_run, invoiced) == [(3,)]
