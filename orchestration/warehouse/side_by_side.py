"""Running nodes side by side: each as soon as all it reads has been seen to, on as many workers as there are.

A small node is one processor's work, so two of them at once use two. A large one (tag `large`, set for all
that reads usage) uses every processor and most of the memory by itself, so there is one of these at a time.
That they are alone is relied upon as well: a model's text and its hooks ask one after the other which months
are touched, and no other may note any in between.
Of those that may begin, the one begins that most is waiting for, one behind the other: a build is one long chain with
much beside it, and what lies beside it must not hold it up.
Which ran beside which changes no row: a node reads only what was finished before it began.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from orchestration.warehouse.project import Node

LARGE = "large"


def run_side_by_side(nodes: Sequence[Node], workers: int, run: Callable[[Node, int], bool]) -> None:
    """Call `run(node, worker)` once for every node, after it returned for all of `nodes` that the node reads.

    `worker` (0 to `workers` - 1) is in one call at a time. `nodes` are in an order that respects what they
    read. False from `run` ends it all: what has begun is finished, nothing more begins. What `run` raises is raised.
    """
    if workers == 1:
        # No thread where none is needed: a stack trace reads as the run does.
        for node in nodes:
            if not run(node, 0):
                return
        return
    waiting = _longest_chain_first(nodes)
    unsettled = {node.unique_id for node in nodes}
    idle = list(range(workers))
    running: dict[Future[bool], tuple[Node, int]] = {}
    going = True
    with ThreadPoolExecutor(workers) as pool:
        while running or (going and waiting):
            while going and idle and (following := _next(waiting, unsettled, running)) is not None:
                waiting.remove(following)
                worker = idle.pop()
                running[pool.submit(run, following, worker)] = (following, worker)
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                node, worker = running.pop(future)
                unsettled.discard(node.unique_id)
                idle.append(worker)
                going = future.result() and going


def _longest_chain_first(nodes: Sequence[Node]) -> list[Node]:
    """`nodes` by how many stand behind them, each on the one before; of equally many in the order they came."""
    behind: dict[str, int] = {}
    for node in reversed(nodes):
        for parent in node.parents:
            behind[parent] = max(behind.get(parent, 0), behind.get(node.unique_id, 0) + 1)
    return sorted(nodes, key=lambda node: -behind.get(node.unique_id, 0))


def _next(waiting: list[Node], unsettled: set[str], running: dict[Future[bool], tuple[Node, int]]) -> Node | None:
    """The first node that may begin now, or None."""
    large_runs = any(_is_large(node) for node, _ in running.values())
    for node in waiting:
        if not unsettled.intersection(node.parents) and not (large_runs and _is_large(node)):
            return node
    return None


def _is_large(node: Node) -> bool:
    return LARGE in node.config.get("tags", [])
