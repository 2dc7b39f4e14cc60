"""Flip each rule and see whether the suite notices; `python -m tests.mutation --help` says what it takes.

A mutant is killed by the worlds (a line, a fate or a data test differs from the oracle's), else by
a dbt unit test. Writes docs/mutants.md. Takes about 15 seconds a mutant.
"""

from __future__ import annotations

import os
import random
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from orchestration import pipeline
from orchestration.settings import PROJECT_DIR, Settings, load_settings
from orchestration.warehouse.dbt_build import build
from tests.mutation.arguments import ARGUED
from tests.mutation.mutants import Mutant, mutants
from tests.oracle import Bill, bill
from tests.properties.harness import clear, copy_project, differences, make_batch, read_warehouse, write_landing

app = typer.Typer(add_completion=False, rich_markup_mode=None)
BATCHES = ((0, 60), (1, 60))


@dataclass
class Ground:
    """A batch taken in once, its build file kept to start every mutant from, and the oracle's bill."""

    settings: Settings
    expected: Bill
    fresh: Path

    def build_as_is(self) -> str:
        """Builds; returns why it differs from the oracle's bill, or nothing."""
        shutil.copy(self.fresh, self.settings.warehouse_path)
        outcome = build(self.settings)
        if outcome.errors:
            return "the build fails"
        failed = [test.name for test in outcome.tests if not test.passed]
        if failed:
            return f"data test {failed[0]}"
        told = differences(self.expected, read_warehouse(self.settings), limit=10_000)
        return f"{len(told)} differences from the oracle" if told else ""


def _prepare(folder: Path, seed: int, worlds: int) -> Ground:
    batch = make_batch(seed, worlds)
    project = copy_project(folder / "project", batch)
    settings = Settings(home=folder / "var", landing=folder / "landing", project_dir=project, memory_limit="1GB")
    clear(settings)
    write_landing(settings.landing, batch.tables, random.Random(seed))
    pipeline.take_in(settings, lambda _: None)
    fresh = folder / "fresh.duckdb"
    shutil.copy(settings.warehouse_path, fresh)
    ground = Ground(settings, bill(settings.landing, project / "seeds"), fresh)
    told = ground.build_as_is()
    if told:
        raise SystemExit(f"without any mutant: {told}")
    return ground


def _unit_tests_fail(ground: Ground) -> str:
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    settings = ground.settings
    os.environ["METERHOUSE_WAREHOUSE"] = str(settings.warehouse_path)
    folder = str(settings.project_dir)
    command = ["test", "--select", "test_type:unit", "--project-dir", folder, "--profiles-dir", folder, "--quiet"]
    result = dbtRunner().invoke([*command, "--target-path", str(settings.dbt_target_dir)])
    DuckDBConnectionManager.close_all_connections()
    if result.result is None:
        return "the unit tests do not run"
    # Before them dbt looks at the build file, which is a success, not a pass.
    failed = [node.node.name for node in result.result.results if str(node.status) not in ("pass", "success")]
    return f"unit test {failed[0]}" if failed else ""


def _kill(grounds: list[Ground], file: str, find: str, replace: str) -> str:
    original = (PROJECT_DIR / file).read_text(encoding="utf-8")
    assert original.count(find) == 1, f"{file} has {find!r} {original.count(find)} times"
    try:
        for ground in grounds:
            (ground.settings.project_dir / file).write_text(original.replace(find, replace), encoding="utf-8")
        for ground in grounds:
            if told := ground.build_as_is():
                return told
        return _unit_tests_fail(grounds[0])
    finally:
        for ground in grounds:
            (ground.settings.project_dir / file).write_text(original, encoding="utf-8")


def _copy_unit_tests(ground: Ground) -> None:
    """Their inputs name seeds of the project, so they run on the same copy as the models."""
    for path in (PROJECT_DIR / "models").rglob("*__unit_tests.yml"):
        shutil.copy(path, ground.settings.project_dir / path.relative_to(PROJECT_DIR))


@app.command()
def main(
    clauses: Annotated[list[str] | None, typer.Argument(help="Whose mutants, as PRC-06; default: all.")] = None,
    survivors: Annotated[bool, typer.Option("--survivors", help="Those alone that the page says survive.")] = False,
) -> None:
    """Flip rules, about 15 seconds each, and see whether the suite notices; writes docs/mutants.md."""
    chosen = _chosen(clauses or [], survivors)
    load_settings()
    folder = Path(tempfile.mkdtemp(prefix="meterhouse_mutants_"))
    grounds = [_prepare(folder / str(seed), seed, worlds) for seed, worlds in BATCHES]
    for ground in grounds:
        _copy_unit_tests(ground)
    rows, unargued = [], 0
    for number, (clause, file, find, replace) in enumerate(chosen, start=1):
        told = _kill(grounds, file, find, replace)
        argued = ARGUED.get((clause, find, replace), "")
        unargued += not told and not argued
        print(f"{number} of {len(chosen)} {clause} {Path(file).stem}: {told or 'SURVIVED'}", flush=True)
        rows.append((clause, file, find, replace, told or f"**survives** {argued}"))
    killed = sum(not row[4].startswith("**") for row in rows)
    print(f"{killed} of {len(rows)} mutants killed")
    _write_table(rows)
    shutil.rmtree(folder)
    if killed < 0.95 * len(rows) or unargued:
        raise typer.Exit(1)


def _chosen(clauses: list[str], survivors: bool) -> list[Mutant]:
    """The mutants asked for; a clause without one is a slip of the pen, and trying none would look like success."""
    known = {mutant.clause_id for mutant in mutants()}
    if strangers := [clause for clause in clauses if clause not in known]:
        raise typer.BadParameter(f"{', '.join(strangers)}: no mutant. Those of tests/mutation/mutants.csv have one.")
    told = _told_before() if survivors else {}
    return [
        mutant
        for mutant in mutants()
        if (not clauses or mutant.clause_id in clauses)
        and (not survivors or "**survives**" in told.get(_key(*mutant), ""))
    ]


PAGE = PROJECT_DIR / "docs" / "mutants.md"


def _key(clause: str, file: str, find: str, replace: str) -> str:
    """The cells that name a mutant on the page."""
    shown = ["`" + (" ".join(text.split()).replace("|", "\\|") or "(nothing)") + "`" for text in (find, replace)]
    return f"| {clause} | {Path(file).name} | {shown[0]} | {shown[1]} |"


def _told_before() -> dict[str, str]:
    """What the page says killed each mutant."""
    told: dict[str, str] = {}
    for line in PAGE.read_text(encoding="utf-8").splitlines() if PAGE.exists() else []:
        before, _, last = line.removesuffix(" |").rpartition(" | ")
        told[f"{before} |"] = last
    return told


def _write_table(rows: list[tuple[str, str, str, str, str]]) -> None:
    """The page of every mutant; those not tried this time keep the row they have."""
    told = _told_before() | {_key(*row[:4]): row[4] for row in rows}
    lines = [f"{_key(*mutant)} {told[_key(*mutant)]} |" for mutant in mutants() if _key(*mutant) in told]
    survivors = sum("**survives**" in line for line in lines)
    head = [
        "# Mutants",
        "",
        f"Each rule flipped on purpose, and what noticed: {len(lines) - survivors} of {len(lines)} killed. "
        "Made by `make mutants`; `python -m tests.mutation PRC-06` tries the mutants of one clause again.",
        "",
        "| Clause | File | Was | Became | Killed by |",
        "| --- | --- | --- | --- | --- |",
    ]
    PAGE.write_text("\n".join([*head, *lines]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    app()
