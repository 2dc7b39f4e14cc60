"""Whatever the lines, every format carries their amounts to the minor unit."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.documents.invoice_facts import SERVICES
from orchestration.documents.journal import check_journal, write_journal
from orchestration.documents.ledger_accounts import Accounts
from orchestration.documents.pdf_reading import read_back
from orchestration.documents.reconcile import reconcile
from orchestration.documents.tenant_folders import write_documents
from orchestration.documents.ubl_reading import read_xml
from orchestration.documents.workbook_reading import read_workbook
from tests.orchestration.documents.rows import ACME, correction, invoice, line, load

UNITS = {"USD": 2, "JPY": 0, "KWD": 3}
text = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=40)
ACCOUNTS = Accounts("1200", "1250", dict.fromkeys(((service, "") for service in (*SERVICES, "Something new")), "4000"))
figures = st.tuples(
    st.integers(min_value=-(10**9), max_value=10**9),
    st.decimals(min_value=0, max_value=99, places=8),
    st.booleans(),
    st.sampled_from((*SERVICES, "Something new")),
    text,
)


@settings(max_examples=20, derandomize=True, deadline=None)
@given(lines=st.lists(figures, min_size=1, max_size=12), currency=st.sampled_from(sorted(UNITS)))
def test_any_lines_reconcile_in_every_format(lines: list, currency: str) -> None:
    step = Decimal(1).scaleb(-UNITS[currency])
    rows, total = [], Decimal(0)
    for number, (quantity, price, corrects, service, words) in enumerate(lines):
        billed = (quantity * price).quantize(step, rounding=ROUND_HALF_UP)
        total += billed
        make = correction if corrects else line
        rows.append(
            make(
                ACME,
                f"{number:02}",
                quantity,
                str(price),
                str(billed),
                **{"currency_code": currency, "service": service, "meter_description": words, "explanation": words},
            )
        )
    kind = "credit_note" if total < 0 else "invoice"
    changes = {"document_type": kind, "currency_code": currency, "minor_unit": UNITS[currency]}
    invoices = load([invoice(ACME, str(total), len(rows), "INV-1", **changes)], rows)
    with TemporaryDirectory() as place:
        target = Path(place) / "month"
        manifest = write_documents(invoices, target)
        assert Decimal(manifest["totals"][currency]) == total
        reconcile(target, invoices)
        billed_amounts = sorted(row["billed_amount"] for row in rows)
        assert sorted(read_back((target / ACME / "INV-1.pdf").read_bytes()).lines.values()) == billed_amounts
        assert sorted(read_workbook(target / ACME / "invoices.xlsx").lines.values()) == billed_amounts
        journal = Path(place) / "journal.csv"
        write_journal(invoices, ACCOUNTS, journal)
        assert check_journal(journal, invoices) == ({currency: total} if total else {})
        e_invoice = target / ACME / "INV-1.xml"
        refusals = manifest["tenants"][ACME]["without_xml"]
        assert e_invoice.exists() == (currency != "KWD"), refusals
        if e_invoice.exists():
            assert sorted(read_xml(e_invoice.read_bytes()).lines.values()) == billed_amounts


anything = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40) | st.sampled_from(
    ["<r>x</r>", "=1", "a\rb", "_x000D_", " edge ", "'", "\x00", "a\nb", ',;"', "ไทย", "𐌀"]
)


@settings(max_examples=40, derandomize=True, deadline=None)
@given(tenant=anything, number=anything, name=anything, words=anything, key=anything)
def test_any_text_reconciles_in_every_format(tenant: str, number: str, name: str, words: str, key: str) -> None:
    row = line(tenant, key, 3, "1.5", "4.50", meter_description=words, service=words, explanation=words)
    invoices = load([invoice(tenant, "4.50", 1, number, bill_to_name=name, seller_name=name)], [row])
    with TemporaryDirectory() as place:
        write_documents(invoices, Path(place) / "month")
        assert reconcile(Path(place) / "month", invoices)["totals"] == {"USD": "4.50"}
