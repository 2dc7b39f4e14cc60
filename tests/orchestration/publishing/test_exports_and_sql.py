"""What finance and analysts get: exports that add up, and SQL that can reach nothing else."""

from __future__ import annotations

import csv
import json
from decimal import Decimal

import pytest

from orchestration.errors import MeterhouseError
from orchestration.publishing.analyst_sql import open_release, run_query
from orchestration.publishing.exports import export_month, neutralise
from tests.conftest import SampleRun


def test_csv_and_parquet_add_up_to_the_release_to_the_cent(sample_run: SampleRun) -> None:
    settings = sample_run.settings
    as_csv = export_month(settings, "2024-11", "csv")
    as_parquet = export_month(settings, "2024-11", "parquet")
    assert as_csv.totals == as_parquet.totals
    with (as_csv.path / "invoice_lines.csv").open(newline="") as text:
        rows = list(csv.DictReader(text))
    usd = sum((Decimal(row["billed_amount"]) for row in rows if row["currency_code"] == "USD"), Decimal(0))
    assert usd == Decimal(as_csv.totals["USD"])
    assert len(rows) == as_csv.files["invoice_lines.csv"]
    manifest = json.loads((as_csv.path / "manifest.json").read_text())
    assert manifest["totals"] == as_csv.totals


def test_exporting_twice_gives_the_same_bytes(sample_run: SampleRun) -> None:
    first = {p.name: p.read_bytes() for p in export_month(sample_run.settings, "2024-10", "csv").path.iterdir()}
    again = {p.name: p.read_bytes() for p in export_month(sample_run.settings, "2024-10", "csv").path.iterdir()}
    assert first == again


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx", "\rx"])
def test_formula_characters_are_neutralised(text: str) -> None:
    assert neutralise(text) == "'" + text
    assert neutralise("plain") == "plain"


@pytest.mark.parametrize(("month", "format"), [("2024-13", "csv"), ("2019-01", "csv"), ("2024-11", "ods")])
def test_a_wrong_month_or_format_is_a_plain_error(sample_run: SampleRun, month: str, format: str) -> None:
    with pytest.raises(MeterhouseError) as error:
        export_month(sample_run.settings, month, format)
    assert error.value.remedy


def test_marts_are_described_in_the_release_itself(sample_run: SampleRun) -> None:
    connection = open_release(sample_run.settings)
    undescribed = connection.execute(
        "select table_name, column_name from duckdb_columns() where schema_name = 'marts' and comment is null"
    ).fetchall()
    assert undescribed == []


@pytest.mark.parametrize(
    "query",
    [
        "select * from read_csv('/etc/passwd')",
        "copy (select 1) to '/tmp/out.csv'",
        "attach '/tmp/other.duckdb'",
        "create table marts.t (a int)",
        "set enable_external_access = true",
        "install httpfs",
    ],
)
def test_analysts_sql_reads_only_the_release(sample_run: SampleRun, query: str) -> None:
    with pytest.raises(MeterhouseError):
        run_query(open_release(sample_run.settings), query)
