"""The month report tells what the release and the ledger hold: to the cent, whole, safe, and the same twice."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration import duck
from orchestration.errors import MeterhouseError
from orchestration.month_report.billed import CurrencyTotal, currency_totals, largest_changes, meter_totals
from orchestration.month_report.owed import BUCKETS, NAMES, OpenTenant, receivables
from orchestration.month_report.page import write_month_report
from orchestration.publishing.release import require_release
from orchestration.settings import PROJECT_DIR, Settings
from tests.conftest import SampleRun
from tests.orchestration.month_report.conftest import HOSTILE
from tests.orchestration.month_report.reading import Page, amount

SECTIONS = [
    "totals",
    "meters",
    "tenants",
    "movers",
    "changes",
    "pools",
    "storage",
    "vendors",
    "corrections",
    "receivables",
    "quality",
    "records",
    "holds",
]
SEPTEMBER, OCTOBER, NOVEMBER = date(2024, 9, 1), date(2024, 10, 1), date(2024, 11, 1)


def _ask(settings: Settings, query: str, *values: Any) -> list[Any]:
    with duck.connect(require_release(settings).database, settings, read_only=True) as connection:
        return connection.execute(query, list(values)).fetchall()


@pytest.fixture(scope="module")
def pages(sample_run: SampleRun, closed_run: Settings, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Page]:
    """Reports of an open month, a closed one, and the one after it that corrects it."""
    folder = tmp_path_factory.mktemp("pages")
    wanted = {"open": (sample_run.settings, NOVEMBER), "closed": (closed_run, SEPTEMBER), "next": (closed_run, OCTOBER)}
    return {
        name: Page(write_month_report(settings, month, folder / f"{name}.html"))
        for name, (settings, month) in wanted.items()
    }


@pytest.fixture(params=["open", "closed", "next"])
def told(
    request: pytest.FixtureRequest, pages: dict[str, Page], sample_run: SampleRun, closed_run: Settings
) -> tuple[Page, Settings, date]:
    """Each page with the installation and month it tells of."""
    month = {"open": NOVEMBER, "closed": SEPTEMBER, "next": OCTOBER}[request.param]
    return pages[request.param], sample_run.settings if request.param == "open" else closed_run, month


def test_every_section_is_there_in_order(told: tuple[Page, Settings, date]) -> None:
    page = told[0]
    assert page.sections() == SECTIONS
    for section in page.root.iter("section"):
        heading = page.root.get_element_by_id(section.get("aria-labelledby"))
        assert heading.tag == "h2"


def test_totals_are_those_of_the_invoices(told: tuple[Page, Settings, date]) -> None:
    page, settings, month = told
    rows = page.rows("totals-table")
    expected = _ask(
        settings,
        "select currency_code, sum(billed_amount), count(*), sum(line_count) from marts.fct_invoices "
        "where billing_month = ? group by 1 order by 1",
        month,
    )
    assert [
        (r["Currency"], amount(r["Billed"]), amount(r["Invoices"]) + amount(r["Credit notes"]), amount(r["Lines"]))
        for r in rows
    ] == expected
    on_placeholders = dict(
        _ask(
            settings,
            "select currency_code, sum(billed_amount) from marts.fct_invoice_lines "
            "where billing_month = ? and is_placeholder_price group by 1",
            month,
        )
    )
    assert {r["Currency"]: amount(r["On placeholder prices"]) for r in rows} == on_placeholders
    assert all(amount(r["Issued"]) + amount(r["Draft"]) == amount(r["Billed"]) for r in rows)


def test_meters_are_those_of_the_lines_and_add_up(told: tuple[Page, Settings, date]) -> None:
    page, settings, month = told
    for currency, billed in _totals(settings, month):
        rows = page.rows(f"meters-{currency}")
        expected = _ask(
            settings,
            "select sum(billed_amount) from marts.fct_invoice_lines where billing_month = ? and currency_code = ? "
            "group by meter order by 1",
            month,
            currency,
        )
        members = [amount(r["Billed"]) for r in rows if r["kind"] == "member"]
        services = [amount(r["Billed"]) for r in rows if r["kind"] == "group"]
        assert sorted(members) == [value for (value,) in expected]
        assert sum(members) == sum(services) == billed
        assert [amount(r["Billed"]) for r in page.rows(f"meters-{currency}", "tfoot")] == [billed]


def test_tenants_are_those_of_the_invoices_and_add_up(told: tuple[Page, Settings, date]) -> None:
    page, settings, month = told
    for currency, billed in _totals(settings, month):
        expected = _ask(
            settings,
            "select tenant_id, sum(billed_amount) from marts.fct_invoices where billing_month = ? "
            "and currency_code = ? group by 1 order by 2 desc, 1",
            month,
            currency,
        )
        every = [(r["Tenant"].split()[-1], amount(r["Billed"])) for r in page.rows(f"all-tenants-{currency}")]
        assert every == expected
        assert sum(value for _, value in every) == billed
        top = [(r["Tenant"].split()[-1], amount(r["Billed"])) for r in page.rows(f"tenants-{currency}")]
        assert top == expected[:20]


def test_movers_are_the_difference_to_the_month_before(pages: dict[str, Page], sample_run: SampleRun) -> None:
    november, october = (
        dict(
            _ask(
                sample_run.settings,
                "select tenant_id, sum(billed_amount) from marts.fct_invoices where billing_month = ? "
                "and currency_code = 'USD' group by 1",
                month,
            )
        )
        for month in (NOVEMBER, OCTOBER)
    )
    moved = {
        tenant: november.get(tenant, Decimal(0)) - october.get(tenant, Decimal(0))
        for tenant in november.keys() | october.keys()
    }
    page = pages["open"]
    rows = page.rows("movers-USD") + (page.rows("movers-USD-rest") if page.has("movers-USD-rest") else [])
    assert {r["Tenant"].split()[-1]: amount(r["Moved"]) for r in rows} == {t: m for t, m in moved.items() if m}
    sizes = [abs(amount(r["Moved"])) for r in rows]
    assert sizes == sorted(sizes, reverse=True)
    assert "no invoice for August 2024" in pages["closed"].section_text("movers")


def test_late_words_are_a_correction_and_a_change(pages: dict[str, Page], closed_run: Settings) -> None:
    # 500,000 characters = 100,000 words at USD 0.0005 = USD 50.00, once for September and once for October.
    (line,) = pages["next"].rows("corrections-USD")
    assert line["Tenant"].endswith("tnt_0004")
    assert (line["Usage month"], line["Quantity"], line["Amount"]) == ("Sep 2024", "100,000 word", "+50.00")
    (number,) = _ask(
        closed_run,
        "select invoice_number from marts.fct_invoices where tenant_id = 'tnt_0004' and billing_month = ?",
        SEPTEMBER,
    )
    assert (line["Corrects invoice"], line["On invoice"]) == (number[0], "draft")
    added, changed, together = pages["next"].rows("changes-table")
    assert (added["Change"], added["Lines"], added["Moved"]) == ("added", "1", "+50.00")
    assert (changed["Change"], changed["Lines"], changed["Moved"]) == ("changed", "1", "+50.00")
    assert (together["Lines"], together["Moved"]) == ("2", "+100.00")
    assert all(
        "translations/late.csv" in r["Causes, as far as known"] for r in pages["next"].rows("largest-changes-USD")
    )
    assert "corrects an earlier month" in pages["closed"].section_text("corrections")
    assert "changed no line" in pages["closed"].section_text("changes")


def test_the_header_says_who_closed(pages: dict[str, Page], closed_run: Settings) -> None:
    closed = pages["closed"].root.get_element_by_id
    assert closed("status").text_content().split("\n")[0] == "Closed by Carla on 2025-01-10 00:00 UTC"
    assert closed("ledger-entry").text_content() == "3"
    assert closed("release").text_content() == require_release(closed_run).release_id
    assert pages["open"].root.get_element_by_id("status").text_content().startswith("Draft")
    assert pages["open"].root.get_element_by_id("ledger-entry").text_content() == "none"


def test_the_ledger_and_the_holds_are_told(pages: dict[str, Page], closed_run: Settings) -> None:
    rows = pages["closed"].rows("ledger-table")
    assert [(r["Entry"], r["By"], r["What"]) for r in rows] == [
        ("1", "Hanna", "holds signed"), ("2", "Sam", "sign-off"), ("3", "Carla", "close"),
    ]  # fmt: skip
    assert rows[0]["Why"] == "looked at"
    assert "Nobody has signed" in pages["open"].section_text("holds")
    holds = _ask(closed_run, "select count(*) from marts.rpt_close_holds where billing_month = ?", OCTOBER)[0][0]
    page = pages["next"]
    shown = page.rows("holds-table") + (page.rows("holds-table-rest") if page.has("holds-table-rest") else [])
    assert len(shown) == holds > 0


def test_pools_and_storage_are_those_of_the_marts(told: tuple[Page, Settings, date]) -> None:
    page, settings, month = told
    expected = _ask(
        settings,
        "select tenant_id, pool_quantity, drawn_quantity, lapsed_quantity from marts.fct_whatsapp_pools_monthly "
        "where billing_month = ?",
        month,
    )
    rows = page.rows("pools-table") + (page.rows("pools-table-rest") if page.has("pools-table-rest") else [])
    read = [(r["Tenant"].split()[-1], *(int(amount(r[c])) for c in ("Pool", "Drawn", "Lapsed"))) for r in rows]
    assert sorted(read) == sorted(expected)
    over = _ask(
        settings,
        "select tenant_id, consumed_bytes - limit_bytes, overage_quantity from marts.fct_storage_monthly "
        "where billing_month = ? and consumed_bytes > limit_bytes",
        month,
    )
    rows = [r for r in page.rows("storage-table") if r["Above the limit"]]
    assert sorted((r["Tenant"].split()[-1], int(r["Blocks"])) for r in rows) == sorted((t, b) for t, _, b in over)
    assert [e for _, e, _ in over].count(1) == [r["Above the limit"] for r in rows].count("1 byte") > 0


def test_vendors_totals_stand_beside_what_landed(told: tuple[Page, Settings, date]) -> None:
    """The sample's vendors count what landed, but for texts out of the last month; one account each."""
    page, _, month = told
    rows = {r["Category"]: r for r in page.rows("vendors-table")}
    assert {"calls-inbound by day", "sms-outbound by day", "conversations by month"} <= rows.keys()
    differing = {category for category, row in rows.items() if row["Missing"] != "0"}
    assert differing == ({"sms-outbound by day"} if month == NOVEMBER else set())
    for category, row in rows.items():
        assert amount(row["Counted"]) - amount(row["Landed"]) == amount(row["Missing"]) >= 0
        assert (row["Accounts"], row["Accounts that differ"]) == ("1", "1" if category in differing else "0")
    texts = rows["sms-outbound by day"]
    assert amount(texts["Landed"]) > 0


def test_records_and_findings_are_all_counted(told: tuple[Page, Settings, date]) -> None:
    page, settings, month = told
    expected = _ask(
        settings,
        "select coalesce(sum(record_count) filter (where billing_month = $1), 0), "
        "coalesce(sum(record_count) filter (where billing_month is null), 0) from marts.rpt_record_fates",
        month,
    )
    groups = [r for r in page.rows("fates-table") if r["kind"] == "group"]
    read = (sum(amount(r["Records of the month"]) for r in groups), sum(amount(r["Without a month"]) for r in groups))
    assert read == expected[0]
    for table, condition in (
        ("findings-table", "billing_month = $1"),
        ("findings-without-month", "billing_month is null and $1 is not null"),
    ):
        rows = page.rows(table) + (page.rows(f"{table}-rest") if page.has(f"{table}-rest") else [])
        ((places, records),) = _ask(
            settings, f"select count(*), sum(record_count) from marts.rpt_findings where {condition}", month
        )
        assert (sum(amount(r["Places"]) for r in rows), sum(amount(r["Records"]) for r in rows)) == (places, records)


def test_receivables_are_those_of_the_mart(pages: dict[str, Page], closed_run: Settings) -> None:
    """The same on both pages: what is owed has no month. Before the first close there is none."""
    assert "No invoice has been issued yet" in pages["open"].section_text("receivables")
    expected = _ask(
        closed_run,
        "select currency_code, count(*), sum(open_amount) from marts.rpt_receivables "
        "where open_amount != 0 group by 1 order by 1",
    )
    assert expected
    ((aged_to,),) = _ask(closed_run, "select distinct aged_to from marts.rpt_receivables")
    for page in (pages["closed"], pages["next"]):
        assert f"aged to {aged_to}, " in page.section_text("receivables")
        for currency, invoices, owed in expected:
            (foot,) = page.rows(f"receivables-{currency}", "tfoot")
            assert (amount(foot["Invoices"]), amount(foot["Open"])) == (invoices, owed)
            rows = page.rows(f"receivables-{currency}")
            assert sum(amount(r["Open"]) for r in rows) == owed
            tenants = page.rows(f"open-tenants-{currency}")
            assert len(tenants) <= 20
            if page.has(f"open-tenants-{currency}-rest"):
                tenants += page.rows(f"open-tenants-{currency}-rest")
            debts = [amount(r["Open"]) for r in tenants]
            assert debts == sorted(debts, reverse=True) and sum(debts) == owed


def test_what_is_owed_is_told_by_age_and_tenant() -> None:
    """USD: 120.00 of 95 days + 30.00 of 10 days - 50.00 of credit + 7.00 not due yet; what is settled is not open.

    acme owes 120 + 30 - 50 = 100.00, of it 150.00 past due; globex 7.00; hooli is owed 5.00, and owes nothing.
    """
    with duckdb.connect() as connection:
        connection.execute(
            "create schema marts; create table marts.dim_tenants as select 'acme' as tenant_id, 'Acme' as tenant_name; "
            "create table marts.rpt_receivables as select * replace (open_amount::decimal(24, 6) as open_amount), "
            "date '2024-12-09' as aged_to from ("
            "values ('acme', 'USD', 120, 95, 'over_90'), ('acme', 'USD', 30, 10, '1-30'), "
            "('acme', 'USD', -50, 0, 'credit'), ('globex', 'USD', 7, 0, 'not_due'), "
            "('globex', 'USD', 0, 0, 'settled'), ('hooli', 'EUR', -5, 0, 'credit')) "
            "as made(tenant_id, currency_code, open_amount, days_past_due, aging_bucket)"
        )
        found = receivables(connection)
    assert found.issued == 6
    assert found.aged_to == date(2024, 12, 9)
    assert [(b.currency, b.name, b.invoices, b.amount) for b in found.buckets] == [
        ("EUR", NAMES["credit"], 1, -5),
        ("USD", NAMES["over_90"], 1, 120),
        ("USD", NAMES["1-30"], 1, 30),
        ("USD", NAMES["not_due"], 1, 7),
        ("USD", NAMES["credit"], 1, -50),
    ]
    assert found.tenants == [
        OpenTenant("USD", "acme", "Acme", 3, Decimal(150), 95, Decimal(100)),
        OpenTenant("USD", "globex", "globex", 1, Decimal(0), 0, Decimal(7)),
    ]


def test_buckets_are_those_the_mart_knows() -> None:
    text = (PROJECT_DIR / "models/marts/invoicing/_invoicing__models.yml").read_text(encoding="utf-8")
    (listed,) = re.findall(r"values: \[(not_due, [^\]]*)\]", text)
    assert sorted(listed.split(", ")) == sorted((*BUCKETS, "settled")) and set(NAMES) == set(BUCKETS)


def test_what_is_issued_what_is_a_draft_and_what_is_credited_are_told_apart() -> None:
    """USD: 10.50 - 2.25 = 8.25 are issued and 4.00 are not; EUR: an invoice over nothing is no credit note.

    Of October's lines 3.00 - 0.50 = 2.50 in USD are at placeholder prices, none of those in EUR.
    """
    with duckdb.connect() as connection:
        connection.execute(
            "create schema marts; create table marts.fct_invoices as "
            "select date '2024-10-01' as billing_month, * replace (billed_amount::decimal(18, 3) as billed_amount) "
            "from (values ('USD', 'invoice', 'issued', 2, 10.5), ('USD', 'credit_note', 'issued', 1, -2.25), "
            "('USD', 'invoice', 'draft', 3, 4), ('EUR', 'invoice', 'draft', 1, 0)) "
            "as made(currency_code, document_type, status, line_count, billed_amount); "
            "create table marts.fct_invoice_lines as "
            "select * replace (billed_amount::decimal(18, 3) as billed_amount) from (values "
            "(date '2024-10-01', 'USD', true, 3), (date '2024-10-01', 'USD', true, -0.5), "
            "(date '2024-10-01', 'USD', false, 9.75), (date '2024-09-01', 'USD', true, 70), "
            "(date '2024-10-01', 'EUR', false, 0)) "
            "as made(billing_month, currency_code, is_placeholder_price, billed_amount)"
        )
        assert currency_totals(connection, OCTOBER) == [
            CurrencyTotal("EUR", 1, 0, 1, Decimal(0), Decimal(0), Decimal(0), Decimal(0)),
            CurrencyTotal("USD", 2, 1, 6, Decimal("8.25"), Decimal(4), Decimal("2.50"), Decimal("12.25")),
        ]


def test_the_quantity_of_a_meter_is_what_was_priced_and_its_corrections_are_told_apart() -> None:
    """1,000 words of the pool are not priced: 50 - 3 = 47 are, over 5.00 - 0.30 = 4.70."""
    with duckdb.connect() as connection:
        connection.execute(
            "create schema marts; create table marts.fct_invoice_lines as select date '2024-10-01' as billing_month, "
            "'USD' as currency_code, 'Translated words' as service, 'translated_word' as meter, 'word' as "
            "meter_description, 'word' as pricing_unit, * replace (billed_amount::decimal(18, 3) as billed_amount) "
            "from (values (1000, 'included', null, 0), (50, 'usage', null, 5), (-3, 'usage', 'correction', -0.3)) "
            "as made(pricing_quantity, charge_category, charge_class, billed_amount)"
        )
        (found,) = meter_totals(connection, OCTOBER)
    assert (found.quantity, found.corrections, found.amount) == (47, Decimal("-0.3"), Decimal("4.7"))


def test_the_largest_changes_are_those_of_each_currency(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred yen are more than a dollar only as a number; what went down moved as much as what went up."""
    monkeypatch.setattr("orchestration.month_report.billed.LARGEST_CHANGES", 1)
    with duckdb.connect() as connection:
        connection.execute(
            "create schema marts; create table marts.dim_tenants (tenant_id varchar, tenant_name varchar); "
            "create table marts.rpt_release_changes as select date '2024-10-01' as billing_month, 'r' as release_id, "
            "'acme' as tenant_id, 'changed' as change, date '2024-10-01' as usage_month, 'm' as meter, "
            "'' as price_key, '' as causes, 0 as amount_before, amount_moved as amount_after, * "
            "from (values ('JPY', 'l1', 100), ('JPY', 'l2', -700), ('USD', 'l3', 1), ('USD', 'l4', 2)) "
            "as made(currency_code, line_id, amount_moved)"
        )
        found = largest_changes(connection, OCTOBER, "r")
    assert [(line.currency, line.moved) for line in found] == [("JPY", -700), ("USD", 2)]


def test_a_hostile_name_is_text_wherever_it_stands(pages: dict[str, Page]) -> None:
    page = pages["next"]
    assert page.text.count("&lt;script&gt;alert") > 3
    assert "<script" not in page.text.lower()
    assert list(page.root.iter("script", "img")) == []
    assert page.rows("tenants-USD")[0]["Tenant"] == f"{HOSTILE} tnt_0004"
    (label,) = {s.get("aria-label") for s in page.root.get_element_by_id("tenants-USD").iter("svg")} & {
        f"{HOSTILE}: {page.rows('tenants-USD')[0]['Billed']} USD"
    }
    assert "<script>" in label


def test_nothing_is_fetched_and_nothing_runs(told: tuple[Page, Settings, date]) -> None:
    for element in told[0].root.iter():
        for name, value in element.attrib.items():
            assert not name.startswith("on"), (element.tag, name)
            assert name not in {"src", "srcset", "action", "data", "xlink:href"}, (element.tag, name)
            assert name != "href" or value.startswith("#"), value
    assert not {"script", "link", "iframe", "object", "embed", "base", "form"} & {e.tag for e in told[0].root.iter()}
    style = "".join(e.text_content() for e in told[0].root.iter("style"))
    assert "url(" not in style
    assert "@import" not in style


def test_tables_and_bars_can_be_read_without_seeing_them(told: tuple[Page, Settings, date]) -> None:
    page = told[0]
    ids = [e.get("id") for e in page.root.iter() if e.get("id")]
    assert len(ids) == len(set(ids))
    for table in page.root.iter("table"):
        assert table.find("caption").text_content().strip()
        assert all(cell.get("scope") for cell in table.iter("th"))
    bars = list(page.root.iter("svg"))
    assert bars
    assert all(bar.get("role") == "img" and bar.get("aria-label") for bar in bars)


def test_the_same_release_and_ledger_give_the_same_bytes(closed_run: Settings, tmp_path: Path) -> None:
    first = write_month_report(closed_run, OCTOBER, tmp_path / "a" / "one.html").read_bytes()
    again = write_month_report(closed_run, date(2024, 10, 17), tmp_path / "two.html").read_bytes()
    assert first == again
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["a", "one.html", "two.html"]


def test_unknown_months_and_no_release_are_plain_errors(
    sample_run: SampleRun, settings: Settings, tmp_path: Path
) -> None:
    target = tmp_path / "report.html"
    target.write_text("the report before")
    with pytest.raises(MeterhouseError, match="no invoice of 2023-01 is published") as unknown:
        write_month_report(sample_run.settings, date(2023, 1, 1), target)
    assert unknown.value.remedy == "Published months: 2024-09, 2024-10, 2024-11."
    with pytest.raises(MeterhouseError, match="nothing has been published yet"):
        write_month_report(settings, OCTOBER, target)
    assert target.read_text() == "the report before"


def _totals(settings: Settings, month: date) -> list[tuple[str, Decimal]]:
    return _ask(
        settings,
        "select currency_code, sum(billed_amount) from marts.fct_invoices where billing_month = ? group by 1",
        month,
    )
