"""A published sample whose September is closed and then corrected by late usage, for the tests that read its pages."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestration.settings import Settings
from tests.closing.steps import close_at, run_at
from tests.conftest import SampleRun

HOSTILE = "<script>alert('x')</script> & \"Söhne\" <img src=http://x.example/y>"
LATE_WORDS = (
    "translation_id,org_id,source_lang,target_lang,character_count,status,completed_at,updated_at\n"
    # 500,000 characters are 100,000 words: late for the closed September, new for the open October.
    "late-1,533fdc8591baeeed4c9f01ce,en,de,500000,completed,2024-09-15T10:00:00Z,2025-01-10T12:00:00Z\n"
    "late-2,533fdc8591baeeed4c9f01ce,en,de,500000,completed,2024-10-15T10:00:00Z,2025-01-10T12:00:00Z\n"
)


def close_and_correct(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Close September, then take in late words of September and October and a tenant's new name, and publish."""
    run_at(settings, monkeypatch, "2025-01-09")  # A copied landing folder is looked at once; nothing in it is new.
    close_at(settings, "2024-09", "2025-01-10")
    (settings.landing / "translations" / "late.csv").write_text(LATE_WORDS, encoding="utf-8")
    name = HOSTILE.replace('"', '""')
    (settings.landing / "tenants" / "renamed.csv").write_text(
        "tenant_id,name,billing_currency,bill_to_name,bill_to_address,bill_to_country,payment_method_id,updated_at\n"
        f'tnt_0004,"{name}",USD,Renamed,4 Market Street,US,pm_0004,2025-01-10T12:00:00Z\n',
        encoding="utf-8",
    )
    report = run_at(settings, monkeypatch, "2025-01-11")
    assert report.release is not None
    assert report.release.is_new


@pytest.fixture(scope="package")
def closed_run(sample_run: SampleRun, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """The sample with September closed, a correction of it in October, and a tenant whose name is hostile."""
    root: Path = tmp_path_factory.mktemp("closed")
    for part, source in (("var", sample_run.settings.home), ("landing", sample_run.settings.landing)):
        shutil.copytree(source, root / part, symlinks=True)
    settings = Settings(home=root / "var", landing=root / "landing", memory_limit="1GB")
    with pytest.MonkeyPatch.context() as monkeypatch:
        close_and_correct(settings, monkeypatch)
        yield settings
