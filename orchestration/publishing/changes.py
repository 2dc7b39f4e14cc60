"""What moved since the last release: invoice lines added, removed and changed, by how much and why.

Why is told as far as it is known: files taken in since, of the sources that feed the line's meter,
and seed rows changed since that name its price, meter or tenant.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from pathlib import Path

import duckdb

from orchestration.publishing.amount_text import amount_text, minor_units
from orchestration.publishing.history import Published, seed_files
from orchestration.settings import Settings
from orchestration.sql_literals import sql_text, sql_values
from orchestration.warehouse.fingerprint import models_hash, project_hash

TABLE = "rpt_release_changes"
DESCRIPTION = (
    "What changed between releases: invoice lines added, removed or changed, by how much and because of which files "
    "and seed rows. Written by publishing, not by a model. Grain: release x changed invoice line."
)
COLUMNS = {
    "release_id": ("varchar", "Release that shows the line after the change."),
    "previous_release_id": ("varchar", "Release before it, which shows the line before the change."),
    "change": ("varchar", "added, removed or changed."),
    "tenant_id": ("varchar", "Tenant invoiced."),
    "billing_month": ("date", "Month of the invoice."),
    "usage_month": ("date", "Month of the usage."),
    "line_id": ("varchar", "Invoice line."),
    "meter": ("varchar", "Meter."),
    "price_key": ("varchar", "Price key."),
    "currency_code": ("varchar", "Currency of the amounts."),
    "quantity_before": ("bigint", "Priced quantity before; null for an added line."),
    "quantity_after": ("bigint", "Priced quantity after; null for a removed line."),
    "amount_before": ("decimal(18,3)", "Amount billed before; null for an added line."),
    "amount_after": ("decimal(18,3)", "Amount billed after; null for a removed line."),
    "amount_moved": ("decimal(18,3)", "Amount billed after minus before; a missing side counts as 0."),
    "causes": ("varchar", "Files and seed rows that arrived or changed in between and affect the line."),
}
# What every meter depends on: whose usage it is and what was agreed.
CONTRACT_SOURCES = ("account_map", "tenants", "subscriptions", "order_overrides")
KEPT_RELEASES = 10
NAMED_CAUSES = 6
# Of causes beside those that moved most so many are named.
OTHER_CAUSES = 3
QUERY = f'meterhouse sql "select distinct causes from {TABLE}"'
# Meters that rows of a seed bear on where no column of theirs says so: by seed, or by setting in billing_settings.csv.
METERS_BESIDE = {
    "plan_whatsapp_pools.csv": ("whatsapp_conversation", "whatsapp_message"),
    "whatsapp_markets.csv": ("whatsapp_conversation", "whatsapp_message", "whatsapp_fee"),
    "whatsapp_categories.csv": ("whatsapp_conversation", "whatsapp_message", "whatsapp_fee"),
    "voice_prefixes.csv": ("voice_minute", "recording_minute", "phone_number"),
    "kiq_basis": ("kiq_conversation",),
    "message_era_pool": ("whatsapp_message",),
}


@dataclass(frozen=True)
class SeedRow:
    """A row added to a seed or taken out of it, and the tenant, meters or price it is about; empty where there is none.

    A `price` without market and category is a WhatsApp card, and with it every price of the card.
    """

    text: str
    tenant_id: str = ""
    meters: tuple[str, ...] = ()
    price: str = ""


@dataclass(frozen=True)
class Causes:
    """What came between two releases: (source, file) taken in, seed rows changed, whether the models did."""

    files: list[tuple[str, str]]
    seed_rows: list[SeedRow]
    project_changed: bool


def find_causes(connection: duckdb.DuckDBPyConnection, settings: Settings, previous: Published) -> Causes:
    """What came into the warehouse since `previous` was published."""
    files = connection.execute(
        "select source, file_name from raw.receipts where status = 'accepted' "
        f"and load_batch > {int(previous.newest_batch)} order by all"
    ).fetchall()
    rows = []
    for seed in seed_files(settings):
        before, after = _lines(previous.path / "seeds" / seed.name), _lines(seed)
        rows += [_seed_row(seed.name, f"+ {row}", values) for row, values in _rows_not_in(before, after)]
        rows += [_seed_row(seed.name, f"- {row}", values) for row, values in _rows_not_in(after, before)]
    if previous.models_sha256:
        changed = models_hash(settings) != previous.models_sha256
    else:
        # Kept by a version that knew the project as a whole: a seed's row changes it as well.
        changed = project_hash(settings) != previous.project_sha256 and not rows
    return Causes([(source, name) for source, name in files], rows, changed)


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8-sig").splitlines() if path.exists() else []


def _rows_not_in(others: list[str], lines: list[str]) -> list[tuple[str, dict[str, str]]]:
    """Lines of a seed, but its header, that `others` lacks, in order, each with its values by column."""
    columns = next(csv.reader(lines[:1]), [])
    missing = sorted({*lines[1:]} - {*others[1:]})
    return [(line, dict(zip(columns, next(csv.reader([line]), []), strict=False))) for line in missing]


def _seed_row(seed: str, text: str, values: dict[str, str]) -> SeedRow:
    # As int_prc_02__card_prices_chosen names the price of a card.
    card = "|".join(values[column] for column in ("card_id", "market", "category") if column in values)
    beside = METERS_BESIDE.get(values.get("setting", seed), ())
    meters = (values["meter"],) if values.get("meter") else beside
    return SeedRow(f"{seed} {text}", values.get("tenant_id", ""), meters, values.get("price_update_id", card))


def write_changes(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    release_id: str,
    previous: Published | None,
    served_database: Path | None,
    months: Collection[str] | None = None,
) -> None:
    """Make `released.marts.rpt_release_changes` in the attached release database.

    `months` are the billing months (first days) whose lines may have moved, where that is known.
    """
    target = f"released.marts.{TABLE}"
    columns = ", ".join(f"{name} {kind}" for name, (kind, _) in COLUMNS.items())
    connection.execute(f"create table {target} ({columns})")
    connection.execute(f"comment on table {target} is {sql_text(DESCRIPTION)}")
    for name, (_, text) in COLUMNS.items():
        connection.execute(f"comment on column {target}.{name} is {sql_text(text)}")
    if previous is None:
        return
    _carry_over(connection, target, served_database)
    _fill(connection, target, release_id, previous, find_causes(connection, settings, previous), _where(months))


def _carry_over(connection: duckdb.DuckDBPyConnection, target: str, served_database: Path | None) -> None:
    if served_database is None or not served_database.exists():
        return
    # Left attached for as long as the connection lives: its transaction may go on.
    connection.execute(f"attach {sql_text(str(served_database))} as served (read_only)")
    known = connection.execute(
        f"select 1 from duckdb_tables() where database_name = 'served' and table_name = '{TABLE}'"
    ).fetchone()
    if known:
        connection.execute(
            f"insert into {target} by name select * from served.marts.{TABLE} where release_id in (select distinct "
            f"release_id from served.marts.{TABLE} order by 1 desc limit {KEPT_RELEASES - 1})"
        )


def _where(months: Collection[str] | None) -> str:
    if months is None:
        return ""
    listed = ", ".join(f"date {sql_text(month)}" for month in sorted(months))
    return f"where billing_month in ({listed})" if listed else "where false"


def _fill(
    connection: duckdb.DuckDBPyConnection,
    target: str,
    release_id: str,
    previous: Published,
    causes: Causes,
    chosen: str,
) -> None:
    connection.execute(
        "create or replace temp table new_files (source varchar, file_name varchar);"
        "create or replace temp table changed_seed_rows "
        "(seed_row varchar, tenant_id varchar, meters varchar, price varchar)"
    )
    # Literals: binding parameters makes the driver import pandas, 0.5 s of CPU.
    for table, rows in (
        ("new_files", [sql_values(*file) for file in causes.files]),
        (
            "changed_seed_rows",
            [sql_values(row.text, row.tenant_id, " ".join(row.meters), row.price) for row in causes.seed_rows],
        ),
    ):
        if rows:
            connection.execute(f"insert into {table} values {', '.join(rows)}")
    contract = ", ".join(sql_text(source) for source in CONTRACT_SOURCES)
    project = "'the models changed'" if causes.project_changed else "null"
    connection.execute(
        f"""insert into {target} by name
        with moved as (
            select
                coalesce(a.line_id, b.line_id) as line_id,
                coalesce(a.tenant_id, b.tenant_id) as tenant_id,
                coalesce(a.billing_month, b.billing_month) as billing_month,
                coalesce(a.usage_month, b.usage_month) as usage_month,
                coalesce(a.meter, b.meter) as meter,
                coalesce(a.price_key, b.price_key) as price_key,
                coalesce(a.price_id, b.price_id) as price_id,
                coalesce(a.currency_code, b.currency_code) as currency_code,
                case when b.line_id is null then 'added' when a.line_id is null then 'removed' else 'changed' end
                    as change,
                b.pricing_quantity as quantity_before, a.pricing_quantity as quantity_after,
                b.billed_amount as amount_before, a.billed_amount as amount_after,
                coalesce(a.billed_amount, 0) - coalesce(b.billed_amount, 0) as amount_moved
            from (select * from marts.fct_invoice_lines {chosen}) as a
            full join (select * from {previous.read_sql("fct_invoice_lines")} {chosen}) as b
                on a.line_id = b.line_id
            where a.line_id is null or b.line_id is null
                or a.billed_amount != b.billed_amount or a.pricing_quantity != b.pricing_quantity
                or a.unit_price != b.unit_price or a.currency_code != b.currency_code
        ),
        feeds as (
            select distinct meter, source from intermediate.int_gen_05__usage_fates
            union select distinct m.meter, c.source from seeds.meters as m
            cross join (select unnest([{contract}]) as source) as c
            union select m.meter, 'whatsapp_webhooks' from seeds.meters as m where m.meter like 'whatsapp%'
            union select m.meter, 'seat_snapshots' from seeds.meters as m where m.meter like '%storage'
            union select m.meter, 'storage_purchases' from seeds.meters as m where m.meter like '%storage'
        ),
        files as (
            select f.meter, 'file ' || n.source || '/' || n.file_name as cause
            from feeds as f inner join new_files as n on f.source = n.source
        ),
        told as (
            select m.line_id, f.cause from moved as m inner join files as f on m.meter = f.meter
            union
            select m.line_id, 'seed ' || s.seed_row from moved as m inner join changed_seed_rows as s
                on s.tenant_id = m.tenant_id or contains(' ' || s.meters || ' ', ' ' || m.meter || ' ')
                or (s.price != '' and starts_with(m.price_id || '|', s.price || '|'))
        ),
        listed as (
            select line_id, count(*) as cause_count, list(cause order by cause)[1:{NAMED_CAUSES}] as named
            from told group by line_id
        )
        select
            {sql_text(release_id)} as release_id, {sql_text(previous.release_id)} as previous_release_id,
            m.* exclude (price_id),
            coalesce(
                array_to_string(l.named, '; ')
                || case when l.cause_count > {NAMED_CAUSES}
                    then ' and ' || (l.cause_count - {NAMED_CAUSES}) || ' more' else '' end,
                {project}, 'a change of other contract data or of another tenant''s line'
            ) as causes
        from moved as m left join listed as l on m.line_id = l.line_id
        order by m.line_id"""
    )


@dataclass(frozen=True)
class Moved:
    """What moved in a billing month with one release: lines and amount (as told), by change and currency.

    `causes` are those that moved most, with how many of the lines; files and seed rows behind the others follow.
    """

    billing_month: str
    change: str
    currency_code: str
    lines: int
    amount_moved: str
    causes: str


@dataclass(frozen=True)
class CauseSet:
    """Lines that moved because of the same files and seed rows: `causes` as the table writes them."""

    causes: str
    lines: int
    moved: Decimal


def moved_with(connection: duckdb.DuckDBPyConnection, release_id: str) -> list[Moved]:
    """What moved when `release_id` was published; empty for the first release."""
    rows = connection.execute(
        "select strftime(billing_month, '%Y-%m'), change, currency_code, causes, count(*), sum(abs(amount_moved)), "
        # The set that moved most first: what goes up and what goes down moved as much.
        f"sum(amount_moved) from marts.{TABLE} where release_id = {sql_text(release_id)} group by all "
        "order by 1, 2, 3, 6 desc, 5 desc, causes"
    ).fetchall()
    units = minor_units(connection)
    found = []
    for (month, change, currency), group in groupby(rows, key=lambda row: row[:3]):
        members = list(group)
        sets = [CauseSet(*row[3:6]) for row in members]
        moved = amount_text(sum(row[6] for row in members), currency, units)
        found.append(Moved(month, change, currency, sum(s.lines for s in sets), moved, causes_text(sets)))
    return found


def causes_text(sets: Sequence[CauseSet]) -> str:
    """The first of the sets with the part of the lines it moved, and what else is a cause of the others."""
    first, *others = sets
    if not others:
        return first.causes
    lines = sum(found.lines for found in sets)
    known = _single_causes(first.causes)
    more = list(
        dict.fromkeys(cause for found in others for cause in _single_causes(found.causes) if cause not in known)
    )
    text = f"{first.causes} ({first.lines} of {lines} lines"
    if not more:
        return f"{text}; the others because of some of these)"
    text = f"{text}); the others also because of {'; '.join(more[:OTHER_CAUSES])}"
    return text if len(more) <= OTHER_CAUSES else f"{text} and {len(more) - OTHER_CAUSES} more: {QUERY}"


def _single_causes(causes: str) -> list[str]:
    # A seed's row may hold a semicolon; what follows one between causes is the next one's kind.
    return re.split("; (?=(?:file|seed) )", re.sub(r" and [0-9]+ more$", "", causes))
