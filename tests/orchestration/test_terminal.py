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
from orchestration.terminal import Console, show_rows, working
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


@pytest.mark.parametrize("as_json", [True, False])
def test_a_price_of_nothing_is_shown_in_digits(capsys: pytest.CaptureFixture[str], as_json: bool) -> None:
    cli._print_rows(["unit_price"], [(Decimal("0E-8"),)], as_json=as_json)
    printed = capsys.readouterr().out
    assert "0.00000000" in printed and "E-8" not in printed


def _shown(width: int, columns: list[str], *rows: tuple[object, ...]) -> str:
    told = io.StringIO()
    show_rows(columns, list(rows), Console(file=told, width=width, markup=False, emoji=False))
    return told.getvalue()


def test_what_a_table_has_no_room_for_is_shown_a_value_a_line() -> None:
    """The first query the README names has 29 columns: as a table of 80 it was one of empty cells."""
    columns = [f"column_{number}" for number in range(29)]
    listed = _shown(80, columns, tuple(f"value {number} of all" for number in range(29)), (None,) * 29)
    assert "row 1 of 2\n  column_0   value 0 of all\n" in listed
    assert "\n  column_28  value 28 of all\nrow 2 of 2\n  column_0\n" in listed
    assert _shown(80, columns) == f"no rows of {', '.join(columns)}\n"


def test_of_a_table_the_widest_column_alone_is_folded_and_no_word_of_it() -> None:
    row = ("tnt_0001/2024-11/voice_minute", "passed through at cost " * 9)
    folded = _shown(80, ["line_id", "explanation"], row)
    assert row[0] in folded
    assert len(re.findall("passed|through", folded)) == 18
    assert "row 1 of 1\n  line_id  tnt_0001" in _shown(80, ["line_id", "sha"], (row[0], "0" * 64))
    assert "│ plan │ a line │\n│      │ and b  │" in _shown(30, ["key", "value"], ("plan", "a line\nand b"))
    assert "1" in _shown(30, [""], (1,))


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
    written = io.StringIO()
    console = Console(file=written, force_terminal=True, width=120, markup=False, emoji=False)
    with working(console, "[/b]") as say:
        say(f"taking in {ODD}")
    assert f"taking in {ODD}" in written.getvalue()


def test_what_a_terminal_would_obey_is_shown_as_an_escape(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """ESC [ 2 J clears the screen, and so does the one character 9B for ESC [."""
    order, shown = "\x1b[2J\x9b2Jpaid", r"\x1b[2J\x9b2Jpaid"
    console = reporting.wide_console()
    console.file = io.StringIO()
    waiting = Receipt("payments", "a.csv", "waiting", reason=f"header has {order}")
    reporting.print_waiting(console, [waiting])
    show_rows([order], [(order,), ("two\nlines",)], console)
    printed = console.file.getvalue()
    assert printed.count(shown) == 3 and "two" in printed
    hold = SimpleNamespace(hold_id="h", hold="new_tenant", tenant_id=order, facts=order, remedy="Look.")
    monkeypatch.setattr(cli_closing, "_holds", lambda *_: [hold])
    cli_closing.holds("2024-11")
    monkeypatch.setattr("sys.argv", ["meterhouse", "export", "--month", order])
    with pytest.raises(SystemExit):
        cli.main()
    told = capsys.readouterr()
    assert told.out.count(shown) == 2 and told.err.count(r"\x1b[2J") == 1
    assert "\x1b" not in printed + told.out + told.err and "\x9b" not in printed + told.out + told.err
