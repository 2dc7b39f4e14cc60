"""Replay a batch, or one world of it: python -m tests.properties.replay SEED WORLDS [NUMBER]."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from orchestration.settings import load_settings
from tests.properties.harness import differences, make_batch, run_batch


def main(arguments: list[str]) -> int:
    seed, worlds = int(arguments[0]), int(arguments[1])
    number = int(arguments[2]) if len(arguments) > 2 else None
    load_settings()
    folder = Path(tempfile.mkdtemp(prefix="meterhouse_world_"))
    batch = make_batch(seed, worlds, number)
    expected, found = run_batch(batch, folder)
    told = differences(expected, found, limit=200)
    print("\n".join(told) or "no difference", f"\n{batch.tenant_months} tenant-months; files in {folder}", sep="")
    return 1 if told else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
