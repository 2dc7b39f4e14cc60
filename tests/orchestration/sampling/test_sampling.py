"""The sample: same arguments, same bytes; every source there; flat form metered in full."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import duckdb
import pytest

from orchestration import duck, pipeline
from orchestration.ingestion.sources import SOURCES
from orchestration.sampling import bulk_flat, generate
from orchestration.settings import Settings


def _hashes(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def test_the_same_arguments_give_the_same_bytes_and_every_source(tmp_path: Path) -> None:
    for name in ("a", "b"):
        generate(tmp_path / name, records=1_000, months=1)
    first = _hashes(tmp_path / "a")
    assert first == _hashes(tmp_path / "b")
    assert {path.split("/")[0] for path in first} == set(SOURCES)


def test_another_seed_gives_another_sample(tmp_path: Path) -> None:
    generate(tmp_path / "a", records=1_000, months=1)
    generate(tmp_path / "b", records=1_000, months=1, seed=7)
    assert _hashes(tmp_path / "a") != _hashes(tmp_path / "b")


@pytest.mark.parametrize("arguments", [{"tenants": 3}, {"months": 0}, {"format": "xml"}])
def test_arguments_out_of_range_are_refused(tmp_path: Path, arguments: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="needs at least"):
        generate(tmp_path / "a", **arguments)  # type: ignore[arg-type]


def test_the_flat_form_is_metered_in_full(settings: Settings) -> None:
    made = generate(settings.landing, records=8_000, format="flat", repeat_share=0.01, late_share=0.02)
    release = pipeline.run_all(settings).release
    assert release is not None
    key = json.loads(made.key_path.read_text())
    with duck.connect(release.database, settings, read_only=True) as connection:
        rows = connection.execute(
            "select source, sum(record_count)::bigint from marts.rpt_record_fates group by 1"
        ).fetchall()
        bulk = connection.execute(
            "select sum(record_count)::bigint from marts.rpt_record_fates "
            "where source = 'kustomer_messages' and fate in ('billed', 'zero_rated')"
        ).fetchone()
        repeats = connection.execute(
            "select source, sum(record_count)::bigint from marts.rpt_record_fates where fate = 'duplicate' group by 1"
        ).fetchall()
    assert dict(rows) == key["rows"]
    expected = {(e["source"], e["fate"]): e["records"] for e in key["expected_fates"]}
    assert bulk == (expected["kustomer_messages", "counted"],)
    assert dict(repeats) == {source: count for (source, fate), count in expected.items() if fate == "duplicate"}


def test_the_bulk_is_the_same_whatever_the_chunk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for chunk in (100_000, 700):
        monkeypatch.setattr(bulk_flat, "CHUNK", chunk)
        folder = tmp_path / str(chunk)
        made = generate(folder, records=8_000, format="flat", repeat_share=0.01, late_share=0.02)
        rows = {}
        with duckdb.connect() as connection:
            connection.execute("set timezone = 'UTC'")
            for source in ("kustomer_messages", "translations", "twilio_calls", "whatsapp_webhooks"):
                # The month of the file a row came with is part of it.
                rows[source] = connection.execute(
                    "select left(parse_filename(filename), 7), * exclude (filename) "
                    f"from read_parquet('{folder}/{source}/*bulk*.parquet', filename = true) order by all"
                ).fetchall()
        found.append((made.rows, rows))
    assert found[0] == found[1]
