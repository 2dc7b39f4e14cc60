"""The journal balances to the cent, invoice by invoice, and says so only of a file that does."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from orchestration.documents.journal import check_journal, postings, write_journal
from orchestration.documents.ledger_accounts import SEED, Accounts, read_accounts
from orchestration.errors import MeterhouseError
from orchestration.settings import PROJECT_DIR
from tests.orchestration.documents.rows import (
    ACME,
    DRAFT,
    GLOBEX,
    KUWAIT,
    NASTY,
    TOKYO,
    TOTALS,
    invoice,
    line,
    load,
    of,
)
from tests.orchestration.documents.spoiled import Rows, read_rows, spoil

REVENUE = {("KIQ", ""): "4010", ("Voice", ""): "4020", ("WhatsApp", ""): "4030", ("Storage", ""): "4040"}
ACCOUNTS = Accounts("1200", "1250", REVENUE)


def _posted(tenant: str) -> list[tuple[str, str, str, str, str]]:
    """(account, service, month of usage, debit, credit) of a tenant's postings."""
    return [(p.ledger_account, p.service, p.usage_month, p.debit, p.credit) for p in postings(of(tenant), ACCOUNTS)]


def test_what_is_owed_is_debited_and_what_each_service_earned_is_credited() -> None:
    """72.00 + 150.00 + (8.51 + 5.99 = 14.50) + (0 of the pool + 33.75) = 270.25."""
    assert _posted(ACME) == [
        ("1200", "", "", "270.25", "0.00"),
        ("4010", "KIQ", "2024-11", "0.00", "72.00"),
        ("4040", "Storage", "2024-11", "0.00", "150.00"),
        ("4020", "Voice", "2024-11", "0.00", "14.50"),
        ("4030", "WhatsApp", "2024-11", "0.00", "33.75"),
    ]
    first, *_ = postings(of(ACME), ACCOUNTS)
    assert (first.status, first.invoice_number, first.text) == (
        "issued", "INV-2024-0010", "INV-2024-0010 Name of t-acme",
    )  # fmt: skip
    assert (first.issued_on, first.due_on, first.issuing_entity) == ("2024-12-04", "2025-01-03", "us")


def test_a_correction_below_zero_is_debited_in_the_month_it_corrects() -> None:
    """KIQ earned 6.00 in November; of October's calls 0.95 - 0.50 = 0.45 go back: 5.55 + 0.45 = 6.00."""
    assert _posted(GLOBEX) == [
        ("1200", "", "", "5.55", "0.00"),
        ("4010", "KIQ", "2024-11", "0.00", "6.00"),
        ("4020", "Voice", "2024-10", "0.45", "0.00"),
    ]


def test_a_credit_note_swaps_the_sides() -> None:
    """0.95 + 10.00 = 10.95 are owed to the tenant."""
    assert _posted(NASTY) == [
        ("1200", "", "", "0.00", "10.95"),
        ("4020", "Voice", "2024-10", "10.95", "0.00"),
    ]
    assert {p.document_type for p in postings(of(NASTY), ACCOUNTS)} == {"credit_note"}


def test_amounts_have_their_currencys_decimals() -> None:
    assert _posted(TOKYO)[0][3:] == ("11811", "0")
    assert _posted(KUWAIT)[0][3:] == ("0.088", "0.000")


def test_a_draft_is_marked_in_every_posting() -> None:
    made = postings(of(DRAFT), ACCOUNTS)
    assert len(made) == 2
    assert {(p.status, p.invoice_number, p.issued_on, p.due_on) for p in made} == {("draft", "", "", "")}
    assert all(p.text.startswith(f"DRAFT {DRAFT}/2024-11/pm ") for p in made)


def test_what_adds_up_to_nothing_is_not_posted() -> None:
    """Voice: 3.00 - 3.00; KIQ: 2.00 against 2.00 of Storage, so nothing is owed and both are posted."""
    lines = [
        line(ACME, "a", 3, "1", "3.00"),
        line(ACME, "b", -3, "1", "-3.00"),
        line(ACME, "c", 2, "1", "2.00", service="KIQ"),
        line(ACME, "d", -2, "1", "-2.00", service="Storage"),
    ]
    (nothing,) = load([invoice(ACME, "0", 4, "INV-1")], lines)
    posted = [(p.service, p.debit, p.credit) for p in postings(nothing, ACCOUNTS)]
    assert posted == [("KIQ", "0.00", "2.00"), ("Storage", "2.00", "0.00")]


def test_the_file_is_read_back_to_what_is_billed(tmp_path: Path) -> None:
    """2 postings each but 5 of ACME and 3 of GLOBEX: 16; text never runs as a formula."""
    path = tmp_path / "journal.csv"
    invoices = load()
    assert write_journal(invoices, ACCOUNTS, path) == 16
    assert {currency: f"{total:f}" for currency, total in check_journal(path, invoices).items()} == TOTALS
    formula = [replace(invoice, tenant_id="=1+1", invoice_id="=1+1") for invoice in invoices[:1]]
    write_journal(formula, ACCOUNTS, path)
    check_journal(path, formula)
    assert {row["tenant_id"] for row in read_rows(path)} == {"'=1+1"}


def _of(rows: Rows, tenant: str, service: str) -> dict[str, str]:
    (found,) = [row for row in rows if row["tenant_id"] == tenant and row["service"] == service]
    return found


def _a_cent_less(rows: Rows) -> None:
    _of(rows, ACME, "KIQ")["credit"] = "71.99"


def _a_posting_lost(rows: Rows) -> None:
    rows.remove(_of(rows, ACME, "Storage"))


def _an_invoice_lost(rows: Rows) -> None:
    rows[:] = [row for row in rows if row["tenant_id"] != GLOBEX]


def _an_invoice_twice(rows: Rows) -> None:
    rows.extend([dict(row) for row in rows if row["tenant_id"] == GLOBEX])


def _another_service(rows: Rows) -> None:
    _of(rows, ACME, "KIQ")["service"] = "WhatsApp"


def _another_currency(rows: Rows) -> None:
    _of(rows, ACME, "KIQ")["currency_code"] = "EUR"


def _below_zero(rows: Rows) -> None:
    row = _of(rows, NASTY, "")
    row["debit"], row["credit"] = "-10.95", "0.00"


def _both_sides(rows: Rows) -> None:
    row = _of(rows, ACME, "KIQ")
    row["debit"], row["credit"] = "1.00", "73.00"


def _no_number(rows: Rows) -> None:
    _of(rows, ACME, "KIQ")["credit"] = "much"


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (_a_cent_less, r"the postings of t-acme/2024-11/pm are off by 0\.01 USD"),
        (_a_posting_lost, r"the postings of t-acme/2024-11/pm are off by 150\.00 USD"),
        (_another_currency, r"the postings of t-acme/2024-11/pm are off by"),
        (_an_invoice_lost, r"what is owed of t-globex/2024-11/pm USD is 0, billed is 5\.55"),
        (_an_invoice_twice, r"what is owed of t-globex/2024-11/pm USD is 11\.10, billed is 5\.55"),
        (_another_service, r"what was earned of t-acme/2024-11/pm USD KIQ is 0, billed is 72\.00"),
        (_below_zero, r"has a posting of -10\.95 and 0\.00"),
        (_both_sides, r"t-acme/2024-11/pm has a posting of 1\.00 and 73\.00"),
        (_no_number, "cannot be read"),
    ],
)
def test_a_journal_that_is_off_is_refused(tmp_path: Path, fault: Callable[[Rows], None], told: str) -> None:
    path = tmp_path / "journal.csv"
    invoices = load()
    write_journal(invoices, ACCOUNTS, path)
    spoil(path, fault)
    with pytest.raises(MeterhouseError, match=told) as refused:
        check_journal(path, invoices)
    assert refused.value.remedy


def test_an_invoice_that_is_not_the_sum_of_its_lines_is_never_posted() -> None:
    with pytest.raises(MeterhouseError, match=r"says 5\.010, but its lines add up to 5\.000"):
        load([invoice(DRAFT, "5.01", 1, None)], [line(DRAFT, "local", 5, "1", "5.00")])


def test_a_service_without_an_account_is_refused_by_name() -> None:
    for revenue in ({}, {("Voice", ""): ""}, {("Voice", "carrier_penalty"): "4090"}):
        with pytest.raises(MeterhouseError, match="the service Voice has no account") as refused:
            postings(of(DRAFT), replace(ACCOUNTS, revenue=revenue))
        assert SEED in refused.value.remedy


def test_a_meter_with_an_account_of_its_own_is_posted_apart() -> None:
    """3.00 of minutes and a fine of 1,000.00 passed through are both Voice: 1,003.00 are owed."""
    lines = [line(ACME, "a", 3, "1", "3.00"), line(ACME, "b", 1, "1000", "1000.00", meter="carrier_penalty")]
    (fined,) = load([invoice(ACME, "1003.00", 2, "INV-1")], lines)
    apart = replace(ACCOUNTS, revenue=REVENUE | {("Voice", "carrier_penalty"): "4090"})
    posted = [(p.ledger_account, p.service, p.meter, p.debit, p.credit) for p in postings(fined, apart)]
    assert posted == [
        ("1200", "", "", "1003.00", "0.00"),
        ("4020", "Voice", "", "0.00", "3.00"),
        ("4090", "Voice", "carrier_penalty", "0.00", "1000.00"),
    ]
    assert [p.credit for p in postings(fined, ACCOUNTS)] == ["0.00", "1003.00"]


def test_the_seed_has_an_account_of_every_service_and_says_that_it_is_a_placeholder() -> None:
    with (PROJECT_DIR / "seeds/reference/meters.csv").open(encoding="utf-8", newline="") as file:
        meters = {(row["service"], row["meter"]) for row in csv.DictReader(file)}
    accounts = read_accounts(PROJECT_DIR)
    assert {service for service, meter in accounts.revenue if not meter} == {service for service, _ in meters}
    assert {(service, meter) for service, meter in accounts.revenue if meter} <= meters
    # Fines are passed through at cost (PEN-01): they are not what the calls earned.
    assert accounts.of("Voice", "carrier_penalty") != accounts.of("Voice", "voice_minute")
    assert len({accounts.receivable, accounts.unbilled, *accounts.revenue.values()}) == len(accounts.revenue) + 2
    assert all(row["source"].startswith("placeholder") for row in read_rows(PROJECT_DIR / SEED))


HEADER = "posting,service,meter,ledger_account,source\n"
OWED = "receivable,,,1200,\nunbilled,,,1250,\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (HEADER + "unbilled,,,1250,\nrevenue,KIQ,,4010,\n", "has no receivable account"),
        (HEADER + "receivable,,,1200,\nrevenue,KIQ,,4010,\n", "has no unbilled account"),
        (HEADER + OWED + "revenue,KIQ,,4010,\nrevenue,KIQ,,4011,\n", "has two accounts of revenue KIQ"),
        (HEADER + OWED + "revenue,KIQ,,,\n", "line 4 of .* names no ledger_account"),
        # What a spreadsheet makes of it.
        (HEADER.replace(",", ";") + "receivable;;;1200;\n", "the first line of .* is posting;service"),
        (HEADER + OWED + "revenue,KIQ\n", "line 4 of .* does not have 5 values"),
        (HEADER + OWED + "revenue,KIQ,,4010,,,\n", "line 4 of .* does not have 5 values"),
        (HEADER + OWED + 'revenue,KIQ,,"4010,\n', "cannot be read"),
        ("", "the first line of .* is "),
    ],
)
def test_a_seed_of_accounts_that_is_off_is_told_by_its_line(tmp_path: Path, text: str, told: str) -> None:
    seed = tmp_path / SEED
    seed.parent.mkdir(parents=True)
    seed.write_text(text, encoding="utf-8")
    with pytest.raises(MeterhouseError, match=told) as refused:
        read_accounts(tmp_path)
    assert refused.value.remedy


def test_a_seed_of_accounts_in_another_encoding_or_missing_is_told(tmp_path: Path) -> None:
    seed = tmp_path / SEED
    with pytest.raises(MeterhouseError, match="cannot be read"):
        read_accounts(tmp_path)
    seed.parent.mkdir(parents=True)
    seed.write_bytes((HEADER + OWED + "revenue,KIQ,,4010,Erl\xf6se\n").encode("latin-1"))
    with pytest.raises(MeterhouseError, match="is not UTF-8 text"):
        read_accounts(tmp_path)
    # As Excel saves it, with a mark before the first column.
    seed.write_text("\ufeff" + HEADER + OWED + "revenue, KIQ ,,4010,\n", encoding="utf-8")
    assert read_accounts(tmp_path) == Accounts("1200", "1250", {("KIQ", ""): "4010"})


def test_no_amount_loses_a_decimal_on_its_way() -> None:
    """What the currency cannot say is refused before a posting rounds it away."""
    with pytest.raises(MeterhouseError, match="not a whole minor unit"):
        load([invoice(DRAFT, "5.001", 1, None)], [line(DRAFT, "local", 5, "1", "5.001")])
    assert Decimal(_posted(KUWAIT)[0][3]) == Decimal("0.088")
