"""What was refused is refused again: a check that looks at what is new looks at everything once it has failed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from orchestration import pipeline
from orchestration.errors import GateRefused
from orchestration.settings import Settings
from tests.gate.served import nothing_served_changes
from tests.project_copy import copy_of_project
from tests.small_extracts import MESSAGES

Land = Callable[[str, str, "str | bytes"], Path]
MODEL = "models/intermediate/metering/customer_assist/int_kiq_01__exchanges_reread.sql"
TRANSLATIONS = "translation_id,org_id,source_lang,target_lang,character_count,status,completed_at\n"
# On top of an earlier build every conversation that is read again stands there twice.
TWICE = "{% if is_incremental() %}cross join range(2){% endif %}\n"


def test_a_key_found_twice_is_found_again_with_nothing_new(settings: Settings, land: Land, tmp_path: Path) -> None:
    mine = replace(settings, project_dir=copy_of_project(tmp_path / "project"))
    model = mine.project_dir / MODEL
    whole = model.read_text(encoding="utf-8")
    model.write_text(whole + TWICE, encoding="utf-8")
    land("tenants", "all.csv", "tenant_id,name,billing_currency\nt,T,USD\n")
    land(
        "account_map",
        "all.csv",
        "tenant_id,system,account_id,kind,valid_from\nt,kustomer,org,platform,2024-01-01T00:00:00Z\n",
    )
    land("translations", "october.csv", f"{TRANSLATIONS}t,org,en,de,100,completed,2024-10-05T10:00:00Z\n")
    land("kustomer_messages", "october.csv", MESSAGES + "a,org,both,in,chat,2024-10-04T10:00:00Z,\n")
    assert pipeline.run_all(mine).release is not None
    land("kustomer_messages", "november.csv", MESSAGES + "b,org,both,out,chat,2024-11-04T10:00:00Z,premium\n")
    for _ in range(3):
        with nothing_served_changes(mine), pytest.raises(GateRefused, match="int_kiq_01__exchanges_reread"):
            pipeline.run_all(mine)
    model.write_text(whole, encoding="utf-8")
    assert pipeline.run_all(mine).release is not None
