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
    assert (nothing.models_run, nothing.nothing_new) == (0, True)
