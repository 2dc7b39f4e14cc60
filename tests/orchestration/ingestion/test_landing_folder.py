"""Producers rename and delete while somebody looks: what is gone by then was never there."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestration.ingestion import landing
from orchestration.ingestion.landed_content import new_content
from orchestration.ingestion.landing import anything_new, ingest_landing
from orchestration.settings import Settings

Land = Callable[[str, str, "str | bytes"], Path]
TENANTS = "tenant_id,name,billing_currency\nt,T,USD\n"


def _vanishing(monkeypatch: pytest.MonkeyPatch, gone: Path) -> None:
    """The file is there when the folder is listed, and not when it is looked at."""
    lstat = os.lstat

    def look(path: Path) -> os.stat_result:
        if Path(path) == gone:
            gone.unlink(missing_ok=True)
        return lstat(path)

    monkeypatch.setattr(Path, "lstat", look)


def test_a_file_that_vanishes_while_it_is_looked_at_is_nothing_new(
    settings: Settings, land: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    land("tenants", "a.csv", TENANTS)
    ingest_landing(settings)
    _vanishing(monkeypatch, land("tenants", "b.csv.part", "x"))
    assert not anything_new(settings)
    _vanishing(monkeypatch, land("tenants", "b.csv.part", "x"))
    assert new_content(settings, {}).files == []


def test_a_file_that_vanishes_before_it_is_taken_in_stops_no_other(
    settings: Settings, land: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    land("tenants", "a.csv", TENANTS)
    _vanishing(monkeypatch, land("tenants", "b.csv", TENANTS))
    report = ingest_landing(settings)
    assert [(receipt.file_name, receipt.status) for receipt in report.receipts] == [("a.csv", "accepted")]


def test_a_refused_file_that_vanishes_is_still_told(
    settings: Settings, land: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = land("not_a_source", "a.csv", "x")
    check = landing._check

    def check_and_lose(*arguments: object) -> object:
        found = check(*arguments)  # type: ignore[arg-type]
        path.unlink()
        return found

    monkeypatch.setattr(landing, "_check", check_and_lose)
    (receipt,) = ingest_landing(settings).receipts
    assert (receipt.status, receipt.bytes) == ("refused", 0)
