"""One run of ours in a process of its own, so that its start-up counts; told by arguments, answers in JSON.

`python -m benchmarks.child LANDING HOME MEMORY THREADS OUT`.
"""

from __future__ import annotations

import time

STARTED = time.time()

import json  # noqa: E402
import sys  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import TYPE_CHECKING, Any  # noqa: E402

if TYPE_CHECKING:
    from benchmarks.stages import NodeTime


class DbtTimes:
    """Notes what every node took by listening to dbt's runner, once dbt is there.

    It never imports dbt: when that is needed, and whether at all, is part of what is measured.
    """

    def __init__(self) -> None:
        self.nodes: list[NodeTime] = []
        self.listens = False

    def listen(self) -> None:
        """Wrap the runner if it has been imported since."""
        module = sys.modules.get("dbt.cli.main")
        runner = getattr(module, "dbtRunner", None)
        if self.listens or runner is None:
            return
        self.listens = True
        plain = runner.invoke

        def invoke(runner_self: Any, *args: Any, **kwargs: Any) -> Any:
            result = plain(runner_self, *args, **kwargs)
            self.note(result)
            return result

        runner.invoke = invoke

    def note(self, result: Any) -> None:
        """Take the times out of a result; one without any (of a parse, say) is passed over."""
        from benchmarks.stages import NodeTime

        for found in getattr(getattr(result, "result", None), "results", None) or []:
            node = getattr(found, "node", None)
            if node is not None:
                self.nodes.append(NodeTime(node.unique_id, node.original_file_path, float(found.execution_time)))


def main(landing: Path, home: Path, memory_limit: str, threads: int, out: Path) -> None:
    from benchmarks.stages import layer_seconds, slowest_nodes, stage_seconds
    from orchestration import pipeline
    from orchestration.settings import Settings, load_settings

    load_settings()  # for its side: telemetry off before any library is imported
    settings = Settings(home=home, landing=landing, memory_limit=memory_limit, threads=threads)
    said: list[tuple[float, str]] = []
    times = DbtTimes()

    def say(text: str) -> None:
        said.append((time.time(), text))
        times.listen()

    report = pipeline.run_all(settings, say)
    ended = time.time()
    release = report.release
    out.write_text(
        json.dumps(
            {
                "started": STARTED,
                "stages": stage_seconds(said, STARTED, ended),
                "layers": layer_seconds(times.nodes),
                "slowest": slowest_nodes(times.nodes),
                "models_run": report.models_run,
                "touched_months": report.touched_months,
                "database": str(release.database) if release else None,
            }
        ),
        encoding="utf-8",
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]), Path(sys.argv[5]))
