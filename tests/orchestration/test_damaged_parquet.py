"""A landed Parquet file whose footer is whole and whose data are not: found by the build, told by the file's name."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration import pipeline
from orchestration.errors import BuildFailed
from orchestration.settings import Settings
from tests.damaged_parquet import damage

Land = Callable[[str, str, "str | bytes"], Path]
CALLS = 3000


@pytest.mark.parametrize("column", ["duration", "date_created"])
def test_the_build_names_the_file_and_says_how_to_go_on(settings: Settings, land: Land, column: str) -> None:
    """It said `don't know what type:` and which model."""
    land("tenants", "tenants.csv", "tenant_id,name,billing_currency\nt,T,USD\n")
    account = "tenant_id,system,account_id,kind,valid_from\nt,twilio,AC1,platform,2020-01-01T00:00:00Z\n"
    land("account_map", "account_map.csv", account)
    begun = datetime(2024, 11, 5, 10, tzinfo=UTC)
    times = pa.array([begun + timedelta(seconds=n) for n in range(CALLS)], pa.timestamp("us", "UTC"))
    texts = {"account_sid": "AC1", "status": "completed", "direction": "inbound", "from": "+14155550100"}
    calls = {
        "sid": [f"CA{n:032x}" for n in range(CALLS)],
        **{name: [text] * CALLS for name, text in texts.items()},
        "to": ["+14155550101"] * CALLS,
        "start_time": times,
        "date_created": times,
        "duration": pa.array(range(CALLS), pa.int64()),
    }
    whole = settings.landing / "twilio_calls" / "whole.parquet"
    whole.parent.mkdir()
    pq.write_table(pa.table(calls).slice(0, 10), whole)
    broken = whole.with_name("broken.parquet")
    pq.write_table(pa.table(calls), broken)
    damage(broken, column)
    with pytest.raises(BuildFailed, match=r"the data of twilio_calls/broken\.parquet cannot be read") as failed:
        pipeline.run_all(settings)
    assert "remove it from the landing folder" in failed.value.remedy
    # What the remedy says is what helps.
    broken.unlink()
    for name in ("raw", "warehouse.duckdb"):
        (settings.home / name).rename(settings.home.with_name(name))
    assert pipeline.run_all(settings).release is not None
