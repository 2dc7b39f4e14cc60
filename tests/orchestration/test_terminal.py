"""Names, headers and remedies come from outside: they are printed as they are, whatever they look like."""

from __future__ import annotations

import io
import re
from datetime import date
from decimal import Decimal
from types import SimpleNamespace

import pytest

from orchestration import cli, cli_closing, reporting
from orchestration.closing import replay
from orchestration.ingestion.landing import Receipt
from orchestration.publishing.release import current_release
from orchestration.settings import PROJECT_DIR
from orchestration.terminal import console_for, working
from tests.conftest import SampleRun

ODD = "a[red]b[/red] [/b] :warning: report[final].csv"


def test_no_other_module_makes_a_console() -> None:
    drawing = {
        path.name
        for path in (PROJECT_DIR / "orchestration").rglob("*.py")
        if re.search(r"^\s*(from|import) rich\b", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert drawing == {"terminal.py"}


def test_query_results_are_shown_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    cli._print_rows(["[/b]", "column"], [(ODD, None)], as_json=False)
    printed = capsys.readouterr().out
    assert "[/b]" in printed.splitlines()[1]
    assert ODD in printed


def test_refused_files_are_named_as_they_are(sample_run: SampleRun) -> None:
    console = reporting.wide_console()
    console.file = io.StringIO()
    release = current_release(sample_run.settings)
    assert release is not None
    refused = Receipt("translations", "report[final].csv", "refused", reason="no column id[/b]", remedy="Name [/x] it.")
    reporting.print_left_out(console, sample_run.settings, release, [refused], date(2024, 12, 1))
    printed = console.file.getvalue()
    assert "refused translations/report[final].csv: no column id[/b]" in printed
    assert "Name [/x] it." in printed


def test_an_invoice_bears_the_tenants_name_as_it_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    invoice = {
        "invoice_id": "i",
        "invoice_number": None,
        "tenant_name": "Acme[/b] [red]",
        "currency_code": "USD",
        "minor_unit": 2,
        "billed_amount": Decimal("1.00"),
    }
    line = {"invoice_id": "i", "line_id": "t[/b]/2024-11", "pricing_quantity": 1, "unit_price": Decimal(1)}
    known = SimpleNamespace(source="release", invoices=[invoice], lines=[line | {"billed_amount": Decimal("1.00")}])
    monkeypatch.setattr(replay, "known_invoices", lambda *_: known)
    cli_closing.invoice("t", "2024-11")
    printed = capsys.readouterr().out
    assert "Acme[/b] [red]" in printed
    assert "t[/b]/2024-11" in printed


def test_what_is_being_done_is_told_as_it_is() -> None:
    console = console_for()
    console.file = io.StringIO()
    with working(console, "[/b]") as say:
        say(f"taking in {ODD}")
