"""However the same rows come in, in few landings or many, the marts are the same to the byte.

The oracle says what a bill is; this says that metering only what is new forgets nothing: messages of one
conversation in several loads, merges and states that arrive late, windows that move, copies of copies.
"""

from __future__ import annotations

import os
import random
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from orchestration import duck, pipeline
from orchestration.publishing.release import require_release
from orchestration.quality.content_hash import candidate_hashes
from orchestration.settings import Settings
from tests.oracle.worlds import Tables
from tests.properties.harness import copy_project, make_batch, write_landing

IS_VERIFY = int(os.environ.get("METERHOUSE_VERIFY_TENANT_MONTHS", "0")) > 2_000
WORLDS = 12
LANDINGS = 4


CONTRACT = ("tenants", "account_map", "subscriptions", "order_overrides")
MONTH = re.compile(r"20\d\d-\d\d")


def _at_random(tables: Tables, chance: random.Random) -> list[Tables]:
    """Every row in any landing, or in two; contract data mostly first, some of it late: all months move each time."""
    landings: list[Tables] = [defaultdict(list) for _ in range(LANDINGS)]
    for source, rows in tables.items():
        for row in rows:
            first = 0 if source in CONTRACT and chance.random() < 0.95 else chance.randrange(LANDINGS)
            landings[first][source].append(row)
            if chance.random() < 0.05:
                landings[chance.randrange(LANDINGS)][source].append(row)
    return landings


def _month_by_month(tables: Tables, chance: random.Random) -> list[Tables]:
    """Contract data first, usage as its months pass, a few rows late or twice: most months stay as they were."""
    landings: list[Tables] = [defaultdict(list) for _ in range(LANDINGS)]
    months = sorted({_month(row) for source, rows in tables.items() if source not in CONTRACT for row in rows})
    for source, rows in tables.items():
        for row in rows:
            landing = 0 if source in CONTRACT else months.index(_month(row)) * LANDINGS // len(months)
            # A row of contract data again, and every month would be metered again.
            often = 1 if source in CONTRACT else 1 + (chance.random() < 0.04)
            late = source not in CONTRACT and chance.random() < 0.06
            for _ in range(often):
                landings[chance.randrange(landing, LANDINGS) if late else landing][source].append(row)
                late = True
    return landings


def _source_by_source(tables: Tables, chance: random.Random) -> list[Tables]:
    """Contract data first, every other source whole in one landing: what it decides of others comes before or after."""
    landings: list[Tables] = [defaultdict(list) for _ in range(LANDINGS)]
    others = sorted(tables.keys() - set(CONTRACT))
    chance.shuffle(others)
    for source, rows in tables.items():
        number = 0 if source in CONTRACT else others.index(source) % LANDINGS
        landings[number][source].extend(rows)
    return landings


def _month(row: dict[str, Any]) -> str:
    return min((found for value in row.values() for found in MONTH.findall(str(value))), default="2024-09")


WAYS = {"at random": _at_random, "month by month": _month_by_month, "source by source": _source_by_source}
CASES = (
    [(seed, way) for seed in range(10) for way in WAYS]
    if IS_VERIFY
    # The five eras worlds begin in, so that conversations, messages and windows are all among them.
    else [
        (20, "at random"),
        (21, "month by month"),
        (23, "at random"),
        (23, "month by month"),
        (20, "source by source"),
        (21, "source by source"),
    ]
)


@pytest.mark.parametrize(("seed", "way"), CASES)
def test_landings_in_steps_give_the_marts_of_one_landing(seed: int, way: str, tmp_path: Path) -> None:
    chance = random.Random(f"steps {seed}")
    batch = make_batch(seed, WORLDS)
    project = copy_project(tmp_path / "project", batch)
    steps = Settings(tmp_path / "steps", tmp_path / "landing", project_dir=project, memory_limit="1GB")
    for number, tables in enumerate(WAYS[way](batch.tables, chance)):
        arrived = tmp_path / "arrived" / str(number)
        write_landing(arrived, tables, chance, files=2)
        for path in sorted(arrived.rglob("*.csv")):
            target = steps.landing / path.parent.name / f"{number}_{path.name}"
            target.parent.mkdir(parents=True, exist_ok=True)
            path.rename(target)
        pipeline.run_all(steps)
    whole = Settings(tmp_path / "whole", steps.landing, project_dir=project, memory_limit="1GB")
    pipeline.run_all(whole)

    def marts(settings: Settings) -> dict[str, str]:
        with duck.connect(require_release(settings).database, settings, read_only=True) as connection:
            return candidate_hashes(connection)

    in_steps, at_once = marts(steps), marts(whole)
    # What moved between two releases tells of the releases, not of the usage.
    in_steps.pop("rpt_release_changes", None), at_once.pop("rpt_release_changes", None)
    assert in_steps == at_once
