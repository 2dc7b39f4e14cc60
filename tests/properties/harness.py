"""Worlds through the real ingestion and models, and through the oracle: the two bills side by side."""

from __future__ import annotations

import csv
import io
import random
import shutil
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from orchestration import duck, pipeline
from orchestration.settings import PROJECT_DIR, Settings
from orchestration.warehouse.dbt_build import build
from tests.oracle import Bill, Line, bill
from tests.oracle.extracts import columns
from tests.oracle.worlds import Tables, World
from tests.project_copy import copy_of_project

# Months worlds begin in: card changes, leap years, 30-day edges, the message era.
ERAS = (date(2024, 9, 1), date(2025, 6, 1), date(2023, 12, 1), date(2026, 1, 1), date(2024, 12, 1))


@dataclass
class Batch:
    """Worlds that share a price book and one run."""

    seed: int
    first: date
    worlds: list[World]

    @property
    def tenant_months(self) -> int:
        return sum(world.tenant_count * len(world.months) for world in self.worlds)

    @property
    def tables(self) -> Tables:
        joined: Tables = defaultdict(list)
        for world in self.worlds:
            for source, rows in world.tables.items():
                joined[source] += rows
        return joined


def make_batch(seed: int, worlds: int, world: int | None = None) -> Batch:
    """Batch `seed` of `worlds` worlds; with `world`, only that one of them."""
    first = ERAS[seed % len(ERAS)]
    chosen = range(worlds) if world is None else [world]
    return Batch(seed, first, [World(seed * 1_000_000 + number, first) for number in chosen])


def write_landing(
    landing: Path, tables: Tables, shuffled: random.Random, files: int = 3, *, again: float = 0.02
) -> None:
    """The rows in flat CSV, dealt out at random; a share of them, `again`, is delivered twice."""
    for source, rows in tables.items():
        names = [name for name, _ in columns(source) if not name.startswith("_")]
        dealt: list[list[dict[str, Any]]] = [[] for _ in range(files)]
        for row in rows:
            shuffled.choice(dealt).append(row)
            if shuffled.random() < again:
                shuffled.choice(dealt).append(row)
        for mine in dealt:
            shuffled.shuffle(mine)
        # Files of the same bytes are one delivery, taken in once: two rows alike may lie in one file, not make two.
        for number, mine in enumerate(dealt):
            if mine and (first := dealt.index(mine)) < number:
                dealt[first], dealt[number] = mine * 2, []
        for number, mine in enumerate(dealt):
            path = landing / source / f"part{number}.csv"
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("w", encoding="utf-8", newline="") as text:
                writer = csv.DictWriter(text, names, restval="", lineterminator="\n")
                writer.writeheader()
                writer.writerows(mine)


def copy_project(target: Path, batch: Batch) -> Path:
    """The project's models with a price book of this batch: updates around every notice edge."""
    copy_of_project(target)
    # The models are the project's own, so what their unit tests gave holds here too.
    known = PROJECT_DIR / ".cache" / "dbt" / "unit_tests"
    known.mkdir(parents=True, exist_ok=True)
    linked = target / ".cache" / "dbt" / "unit_tests"
    linked.parent.mkdir(parents=True, exist_ok=True)
    if not linked.is_symlink():
        # One folder may hold the project of several batches, one after the other.
        linked.symlink_to(known)
    r = random.Random(f"price book {batch.seed}")
    start = batch.first - timedelta(days=45)

    def day() -> date:
        return start + timedelta(days=r.choice((0, 14, 15, 44, 45, 46, 75, 76, r.randint(0, 120))))

    terms = target / "seeds" / "terms"
    meters = ["voice_minute,inbound_local", "sms_segment,outbound", "translated_word,", "translated_word,"]
    meters += ["phone_number,us_ca", "data_storage,", "kiq_conversation,", "whatsapp_fee,", "transcription_minute,"]
    lines = _in_dinars(terms / "price_updates.csv")
    # Which of two prices of one day is meant nobody can say: the gate refuses such a price book.
    taken = _published(terms / "price_updates.csv", "meter", "price_key", "currency_code")
    for number, key in enumerate(m for m in meters for _ in range(r.choice((0, 1, 2, 3)))):
        page, portal = day(), day()
        while f"{key},USD,{max(page, portal)}" in taken:
            page += timedelta(days=1)
            portal = max(page, portal)
        taken.add(f"{key},USD,{max(page, portal)}")
        withdrawn = max(page, portal) + timedelta(days=r.randint(0, 60)) if r.random() < 0.2 else ""
        price = r.choice(("0", "0.0049", "0.0155", "1.255"))
        lines.append(f"u{number},{key},USD,{price},{page},{portal},,{withdrawn},false,GEN-06,made up for a test")
    _append(terms / "price_updates.csv", lines)
    pools = _published(terms / "plan_whatsapp_pools.csv", "plan_id")
    for number in range(2):
        plan, size, page = r.choice(("enterprise", "business")), r.choice((0, 1, 3)), day()
        while f"{plan},{page}" in pools:
            page += timedelta(days=1)
        pools.add(f"{plan},{page}")
        _append(terms / "plan_whatsapp_pools.csv", [f"p{number},{plan},{size},{page},{page},,false,made up for a test"])
    _append(terms / "storage_blocks.csv", [f"b,data_storage,7000000000,{day()},false,made up for a test"])
    _append(terms / "plan_storage_limits.csv", [f"l,business,data_storage,1,3,{day()},false,made up for a test"])
    _append(
        terms / "billing_settings.csv",
        [f"kiq_basis,{r.choice(('kiq_01', 'kiq_03'))},{day()},KIQ-03,made up for a test"],
    )
    # What a plan includes is flagged and never billed (PRC-04): no amount may tell that this was published.
    _append(terms / "plans.csv", [f"business,Business,true,mms,{batch.first + timedelta(days=14)},made up for a test"])
    # A market that moves: Brazilian numbers of one city are Germany's from some day on.
    moved = [f"5511,Germany,{day()},,made up for a test"]
    _append(target / "seeds" / "reference" / "whatsapp_markets.csv", moved)
    # A message card that prices user-initiated messages, so that windows draw on the pool.
    cards = [f"test_card,message,USD,{batch.first - timedelta(days=90)},,,made up for a test"]
    published, named_after, ended = day(), r.choice((None, day())), r.choice((None, day()))
    while f",{published}," in (terms / "whatsapp_cards.csv").read_text(encoding="utf-8"):
        published += timedelta(days=1)
    named, withdrawn_on = "", str(max(published, ended)) if ended else ""
    if named_after:
        # Late enough for the card to begin on that day, inside a month.
        named = str((max(named_after, published) + timedelta(days=31)).replace(day=r.randint(2, 28)))
        withdrawn_on = ""
    cards.append(f"late_card,message,USD,{published},{named},{withdrawn_on},made up for a test")
    _append(terms / "whatsapp_cards.csv", cards)
    markets = ("Brazil", "Germany", "India", "North America", "Rest of Latin America", "Other")
    rates = [
        f"{card},{market},{name},0.0{number + shift}"
        for card, shift in (("test_card", 1), ("late_card", 3))
        for number, market in enumerate(markets[: 7 - shift])
        for name in _MESSAGE_RATES
    ]
    _append(terms / "whatsapp_card_rates.csv", rates)
    return target


_MESSAGE_RATES = ("user_initiated", "marketing", "utility", "authentication")


def _in_dinars(path: Path) -> list[str]:
    """Every price in dollars as one in dinars, whose smallest unit is a third decimal."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["currency_code"] == "USD"]
    dinars = [row | {"price_update_id": f"{row['price_update_id']}.kwd", "currency_code": "KWD"} for row in rows]
    text = io.StringIO()
    csv.DictWriter(text, rows[0], lineterminator="\n").writerows(dinars)
    return text.getvalue().splitlines()


def _published(path: Path, *keys: str) -> set[str]:
    """What names a price, with the day it was published, of every row of a seed."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {",".join([*(row[k] for k in keys), max(row["pricing_page_on"], row["billing_portal_on"])]) for row in rows}


def _append(path: Path, lines: list[str]) -> None:
    text = path.read_text(encoding="utf-8")
    path.write_text(text.rstrip("\n") + "\n" + "".join(f"{line}\n" for line in lines), encoding="utf-8")


def clear(settings: Settings) -> None:
    """An installation as new, but for dbt's parsed project: parsing it anew would take longer than a run."""
    shutil.rmtree(settings.landing, ignore_errors=True)
    for path in settings.home.glob("*") if settings.home.exists() else []:
        if path.name == "dbt":
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


@dataclass
class Billed:
    """What the warehouse made of a batch, in the oracle's terms."""

    lines: list[Line] = field(default_factory=list)
    fates: Counter[tuple[str, str, date | None, str, str]] = field(default_factory=Counter)
    blocked: set[tuple[str, date]] = field(default_factory=set)
    numbers: set[tuple[str, str, str, date | None, int | None]] = field(default_factory=set)


def read_warehouse(settings: Settings) -> Billed:
    """The candidate marts of the build file."""
    found = Billed()
    with duck.connect(settings.warehouse_path, settings) as connection:
        rows = connection.execute(
            "select lines.tenant_id, lines.billing_month, meter, price_key, price_id, charge_category, "
            "included_quantity, drawn_quantity, pricing_quantity, unit_price::varchar, lines.billed_amount::varchar, "
            "lines.currency_code, payment_method_id, clause_id from marts.fct_invoice_lines as lines "
            "inner join marts.fct_invoices as invoices using (invoice_id)"
        ).fetchall()
        exact = ([*row[:9], Decimal(row[9]), Decimal(row[10]), *row[11:]] for row in rows)
        found.lines = sorted(Line(*values) for values in exact)
        for *key, count in connection.execute(
            "select source, tenant_id, billing_month, fate, reason, sum(record_count)::bigint "
            "from marts.rpt_record_fates group by all having sum(record_count) > 0"
        ).fetchall():
            found.fates[key[0], key[1], key[2], key[3], key[4]] = count
        blocked = connection.execute(
            "select distinct tenant_id, billing_month from marts.rpt_findings where finding = 'tenant_month_blocked'"
        ).fetchall()
        found.blocked = {(tenant, month) for tenant, month in blocked}
        numbers = connection.execute(
            "select phone_number, coalesce(tenant_id, ''), reason, first_day, snapshot_days "
            "from intermediate.int_num_03__log_reconciled"
        ).fetchall()
        found.numbers = {(row[0], row[1], row[2], row[3], row[4]) for row in numbers}
    return found


def run_batch(batch: Batch, folder: Path) -> tuple[Bill, Billed]:
    """Both bills of a batch; the warehouse's by the real ingestion and dbt, in this process."""
    project = copy_project(folder / "project", batch)
    settings = Settings(home=folder / "var", landing=folder / "landing", project_dir=project, memory_limit="1GB")
    clear(settings)
    write_landing(settings.landing, batch.tables, random.Random(f"files {batch.seed}"))
    taken = pipeline.take_in(settings, lambda _: None)
    assert all(receipt.rows_quarantined == 0 and receipt.status != "refused" for receipt in taken.receipts), [
        (r.source, r.status, r.reason, r.rows_quarantined) for r in taken.receipts if r.rows_quarantined or r.reason
    ]
    outcome = build(settings)
    assert outcome.errors == []
    assert [test.name for test in outcome.tests if not test.passed] == []
    return bill(settings.landing, project / "seeds"), read_warehouse(settings)


def differences(expected: Bill, found: Billed, limit: int = 12) -> list[str]:
    """Readable differences, the oracle's side marked -, the warehouse's +."""
    told = []
    if expected.blocked != found.blocked:
        told += [f"- blocked {key}" for key in sorted(expected.blocked - found.blocked)]
        told += [f"+ blocked {key}" for key in sorted(found.blocked - expected.blocked)]
    told += [f"- number {row}" for row in sorted(expected.numbers - found.numbers, key=str)]
    told += [f"+ number {row}" for row in sorted(found.numbers - expected.numbers, key=str)]
    mine, theirs = Counter(expected.lines), Counter(found.lines)
    told += [f"- {line}" for line in sorted((mine - theirs).elements())]
    told += [f"+ {line}" for line in sorted((theirs - mine).elements())]
    for key in sorted(expected.fates.keys() | found.fates.keys(), key=str):
        if expected.fates[key] != found.fates[key]:
            told.append(f"fate {key}: oracle {expected.fates[key]}, warehouse {found.fates[key]}")
    return sorted(told, key=lambda text: text.split("_t")[0][-12:])[:limit] if told else []
