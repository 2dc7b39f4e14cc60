"""The yardstick and ours bill the same, from every form of the same usage: repeats, late rows, pools, prices."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from benchmarks.input_forms import CSV, FLAT_JSON, UPSTREAM, in_form
from benchmarks.landing import landing_of, months_of
from benchmarks.lines import Lines, compare, lines_of_csv, lines_of_release
from benchmarks.parameters import COLUMNS, load_parameters
from benchmarks.peers import PEERS, _write_parameters
from benchmarks.sides import Limits, run_limit
from benchmarks.work_count import build_work, work_of
from orchestration import pipeline
from orchestration.settings import PROJECT_DIR, Settings


@pytest.fixture(scope="module")
def landing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four thousand records of 30 tenants, in a folder of the benchmark's own."""
    root = tmp_path_factory.mktemp("bench")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("METERHOUSE_BENCH_DIR", str(root))
        patch.setenv("METERHOUSE_BENCH_TENANTS", "30")
        return landing_of(4_000)


@pytest.fixture(scope="module")
def expected(landing: Path, tmp_path_factory: pytest.TempPathFactory) -> Lines:
    """The limit query's lines."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("METERHOUSE_BENCH_DIR", str(tmp_path_factory.mktemp("limit")))
        return run_limit(landing, Limits(memory="1GB")).read_lines()


def test_the_input_repeats_rows_and_has_late_ones(landing: Path) -> None:
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        found = connection.execute(
            "select count(*), count(distinct id), "
            "count(*) filter (strftime(sent_at, '%Y-%m') != left(parse_filename(filename), 7)) "
            f"from read_parquet('{landing}/kustomer_messages/*.parquet', filename = true)"
        ).fetchone()
    assert found is not None
    rows, records, late = found
    assert records < rows < records * 1.02
    assert 0 < late < records * 0.03


def test_ours_bills_the_limit_querys_lines_from_upstream_shapes(landing: Path, expected: Lines, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "var", landing=in_form(landing, UPSTREAM), memory_limit="1GB")
    with build_work() as work:
        release = pipeline.run_all(settings).release
    assert release is not None
    assert compare(expected, lines_of_release(release.database), "ours").lines > 500
    # The counter of work sees the nodes' statements.
    assert work.queries > 50
    assert work.rows > 4_000


def test_the_limit_query_bills_the_same_from_flat_json(
    landing: Path, expected: Lines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("METERHOUSE_BENCH_DIR", str(tmp_path))
    found = run_limit(in_form(landing, FLAT_JSON), Limits(memory="1GB")).read_lines()
    assert found == expected


# Those that need nothing but Python; the others are proven by every run of the benchmark.
@pytest.mark.parametrize(("name", "form"), [("sqlite", CSV), ("event-loop", FLAT_JSON)])
def test_peers_bill_the_same(name: str, form: str, landing: Path, expected: Lines, tmp_path: Path) -> None:
    _write_parameters(landing, tmp_path)
    out = tmp_path / "answer.json"
    script = PROJECT_DIR / "benchmarks" / "peers" / PEERS[name].script
    command = [sys.executable, str(script), str(in_form(landing, form)), str(tmp_path), str(out)]
    subprocess.run(command, check=True)
    assert json.loads(out.read_text())["seconds"] > 0
    assert lines_of_csv(out.with_suffix(".csv")) == expected


def test_pools_are_drawn_down_and_repeats_billed_once(expected: Lines) -> None:
    free = {key for key in expected if key[2] == "whatsapp_conversation" and key[4] == 0}
    charged = {key for key in expected if key[2] == "whatsapp_conversation" and key[4] > 0}
    assert free
    assert charged


def test_parameters_follow_the_price_book(landing: Path) -> None:
    parameters = load_parameters(landing, months_of(landing))
    prices = {(meter, key, f"{month:%Y-%m}"): str(price) for meter, key, month, price in parameters.prices}
    # Published 2024-09-01; thirty days later is 1 October, so the first full month after it is November.
    assert prices["voice_minute", "international", "2024-10"] == "0.504"
    assert prices["voice_minute", "international", "2024-11"] == "0.498"
    # Published 2024-10-01, after the renewal of January.
    assert prices["translated_word", "", "2024-11"] == "0.0005"
    # Withdrawn before it started.
    assert prices["sms_segment", "inbound", "2024-11"] == "0.0079"
    assert prices["whatsapp_conversation", "Germany|user_initiated", "2024-10"] == "0.0819"
    assert prices["whatsapp_conversation", "Germany|service", "2024-11"] == "0.0000"
    assert set(COLUMNS) == set(vars(parameters))


def test_work_is_rows_scanned_and_files_read(landing: Path) -> None:
    with duckdb.connect() as connection:
        connection.execute("create table numbers as select n from range(1000) as t(n)")
        assert work_of(connection, "select sum(n) from numbers").rows == 1000
        files = f"read_parquet('{landing}/twilio_calls/*.parquet')"
        assert work_of(connection, f"select max(sid) from {files} where duration > 5").files_read == 3
