"""Which nodes run beside which, and which of those that may begin does."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

import pytest

from orchestration.warehouse.project import Node
from orchestration.warehouse.side_by_side import run_side_by_side


def node(name: str, *parents: str, large: bool = False) -> Node:
    raw = {"depends_on": {"nodes": list(parents)}, "config": {"tags": ["large"] if large else []}}
    return Node(name, "model", name, name, raw)


class Watched:
    """Runs nodes that do nothing, each until told to end, and knows which have begun and which run together."""

    def __init__(self, nodes: Sequence[Node], workers: int = 2) -> None:
        self.begun: list[str] = []
        self.together: set[frozenset[str]] = set()
        self._running: set[str] = set()
        self._lock = threading.Lock()
        run_side_by_side(nodes, workers, self._run)

    def _run(self, started: Node, _: int) -> bool:
        with self._lock:
            self.begun.append(started.name)
            self._running.add(started.name)
        # Long enough for another to begin beside it, if one may.
        time.sleep(0.02)
        with self._lock:
            self.together.add(frozenset(self._running))
            self._running.discard(started.name)
        return True


CHAIN = [node("a"), node("b", "a"), node("c", "b"), node("d", "c")]
BESIDE = [node("x"), node("y"), node("z")]


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_a_node_begins_after_all_it_reads(workers: int) -> None:
    begun = Watched([*BESIDE, *CHAIN, node("e", "d", "z")], workers).begun
    assert sorted(begun) == ["a", "b", "c", "d", "e", "x", "y", "z"]
    for earlier, later in [("a", "b"), ("b", "c"), ("c", "d"), ("d", "e"), ("z", "e")]:
        assert begun.index(earlier) < begun.index(later)


def test_what_most_is_waiting_for_begins_first() -> None:
    # However they are listed, the chain's first is among the two that begin at once.
    for nodes in ([*BESIDE, *CHAIN], [*CHAIN, *BESIDE]):
        assert "a" in Watched(nodes).begun[:2]
    # Of the three beside the chain, one has another behind it.
    assert set(Watched([*BESIDE, *CHAIN, node("e", "z")]).begun[:2]) == {"a", "z"}


def test_large_nodes_run_one_at_a_time_and_small_ones_beside_them() -> None:
    watched = Watched([node("l1", large=True), node("l2", large=True), node("s1"), node("s2")], workers=4)
    assert not any({"l1", "l2"} <= names for names in watched.together)
    assert any(len(names) > 1 for names in watched.together)


def test_false_ends_it_and_an_error_is_raised() -> None:
    begun: list[str] = []

    def stop_at_b(started: Node, _: int) -> bool:
        begun.append(started.name)
        return started.name != "b"

    run_side_by_side(CHAIN, 2, stop_at_b)
    assert begun == ["a", "b"]

    def fail(_: Node, __: int) -> bool:
        raise KeyError("lost")

    with pytest.raises(KeyError):
        run_side_by_side(CHAIN, 2, fail)
