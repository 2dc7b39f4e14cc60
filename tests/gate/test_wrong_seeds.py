"""A wrong row in the price book is refused: the check names the row and what to do, and what is served stays."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestration import duck, pipeline
from orchestration.errors import BuildFailed, GateRefused
from orchestration.quality import verdict as verdicts
from orchestration.settings import Settings
from orchestration.warehouse.seed_header import SeedBroken
from orchestration.warehouse.seed_values import rounded_numbers
from tests.conftest import landing_into
from tests.gate.served import nothing_served_changes
from tests.project_copy import copy_of_project

PRICES = "seeds/terms/price_updates.csv"
POOLS = "seeds/terms/plan_whatsapp_pools.csv"
# A price typed wrong and withdrawn, kept beside the right one of its day: nothing is wrong with that.
WITHDRAWN = "typo,voice_minute,inbound_toll_free,USD,9.64,2022-01-01,2022-01-01,,2022-01-02,false,VOI-03,typed by hand"


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A month of translations, published with a project of its own."""
    root = tmp_path_factory.mktemp("seeds")
    project = copy_of_project(root / "project")
    _add(project, PRICES, WITHDRAWN)
    settings = Settings(home=root / "var", landing=root / "landing", project_dir=project, memory_limit="1GB")
    land = landing_into(settings)
    land("tenants", "all.csv", "tenant_id,name,billing_currency\nt,T,USD\n")
    accounts = "tenant_id,system,account_id,kind,valid_from\nt,kustomer,org,platform,2024-01-01T00:00:00Z\n"
    land("account_map", "all.csv", accounts)
    header = "translation_id,org_id,source_lang,target_lang,character_count,status,completed_at\n"
    land("translations", "october.csv", f"{header}t,org,en,de,100,completed,2024-10-05T10:00:00Z\n")
    assert pipeline.run_all(settings).release is not None
    return settings


@pytest.fixture
def mine(published: Settings) -> Iterator[Settings]:
    """The published month, its seeds as they were once the test is over."""
    kept = {name: (published.project_dir / name).read_bytes() for name in (PRICES, POOLS)}
    yield published
    for name, content in kept.items():
        (published.project_dir / name).write_bytes(content)


def _add(project: Path, seed: str, *rows: str) -> None:
    with (project / seed).open("a", encoding="utf-8") as file:
        file.writelines(f"{row}\n" for row in rows)


def test_a_wrong_row_is_refused_and_named_with_what_to_do(mine: Settings) -> None:
    """One run meets a fault of each kind: each is found by its own check, and by no other."""
    _add(
        mine.project_dir,
        PRICES,
        # 67.30 for the toll-free minutes of a month became 18,533.77.
        "again,voice_minute,inbound_toll_free,USD,9.64,2022-01-01,2022-01-01,,,false,VOI-03,typed by hand",
        "negative,voice_minute,inbound_toll_free,USD,-0.035,2024-09-01,2024-09-01,,,false,VOI-03,typed by hand",
        "key,voice_minute,inbound_toll_fre,USD,0.036,2024-09-02,2024-09-02,,,false,VOI-03,typed by hand",
        "currency,voice_minute,inbound_toll_free,USDD,0.036,2024-09-03,2024-09-03,,,false,VOI-03,typed by hand",
        "dates,voice_minute,inbound_toll_free,USD,0.036,2024-09-04,,,,false,VOI-03,typed by hand",
    )
    _add(mine.project_dir, POOLS, "plan,no_such_plan,5,2022-01-01,2022-01-01,,false,typed by hand")
    with nothing_served_changes(mine), pytest.raises(GateRefused, match=r"6 of \d+ checks failed"):
        pipeline.run_all(mine)
    with duck.connect(mine.warehouse_path, mine, read_only=True) as connection:
        verdict = verdicts.latest(connection)
    assert verdict is not None
    failed = {check.name: check for check in verdict.checks if not check.passed}
    first = "voice_minute.inbound_toll_free.usd.2022-01-01"
    assert {name: check.failing_keys for name, check in failed.items()} == {
        "prc_05__a_price_is_published_once_a_day": ("price_update_id=again", f"price_update_id={first}"),
        "gen_06__prices_are_not_negative": ("price_update_id=negative",),
        "gen_06__price_keys_are_known": ("price_update_id=key",),
        "relationships_price_updates_currency_code__currency_code__ref_currencies_": (
            "price_update_id=currency, currency_code=USDD",
        ),
        "prc_01__price_updates_are_dated_in_order": ("price_update_id=dates",),
        "relationships_plan_whatsapp_pools_plan_id__plan_id__ref_plans_": (
            "pool_update_id=plan, plan_id=no_such_plan",
        ),
    }
    for check in failed.values():
        seed = POOLS if check.subject == "plan_whatsapp_pools" else PRICES
        assert check.remedy.startswith(f"Correct these rows of {seed}, or what they refer to, and run again."), check
    assert "take out the one that is wrong" in failed["prc_05__a_price_is_published_once_a_day"].remedy


def test_a_price_of_more_decimals_than_are_kept_is_refused_not_rounded(mine: Settings) -> None:
    path = mine.project_dir / PRICES
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(",USD,0.035,", ",USD,0.0350000049,", 1), encoding="utf-8")
    told = (
        f"{PRICES}, line 5 (voice_minute.inbound_toll_free.usd.2022-01-01), column unit_price: 0.0350000049 "
        "would be rounded, because the column holds 8 decimals. Write a value that fits."
    )
    with nothing_served_changes(mine), pytest.raises(BuildFailed, match=re.escape(told)):
        pipeline.run_all(mine)


@pytest.mark.parametrize("far", [0, 20_000])
def test_a_seed_that_is_not_utf8_is_named_with_the_line(mine: Settings, far: int) -> None:
    path = mine.project_dir / POOLS
    content = path.read_bytes() + b"\n" * far
    line = content.count(b"\n") + 1
    path.write_bytes(content + b"pool,plan,5,2022-01-01,2022-01-01,,false,getippt f\xfcr M\xe4rz\n")
    told = f"{POOLS}, line {line}: the byte 0xfc is not UTF-8 text"
    with nothing_served_changes(mine), pytest.raises(BuildFailed, match=re.escape(told)):
        pipeline.run_all(mine)


def test_a_model_that_the_parser_refuses_is_a_failed_build_that_names_it(mine: Settings) -> None:
    slip = mine.project_dir / "models" / "slip.sql"
    slip.write_text("select 1\n{{ nope(\n", encoding="utf-8")
    try:
        with nothing_served_changes(mine), pytest.raises(BuildFailed, match=r"models/slip\.sql.* line 2"):
            pipeline.run_all(mine)
    finally:
        slip.unlink()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"id,value\n" + b"a,1\n" * 4_000 + b"\xe4,1\n", "seed.csv, line 4002: the byte 0xe4 is not UTF-8 text"),
        (b"id,value\na,1\n" + b"b" * 200_000 + b",1\n", "seed.csv, line 3: field larger than field limit"),
    ],
)
def test_what_cannot_be_read_past_the_first_line_is_told_of(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "seed.csv"
    path.write_bytes(content)
    limit = csv.field_size_limit(131_072)
    try:
        with pytest.raises(SeedBroken, match=told):
            rounded_numbers(path, "seed.csv", {"id": "varchar", "value": "bigint"})
    finally:
        csv.field_size_limit(limit)


@pytest.mark.parametrize(
    ("kind", "value", "is_rounded"),
    [
        ("decimal(18, 8)", "0.12345678", False),
        ("decimal(18, 8)", "0.1234567800", False),
        ("decimal(18, 8)", "0.123456789", True),
        ("decimal(18, 8)", "1e-9", True),
        ("decimal(18, 8)", "12000", False),
        ("decimal(18, 8)", "", False),
        ("decimal(18, 8)", "a lot", False),  # refused by the loading itself
        ("bigint", "2.5", True),
        ("bigint", "2.0", False),
        ("integer", "2", False),
        ("varchar", "0.123456789", False),
    ],
)
def test_what_loading_would_round_is_told_of(tmp_path: Path, kind: str, value: str, is_rounded: bool) -> None:
    path = tmp_path / "seed.csv"
    path.write_text(f'id,source,value\n"a","of two\nlines",{value}\n', encoding="utf-8")
    told = rounded_numbers(path, "seed.csv", {"id": "varchar", "source": "varchar", "value": kind})
    assert bool(told) is is_rounded
    assert all(text.startswith("seed.csv, line 3 (a), column value: ") for text in told)
