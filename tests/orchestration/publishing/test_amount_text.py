"""Amounts are told with their currency's decimals: dinars have three, euros two, yen none."""

from __future__ import annotations

import re

import pytest
from typer.testing import CliRunner

from orchestration import duck
from orchestration.cli import app
from orchestration.publishing.amount_text import amount_text, minor_units
from orchestration.publishing.release import current_release
from orchestration.publishing.totals_text import totals_text
from tests.conftest import SampleRun

UNITS = {"EUR": 2, "JPY": 0, "KWD": 3}


@pytest.mark.parametrize(
    ("exact", "currency", "text"),
    [
        ("72.130", "EUR", "72.13"),
        ("-0.500", "EUR", "-0.50"),
        ("1474.000", "JPY", "1474"),
        ("0.496", "KWD", "0.496"),
        # Nothing is lost, whatever is asked: a currency nobody is billed in any more, an amount finer than its cent.
        ("72.130", "GBP", "72.130"),
        ("0.005", "EUR", "0.005"),
    ],
)
def test_an_amount_has_its_currencys_decimals(exact: str, currency: str, text: str) -> None:
    assert amount_text(exact, currency, UNITS) == text


def test_totals_are_told_as_the_invoices_are(sample_run: SampleRun) -> None:
    release = current_release(sample_run.settings)
    assert release is not None
    with duck.connect(release.database, sample_run.settings, read_only=True) as connection:
        units = minor_units(connection)
    assert units["USD"] == 2
    assert totals_text(sample_run.settings, {"USD": "3412.600", "EUR": "72.130"}) == "3412.60 USD, 72.13 EUR"
    assert totals_text(sample_run.settings, {}) == "nothing"


def test_an_invoice_on_the_screen_has_cents(sample_run: SampleRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METERHOUSE_HOME", str(sample_run.settings.home))
    monkeypatch.setenv("METERHOUSE_LANDING", str(sample_run.settings.landing))
    printed = CliRunner().invoke(app, ["invoice", "tnt_0002", "2024-11"]).output
    total = re.search(r"total\D+([A-Z]{3})\s*│\s*(\S+)", printed)
    assert total is not None and re.fullmatch(r"[\d,]+\.\d\d", total[2]), printed
