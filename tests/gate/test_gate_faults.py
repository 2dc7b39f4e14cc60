"""Every expectation of the gate fails once, on a fault seeded for it, and passes without the fault."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from orchestration.ingestion.sources import SOURCES
from orchestration.quality import arrivals
from orchestration.quality.gx_runner import evaluate
from orchestration.quality.suites import Expectation, Suite, arriving_suites, candidate_suites
from orchestration.quality.verdict import Check
from orchestration.settings import PROJECT_DIR
from tests.conftest import SampleRun

# SQL that breaks exactly what the expectation watches; {c} is a column.
EMPTY = "delete from {t}"
FAULTS = {
    "invoice_lines_has_rows": EMPTY,
    "invoices_has_rows": EMPTY,
    "record_fates_has_rows": EMPTY,
    "invoice_lines_line_id_is_unique": "insert into {t} select * from {t} limit 1",
    "invoices_invoice_id_is_unique": "insert into {t} select * from {t} limit 1",
    "gen_07_amounts_are_quantity_times_price_rounded_once": "update {t} set billed_amount = billed_amount + 0.01",
    "gen_08_lines_are_in_the_tenants_currency": "update {t} set currency_code = 'GBP'",
    "gen_07_invoice_totals_are_the_sum_of_their_lines": "update {t} set billed_amount = billed_amount + 0.01",
    "gen_05_every_raw_row_has_one_fate": "delete from {t} where fate = 'duplicate'",
}


# What measuring writes for a batch without rows, and for one with a key that is not set (tests below).
ARRIVAL_FAULTS = {
    "_has_rows": "update {t} set rows = 0 where source = '{source}'",
    "_keys_are_set": "update {t} set unset_keys = 1 where source = '{source}' and load_batch = 1",
}


def _source(expectation: Expectation) -> str:
    return expectation.subject.removeprefix("raw.")


def _all() -> list[tuple[Suite, Expectation]]:
    suites = [*arriving_suites(list(SOURCES)), *candidate_suites()]
    return [(suite, expectation) for suite in suites for expectation in suite.expectations]


def _fault(suite: Suite, expectation: Expectation) -> str:
    if expectation.name in FAULTS:
        return FAULTS[expectation.name]
    if expectation.name.startswith("arriving_"):
        return ARRIVAL_FAULTS[expectation.name.removeprefix(f"arriving_{_source(expectation)}")]
    return f'update {{t}} set "{expectation.arguments["column"]}" = null'


@pytest.fixture(scope="module")
def candidate(sample_run: SampleRun, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The judged relations of the sample as plain tables without constraints, free to be broken."""
    path = tmp_path_factory.mktemp("gate") / "candidate.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"attach '{sample_run.settings.warehouse_path}' as built (read_only)")
        for schema in ("raw", "marts", "ops", "seeds"):
            connection.execute(f"create schema {schema}")
        names = {name for suite, _ in _all() for name in (suite.relation, *suite.also_reads)}
        for name in sorted(names):
            connection.execute(f"create table {name} as select * from built.{name}")
    return path


def test_the_candidate_passes_every_expectation_without_a_fault(candidate: Path) -> None:
    # Also the canary for the driver's lost rows: were they lost, nothing here would pass.
    suites = [*arriving_suites(list(SOURCES)), *candidate_suites()]
    checks = evaluate(str(candidate), suites)
    assert [check.name for check in checks if not check.passed] == []
    assert len(checks) == len(_all())


@pytest.mark.parametrize(("suite", "expectation"), _all(), ids=lambda value: value.name)
def test_the_expectation_fails_on_its_seeded_fault(
    candidate: Path, tmp_path: Path, suite: Suite, expectation: Expectation
) -> None:
    broken = tmp_path / "broken.duckdb"
    shutil.copy(candidate, broken)
    with duckdb.connect(str(broken)) as connection:
        fault = _fault(suite, expectation).replace("{t}", suite.relation)
        connection.execute(fault.replace("{source}", _source(expectation)))
    (check,) = evaluate(str(broken), [replace(suite, expectations=(expectation,))])
    assert not check.passed
    assert check.remedy
    assert check.subject == (expectation.subject or suite.relation)
    # A table without rows has none to point at.
    assert bool(check.failing_keys) == (expectation.kind != "ExpectTableRowCountToBeBetween")
    assert all("=" in key for key in check.failing_keys)


@pytest.mark.parametrize("source", SOURCES)
def test_a_batch_is_measured_as_its_rows_are(tmp_path: Path, source: str) -> None:
    # The last of the keys: a measure that stopped at the first would miss it.
    keys = [field.name for field in SOURCES[source].fields if field.required]
    values = ["null" if key == keys[-1] else "'v'" for key in keys]
    columns = ", ".join(f'"{key}" varchar' for key in keys)
    with duckdb.connect(str(tmp_path / "batch.duckdb")) as connection:
        connection.execute("create schema raw; create schema ops;" + arrivals.DDL)
        connection.execute(f"create table raw.{source} ({columns}, load_batch integer)")
        connection.execute(f"insert into raw.{source} values ({', '.join(values)}, 7)")
        for batch in (7, 8):
            connection.execute(arrivals.measures_sql(source, batch))
        assert connection.execute("from ops.arrivals order by load_batch").fetchall() == [
            (source, 7, 1, 1),
            (source, 8, 0, 0),
        ]


def test_a_source_is_judged_again_when_something_came_or_one_of_its_checks_failed() -> None:
    """Of `failed` one check passed and one did not; of `unheard` nothing was ever asked."""
    with duckdb.connect() as connection:
        connection.execute("create schema ops;" + arrivals.DDL + ";" + arrivals.JUDGED_DDL)
        for source in ("added_to", "failed", "settled", "unheard"):
            connection.execute(f"insert into ops.arrivals values ('{source}', 1, 5, 0)")
        arrivals.note_judged(connection)
        connection.execute("insert into ops.arrivals values ('added_to', 2, 5, 0)")
        earlier = [
            Check(f"arriving_{source}_{kind}", "expectation", f"raw.{source}", (source, kind) != ("failed", "keys"))
            for source in ("added_to", "failed", "settled")
            for kind in ("rows", "keys")
        ]
        assert arrivals.sources_to_judge(connection, earlier) == ["added_to", "failed", "unheard"]


@pytest.mark.parametrize(
    ("currency", "billed", "is_right"),
    [
        ("KWD", "0.496", True),
        ("KWD", "0.500", False),
        ("USD", "0.500", True),
        ("USD", "0.496", False),
        ("JPY", "0", True),
        # One the price book does not know has no smallest unit: no amount of it is right.
        ("XXX", "0.500", False),
    ],
)
def test_an_amount_is_judged_by_the_decimals_of_its_currency(currency: str, billed: str, is_right: bool) -> None:
    """32 x 0.0155 = 0.496: a dinar has three decimals, a dollar two, a yen none."""
    (found,) = (
        expectation
        for suite in candidate_suites()
        for expectation in suite.expectations
        if expectation.name == "gen_07_amounts_are_quantity_times_price_rounded_once"
    )
    with duckdb.connect() as connection:
        connection.execute("create schema seeds")
        seed = PROJECT_DIR / "seeds" / "reference" / "currencies.csv"
        connection.execute(f"create table seeds.currencies as from read_csv('{seed}')")
        connection.execute(
            "create table lines as select 'l' as line_id, 0.496::decimal(36, 8) as rated_amount, "
            f"32::bigint as pricing_quantity, 0.0155::decimal(18, 8) as unit_price, '{currency}' as currency_code, "
            f"{billed}::decimal(18, 3) as billed_amount, null::varchar as charge_class"
        )
        query = found.arguments["unexpected_rows_query"].format(batch="lines")
        assert (connection.execute(query).fetchall() == []) == is_right
