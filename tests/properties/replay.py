"""Replay a batch of generated worlds, or one world of it; `python -m tests.properties.replay --help` says how."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from orchestration.settings import load_settings
from tests.properties.harness import differences, make_batch, run_batch

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def main(
    seed: Annotated[int, typer.Argument(help="Seed of the batch.", min=0)],
    worlds: Annotated[int, typer.Argument(help="Worlds in the batch.", min=1)],
    number: Annotated[int | None, typer.Argument(help="One world of it, from 0; default: all.", min=0)] = None,
) -> None:
    """Bill generated worlds by the models and by the oracle, and print where the two differ."""
    load_settings()
    folder = Path(tempfile.mkdtemp(prefix="meterhouse_world_"))
    batch = make_batch(seed, worlds, number)
    expected, found = run_batch(batch, folder)
    told = differences(expected, found, limit=200)
    print("\n".join(told) or "no difference", f"\n{batch.tenant_months} tenant-months; files in {folder}", sep="")
    if told:
        raise typer.Exit(1)


if __name__ == "__main__":
    app()
