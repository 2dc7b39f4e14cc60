"""Closing from the command line and from Dagster: the same demands, the same ledger."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from orchestration import cli_closing, duck
from orchestration.closing import replay
from orchestration.closing.replay import KnownInvoices
from orchestration.closing.verification import verify_ledger
from orchestration.definitions import build_definitions
from orchestration.publishing.release import require_release
from orchestration.settings import PROJECT_DIR, Settings


def _run(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {
        "METERHOUSE_HOME": str(settings.home),
        "METERHOUSE_LANDING": str(settings.landing),
        "PYTHONPATH": str(PROJECT_DIR),
    }
    command = [sys.executable, "-m", "orchestration.cli", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def _told(done: subprocess.CompletedProcess[str]) -> Any:
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def _close_in_dagster(settings: Settings, **config: Any) -> Any:
    job = build_definitions(settings).resolve_job_def("close_month")
    ops = {"close_the_month": {"config": {"month": "2024-10", "by": "Carla", "leave_out": ["tnt_0002"], **config}}}
    quiet = {"console": {"config": {"log_level": "CRITICAL"}}}
    return job.execute_in_process(raise_on_error=False, run_config={"ops": ops, "loggers": quiet})


def test_a_month_is_looked_at_signed_closed_and_shown(mine: Settings) -> None:
    standing = _told(_run(mine, "holds", "--month", "2024-10", "--json"))
    assert all(hold["remedy"] for hold in standing)
    # What belongs to no month was signed for September, and stays signed.
    unsigned = [hold for hold in standing if hold["signed_by"] is None]
    assert unsigned and {hold["hold"] for hold in standing if hold not in unsigned} == {"finding"}
    refused = _run(mine, "close", "--month", "2024-10", "--by", "Carla", "--leave-out", "tnt_0002")
    assert refused.returncode == 2
    asked = [hold for hold in unsigned if hold["tenant_id"] != "tnt_0002"]
    assert f"{len(asked)} hold(s) of 2024-10 are not signed" in refused.stderr
    assert "Traceback" not in refused.stderr
    in_dagster = _close_in_dagster(mine)
    assert not in_dagster.success
    (failure,) = in_dagster.get_step_failure_events()
    assert "are not signed" in failure.step_failure_data.error.message

    one, *_ = (hold["hold_id"] for hold in unsigned)
    first = _run(mine, "sign-hold", one, "--month", "2024-10", "--by", "Hanna", "--why", "asked the tenant")
    assert "1 hold(s)" in first.stdout
    (signed,) = [h for h in _told(_run(mine, "holds", "--month", "2024-10", "--json")) if h["hold_id"] == one]
    assert (signed["signed_by"], signed["why"]) == ("Hanna", "asked the tenant")
    every = ("sign-hold", "--all", "--month", "2024-10", "--by", "Hanna", "--why", "looked at")
    rest, before = len(unsigned) - 1, len(standing) - len(unsigned) + 1
    assert f"{rest} hold(s) of 2024-10 signed by Hanna" in (told := _run(mine, *every).stdout)
    assert f"; signed before: {before} by Hanna" in told
    assert "is signed already" in _run(mine, *every).stderr
    assert "signed off by Sam" in _run(mine, "sign-off", "--month", "2024-10", "--by", "Sam").stdout

    closed = _close_in_dagster(mine)
    assert closed.success
    assert verify_ledger(mine).entries == 4 + 3
    assert "intact: 7 entries" in _run(mine, "verify-ledger").stdout
    shown = _told(_run(mine, "invoice", "tnt_0003", "2024-10", "--json"))
    assert shown["source"] == "the ledger"
    assert {invoice["status"] for invoice in shown["invoices"]} == {"issued"}
    line = shown["lines"][0]["line_id"]
    told = _run(mine, "explain", line).stdout
    assert "Source: ledger entry 7" in told and "raw rows" in told
    explained = _told(_run(mine, "explain", line, "--all", "--json"))
    assert sum(row["raw_rows"] for row in explained["records"]) == explained["line"]["raw_rows"]


def test_an_export_of_a_month_closed_in_part_tells_what_is_not_issued(mine: Settings) -> None:
    """September without tnt_0002: its drafts are in the files, and so in the totals, and are told apart."""
    with duck.connect(require_release(mine).database, mine, read_only=True) as connection:
        drafts, total = connection.execute(
            "select sum(billed_amount) filter (where status = 'draft')::varchar, sum(billed_amount)::varchar "
            "from marts.fct_invoices where billing_month = '2024-09-01' and currency_code = 'USD'"
        ).fetchone() or ("", "")
    exported = _told(_run(mine, "export", "--month", "2024-09", "--json"))
    assert exported["drafts"]["USD"] == drafts
    assert exported["totals"]["USD"] == total != drafts
    manifest = json.loads((Path(exported["path"]) / "manifest.json").read_text())
    assert (manifest["totals"], manifest["drafts"]) == (exported["totals"], exported["drafts"])
    # What is not issued yet may differ in the next release.
    assert manifest["source"] == f"release {require_release(mine).release_id}"
    told = _run(mine, "export", "--month", "2024-09", "--format", "documents").stdout
    assert _told(_run(mine, "export", "--month", "2024-09", "--format", "documents", "--json"))["without_xml"] == {}
    assert "of which not yet issued: " in told and f"{Decimal(drafts):.2f} USD" in told


def test_the_longest_id_of_a_line_is_shown_whole(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is what `explain` is asked for; a correction of a WhatsApp line is wider than the table."""
    market = "Netherlands|user_initiated"
    line = f"acme/2024-10/corrects/2024-09/whatsapp_conversation/{market}/meta_cbp_2022|{market}/usage/0.08190000/USD"
    amount = {"billed_amount": Decimal("0.080"), "currency_code": "USD", "minor_unit": 2, "invoice_id": "i"}
    known = KnownInvoices(
        "the ledger",
        [amount | {"invoice_number": "MH-2024-000005", "tenant_name": "Acme"}],
        [amount | {"line_id": line, "pricing_quantity": 1, "unit_price": Decimal("0.0819")}],
    )
    monkeypatch.setattr(replay, "known_invoices", lambda *_: known)
    cli_closing.invoice("acme", "2024-10")
    cells = [row.split("\u2502")[1].strip() for row in capsys.readouterr().out.splitlines() if "\u2502" in row]
    assert "".join(cells).startswith(line)


def test_mistakes_are_plain_messages(mine: Settings) -> None:
    for arguments in (
        ("holds", "--month", "October"),
        ("invoice", "tnt_0003", "2024-10", "--as-known-at", "yesterday"),
        ("invoice", "tnt_0003", "2024-10", "--as-known-at", "2024-12-01T00:00:00"),
        ("sign-hold", "--month", "2024-10", "--by", "Hanna", "--why", "so"),
        ("sign-off", "--month", "2024-10", "--by", " "),
        ("close", "--month", "2024-09", "--by", "Carla"),
    ):
        done = _run(mine, *arguments)
        assert done.returncode == 2, arguments
        assert done.stderr.startswith("error: ") and "to do: " in done.stderr, arguments
