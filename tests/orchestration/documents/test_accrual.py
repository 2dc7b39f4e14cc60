"""The accrual of a month's end balances per tenant, says when it is reversed, and is read back before it is kept."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from orchestration.documents.accrual import Unbilled, accrual_postings, check_accrual, write_accrual
from orchestration.documents.ledger_accounts import Accounts
from orchestration.errors import MeterhouseError
from orchestration.publishing.exports import export_month
from tests.conftest import SampleRun
from tests.orchestration.documents.spoiled import Rows, spoil

REVENUE = {("KIQ", ""): "4010", ("Voice", ""): "4020", ("Voice", "carrier_penalty"): "4090", ("Storage", ""): "4040"}
ACCOUNTS = Accounts("1200", "1250", REVENUE)
OCTOBER, NOVEMBER, DECEMBER = date(2024, 10, 1), date(2024, 11, 1), date(2024, 12, 1)
UNITS = {"USD": 2, "JPY": 0}

# t: 7.50 of minutes and a fine of 20.00 in November, 0.40 of texts, and October corrected by -3.00: 24.90.
# t's storage waits for a snapshot: 5.00. j: 300 yen of KIQ in November, all of which October's correction takes back.
USED = [
    Unbilled("j", "JPY", "drafted", OCTOBER, "KIQ", "kiq_conversation", Decimal("-300.000")),
    Unbilled("j", "JPY", "drafted", NOVEMBER, "KIQ", "kiq_conversation", Decimal("300.000")),
    Unbilled("t", "USD", "blocked", NOVEMBER, "Storage", "data_storage", Decimal("5.000")),
    Unbilled("t", "USD", "drafted", OCTOBER, "Voice", "voice_minute", Decimal("-3.000")),
    Unbilled("t", "USD", "drafted", NOVEMBER, "Voice", "carrier_penalty", Decimal("20.000")),
    Unbilled("t", "USD", "drafted", NOVEMBER, "Voice", "sms_segment", Decimal("0.400")),
    Unbilled("t", "USD", "drafted", NOVEMBER, "Voice", "voice_minute", Decimal("7.500")),
]


def test_what_is_earned_is_debited_as_not_billed_and_credited_to_revenue() -> None:
    posted = [
        (p.tenant_id, p.state, p.usage_month, p.ledger_account, p.meter, p.debit, p.credit)
        for p in accrual_postings(USED, ACCOUNTS, UNITS, DECEMBER)
    ]
    assert posted == [
        # Nothing is owed of 300 - 300 yen, and both months are posted.
        ("j", "drafted", "2024-10", "4010", "", "300", "0"),
        ("j", "drafted", "2024-11", "4010", "", "0", "300"),
        ("t", "blocked", "", "1250", "", "5.00", "0.00"),
        ("t", "blocked", "2024-11", "4040", "", "0.00", "5.00"),
        ("t", "drafted", "", "1250", "", "24.90", "0.00"),
        ("t", "drafted", "2024-10", "4020", "", "3.00", "0.00"),
        ("t", "drafted", "2024-11", "4020", "", "0.00", "7.90"),
        ("t", "drafted", "2024-11", "4090", "carrier_penalty", "0.00", "20.00"),
    ]


def test_every_posting_says_when_it_is_made_and_when_it_is_reversed() -> None:
    days = {(p.posted_on, p.reversed_on) for p in accrual_postings(USED, ACCOUNTS, UNITS, DECEMBER)}
    assert days == {("2024-11-30", "2024-12-01")}


def test_the_file_is_read_back_to_what_is_not_billed(tmp_path: Path) -> None:
    path = tmp_path / "accrual.csv"
    assert write_accrual(USED, ACCOUNTS, UNITS, DECEMBER, path) == 8
    assert check_accrual(path, USED) == {"USD": Decimal("29.90")}
    assert write_accrual([], ACCOUNTS, UNITS, DECEMBER, path) == 0
    assert check_accrual(path, []) == {}


def _a_cent_less(rows: Rows) -> None:
    rows[4]["debit"] = "24.89"


def _a_service_lost(rows: Rows) -> None:
    del rows[2:4]


def _another_service(rows: Rows) -> None:
    rows[3]["service"] = "KIQ"


def _below_zero(rows: Rows) -> None:
    rows[3]["credit"] = "-5.00"


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (_a_cent_less, r"the postings of t are off by -0\.01 USD"),
        (_a_service_lost, r"what was earned of t USD blocked Storage is 0, billed is 5\.000"),
        (_another_service, r"what was earned of t USD blocked KIQ is 5\.00, billed is 0"),
        (_below_zero, r"t has a posting of 0\.00 and -5\.00"),
    ],
)
def test_an_accrual_that_is_off_is_refused(tmp_path: Path, fault: Callable[[Rows], None], told: str) -> None:
    path = tmp_path / "accrual.csv"
    write_accrual(USED, ACCOUNTS, UNITS, DECEMBER, path)
    spoil(path, fault)
    with pytest.raises(MeterhouseError, match=told) as refused:
        check_accrual(path, USED)
    assert refused.value.remedy


def test_the_accrual_of_drafts_is_what_all_of_them_bill_up_to_the_month(sample_run: SampleRun) -> None:
    """Nothing of the sample is issued: November's accrual is the drafts of all three months, October's of two."""
    bills = [
        {
            currency: Decimal(amount)
            for currency, amount in export_month(sample_run.settings, month, "csv").totals.items()
        }
        for month in ("2024-09", "2024-10", "2024-11")
    ]
    for count, month in ((2, "2024-10"), (3, "2024-11")):
        done = export_month(sample_run.settings, month, "accrual")
        expected = {currency: sum(bill[currency] for bill in bills[:count]) for currency in bills[0]}
        assert {currency: Decimal(amount) for currency, amount in done.totals.items()} == expected
        assert done.drafts == done.totals
        assert (done.path / "accrual.csv").exists()
