"""Which invoices of a close can have no e-invoice, as their heads tell; CEN's rules judge the rest at the export."""

from __future__ import annotations

from orchestration import duck
from orchestration.billing_month import parse_month
from orchestration.closing.ledger import Entry, ledger_dir
from orchestration.documents.invoice_facts import load_headers
from orchestration.documents.ubl import state_head
from orchestration.errors import MeterhouseError
from orchestration.settings import Settings
from orchestration.sql_literals import sql_text
from orchestration.wording import some_of

NAMED = 5


def without_e_invoice_text(settings: Settings, entry: Entry) -> str:
    """A sentence about the invoices issued by `entry`, a close, that can have no e-invoice; empty without any."""
    issued = f"read_parquet({sql_text(str(ledger_dir(settings) / entry.folder_name / 'invoices.parquet'))})"
    known = f"read_csv({sql_text(str(settings.project_dir / 'seeds/reference/countries.csv'))}, all_varchar = true)"
    reasons = []
    with duck.connect(":memory:", settings) as connection:
        countries = {code for (code,) in connection.execute(f"select country_code from {known}").fetchall()}
        heads = load_headers(connection, issued, month=parse_month(entry.body["month"]))
    for head in sorted(heads, key=lambda head: head.label):
        try:
            state_head(head, countries)
        except MeterhouseError as refused:
            reasons.append(str(refused))
    if not reasons:
        return ""
    return f"{len(reasons)} of them can have no e-invoice, PDF only: {some_of(reasons, NAMED)}"
