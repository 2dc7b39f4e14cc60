"""A build that fails at one model, as where memory ran out: what was built before stays, what stands on it is left."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import duckdb
import pytest

from orchestration.warehouse.node_worker import NodeWorker


@contextmanager
def failing_at(name: str) -> Iterator[None]:
    """Inside, the model of that name cannot be built."""
    lay_down = NodeWorker.lay_down

    def failing(self: NodeWorker, node: Any) -> None:
        if node.name == name:
            raise duckdb.OutOfMemoryException("no room")
        lay_down(self, node)

    with pytest.MonkeyPatch.context() as broken:
        broken.setattr(NodeWorker, "lay_down", failing)
        yield
