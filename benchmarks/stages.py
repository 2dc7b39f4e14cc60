"""Naming what a run spends its time on, from what it says about its progress and from dbt's own results.

Texts may change: a text nobody knows is counted under `other`, never lost.
"""

from __future__ import annotations

from typing import Any

START_UP, END = "start-up", "end"
# First match wins; looked for anywhere in what was said, in small letters.
STAGES = (
    ("taking in", "take in"),
    ("pars", "dbt parse"),
    ("seed", "seeds"),
    ("data test", "data tests"),
    ("expectations", "suites"),
    ("suite", "suites"),
    ("verdict", "suites"),
    ("judg", "suites"),
    ("publish", "release"),
    ("release", "release"),
    ("test", "data tests"),
    ("model", "models"),
    ("build", "models"),
)
ORDER = (START_UP, *dict.fromkeys(name for _, name in STAGES), "other", END)
# Folders of models to what they do, as the issue names the stages; first match wins.
LAYERS = (
    ("models/staging/", "staging"),
    ("/metering/states/", "dedupe"),
    ("/metering/", "metering"),
    ("/rating/", "rating"),
    ("/invoicing/", "invoicing"),
    ("/quality/", "fates and findings"),
    ("models/marts/", "marts"),
    ("seeds/", "seeds"),
)


def stage_of(text: str) -> str:
    """The stage a progress text belongs to."""
    lowered = text.lower()
    return next((name for sign, name in STAGES if sign in lowered), "other")


def stage_seconds(said: list[tuple[float, str]], started: float, ended: float) -> dict[str, float]:
    """Seconds by stage from (instant, text); the time before the first text is start-up."""
    seconds: dict[str, float] = {}
    name, since = START_UP, started
    for instant, text in said:
        seconds[name] = seconds.get(name, 0.0) + instant - since
        name, since = stage_of(text), instant
    seconds[name] = seconds.get(name, 0.0) + ended - since
    return {name: seconds[name] for name in ORDER if name in seconds}


def layer_seconds(run_results: list[dict[str, Any]], paths: dict[str, str]) -> dict[str, float]:
    """Seconds of dbt's threads by layer; `paths` maps a node's id to its file. Threads overlap, so these add up
    to more than the wall time."""
    seconds: dict[str, float] = {}
    for result in (row for results in run_results for row in results.get("results", [])):
        path = paths.get(result["unique_id"], "")
        is_test = result["unique_id"].startswith("test.")
        layer = "tests" if is_test else next((name for sign, name in LAYERS if sign in path), "other")
        seconds[layer] = seconds.get(layer, 0.0) + float(result["execution_time"])
    return dict(sorted(seconds.items(), key=lambda item: -item[1]))


def slowest_nodes(run_results: list[dict[str, Any]], count: int = 12) -> dict[str, float]:
    """The nodes that took longest, by name."""
    rows = [row for results in run_results for row in results.get("results", [])]
    rows.sort(key=lambda row: -float(row["execution_time"]))
    return {row["unique_id"].split(".")[2]: float(row["execution_time"]) for row in rows[:count]}
