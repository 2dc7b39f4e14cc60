"""Only what is new is metered again, and the result is that of metering everything at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from orchestration import pipeline
from orchestration.settings import Settings

Land = Callable[[str, str, "str | bytes"], Path]
HEADER = "translation_id,org_id,source_lang,target_lang,character_count,status,completed_at,updated_at\n"
CONTRACT = {
    "tenants": "tenant_id,name,billing_currency\nt,T,USD\n",
    "account_map": "tenant_id,system,account_id,kind,valid_from\nt,kustomer,org,platform,2024-01-01T00:00:00Z\n",
}


def _row(key: str, day: str, characters: int, version: str = "2024-12-01T00:00:00Z") -> str:
    return f"{key},org,en,de,{characters},completed,{day}T10:00:00Z,{version}\n"


def test_runs_in_steps_equal_one_run_and_touch_only_their_months(
    settings: Settings, land: Land, tmp_path: Path
) -> None:
    for source, content in CONTRACT.items():
        land(source, "all.csv", content)
    land("translations", "1.csv", HEADER + _row("a", "2024-09-05", 100) + _row("b", "2024-10-05", 200))
    pipeline.run_all(settings)
    # A late row for September, and a newer state that moves b from October to November.
    land("translations", "2.csv", HEADER + _row("c", "2024-09-06", 50))
    assert pipeline.run_all(settings).touched_months == ["2024-09-01"]
    land("translations", "3.csv", HEADER + _row("b", "2024-11-05", 200, "2024-12-02T00:00:00Z"))
    in_steps = pipeline.run_all(settings)
    assert in_steps.touched_months == ["2024-10-01", "2024-11-01"]

    at_once = Settings(home=tmp_path / "again", landing=settings.landing, memory_limit="1GB")
    whole = pipeline.run_all(at_once)
    assert in_steps.release is not None
    assert whole.release is not None
    assert in_steps.release.content_hash == whole.release.content_hash

    assert not pipeline.has_work(settings)
    nothing = pipeline.run_all(settings)
    assert nothing.release is not None
    assert (nothing.models_run, nothing.release.is_new) == (0, False)


def test_only_tenant_months_that_moved_are_invoiced_again(settings: Settings, land: Land, tmp_path: Path) -> None:
    land("tenants", "all.csv", "tenant_id,name,billing_currency\nt,T,USD\nu,U,USD\n")
    accounts = "".join(
        f"{t},kustomer,{org},platform,2024-01-01T00:00:00Z\n" for t, org in (("t", "org"), ("u", "other"))
    )
    land("account_map", "all.csv", "tenant_id,system,account_id,kind,valid_from\n" + accounts)
    others = "".join(_row(f"u{n}", f"2024-{n:02d}-05", 10).replace(",org,", ",other,") for n in range(9, 12))
    land("translations", "1.csv", HEADER + _row("a", "2024-09-05", 100) + _row("b", "2024-10-05", 200) + others)
    assert pipeline.run_all(settings).moved_tenant_months is None  # All of them: nothing was there.
    # The month of tenant t that the row is of, and none of tenant u.
    land("translations", "2.csv", HEADER + _row("c", "2024-09-06", 50))
    assert pipeline.run_all(settings).moved_tenant_months == 1
    # Out of October into November: both, and u's November stays.
    land("translations", "3.csv", HEADER + _row("b", "2024-11-05", 200, "2024-12-02T00:00:00Z"))
    assert pipeline.run_all(settings).moved_tenant_months == 2
    # The same contract delivered again moves nobody; a tenant in another currency all of its own months.
    land("tenants", "again.csv", "tenant_id,name,billing_currency\nu,U,USD\nt,T,USD\n")
    assert pipeline.run_all(settings).moved_tenant_months == 0
    land(
        "tenants",
        "euro.csv",
        "tenant_id,name,billing_currency,updated_at\nu,U,EUR,2024-12-03T00:00:00Z\n",
    )
    in_steps = pipeline.run_all(settings)
    assert in_steps.moved_tenant_months == 3
    at_once = pipeline.run_all(Settings(home=tmp_path / "again", landing=settings.landing, memory_limit="1GB"))
    assert in_steps.release is not None
    assert at_once.release is not None
    assert in_steps.release.content_hash == at_once.release.content_hash
