"""Stages, disk, processes, exponent, plot and report: figures as worked by hand."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from benchmarks import report, results
from benchmarks.disk import bytes_beyond, bytes_written, state_of
from benchmarks.plot import bars
from benchmarks.processes import CommandFailed, run_measured
from benchmarks.scenarios.growth import growth_exponent
from benchmarks.scenarios.queries import documented_queries
from benchmarks.stages import NodeTime, layer_seconds, slowest_nodes, stage_seconds


def test_seconds_go_to_the_stage_that_was_announced_last() -> None:
    said = [(11.0, "taking in a.csv (1 of 2)"), (12.0, "taking in b.csv (2 of 2)"), (14.0, "building models")]
    said += [(20.0, "running data tests"), (21.0, "something new"), (23.0, "publishing")]
    assert stage_seconds(said, 10.0, 24.0) == {
        "start-up": 1.0,
        "take in": 3.0,
        "models": 6.0,
        "data tests": 1.0,
        "release": 1.0,
        "other": 2.0,
    }


def test_models_are_added_up_by_layer() -> None:
    nodes = [
        NodeTime("model.meterhouse.int_voi__legs_metered", "models/intermediate/metering/voice/a.sql", 2.0),
        NodeTime("model.meterhouse.int_gen_02__calls_states", "models/intermediate/metering/states/b.sql", 3.0),
        NodeTime("test.meterhouse.unique.1", "models/intermediate/metering/states/b.yml", 0.5),
    ]
    assert layer_seconds(nodes) == {"dedupe": 3.0, "metering": 2.0, "tests": 0.5}
    assert slowest_nodes(nodes, 1) == {"int_gen_02__calls_states": 3.0}


def test_a_hard_link_into_the_landing_costs_no_disk(tmp_path: Path) -> None:
    landing, home = tmp_path / "landing", tmp_path / "home"
    landing.mkdir()
    home.mkdir()
    (landing / "a").write_bytes(b"x" * 100)
    os.link(landing / "a", home / "a")
    (home / "b").write_bytes(b"y" * 7)
    os.link(home / "b", home / "c")
    assert bytes_beyond(home, landing) == 7


def test_any_changed_file_counts_as_written(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"same")
    before = state_of(tmp_path)
    assert bytes_written(before, state_of(tmp_path)) == 0
    (tmp_path / "b").write_bytes(b"new")
    os.utime(tmp_path / "a", ns=(1, 1))
    assert bytes_written(before, state_of(tmp_path)) == len("same") + len("new")


def test_a_measured_command_counts_its_children(tmp_path: Path) -> None:
    child = "x = bytearray(60_000_000); import time; time.sleep(0.4); sum(range(3_000_000))"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}], check=True)"
    measured = run_measured([sys.executable, "-c", parent], log=tmp_path / "log.txt")
    assert measured.peak_bytes > 60_000_000
    assert measured.seconds >= 0.4
    assert measured.cpu_seconds > 0


def test_a_command_that_fails_says_its_last_words(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="no such thing"):
        run_measured([sys.executable, "-c", "raise SystemExit('no such thing')"], log=tmp_path / "log.txt")


def test_the_exponent_leaves_the_fixed_part_out() -> None:
    assert growth_exponent((10, 5.0 + 10.0), (100, 5.0 + 100.0), 5.0) == pytest.approx(1.0)
    assert growth_exponent((10, 12.0), (100, 102.0), 2.0) == pytest.approx(1.0)


def test_every_documented_query_is_found() -> None:
    queries = documented_queries()
    assert len(queries) > 50
    assert all(query.startswith("select") for query in queries)


def test_the_plot_is_well_formed_and_fetches_nothing() -> None:
    import xml.etree.ElementTree as ElementTree

    drawn = bars("Seconds", [("1 million", [("limit query", 0.2), ("Meterhouse", 9.0), ("a <peer>", 71.0)])])
    ElementTree.fromstring(drawn)
    assert drawn.replace("http://www.w3.org/2000/svg", "").count("http") == 0
    assert drawn == bars("Seconds", [("1 million", [("limit query", 0.2), ("Meterhouse", 9.0), ("a <peer>", 71.0)])])


def test_a_report_without_figures_is_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METERHOUSE_BENCH_DIR", str(tmp_path))
    assert report.markdown() == ""
    results.keep("scenarios", "a", {"title": "t", "beside": "", "ours": "1 s", "figure": "", "target": "", "met": True})
    assert "| t |  | 1 s |  |  | yes |" in report.markdown()
    page = tmp_path / "page.md"
    page.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n", encoding="utf-8")
    report.write_page(page)
    text = page.read_text(encoding="utf-8")
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "old" not in text
