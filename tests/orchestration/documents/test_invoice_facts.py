"""Rows become invoices in one order, or are refused when they do not add up."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from orchestration.documents.invoice_facts import load_invoices, numbered_lines
from orchestration.errors import MeterhouseError
from tests.orchestration.documents.rows import ACME, INVOICES, LINES, MONTH, connect, invoice, line, load, of


def test_invoices_come_by_id_and_lines_by_line_id_whatever_the_order_of_rows() -> None:
    loaded = load()
    assert [i.invoice_id for i in loaded] == sorted(str(row["invoice_id"]) for row in INVOICES)
    assert loaded == load(reversed(INVOICES), reversed(LINES))
    assert all(list(i.lines) == sorted(i.lines, key=lambda x: x.line_id) for i in loaded)


def test_money_is_decimal_to_the_last_digit() -> None:
    acme = of(ACME)
    assert acme.billed_amount == Decimal("270.25")
    assert {type(x) for found in acme.lines for x in (found.unit_price, found.billed_amount)} == {Decimal}


def test_another_month_or_tenant_is_left_out() -> None:
    with connect(INVOICES, LINES) as connection:
        assert load_invoices(connection, "invoices", "lines", month=date(2024, 10, 1)) == []
    assert {i.tenant_id for i in load(tenant_id=ACME)} == {ACME}


def test_lines_are_numbered_by_service_with_corrections_last() -> None:
    assert [found.price_key for _, found in numbered_lines(of(ACME))] == [
        *("kiq", "local", "toll_free", "wa_business", "wa_pool", "storage")
    ]
    assert [(number, found.price_key) for number, found in numbered_lines(of("t-globex"))] == [
        *((1, "kiq"), (2, "sms_new"), (3, "sms_old"))
    ]


@pytest.mark.parametrize(
    ("header", "detail", "complaint"),
    [
        ({"total": "5.01"}, {}, "add up to 5"),
        ({"lines": 2}, {}, "says 2 lines, but has 1"),
        ({}, {"invoice_id": "t-x/other"}, "belongs to no invoice"),
        ({}, {"tenant_id": "t-y"}, "another tenant"),
        ({}, {"currency_code": "EUR"}, "another tenant or currency"),
        ({"total": "5.001"}, {"billed": "5.001"}, "not a whole minor unit"),
        ({"document_type": "credit_note"}, {}, "credit_note for 5"),
        ({"total": "-5.00"}, {"billed": "-5.00"}, "invoice for -5"),
        ({"issued_at": None}, {}, "without a number or a date"),
    ],
)
def test_rows_that_do_not_add_up_are_refused(header: dict, detail: dict, complaint: str) -> None:
    row = invoice("t-x", header.pop("total", "5.00"), header.pop("lines", 1), "INV-1", **header)
    with pytest.raises(MeterhouseError, match=complaint):
        load([row], [line("t-x", "local", 5, "1", detail.pop("billed", "5.00"), **detail)])


def test_an_amount_that_came_as_a_double_is_refused() -> None:
    with connect(INVOICES, LINES) as connection:
        connection.execute(
            "create view doubles as select * replace (billed_amount::double as billed_amount) from lines"
        )
        with pytest.raises(MeterhouseError, match="floating-point"):
            load_invoices(connection, "invoices", "doubles", month=MONTH)
