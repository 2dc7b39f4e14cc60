"""One run of ours in its own process, so that its start-up counts; takes arguments, answers in JSON.

`python -m benchmarks.child LANDING HOME MEMORY THREADS OUT`.
"""

from __future__ import annotations

import time

STARTED = time.time()

import json  # noqa: E402
import sys  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import TYPE_CHECKING  # noqa: E402

if TYPE_CHECKING:
    from benchmarks.stages import NodeTime


def node_times(said: list[tuple[float, str]], ended: float, project_dir: Path) -> list[NodeTime]:
    """What every node took: from the message that it is being built to the next message."""
    from benchmarks.stages import NodeTime

    paths = {path.stem: str(path.relative_to(project_dir)) for path in (project_dir / "models").rglob("*.sql")}
    times = []
    for (since, text), (until, _) in zip(said, [*said[1:], (ended, "")], strict=True):
        name = text.removeprefix("building ")
        if text.startswith("building ") and name in paths:
            times.append(NodeTime(f"model.meterhouse.{name}", paths[name], until - since))
    return times


def main(landing: Path, home: Path, memory_limit: str, threads: int, out: Path) -> None:
    from benchmarks.stages import layer_seconds, slowest_nodes, stage_seconds
    from orchestration import pipeline
    from orchestration.settings import Settings, load_settings

    load_settings()  # for its side effect: telemetry off before any library is imported
    settings = Settings(home=home, landing=landing, memory_limit=memory_limit, threads=threads)
    said: list[tuple[float, str]] = []

    def say(text: str) -> None:
        said.append((time.time(), text))

    report = pipeline.run_all(settings, say)
    ended = time.time()
    nodes = node_times(said, ended, settings.project_dir)
    release = report.release
    out.write_text(
        json.dumps(
            {
                "started": STARTED,
                "stages": stage_seconds(said, STARTED, ended),
                "layers": layer_seconds(nodes),
                "slowest": slowest_nodes(nodes),
                "models_run": report.models_run,
                "touched_months": report.touched_months,
                "database": str(release.database) if release else None,
            }
        ),
        encoding="utf-8",
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]), Path(sys.argv[5]))
