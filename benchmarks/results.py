"""Figures kept as JSON, one file per kind, so that a report can combine several calls."""

from __future__ import annotations

import json
import os
import platform
from pathlib import Path
from typing import Any

import duckdb

from orchestration.settings import PROJECT_DIR


def results_dir() -> Path:
    """`results` under METERHOUSE_BENCH_DIR, else var/bench."""
    chosen = os.environ.get("METERHOUSE_BENCH_DIR")
    folder = Path(chosen).resolve() / "results" if chosen else PROJECT_DIR / "var" / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    model = "unknown"
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cores": os.cpu_count(),
        "processor": model,
        "memory_bytes": memory,
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "duckdb": duckdb.__version__,
    }


def load(kind: str) -> dict[str, Any]:
    """Figures of one kind by name; empty if none were kept."""
    path = results_dir() / f"{kind}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def keep(kind: str, name: str, figures: dict[str, Any]) -> Path:
    """Add figures under `name`, replacing earlier ones, with the machine they come from."""
    path = results_dir() / f"{kind}.json"
    found = load(kind)
    found[name] = {**figures, "machine": machine()}
    path.write_text(json.dumps(found, indent=1, sort_keys=True, default=str) + "\n", encoding="utf-8")
    return path
