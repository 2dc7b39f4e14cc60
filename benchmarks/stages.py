"""What a run spends its time on, from its progress messages and the nodes it names while it builds.

Texts may change: the time of an unknown text counts under `other` and is never lost.
"""

from __future__ import annotations

from dataclasses import dataclass

START_UP, END = "start-up", "end"
# First match wins; looked for anywhere in the message, in lower case.
STAGES = (
    ("taking in", "take in"),
    ("more than once", "dedupe"),
    ("pars", "project"),
    ("reading the dbt project", "project"),
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
# What the models of each folder do; first match wins.
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


@dataclass(frozen=True)
class NodeTime:
    """The time one model or seed took."""

    unique_id: str
    path: str
    seconds: float

    @property
    def name(self) -> str:
        return self.unique_id.split(".")[2]

    @property
    def layer(self) -> str:
        if self.unique_id.startswith("test."):
            return "tests"
        return next((name for sign, name in LAYERS if sign in self.path), "other")


def layer_seconds(nodes: list[NodeTime]) -> dict[str, float]:
    """Seconds by layer."""
    seconds: dict[str, float] = {}
    for node in nodes:
        seconds[node.layer] = seconds.get(node.layer, 0.0) + node.seconds
    return dict(sorted(seconds.items(), key=lambda item: -item[1]))


def slowest_nodes(nodes: list[NodeTime], count: int = 12) -> dict[str, float]:
    """The nodes that took longest, by name."""
    longest = sorted(nodes, key=lambda node: -node.seconds)[:count]
    return {node.name: node.seconds for node in longest}
