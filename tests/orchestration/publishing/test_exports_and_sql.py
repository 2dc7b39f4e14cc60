"""What finance and analysts get: exports that add up, and SQL that can reach nothing else."""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import duckdb
import pytest

from orchestration.documents import journal, lines_csv, workbook
from orchestration.documents.invoice_facts import Invoice
from orchestration.documents.text import csv_text, one_line
from orchestration.errors import MeterhouseError
from orchestration.publishing import exports
from orchestration.publishing.analyst_sql import open_release, run_query
from orchestration.publishing.exports import export_month
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


def test_csv_writes_no_amount_with_an_exponent(sample_run: SampleRun) -> None:
    with (export_month(sample_run.settings, "2024-11", "csv").path / "invoice_lines.csv").open(newline="") as text:
        rows = list(csv.DictReader(text))
    written = {row[column] for row in rows for column in ("unit_price", "rated_amount", "billed_amount")}
    assert "0.00000000" in written
    assert [amount for amount in written if not re.fullmatch(r"-?[0-9]+\.[0-9]+", amount)] == []


def test_exporting_twice_gives_the_same_bytes(sample_run: SampleRun) -> None:
    first = {p.name: p.read_bytes() for p in export_month(sample_run.settings, "2024-10", "csv").path.iterdir()}
    again = {p.name: p.read_bytes() for p in export_month(sample_run.settings, "2024-10", "csv").path.iterdir()}
    assert first == again


def test_the_journal_balances_and_adds_up_to_the_release(sample_run: SampleRun) -> None:
    """Owed is what is billed, and so is what was earned; twice the same bytes, and every draft is marked."""
    done = export_month(sample_run.settings, "2024-11", "journal")
    path = done.path / "journal.csv"
    with path.open(newline="") as text:
        rows = list(csv.DictReader(text))
    assert len(rows) == done.files["journal.csv"]
    for currency, billed in done.totals.items():
        mine = [row for row in rows if row["currency_code"] == currency]
        for of_service, sign in ((False, 1), (True, -1)):
            sides = [
                Decimal(row["debit"]) - Decimal(row["credit"]) for row in mine if bool(row["service"]) == of_service
            ]
            assert sign * sum(sides) == Decimal(billed) != 0
    assert {row["status"] for row in rows} == {"draft"} and done.drafts == done.totals
    assert json.loads((done.path / "manifest.json").read_text())["drafts"] == done.drafts
    before = path.read_bytes()
    assert (export_month(sample_run.settings, "2024-11", "journal").path / "journal.csv").read_bytes() == before


def _with_first_row_alone(write: Callable[..., int]) -> Callable[..., int]:
    return lambda connection, query, path: write(connection, f"from ({query}) limit 1", path)


def _without_one_invoice(write: Callable[..., None]) -> Callable[..., None]:
    return lambda invoices, path: write(invoices[1:], path)


def _without_lines_of_nothing(write: Callable[..., None]) -> Callable[..., None]:
    """All sums stay what they are."""

    def written(invoices: list[Invoice], path: Path) -> None:
        write([replace(i, lines=tuple(line for line in i.lines if line.billed_amount)) for i in invoices], path)

    return written


def _without_the_last(write: Callable[..., list[Any]]) -> Callable[..., list[Any]]:
    return lambda invoice, accounts: write(invoice, accounts)[:-1]


def _without_one_posted(write: Callable[..., int]) -> Callable[..., int]:
    return lambda invoices, accounts, path: write(invoices[1:], accounts, path)


@pytest.mark.parametrize(
    ("format", "module", "writer", "faulty", "told"),
    [
        ("csv", exports, "_write_csv", _with_first_row_alone, "invoices.csv adds up to"),
        ("parquet", exports, "_write_parquet", _with_first_row_alone, "invoices.parquet adds up to"),
        ("xlsx", workbook, "write_workbook", _without_one_invoice, r"invoices.xlsx \(invoices\) adds up to"),
        ("xlsx", workbook, "write_workbook", _without_lines_of_nothing, "is inconsistent"),
        ("journal", journal, "postings", _without_the_last, "journal.csv: the postings of .* are off by"),
        ("journal", journal, "write_journal", _without_one_posted, "journal.csv: what is owed of .* is 0, billed is"),
    ],
)
def test_an_export_that_lost_rows_is_found_when_it_is_read_back_and_the_former_one_stays(
    sample_run: SampleRun,
    monkeypatch: pytest.MonkeyPatch,
    format: str,
    module: ModuleType,
    writer: str,
    faulty: Callable[[Callable[..., Any]], Callable[..., Any]],
    told: str,
) -> None:
    folder = export_month(sample_run.settings, "2024-10", format).path
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    monkeypatch.setattr(module, writer, faulty(getattr(module, writer)))
    with pytest.raises(MeterhouseError, match=told):
        export_month(sample_run.settings, "2024-10", format)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert not list(folder.parent.glob(".*"))


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "\n=1", "\uff1d1", "\uff0b1", "\uff0d1", "\uff20x"]
)
def test_formula_characters_are_neutralised(text: str) -> None:
    assert csv_text(text) == "'" + one_line(text)
    assert csv_text("plain") == "plain"


@pytest.mark.parametrize(
    "cover", ["\t", "\r", "\n", "\x0b", "\x00", "\x1b", " ", "\u3000", "\u200b", "\ufeff", "\t \u200e"]
)
def test_nothing_that_is_not_drawn_hides_a_formula(cover: str) -> None:
    """Both writers: the tables of an export, and the lines beside the documents."""
    for write in (exports._cell, lines_csv._cell):
        assert write(f"{cover}=1+1") == "'" + one_line(f"{cover}=1+1")
        assert write(f"{cover}plain") == ("'" if cover[0] in "\t\r\n" else "") + one_line(f"{cover}plain")
        assert write(f"a{cover}=1") == one_line(f"a{cover}=1")


def test_a_cell_is_one_line_and_a_number_stays_one() -> None:
    for write in (exports._cell, lines_csv._cell):
        assert write("one\ntwo\x00\x1b[31m\u2028three") == "one two  [31m three"
        assert [write(value) for value in (Decimal("-1.50"), -3, Decimal("0E-8"), None)] == [
            "-1.50",
            "-3",
            "0.00000000",
            "",
        ]


@pytest.mark.parametrize(("month", "format"), [("2024-13", "csv"), ("2019-01", "csv"), ("2024-11", "ods")])
def test_a_wrong_month_or_format_is_a_plain_error(sample_run: SampleRun, month: str, format: str) -> None:
    with pytest.raises(MeterhouseError) as error:
        export_month(sample_run.settings, month, format)
    assert error.value.remedy


def test_marts_are_described_in_the_release_itself(sample_run: SampleRun) -> None:
    with open_release(sample_run.settings) as connection:
        undescribed = connection.execute(
            "select table_name, column_name from duckdb_columns() where schema_name = 'marts' and comment is null"
        ).fetchall()
    assert undescribed == []


@pytest.fixture
def connection(sample_run: SampleRun) -> Iterator[duckdb.DuckDBPyConnection]:
    """What `meterhouse sql` asks."""
    with open_release(sample_run.settings) as opened:
        yield opened


@pytest.mark.parametrize(
    "query",
    [
        "select * from read_csv('/etc/passwd')",
        "select * from query('copy (select 1) to ''/tmp/out.csv''')",
    ],
)
def test_analysts_sql_reads_only_the_release(connection: duckdb.DuckDBPyConnection, query: str) -> None:
    with pytest.raises(MeterhouseError):
        run_query(connection, query)


@pytest.mark.parametrize(
    "statement",
    [
        "copy (select 1) to '/tmp/out.csv'",
        "explain analyze copy (select 1) to '/tmp/out.csv'",
        "explain /* a query */ analyze copy (select 1) to '/tmp/out.csv'",
        "select 1; copy (select 1) to '/tmp/out.csv'",
        "copy (select 1) to '/tmp/out.csv'; select 1",
        "export database '/tmp/out'",
        "attach '/tmp/other.duckdb'",
        "insert into fct_invoices select * from fct_invoices",
        "create table marts.t (a int)",
        "create temp table t as select 1; pivot t on a",
        "set enable_external_access = true",
        "install httpfs",
        "load httpfs",
        "call enable_logging()",
        "select * from Enable_Logging(storage = 'file', storage_path = '/tmp/out')",
        "prepare p as copy (select 1) to '/tmp/out.csv'",
        "select 1; select 2",
        "explain select 1; copy (select 1) to '/tmp/out.csv'",
        "",
    ],
)
def test_what_is_not_one_query_is_refused_before_it_is_executed(
    connection: duckdb.DuckDBPyConnection, statement: str
) -> None:
    with pytest.raises(MeterhouseError, match=r"this command only reads|Parser Error") as error:
        run_query(connection, statement)
    assert error.value.exit_code == 2
    assert error.value.remedy


@pytest.mark.parametrize(
    "query",
    [
        "from fct_invoices",
        "with t as (select 1 as a) select a from t;",
        "describe fct_invoices",
        "show tables",
        "summarize select 1 as a",
        "pragma table_info('fct_invoices')",
        "pivot fct_invoices on status using count(*) group by billing_month",
        "explain select 1",
        " Explain Analyze select 1",
    ],
)
def test_every_way_to_ask_is_answered(connection: duckdb.DuckDBPyConnection, query: str) -> None:
    assert run_query(connection, query)[1]


def test_a_mistyped_column_is_told_with_those_that_are_like_it(connection: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(MeterhouseError, match=r"Candidate bindings.*invoice_id"):
        run_query(connection, "select invoice_idd from fct_invoices")


def test_a_query_keeps_the_limits_and_spills_outside_the_release(sample_run: SampleRun, tmp_path: Path) -> None:
    """1 + 2 + ... + 3,000,000 is 4,500,001,500,000; three quarters of the limit are for the engine's own accounting."""
    settings = replace(sample_run.settings, home=tmp_path / "var", memory_limit="128MiB", threads=1)
    shutil.copytree(sample_run.settings.published_dir, settings.published_dir, symlinks=True)
    before = sorted(settings.published_dir.rglob("*"))
    limits = "select current_setting('memory_limit'), current_setting('threads')"
    spilling = "select sum(n) from (select row_number() over (order by hash(i)) as n from range(3000000) as t(i))"
    with open_release(settings) as connection:
        assert run_query(connection, limits)[1] == [("96.0 MiB", 1)]
        assert run_query(connection, spilling)[1] == [(4_500_001_500_000,)]
        assert len(list(settings.tmp_dir.iterdir())) == 1
        assert sorted(settings.published_dir.rglob("*")) == before
    # Who may not write there asks what needs no more than memory: a file stands for a folder without rights.
    settings.tmp_dir.rmdir()
    settings.tmp_dir.touch()
    with open_release(settings) as connection:
        assert run_query(connection, "select count(*) > 0 from fct_invoices")[1] == [(True,)]


def test_a_file_where_the_export_goes_is_replaced_and_one_where_its_folder_goes_is_named(
    sample_run: SampleRun, tmp_path: Path
) -> None:
    settings = replace(sample_run.settings, home=tmp_path)
    (tmp_path / "published").symlink_to(sample_run.settings.home / "published")
    (tmp_path / "exports/2024-10").mkdir(parents=True)
    for _ in range(2):  # what stepped aside the first time is in nobody's way the second
        (tmp_path / "exports/2024-10/csv").touch()
        assert sorted(p.name for p in export_month(settings, "2024-10", "csv").path.parent.iterdir()) == ["csv"]
        shutil.rmtree(tmp_path / "exports/2024-10/csv")
    (tmp_path / "exports/2024-11").touch()
    with pytest.raises(MeterhouseError, match="is in the way") as told:
        export_month(settings, "2024-11", "csv")
    assert told.value.remedy


def test_two_exports_of_a_month_at_the_same_time_are_both_whole(sample_run: SampleRun) -> None:
    def export(_: int) -> dict[str, str]:
        return export_month(sample_run.settings, "2024-09", "csv").totals

    with ThreadPoolExecutor(4) as pool:
        totals = list(pool.map(export, range(8)))
    assert all(found == totals[0] for found in totals)
    folder = sample_run.settings.exports_dir / "2024-09"
    assert [path.name for path in folder.iterdir()] == ["csv"]
