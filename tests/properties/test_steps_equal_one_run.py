"""However the same rows come in, in few landings or many, the marts are the same to the byte.

The oracle says what a bill is; this says that metering only what is new forgets nothing: messages of one
conversation in several loads, merges and states that arrive late, windows that move, copies of copies.
"""

from __future__ import annotations

import os
import random
from collections import defaultdict
from pathlib import Path

import pytest

from orchestration import duck, pipeline
from orchestration.publishing.exports import require_release
from orchestration.quality.content_hash import candidate_hashes
from orchestration.settings import Settings
from tests.oracle.worlds import Tables
from tests.properties.harness import copy_project, make_batch, write_landing

IS_VERIFY = int(os.environ.get("METERHOUSE_VERIFY_TENANT_MONTHS", "0")) > 2_000
# The five eras worlds begin in, so that conversations, messages and windows are all among them.
SEEDS = range(10) if IS_VERIFY else (20, 21, 23)
WORLDS = 12
LANDINGS = 4


def _dealt(tables: Tables, chance: random.Random) -> list[Tables]:
    """Every row in one landing, or in two; contract data mostly first, some of it late."""
    landings: list[Tables] = [defaultdict(list) for _ in range(LANDINGS)]
    for source, rows in tables.items():
        contract = source in ("tenants", "account_map", "subscriptions", "order_overrides")
        for row in rows:
            first = 0 if contract and chance.random() < 0.95 else chance.randrange(LANDINGS)
            landings[first][source].append(row)
            if chance.random() < 0.05:
                landings[chance.randrange(LANDINGS)][source].append(row)
    return landings


@pytest.mark.parametrize("seed", SEEDS)
def test_landings_in_steps_give_the_marts_of_one_landing(seed: int, tmp_path: Path) -> None:
    chance = random.Random(f"steps {seed}")
    batch = make_batch(seed, WORLDS)
    project = copy_project(tmp_path / "project", batch)
    steps = Settings(tmp_path / "steps", tmp_path / "landing", project_dir=project, memory_limit="1GB")
    for number, tables in enumerate(_dealt(batch.tables, chance)):
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
