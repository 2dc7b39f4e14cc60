"""The Great Expectations suites: arriving extracts, and the candidate invoice marts.

Only what is expected, as data; running it is gx_runner's work. Money is judged in SQL on exact
decimals: the library's own sums are floats.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from orchestration.quality import arrivals


@dataclass(frozen=True)
class Expectation:
    """One expectation: `kind` is the library's class name, `arguments` its arguments."""

    name: str
    kind: str
    arguments: dict[str, Any]
    remedy: str
    # What a failure is about, where that is not the relation judged.
    subject: str = ""
    # What is expected in words, where kind and arguments do not say it.
    expected: str = ""


@dataclass(frozen=True)
class Suite:
    """Expectations of one relation."""

    name: str
    relation: str
    expectations: tuple[Expectation, ...] = field(default_factory=tuple)
    # What identifies a row of the relation: a failing one is shown by these alone.
    keys: tuple[str, ...] = ()
    # Relations its queries read beside its own.
    also_reads: tuple[str, ...] = ()


def _sql(name: str, expected: str, query: str, remedy: str, subject: str = "") -> Expectation:
    return Expectation(name, "UnexpectedRowsExpectation", {"unexpected_rows_query": query}, remedy, subject, expected)


def arriving_suites(sources: list[str]) -> list[Suite]:
    """The suite of what `sources` brought, on its measures: never empty, what identifies a record always there.

    Named by source, for that is what a failure is about.
    """
    expectations = []
    for source in sources:
        keys = arrivals.required_fields(source)
        of_source = f"from {{batch}} where source = '{source}'"
        expectations += [
            _sql(
                f"arriving_{source}_has_rows",
                f"The accepted files of {source} contain at least one row.",
                f"select '{source}' as source where (select coalesce(sum(rows), 0) {of_source}) < 1",
                f"Files of {source} were accepted but contain no rows: ask upstream for the extract again.",
                subject=f"raw.{source}",
            ),
            _sql(
                f"arriving_{source}_keys_are_set",
                f"Every row that arrived has {', '.join(keys)}.",
                f"select load_batch, unset_keys {of_source} and unset_keys != 0",
                f"Find the batch's files in raw.receipts and have them delivered again with {', '.join(keys)}.",
                subject=f"raw.{source}",
            ),
        ]
    judged = Suite("arriving", arrivals.RELATION, tuple(expectations), keys=("source", "load_batch"))
    return [judged] if expectations else []


def candidate_suites() -> list[Suite]:
    """Suites of the invoice marts that are about to be published."""
    lines = Suite(
        "candidate_invoice_lines",
        "marts.fct_invoice_lines",
        (
            Expectation(
                "invoice_lines_has_rows",
                "ExpectTableRowCountToBeBetween",
                {"min_value": 1},
                "Nothing would be invoiced: check that usage and the account map have landed.",
            ),
            *(
                Expectation(
                    f"invoice_lines_{column}_is_set",
                    "ExpectColumnValuesToNotBeNull",
                    {"column": column},
                    f"A line without {column} cannot be justified: see the model int_gen_12__lines_invoiced.",
                )
                for column in ("line_id", "invoice_id", "tenant_id", "billed_amount", "currency_code")
            ),
            Expectation(
                "invoice_lines_line_id_is_unique",
                "ExpectColumnValuesToBeUnique",
                {"column": "line_id"},
                "Two lines would be billed as one: see the keys of int_gen_06__usage_by_price_version.",
            ),
            _sql(
                "gen_07_amounts_are_quantity_times_price_rounded_once",
                "Every line's rated amount is its quantity times its price, and its billed amount is that rounded "
                "once to the currency's smallest unit.",
                "select l.line_id from {batch} as l left join seeds.currencies as c using (currency_code) "
                "where l.rated_amount != l.pricing_quantity * l.unit_price "
                "or l.charge_class is null and l.billed_amount is distinct from case c.minor_unit "
                # Of one type each: a type for all of them has no room for the third decimal.
                "when 0 then round(l.rated_amount, 0)::decimal(18, 3) "
                "when 2 then round(l.rated_amount, 2)::decimal(18, 3) "
                "when 3 then round(l.rated_amount, 3)::decimal(18, 3) end",
                "An amount is not its quantity times its price: see int_gen_07__lines_rated.",
            ),
            _sql(
                "gen_08_lines_are_in_the_tenants_currency",
                "Every line is in its tenant's currency, unless it was issued before the tenant changed currency, or "
                "corrects or credits a line that was.",
                "select l.line_id from {batch} as l left join marts.dim_tenants as t on l.tenant_id = t.tenant_id "
                "left join marts.fct_invoices as i on l.invoice_id = i.invoice_id "
                "where t.currency_code is distinct from l.currency_code "
                # What was issued in a currency the tenant has since left stays, and is corrected in it.
                "and i.status is distinct from 'issued' and l.charge_class is null "
                "and not (l.charge_category = 'credit' and exists (select 1 from {batch} as b "
                "where b.tenant_id = l.tenant_id and b.meter = l.meter and b.price_key = l.price_key "
                "and b.charge_category = 'usage' and b.currency_code = l.currency_code))",
                "A line is not in its tenant's currency: check the price book.",
            ),
        ),
        keys=("line_id", "invoice_id", "tenant_id"),
        also_reads=("marts.dim_tenants", "marts.fct_invoices", "seeds.currencies"),
    )
    invoices = Suite(
        "candidate_invoices",
        "marts.fct_invoices",
        (
            Expectation(
                "invoices_has_rows",
                "ExpectTableRowCountToBeBetween",
                {"min_value": 1},
                "Nothing would be invoiced: check that usage and the account map have landed.",
            ),
            Expectation(
                "invoices_invoice_id_is_unique",
                "ExpectColumnValuesToBeUnique",
                {"column": "invoice_id"},
                "An invoice would be sent twice: see fct_invoices.",
            ),
            _sql(
                "gen_07_invoice_totals_are_the_sum_of_their_lines",
                "Every invoice's amount and line count equal the totals of its lines.",
                "select i.invoice_id from {batch} as i left join (select invoice_id, "
                "sum(billed_amount) as lines_amount, count(*) as lines_count from marts.fct_invoice_lines "
                "group by invoice_id) as l on i.invoice_id = l.invoice_id "
                "where i.billed_amount is distinct from l.lines_amount "
                "or i.line_count is distinct from l.lines_count",
                "An invoice does not add up to its lines: rebuild the month; see fct_invoices.",
            ),
        ),
        keys=("invoice_id", "tenant_id"),
        also_reads=("marts.fct_invoice_lines",),
    )
    fates = Suite(
        "candidate_record_fates",
        "marts.rpt_record_fates",
        (
            Expectation(
                "record_fates_has_rows",
                "ExpectTableRowCountToBeBetween",
                {"min_value": 1},
                "No record is accounted for: see rpt_record_fates.",
            ),
            _sql(
                "gen_05_every_raw_row_has_one_fate",
                "For every source, as many raw rows are accounted for as its accepted files contain.",
                "select coalesce(r.source, f.source) as source from "
                "(select source, sum(rows_total) as n from raw.receipts where status = 'accepted' "
                "group by source having sum(rows_total) > 0) as r full join "
                "(select source, sum(record_count) as n from {batch} group by source) as f "
                "on r.source = f.source where r.n is distinct from f.n",
                "Rows landed and rows accounted for differ for this source: see rpt_record_fates.",
            ),
        ),
        keys=("source",),
        also_reads=("raw.receipts",),
    )
    return [lines, invoices, fates]
