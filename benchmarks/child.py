"""One run of ours in a process of its own, so that its start-up counts; told by arguments, answers in JSON.

`python -m benchmarks.child LANDING HOME MEMORY THREADS OUT`.
"""

from __future__ import annotations

import time

STARTED = time.time()

import json  # noqa: E402
import sys  # noqa: E402
import threading  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402


class _Watcher(threading.Thread):
    """Keeps dbt's results of every invocation: each overwrites the file of the one before."""

    def __init__(self, path: Path) -> None:
        super().__init__(daemon=True)
        self.path = path
        self.found: dict[str, dict[str, Any]] = {}
        self.done = threading.Event()

    def look(self) -> None:
        try:
            results = json.loads(self.path.read_text(encoding="utf-8"))
            self.found[results["metadata"]["invocation_id"]] = results
        except (OSError, ValueError, KeyError):
            return

    def run(self) -> None:
        seen = 0.0
        while not self.done.wait(0.2):
            changed = self.path.stat().st_mtime if self.path.exists() else 0.0
            if changed != seen:
                seen = changed
                self.look()


def _paths(manifest: Path) -> dict[str, str]:
    try:
        nodes = json.loads(manifest.read_text(encoding="utf-8"))["nodes"]
    except (OSError, ValueError, KeyError):
        return {}
    return {name: node.get("original_file_path", "") for name, node in nodes.items()}


def main(landing: Path, home: Path, memory_limit: str, threads: int, out: Path) -> None:
    from benchmarks.stages import layer_seconds, slowest_nodes, stage_seconds
    from orchestration import pipeline
    from orchestration.settings import Settings, load_settings

    load_settings()  # for its side: telemetry off before any library is imported
    settings = Settings(home=home, landing=landing, memory_limit=memory_limit, threads=threads)
    said: list[tuple[float, str]] = []
    watcher = _Watcher(settings.dbt_target_dir / "run_results.json")
    watcher.start()
    report = pipeline.run_all(settings, lambda text: said.append((time.time(), text)))
    ended = time.time()
    watcher.done.set()
    watcher.join()
    watcher.look()
    release = report.release
    out.write_text(
        json.dumps(
            {
                "started": STARTED,
                "stages": stage_seconds(said, STARTED, ended),
                "layers": layer_seconds(
                    list(watcher.found.values()), _paths(settings.dbt_target_dir / "manifest.json")
                ),
                "slowest": slowest_nodes(list(watcher.found.values())),
                "models_run": report.models_run,
                "touched_months": report.touched_months,
                "database": str(release.database) if release else None,
            }
        ),
        encoding="utf-8",
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]), Path(sys.argv[5]))
